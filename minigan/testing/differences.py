"""Numerical differentiation: slopes by differences, how far they can be trusted, and kinks.

Everything here looks at a function along lines, t ↦ f(x + t v) for several directions v at once,
and asks for its derivatives at t = 0, element by element. Arrays have the shape (D, M): a row for
each of D directions, a column for each of the M numbers that f returns.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Sequence

import numpy as np

# (t, which) ↦ the values at x + t v, a row for each of the directions whose indices are given
Lines = Callable[[float, np.ndarray], np.ndarray]

EPS = float(np.finfo(np.float64).eps)
STEP = 1e-4
HOPELESS = 1e150       # noise beside which nothing is seen
FINER = (1e-6, 1e-8)   # where a step met a kink, or a function too steep for it
COARSER = (5e-3, 0.25)  # where rounding hides what a step does; then as suits large inputs
PARTS = ("low", "high", "error", "kink", "jump")


@dataclass
class Near:
    """A function's values at and around a point, in one flat array each, (M,)."""

    start: np.ndarray  # the values at the point
    size: np.ndarray   # how large they are as far as an ordinary step reaches, or on the way there
    noise: np.ndarray  # by how much rounding within the function may move them
    seen: np.ndarray   # how large they were seen to be: `size` is more where rounding is rough

    @property
    def error(self) -> np.ndarray:
        """By how much the values at the point may be off."""
        return self.noise + 20 * EPS * abs(self.start)

    @property
    def lost(self) -> np.ndarray:
        """Where neighbours have nothing in common."""
        return self.noise > HOPELESS / 1e10


@dataclass
class Slopes:
    """The derivatives along D directions, for each of the M elements of the value."""

    low: np.ndarray     # what each lies between: equal where the function is smooth,
    high: np.ndarray    # else one-sided slopes
    error: np.ndarray   # by how much either may be off
    kink: np.ndarray    # where the one-sided slopes differ
    jump: np.ndarray    # where there is none: a discontinuity, infinite, or values not finite
    rough: bool = False  # whether a second, shorter step was needed somewhere

    @classmethod
    def exact(cls, slope: np.ndarray) -> Slopes:
        """Slopes that are known up to rounding."""
        nowhere = np.zeros(slope.shape, bool)
        return cls(slope, slope, 64 * EPS * largest(slope) + 0 * slope, nowhere, nowhere)

    def rows(self, which: Any) -> Slopes:
        """Some of the rows."""
        return Slopes(*[getattr(self, name)[which] for name in PARTS])

    def replace(self, which: np.ndarray, other: Slopes) -> None:
        """Put the other's rows in the place of these rows."""
        for name in PARTS:
            mine = np.array(getattr(self, name))
            mine[which] = getattr(other, name)
            setattr(self, name, mine)
        self.rough |= other.rough


@dataclass
class Quotients:
    """Difference quotients with one step h, forward and backward."""

    forward: np.ndarray
    backward: np.ndarray
    noise: np.ndarray  # what rounding may contribute to each

    @classmethod
    def of(cls, lines: Lines, which: np.ndarray, near: Near, h: float,
           reach: np.ndarray) -> Quotients:
        forward, backward = [(lines(s, which) - near.start) / s for s in (h, -h)]
        slope = finite(forward + backward) / 2
        # the function's values are rounded, and so are the points that it was taken at
        rounding = (20 * near.size + 2 * reach[which] * slope) * EPS
        return cls(forward, backward, (near.noise + rounding) / h)

    @property
    def central(self) -> np.ndarray:
        return (self.forward + self.backward) / 2

    @property
    def bend(self) -> np.ndarray:
        """The difference of the two sides: h f″ where the function is smooth."""
        return abs(self.forward - self.backward)

    @property
    def steepness(self) -> np.ndarray:
        return np.maximum(abs(self.forward), abs(self.backward))

    def rows(self, which: np.ndarray) -> Quotients:
        return Quotients(self.forward[which], self.backward[which], self.noise[which])

    def first_look(self) -> Slopes:
        """The central quotients as they are, without their error; `kink` marks where the sides
        differ by more than a gentle bend's 1 %."""
        slope = self.central
        kink = ~(self.bend <= 1e-2 * abs(slope) + 1e-3 * largest(slope) + 2 * self.noise)
        return Slopes(slope, slope, self.noise + 0 * slope, kink, np.zeros_like(kink))


def smooth(wide: Quotients, narrow: Quotients, size: np.ndarray) -> Slopes:
    """Richardson's extrapolation from steps h and h / 2: central differences err by c h², which
    two steps reveal. size is how large the values are near the point.

    `kink` marks where the quotients do not behave as a smooth function's: the central ones
    disagree, or their one-sided difference, h f″ if smooth, does not halve with h.
    """
    slope = narrow.central
    floor = 1e-9 * size + 1e-7 * largest(slope) + 2 * wide.noise
    stays = narrow.bend > 0.75 * wide.bend
    difference = abs(wide.central - slope)
    rough = (difference > 1e-3 * abs(slope) + floor) | (stays & (narrow.bend > floor))
    rough |= ~np.isfinite(difference)
    estimate = slope + (slope - wide.central) / 3
    # a bend that does not halve shows what the central quotients, even in h, hide from each other:
    # of a kink K its half, as far as the mean of both slopes is from either; so it counts twice
    error = (3 * difference + 2 * abs(narrow.bend - wide.bend / 2) + wide.noise
             + np.where(stays, narrow.bend, 0))
    return Slopes(estimate, estimate, error, rough, np.zeros_like(rough))


def one_sided(wide: Quotients, narrow: Quotients) -> Slopes:
    """The extremes of the quotients: a kink's slopes, or a jump's lack of them."""
    quotients = np.stack([wide.forward, narrow.forward, wide.backward, narrow.backward])
    # halving h takes away half of a one-sided quotient's error: the other half may remain
    error = (2 * abs(wide.forward - narrow.forward)
             + 2 * abs(wide.backward - narrow.backward) + wide.noise)
    finite = np.isfinite(quotients).all(axis=0)
    return Slopes(quotients.min(axis=0), quotients.max(axis=0), error, finite, ~finite)


def slopes(lines: Lines, near: Near, reach: np.ndarray,
           suffices: Callable[[Slopes], np.ndarray], look: bool) -> Slopes:
    """The derivatives along the lines at t = 0.

    reach     for each line how large the numbers that move are, in the direction's length, (D, 1)
    suffices  for which lines, (D,), what was found will do
    look      whether a first look may: central quotients, taken with half of the function's
              calls, of which nobody knows how far they are off. Who answers has to know what they
              should be
    """
    def quotients(h: float, which: np.ndarray) -> Quotients:
        return Quotients.of(lines, which, near, h, reach)

    rows = np.arange(len(reach))
    wide = quotients(STEP, rows)
    found = wide.first_look()
    if look:
        rows = np.flatnonzero(found.kink.any(axis=1) | ~suffices(found))
    if rows.size:
        found.replace(rows, smooth(wide.rows(rows), quotients(STEP / 2, rows), near.size))
        straight = ~found.kink
        _look_closer(found, quotients, near.size, wide.steepness)
        steps = [h for h in (*COARSER, STEP * reach.max(initial=0)) if h >= COARSER[0]]
        _look_farther(found, quotients, near.size, steps, straight,
                      lambda: rows[(~suffices(found) & straight.any(axis=1))[rows]])
    return found


def _look_closer(found: Slopes, quotients: Callable[..., Quotients], size: np.ndarray,
                 steepness: np.ndarray) -> None:
    """Shorter steps for the rows that are rough: what they are is known then, smooth, a kink or a
    jump. steepness is that of the quotients so far."""
    rough = found.kink.copy()
    for h in FINER:
        which = np.flatnonzero(rough.any(axis=1))
        if not which.size:
            break
        wide, narrow, known = quotients(h, which), quotients(h / 2, which), found.rows(which)
        closer, sides = smooth(wide, narrow, size), one_sided(wide, narrow)
        # beside what is rough, others may be so unseen: longer steps over many jumps may agree
        better = (closer.error < known.error) | (
            abs(closer.low - known.low) > closer.error + known.error)
        was = rough[which] | ~closer.kink & better
        kinked = was & closer.kink
        jump = kinked & (sides.jump | (wide.steepness > 5 * steepness[which] + wide.noise))
        found.replace(which, _chosen(was, _chosen(kinked, sides, closer), known))
        found.kink[which], found.jump[which] = kinked & ~jump, jump
        found.rough = True
        # a kink's two slopes are those of any step; what is neither is looked at closer
        rough[which] = kinked & ~(sides.error <= 0.1 * (sides.high - sides.low))
        steepness[which] = wide.steepness


def _look_farther(found: Slopes, quotients: Callable[..., Quotients], size: np.ndarray,
                  steps: Sequence[float], straight: np.ndarray,
                  wanting: Callable[[], np.ndarray]) -> None:
    """Longer steps for the rows that are wanting, because rounding hides what shorter ones do;
    `straight` says where the function has been smooth so far."""
    for h in steps:
        which = wanting()
        if not which.size:
            break
        wide, known, between = quotients(h, which), found.rows(which), quotients(h / 8, which)
        far = smooth(wide, quotients(h / 2, which), size)
        # as long as steps twice as long and more agree, and there is no narrow peak on the way
        straight[which] &= ~far.kink & (far.error < known.error)
        straight[which] &= abs(far.low - known.low) <= far.error + known.error
        straight[which] &= abs(far.low - between.central) <= far.error + between.noise
        found.replace(which, _chosen(straight[which], far, known))
        # and rounding is most of what these are off by: else longer ones are off by more
        straight[which] &= far.error <= 2 * wide.noise


def _chosen(where: np.ndarray, one: Slopes, other: Slopes) -> Slopes:
    """The one where the mask says so, else the other."""
    return Slopes(*[np.where(where, getattr(one, name), getattr(other, name)) for name in PARTS])


def computational_noise(values: np.ndarray) -> np.ndarray:
    """What rounding within a function does to its values, as it shows in values at points so close
    together, in a row each, that a smooth function is a parabola there.

    The third differences of independent errors of size σ have the size √20 σ (Hamming 1962; Moré
    and Wild 2011, algorithm ECnoise). Fifty times σ is returned, for each of the M elements.
    """
    third = np.diff(values, 3, axis=0)
    return 50 * finite(np.hypot.reduce(third, axis=0) / np.sqrt(20 * len(third)))


def at_least_half(noise: np.ndarray) -> np.ndarray:
    """No less than what half of the others show, for a few samples may be lucky."""
    return np.maximum(noise, np.sort(noise)[(noise.size - 1) // 2] if noise.size else 0)


def finite(x: np.ndarray) -> np.ndarray:
    """The magnitudes, 0 where they are not finite."""
    return np.where(np.isfinite(x), abs(x), 0)


def largest(x: np.ndarray) -> np.ndarray:
    """The largest finite magnitude of each row, (D, 1); 0 if there is none."""
    x = abs(x)
    top = x.max(axis=1, keepdims=True, initial=0)
    if np.isfinite(top).all():
        return top
    return np.max(x, axis=1, keepdims=True, initial=0, where=np.isfinite(x))
