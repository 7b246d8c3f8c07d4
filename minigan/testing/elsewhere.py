"""The same check at other inputs, drawn for it: what holds by coincidence does not hold there."""
from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import Callable, Iterator, TypeVar

import numpy as np

from .function import Point, largest_of
from .report import Report
from .stage import Stage

SMALL = 16  # elements: where coincidences are likely, larger inputs are looked at too

Seen = TypeVar("Seen")


def elsewhere(stage: Stage, look: Callable[[Stage], Seen | None]) -> Iterator[Seen]:
    """What `look` sees of the stage at two inputs of the same shapes, and at two larger ones where
    these are taken; None is nothing, and other inputs are drawn."""
    first, rng = stage.first, np.random.default_rng(0)
    inputs = first.function.filled(first.point)
    small = max(x.size for x in first.point) <= SMALL and not any(
        "imaginary" in name for name in first.function.names)  # along a last axis of two
    for factor, first_draw in [(1, _alike), (2, _signed), (1, _signed), (2, _alike)]:
        for draw in (first_draw, *DRAWS) if factor == 1 or small else ():
            drawn = [draw(rng, x, shape) if x.dtype.kind == "f" else np.resize(x, shape)
                     for x, shape in zip(inputs, _grown(inputs, factor))]
            try:
                seen = look(_stage(stage, drawn, rng))
            except MemoryError:
                raise
            except Exception:  # outside of the domain, or shapes that are not taken
                continue
            if seen is not None:
                yield seen
                break


def _stage(stage: Stage, inputs: Point, rng: np.random.Generator) -> Stage:
    """The same stage at other inputs, with a report of its own."""
    if stage.before is not None:
        return _stage(stage.before, inputs, rng).above()
    f, settings = copy(stage.function), replace(stage.settings, kinks="subgradient")
    f.inputs = inputs
    return Stage(f, [inputs[i].astype(np.float64) for i in f.variables], settings, Report("", 0),
                 rng)


def _grown(inputs: Point, factor: int) -> list[tuple[int, ...]]:
    """The shapes with axes so many times longer; those of length 1 too, unless others are there
    along which they may be broadcast."""
    ones = sum(x.ndim > 0 for x in inputs) == 1 or all(n <= 1 for x in inputs for n in x.shape)
    return [tuple(n * factor if n > 1 else n + 3 * (factor - 1) * (ones and n == 1)
                  for n in x.shape) for x in inputs]


def _alike(rng: np.random.Generator, x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers from where x has its own, with as many zeros."""
    low, high = (x.min(), x.max()) if x.size else (0, 0)
    half = max((high - low) / 2, 0.3 * largest_of(x))
    drawn = rng.uniform((low + high) / 2 - half, (low + high) / 2 + half, shape)
    return drawn * (np.resize(rng.permutation(x.reshape(-1)), shape) != 0 if x.any() else 1)


def _signed(rng: np.random.Generator, x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The same of either sign."""
    return _alike(rng, x, shape) * rng.choice([-1, 1], shape)


def _times(low: float, high: float) -> Callable[..., np.ndarray]:
    return lambda rng, x, shape: np.resize(x, shape) * rng.uniform(low, high, shape)


# the first that the function takes counts: it may want probabilities, or numbers above one
DRAWS = (_alike, _times(0.6, 1), _times(1, 1.5), _times(0.99, 1.01))
