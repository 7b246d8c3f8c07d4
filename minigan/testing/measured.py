"""Slopes along some directions beside what the reverse pass makes of them."""
from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .differences import Slopes
from .function import flat
from .stage import Stage

__tracebackhide__ = True  # pytest: the message says what is wrong


@dataclass
class Measured:
    """Slopes along some directions, and what the reverse pass makes of them.

    Arrays of the shape (K, D): for each of K cotangents and D directions. At a smooth point low
    and high are equal, at a kink they bound what is right.
    """

    directions: np.ndarray  # (D, N): all elements of the variables, side by side
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    tolerance: np.ndarray
    size: np.ndarray        # how large the terms are that the slopes are sums of
    coarse: np.ndarray      # whether most errors would fit into what the differences may be off by
    proves: np.ndarray      # whether something was compared at all
    masked: dict[tuple[int, int], np.ndarray] = field(default_factory=dict)  # other cotangents

    @property
    def ratio(self) -> np.ndarray:
        """How far each value is outside its bounds, in tolerances; not finite counts as far."""
        off = np.maximum(np.maximum(self.low - self.value, self.value - self.high), 0)
        ratio = np.divide(off, self.tolerance, out=np.where(off > 0, np.inf, 0.0),
                          where=self.tolerance > 0)
        return np.where(self.proves, np.where(np.isfinite(off), ratio, np.inf), 0)

    def put(self, k: int, d: int, other: Measured, row: int = 0) -> None:
        """Put another measurement, a row of its shape (K, 1), in the place of one."""
        for name in ("value", "low", "high", "tolerance", "size", "coarse", "proves"):
            getattr(self, name)[k, d] = getattr(other, name)[row, 0]


def measure(stage: Stage, directions: np.ndarray, u: np.ndarray, gradients: np.ndarray
            ) -> Measured:
    """The derivatives along directions, (D, N), for each cotangent in u, (K, M), and its gradients,
    (K, N)."""
    def agrees(found: Slopes) -> np.ndarray:
        seen = _compared(stage, directions, found, u, gradients)
        # what is close is looked at again
        return ((seen.ratio <= 0.1) & ~seen.coarse).all(axis=0)

    if are_linear(stage, directions):
        found = stage.guarded(stage.function.linear_slopes, stage.point,
                              directions[:, stage.moving:])
        found.error += stage.near.noise
    else:
        found = stage.slopes(directions, agrees)
    excluded = _excluded(stage, found)
    known = Slopes(*[np.where(excluded, 0, a) for a in (found.low, found.high, found.error)],
                   found.kink, found.jump)
    measured = _compared(stage, directions, known, u, gradients)
    hidden = excluded.any(axis=1)
    measured.proves[:, hidden] = False
    unmoved = (known.low == 0) & (known.high == 0)
    others = stage.settings.cotangent is None  # whether other cotangents may be tried
    for d in np.flatnonzero(others & (hidden | found.kink.any(axis=1)
                                      | measured.coarse.any(axis=0))):
        masks = [excluded[d]] if hidden[d] else []
        # without kinks, whose bounds are wide, and what lies still, whose noise is not
        masks.append(excluded[d] | found.kink[d] | unmoved[d])
        for mask in masks:
            _compare_without(stage, measured, known, int(d), mask, u)
    blurred = measured.coarse & measured.proves & (measured.ratio <= 1)
    measured.proves &= ~blurred
    stage.report.skip(f"differences too coarse, {stage.name}",
                      int(blurred.all(axis=0).sum()))
    return measured


def _compare_without(stage: Stage, measured: Measured, found: Slopes, d: int, mask: np.ndarray,
                     u: np.ndarray) -> None:
    """Compare direction d once more, for a cotangent that is 0 at the outputs in the mask; what
    that shows counts where it is sharper, or worse, than what was known."""
    k, row = d % len(u), slice(d, d + 1)
    one = np.where(mask, 0, u[k])[None]
    seen = _compared(stage, measured.directions[row], found.rows(row), one,
                     flat(stage.pull_back(one[0]))[None])
    # what moved was left out, what lay still has no slope: that alone proves nothing
    seen.proves[...] = (seen.size > 0) | (seen.ratio > 1)
    if seen.proves[0, 0] and (not measured.proves[k, d] or measured.coarse[k, d]
                              or seen.ratio[0, 0] > measured.ratio[k, d]):
        measured.put(k, d, seen)
        measured.masked[k, d] = one[0]


def _compared(stage: Stage, directions: np.ndarray, found: Slopes, u: np.ndarray,
              gradients: np.ndarray) -> Measured:
    """What the reverse pass says of the directions, beside the slopes that were found."""
    value = gradients @ directions.T
    middle, half = (found.low + found.high) / 2, (found.high - found.low) / 2
    centre, spread = u @ middle.T, abs(u) @ half.T
    size = abs(u) @ (abs(middle) + half).T
    error = abs(u) @ found.error.T
    # what no difference could tell from zero, in which the reverse pass may be off as well
    steps = (abs(directions) / stage.reach).sum(axis=1) * (not are_linear(stage, directions))
    floor = 16 * np.multiply.outer(stage.invisible(u), steps)
    tolerance = stage.settings.atol + stage.settings.rtol * size + error + floor
    largest = np.maximum(size, abs(value))
    # where that is much, for the values are rounded roughly, it is no proof of anything
    seen = abs(u) @ stage.near.seen
    rough = (16 * stage.invisible(u) > 1e-6 * seen) & (seen > 0)
    coarse = (error > 0.01 * largest) & ((largest > floor) | rough[:, None])
    return Measured(directions, value, centre - spread, centre + spread, tolerance, size,
                    coarse, np.ones(value.shape, bool))


def are_linear(stage: Stage, directions: np.ndarray) -> bool:
    """Whether those variables alone move in which the function is linear."""
    return not directions[:, :stage.moving].any()


def _excluded(stage: Stage, found: Slopes) -> np.ndarray:
    """The outputs that are not compared, counted; raises where a kink is not allowed."""
    kinks, report = stage.settings.kinks, stage.report
    kinked, jumping = (int(a.any(axis=1).sum()) for a in (found.kink, found.jump))
    if kinks == "raise" and kinked + jumping:
        raise stage.fail("a kink or a jump at this point, where none is allowed")
    report.skip(f"a jump, {stage.name}", jumping)
    report.skip(f"values that change with every digit of the inputs, {stage.name}",
                len(found.low) * bool(stage.near.lost.any()))
    if kinks == "skip":
        report.skip(f"a kink, {stage.name}", kinked)
        return found.jump | found.kink
    report.kinks += kinked
    return found.jump | stage.near.lost
