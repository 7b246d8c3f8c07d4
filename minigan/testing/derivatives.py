"""⟨u, J v⟩ by differences against ⟨Jᵀ u, v⟩ by the reverse pass, for many u and v at once."""
from __future__ import annotations

from typing import Callable, Iterator

import numpy as np

from .diagnosis import likely_cause
from .existence import confirm
from .function import flat
from .measured import Measured, measure
from .report import Comparison
from .stage import Stage, index

__tracebackhide__ = True  # pytest: the message says what is wrong

FEW = (64, 8)       # up to so many elements, each is also moved alone: first order, higher orders
SOME = 32           # of the others, where kinks were met
BLOCK = 2_000_000   # numbers that a block of slopes holds at most


def check_derivatives(stage: Stage) -> None:
    """Compare the derivatives of one order; raises GradientError if one is wrong."""
    u = stage.cotangents_of_losses(-(-stage.settings.directions // stage.order))
    gradients = np.stack(list(map(flat, stage.pull_backs(u))))
    made, failed = 0, []
    for measured in _all_directions(stage, u, gradients) if stage.start.size else ():
        if (measured.ratio > 1).any():
            confirm(stage, measured, u, gradients)
        made += int(measured.proves.sum())
        stage.report.worst = max(stage.report.worst, float(measured.ratio.max(initial=0)))
        if (measured.ratio > 1).any():
            failed.append(measured)
    stage.report.checked[stage.name] = made
    if failed:
        raise stage.fail(_explain(stage, failed, made, u, gradients))
    skipped = [f"{count} x {reason}" for reason, count in stage.report.skipped.items()]
    if gradients.size and stage.start.size and not made and any(
            "coarse" not in reason for reason in skipped):  # else rounding hides the slopes
        raise stage.report.fail(
            f"{stage.name}: nothing could be compared: {', '.join(skipped)}. Choose inputs away "
            "from kinks and poles, where values are not large beside their changes")


def _all_directions(stage: Stage, u: np.ndarray, gradients: np.ndarray) -> Iterator[Measured]:
    """Each element alone, of inputs that have few; random directions, two where the elements have
    shown the whole Jacobian and no kink; and all ones, which elements that tie follow without a
    kink. Where these met kinks, in whose wide bounds errors elsewhere would fit, some elements
    alone of larger inputs too.

    For what the function is linear in, random directions suffice: no slope is more exact."""
    count, rng, n = stage.settings.directions, stage.rng, stage.moving
    sizes = [x.size for x in stage.point[:len(stage.point) - stage.function.linear]]
    few = np.repeat([size <= FEW[stage.order > 1] for size in sizes], sizes)
    steps = stage.scales[:n] * np.isfinite(flat(stage.point)[:n])  # −∞ stays where it is
    stage.report.skip(f"an input of ±∞, {stage.name}", int((steps == 0).sum()))

    def along(given: np.ndarray, made: Callable[[np.ndarray], np.ndarray]) -> Iterator[Measured]:
        blocks = -(-len(given) * max(n, stage.start.size) // BLOCK)  # as memory allows
        for part in np.array_split(given, min(blocks, len(given))) if blocks else ():
            moved = np.zeros((len(part), stage.scales.size))
            moved[:, :n] = made(part) * steps
            yield measure(stage, moved, u, gradients)

    def unit(elements: np.ndarray) -> np.ndarray:
        return 1.0 * (elements[:, None] == np.arange(n))

    before = stage.report.met_kinks
    yield from along(np.flatnonzero(few & (steps > 0)), unit)
    if n > 1:
        random = 2 if few.all() and before == stage.report.met_kinks else count
        directions = rng.normal(size=(min(random, count) + 1, n))
        directions[-1] = 1
        if not few.all():
            directions = np.concatenate([directions, *_by_magnitude(directions, gradients[0, :n])])
        yield from along(directions, np.asarray)
        others = np.flatnonzero(~few & (steps > 0))
        if others.size and before != stage.report.met_kinks:
            yield from along(rng.permutation(others)[:SOME], unit)
    if stage.function.linear:
        moved = np.zeros((min(count, 3), stage.scales.size))
        moved[:, n:] = rng.normal(size=moved[:, n:].shape)
        yield measure(stage, moved, u, gradients)


def _by_magnitude(directions: np.ndarray, gradient: np.ndarray) -> list[np.ndarray]:
    """The first two, for elements of each magnitude of the gradient: large ones hide small ones."""
    with np.errstate(all="ignore"):
        group = np.floor(np.log10(np.max(abs(gradient)) / abs(gradient)) / 4)
    groups = np.unique(group)
    return [directions[:2] * (group == g) for g in groups] if len(groups) > 1 else []


def _explain(stage: Stage, failed: list[Measured], made: int, u: np.ndarray,
             gradients: np.ndarray) -> str:
    """The worst single element; if only whole directions failed, bisected down to one."""
    count = sum(int((measured.ratio > 1).sum()) for measured in failed)
    stage.settings.kinks = "subgradient"  # no more of that: the failure is what is told
    single = [m for m in failed if (m.directions != 0).sum() == len(m.directions)]
    measured = max(single or failed[:1], key=lambda m: m.ratio.max())
    k, d = (int(n) for n in np.unravel_index(np.argmax(measured.ratio), measured.ratio.shape))
    measured, k, d = _bisect(stage, measured, k, d, u, gradients)
    worst = _comparison(stage, measured, k, d)
    cause = likely_cause(stage, worst, u, gradients)
    flat_there = not any(m.low.any() or m.high.any() for m in failed)  # as rounding is
    return (f"{count} of {made} derivatives are wrong, the worst by\n{worst}"
            + (f"\nlikely: {cause}" if cause else "")
            + ("\nif that is meant: surrogate= names the function whose gradient it is"
               if flat_there and stage.function.surrogate is None else ""))


def _bisect(stage: Stage, measured: Measured, k: int, d: int, u: np.ndarray,
            gradients: np.ndarray) -> tuple[Measured, int, int]:
    """Halve the elements that move until a single one is left, keeping the worse half."""
    while True:
        direction = measured.directions[d]
        moving = np.flatnonzero(direction)
        if moving.size <= 1:
            return measured, k, d
        halves = np.zeros((2, direction.size))
        for half, elements in zip(halves, np.array_split(moving, 2)):
            half[elements] = direction[elements]
        found = measure(stage, halves, u[k:k + 1], gradients[k:k + 1])
        if not found.ratio.any():
            return measured, k, d
        u, gradients = u[k:k + 1], gradients[k:k + 1]
        measured, k, d = found, 0, int(np.argmax(found.ratio[0]))


def _comparison(stage: Stage, measured: Measured, k: int, d: int) -> Comparison:
    """Cotangent k and direction d in words: the variable, and the element if it is one."""
    moving, ends = np.flatnonzero(measured.directions[d]), np.cumsum([x.size for x in stage.point])
    length = measured.directions[d, moving[0]] if moving.size == 1 else 1
    value, *ends_of_slope = [float(a[k, d]) / length for a in (
        measured.value, measured.low, measured.high)]
    i = int(np.searchsorted(ends, moving[0], side="right"))
    x = stage.point[i]
    element = index(int(moving[0] - ends[i] + x.size), x.shape) if moving.size == 1 else None
    return Comparison(stage.function.names[i], i, x.shape, element, value, *sorted(ends_of_slope),
                      float(measured.ratio[k, d]))
