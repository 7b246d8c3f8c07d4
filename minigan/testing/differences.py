"""Numerical differentiation: slopes by differences, how far they can be trusted, and kinks.

Everything here looks at a function along a line, t ↦ f(x + t v), whose values are arrays, and
asks for its derivative at t = 0, element by element.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

import numpy as np

Path = Callable[[float], np.ndarray]

EPS = float(np.finfo(np.float64).eps)
STEPS = (1e-4, 1e-6)  # the second where the first met a kink, or a function too steep for it


@dataclass
class Slopes:
    """The derivative along a line, for each element of the value.

    low, high  what it lies between: equal where the function is smooth, else the one-sided slopes
    error      by how much either may be off
    kink       where the one-sided slopes differ
    jump       where there is no slope: a discontinuity, an infinite slope, or values not finite
    """

    low: np.ndarray
    high: np.ndarray
    error: np.ndarray
    kink: np.ndarray
    jump: np.ndarray


@dataclass
class Quotients:
    """Difference quotients with steps h and h / 2, forward and backward."""

    forward: np.ndarray
    forward_half: np.ndarray
    backward: np.ndarray
    backward_half: np.ndarray
    noise: float  # what rounding may contribute to each

    @classmethod
    def of(cls, path: Path, start: np.ndarray, h: float, reach: float) -> Quotients:
        ends = [(path(s) - start) / s for s in (h, h / 2, -h, -h / 2)]
        slope = _largest((ends[1] + ends[3]) / 2)
        # the function's values are rounded, and so are the points that it was taken at
        noise = (20 * _largest(start) + reach * slope) * EPS / h
        return cls(*ends, noise)

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
        floor = 1e-9 + 1e-7 * _largest(narrow) + self.noise
        stays = bend_half > 0.75 * bend
        difference = abs(wide - narrow)
        rough = (difference > 1e-3 * abs(narrow) + floor) | (stays & (bend_half > floor))
        rough |= ~np.isfinite(difference)
        estimate = narrow + (narrow - wide) / 3
        error = difference + self.noise + np.where(stays, bend_half, 0)
        return Slopes(estimate, estimate, error, rough, np.zeros_like(rough))

    def one_sided(self) -> Slopes:
        """The extremes of the quotients: a kink's slopes, or a jump's lack of them."""
        quotients = np.stack([self.forward, self.forward_half, self.backward, self.backward_half])
        # halving h takes away half of a one-sided quotient's error: the other half may remain
        error = (2 * abs(self.forward - self.forward_half)
                 + 2 * abs(self.backward - self.backward_half) + self.noise)
        finite = np.isfinite(quotients).all(axis=0)
        return Slopes(quotients.min(axis=0), quotients.max(axis=0), error, finite, ~finite)


def slopes(path: Path, start: np.ndarray, reach: float) -> Slopes:
    """The derivative of `path` at 0, where its value is `start`.

    reach  how large the numbers that move are, measured in the direction's length
    """
    wide = Quotients.of(path, start, STEPS[0], reach)
    found = wide.smooth()
    if not found.kink.any():
        return found
    close = Quotients.of(path, start, STEPS[1], reach)
    near, sides = close.smooth(), close.one_sided()
    jump = sides.jump | (close.steepness > 5 * wide.steepness + 1e-6 + close.noise)
    rough, kinked = found.kink, found.kink & near.kink

    def choose(name: str) -> np.ndarray:
        return np.where(kinked, getattr(sides, name),
                        np.where(rough, getattr(near, name), getattr(found, name)))

    return Slopes(choose("low"), choose("high"), choose("error"),
                  kinked & ~jump, kinked & jump)


def _largest(x: np.ndarray) -> float:
    """The largest finite magnitude, 0 if there is none."""
    return float(np.max(abs(x), initial=0, where=np.isfinite(x)))
