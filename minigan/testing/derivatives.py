"""⟨u, J v⟩ by differences against ⟨Jᵀ u, v⟩ by the reverse pass, for many u and v at once."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator

import numpy as np

from .diagnosis import likely_cause
from .differences import Slopes
from .function import flat
from .report import Comparison
from .stage import Stage, index

__tracebackhide__ = True  # pytest: the message says what is wrong

FEW = (64, 8)       # up to so many elements, each is also moved alone: first order, higher orders
BLOCK = 2_000_000   # numbers that a block of slopes holds at most


@dataclass
class Measured:
    """Slopes along some directions, and what the reverse pass makes of them.

    Arrays of the shape (K, D): for each of K cotangents and D directions. At a smooth point low
    and high are equal, at a kink they bound what is right.
    """

    directions: np.ndarray  # (D, N): all elements of the variables that move, side by side
    first: int              # the first of these variables
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    tolerance: np.ndarray
    proves: np.ndarray      # whether something was compared at all

    @property
    def ratio(self) -> np.ndarray:
        """How far each value is outside its bounds, in tolerances; not finite counts as far."""
        off = np.maximum(np.maximum(self.low - self.value, self.value - self.high), 0)
        ratio = np.where(np.isfinite(off), off / self.tolerance, np.inf)
        return np.where(self.proves, ratio, 0)


def check_derivatives(stage: Stage) -> None:
    """Compare the derivatives of one order; raises GradientError if one is wrong."""
    u = stage.cotangents(stage.settings.directions)
    gradients = np.stack([flat(stage.pull_back(row)) for row in u])
    made, failed = 0, []
    for measured in _all_directions(stage, u, gradients) if stage.start.size else ():
        made += int(measured.proves.sum())
        stage.report.worst = max(stage.report.worst, float(measured.ratio.max(initial=0)))
        if (measured.ratio > 1).any():
            failed.append(measured)
    stage.report.checked[stage.name] = made
    if failed:
        raise stage.fail(_explain(stage, failed, made, u, gradients))
    if gradients.size and stage.start.size and not made:
        skipped = [f"{count} x {reason}" for reason, count in stage.report.skipped.items()]
        raise stage.fail("nothing could be compared: " + ", ".join(skipped))


def _all_directions(stage: Stage, u: np.ndarray, gradients: np.ndarray) -> Iterator[Measured]:
    """Each element alone, of inputs that have few; random directions, two where the elements have
    shown the whole Jacobian and no kink; and all ones, which elements that tie follow without a
    kink. For what the function is linear in, random directions suffice: no slope is more exact."""
    count, rng = stage.settings.directions, stage.rng
    fixed = len(stage.point) - stage.function.linear
    sizes = [x.size for x in stage.point[:fixed]]
    n = sum(sizes)
    few = np.flatnonzero(np.repeat([size <= FEW[stage.order > 1] for size in sizes], sizes))
    kinks = stage.report.met_kinks
    for rows in _blocks(len(few), max(n, stage.start.size)):
        yield measure(stage, 0, _units(few[rows], n), u, gradients)
    if n > 1:
        random = 2 if len(few) == n and kinks == stage.report.met_kinks else count
        directions = rng.normal(size=(min(random, count) + 1, n))
        directions[-1] = 1
        for rows in _blocks(len(directions), max(n, stage.start.size)):
            yield measure(stage, 0, directions[rows], u, gradients)
    if stage.function.linear:
        size = sum(x.size for x in stage.point[fixed:])
        yield measure(stage, fixed, rng.normal(size=(count, size)), u, gradients)


def _blocks(count: int, size: int) -> list[np.ndarray]:
    """The numbers up to count, in so many together as memory allows rows of that size."""
    blocks = np.array_split(np.arange(count), max(1, -(-count * size // BLOCK)))
    return [rows for rows in blocks if rows.size]


def _units(elements: np.ndarray, n: int) -> np.ndarray:
    units = np.zeros((len(elements), n))
    units[np.arange(len(elements)), elements] = 1
    return units


def measure(stage: Stage, first: int, directions: np.ndarray, u: np.ndarray,
            gradients: np.ndarray) -> Measured:
    """The derivatives along directions, (D, N), of the variables from the first one on, for each
    cotangent in u, (K, M), and its gradients by all variables, (K, all elements)."""
    value = _of_moving(stage, first, gradients) @ directions.T

    def compared(found: Slopes) -> Measured:
        middle, half = (found.low + found.high) / 2, (found.high - found.low) / 2
        centre, spread = u @ middle.T, abs(u) @ half.T
        size = abs(u) @ (abs(middle) + half).T
        tolerance = stage.settings.atol + stage.settings.rtol * size + abs(u) @ found.error.T
        return Measured(directions, first, value, centre - spread, centre + spread, tolerance,
                        np.ones(value.shape, bool))

    def agrees(found: Slopes) -> np.ndarray:
        return (compared(found).ratio <= 0.1).all(axis=0)  # what is close is looked at again

    if first:
        found = stage.guarded(stage.function.linear_slopes, stage.point, directions)
    else:
        found = stage.slopes(_padded(stage, directions),
                             agrees if stage.settings.kinks == "subgradient" else None)
    excluded = _excluded(stage, found)
    rows = np.flatnonzero(excluded.any(axis=1))
    if rows.size:  # what has no slope takes part in nothing
        found = Slopes(*[np.where(excluded, 0, a) for a in (found.low, found.high, found.error)],
                       found.kink, found.jump)
    measured = compared(found)
    for d in rows:
        moves = bool((found.low[d] != 0).any() or (found.high[d] != 0).any())
        _without(stage, measured, excluded[d], int(d), u, moves)
    return measured


def _padded(stage: Stage, directions: np.ndarray) -> np.ndarray:
    """Directions for all variables, in which those stand still that are measured otherwise."""
    rest = sum(x.size for x in stage.point) - directions.shape[1]
    return np.pad(directions, ((0, 0), (0, rest))) if rest else directions


def _of_moving(stage: Stage, first: int, gradients: np.ndarray) -> np.ndarray:
    """The gradients by the variables that move."""
    border = sum(x.size for x in stage.point[:len(stage.point) - stage.function.linear])
    return gradients[..., border:] if first else gradients[..., :border]


def _without(stage: Stage, measured: Measured, excluded: np.ndarray, d: int, u: np.ndarray,
             moves: bool) -> None:
    """Compare direction d for one cotangent, which is 0 at the outputs that have no slope."""
    k = d % len(u)
    gradient = flat(stage.pull_back(np.where(excluded, 0, u[k])))
    measured.value[k, d] = _of_moving(stage, measured.first, gradient) @ measured.directions[d]
    measured.proves[:, d] = False
    measured.proves[k, d] = True
    # what moved was excluded, what stayed has no slope: that alone proves nothing
    measured.proves[k, d] = moves or measured.ratio[k, d] > 1


def _excluded(stage: Stage, found: Slopes) -> np.ndarray:
    """The outputs that are not compared, counted; raises where a kink is not allowed."""
    kinks, report = stage.settings.kinks, stage.report
    kinked, jumping = (int(a.any(axis=1).sum()) for a in (found.kink, found.jump))
    if kinks == "raise" and kinked + jumping:
        raise stage.fail("a kink or a jump at this point, where none is allowed")
    report.skip(f"a jump, {stage.name}", jumping)
    if kinks == "skip":
        report.skip(f"a kink, {stage.name}", kinked)
        return found.jump | found.kink
    report.kinks += kinked
    return found.jump


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
    return (f"{count} of {made} derivatives are wrong, the worst by\n{worst}"
            + (f"\nlikely: {cause}" if cause else ""))


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
        found = measure(stage, measured.first, halves, u[k:k + 1], gradients[k:k + 1])
        if not found.ratio.any():
            return measured, k, d
        u, gradients = u[k:k + 1], gradients[k:k + 1]
        measured, k, d = found, 0, int(np.argmax(found.ratio[0]))


def _comparison(stage: Stage, measured: Measured, k: int, d: int) -> Comparison:
    """Cotangent k and direction d in words: the variable, and the element if it is one."""
    moving = np.flatnonzero(measured.directions[d])
    numbers = [float(a[k, d]) for a in (measured.value, measured.low, measured.high,
                                        measured.tolerance)]
    begin = 0
    for i, x in enumerate(stage.point[measured.first:], measured.first):
        if moving.size and moving[0] < begin + x.size:
            element = index(int(moving[0]) - begin, x.shape) if moving.size == 1 else None
            return Comparison(stage.function.names[i], i, x.shape, element, *numbers)
        begin += x.size
    raise AssertionError("a direction in which nothing moves was found wrong")
