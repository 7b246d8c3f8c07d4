"""Numerical differentiation: slopes by differences, how far they can be trusted, and kinks.

Everything here looks at a function along lines, t ↦ f(x + t v) for several directions v at once,
and asks for its derivatives at t = 0, element by element. Arrays have the shape (D, M): a row for
each of D directions, a column for each of the M numbers that f returns.
"""
from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Callable

import numpy as np

# (t, which) ↦ the values at x + t v, a row for each of the directions whose indices are given
Lines = Callable[[float, np.ndarray], np.ndarray]

EPS = float(np.finfo(np.float64).eps)
STEPS = (1e-4, 1e-6)  # the second where the first met a kink, or a function too steep for it


@dataclass
class Slopes:
    """The derivatives along D directions, for each of the M elements of the value.

    low, high  what each lies between: equal where the function is smooth, else one-sided slopes
    error      by how much either may be off
    kink       where the one-sided slopes differ
    jump       where there is no slope: a discontinuity, an infinite slope, or values not finite
    """

    low: np.ndarray
    high: np.ndarray
    error: np.ndarray
    kink: np.ndarray
    jump: np.ndarray

    @classmethod
    def exact(cls, slope: np.ndarray) -> Slopes:
        """Slopes that are known up to rounding."""
        nowhere = np.zeros(slope.shape, bool)
        return cls(slope, slope, 64 * EPS * largest(slope) + 0 * slope, nowhere, nowhere)

    def replace(self, which: np.ndarray, other: Slopes) -> None:
        """Put the other's rows in the place of these rows."""
        for field in fields(self):
            mine = np.array(getattr(self, field.name))
            mine[which] = getattr(other, field.name)
            setattr(self, field.name, mine)


@dataclass
class Quotients:
    """Difference quotients with steps h and h / 2, forward and backward."""

    forward: np.ndarray
    forward_half: np.ndarray
    backward: np.ndarray
    backward_half: np.ndarray
    noise: np.ndarray  # what rounding may contribute to each, (D, 1)

    @classmethod
    def of(cls, lines: Lines, which: np.ndarray, start: np.ndarray, h: float,
           reach: np.ndarray, noise: float) -> Quotients:
        ends = [(lines(s, which) - start) / s for s in (h, h / 2, -h, -h / 2)]
        slope = largest((ends[1] + ends[3]) / 2)
        # the function's values are rounded, and so are the points that it was taken at
        rounding = (20 * largest(start[None]) + 2 * reach[which] * slope) * EPS
        return cls(*ends, (noise + rounding) / h)

    @property
    def central(self) -> np.ndarray:
        return (self.forward + self.backward) / 2

    @property
    def central_half(self) -> np.ndarray:
        return (self.forward_half + self.backward_half) / 2

    @property
    def steepness(self) -> np.ndarray:
        return np.maximum(abs(self.forward), abs(self.backward))

    def smooth(self) -> Slopes:
        """Richardson's extrapolation: central differences err by c h², which two steps reveal.

        `kink` marks where the quotients do not behave as a smooth function's: the central ones
        disagree, or their one-sided difference, h f″ if smooth, does not halve with h.
        """
        wide, narrow = self.central, self.central_half
        bend = abs(self.forward - self.backward)
        bend_half = abs(self.forward_half - self.backward_half)
        floor = 1e-9 + 1e-7 * largest(narrow) + self.noise
        stays = bend_half > 0.75 * bend
        difference = abs(wide - narrow)
        rough = (difference > 1e-3 * abs(narrow) + floor) | (stays & (bend_half > floor))
        rough |= ~np.isfinite(difference)
        estimate = narrow + (narrow - wide) / 3
        error = 3 * difference + self.noise + np.where(stays, bend_half, 0)
        return Slopes(estimate, estimate, error, rough, np.zeros_like(rough))

    def one_sided(self) -> Slopes:
        """The extremes of the quotients: a kink's slopes, or a jump's lack of them."""
        quotients = np.stack([self.forward, self.forward_half, self.backward, self.backward_half])
        # halving h takes away half of a one-sided quotient's error: the other half may remain
        error = (2 * abs(self.forward - self.forward_half)
                 + 2 * abs(self.backward - self.backward_half) + self.noise)
        finite = np.isfinite(quotients).all(axis=0)
        return Slopes(quotients.min(axis=0), quotients.max(axis=0), error, finite, ~finite)


def slopes(lines: Lines, start: np.ndarray, reach: np.ndarray, noise: float) -> Slopes:
    """The derivatives along the lines at t = 0, where the value is `start`, (M,).

    reach  for each line how large the numbers that move are, in the direction's length, (D, 1)
    noise  by how much values may be off, beyond their own rounding
    """
    wide = Quotients.of(lines, np.arange(len(reach)), start, STEPS[0], reach, noise)
    found = wide.smooth()
    rows = np.flatnonzero(found.kink.any(axis=1))
    if rows.size:
        close = Quotients.of(lines, rows, start, STEPS[1], reach, noise)
        found.replace(rows, _closer(found, wide.steepness[rows], close, rows))
    return found


def _closer(found: Slopes, steepness: np.ndarray, close: Quotients, rows: np.ndarray) -> Slopes:
    """The rows where the wide step met something, with what the close step says of it."""
    near, sides = close.smooth(), close.one_sided()
    jump = sides.jump | (close.steepness > 5 * steepness + 1e-6 + close.noise)
    rough = found.kink[rows]
    kinked = rough & near.kink

    def choose(name: str) -> np.ndarray:
        return np.where(kinked, getattr(sides, name),
                        np.where(rough, getattr(near, name), getattr(found, name)[rows]))

    return Slopes(choose("low"), choose("high"), choose("error"), kinked & ~jump, kinked & jump)


def computational_noise(values: np.ndarray) -> float:
    """What rounding within a function does to its values, as it shows in values at points so close
    together, in a row each, that a smooth function is a parabola there.

    The third differences of independent errors of size σ have the size √20 σ (Hamming 1962; Moré
    and Wild 2011, algorithm ECnoise). Ten times the largest σ is returned.
    """
    third = np.diff(values, 3, axis=0)
    sigma = np.sqrt(np.mean(third ** 2, axis=0) / 20)
    return 10 * float(np.max(sigma, initial=0, where=np.isfinite(sigma)))


def largest(x: np.ndarray) -> np.ndarray:
    """The largest finite magnitude of each row, (D, 1); 0 if there is none."""
    x = abs(x)
    top = x.max(axis=1, keepdims=True, initial=0)
    if np.isfinite(top).all():
        return top
    return np.max(x, axis=1, keepdims=True, initial=0, where=np.isfinite(x))
