"""Points in the plane: distributions so simple that what a generator misses can be seen.

Each function draws n points independently and returns float32 (n, 2). The generator `rng` is a
numpy.random.Generator; the same one gives the same points.
"""
from __future__ import annotations

import csv
from pathlib import Path
from typing import Callable, NamedTuple

import numpy as np

from ..checked import checked
from ..settings import Natural, NotNegative, Positive
from .idx import DataError


@checked
def ring_centers(modes: Positive = 8, radius: float = 1.0) -> np.ndarray:
    """The means of `ring`, evenly spaced on a circle: float32 (modes, 2)."""
    # Without endpoint=False the angles 0 and 2 pi would both be there: one mode, counted twice.
    angle = np.linspace(0, 2 * np.pi, modes, endpoint=False)
    return _points(radius * np.cos(angle), radius * np.sin(angle))


@checked
def ring(n: Natural, rng: np.random.Generator, modes: Positive = 8, radius: float = 1.0,
         std: NotNegative = 0.01) -> np.ndarray:
    """A mixture of equally likely normal distributions on a circle.

    Source: Srivastava et al. 2017 (VEEGAN, arXiv 1705.07761) and Lin et al. 2018 (PacGAN, arXiv
    1712.04086), with their radius and standard deviation.
    """
    return _around(ring_centers(modes, radius), n, rng, std)


@checked
def grid_centers(side: Positive = 5, spacing: float = 2.0) -> np.ndarray:
    """The means of `grid`, side x side of them around the origin: float32 (side * side, 2)."""
    axis = spacing * (np.arange(side) - (side - 1) / 2)
    x, y = np.meshgrid(axis, axis)
    return _points(x.ravel(), y.ravel())


@checked
def grid(n: Natural, rng: np.random.Generator, side: Positive = 5, spacing: float = 2.0,
         std: NotNegative = 0.05) -> np.ndarray:
    """A mixture of equally likely normal distributions on a square lattice.

    Source: as `ring`, with the standard deviation of PacGAN.
    """
    return _around(grid_centers(side, spacing), n, rng, std)


@checked
def spiral(n: Natural, rng: np.random.Generator, turns: float = 2.0,
           std: NotNegative = 0.01) -> np.ndarray:
    """An Archimedean spiral from the origin out to radius 1, blurred by normal noise."""
    # Arc length grows with the square of the radius: the root spreads the points evenly along it.
    radius = np.sqrt(rng.random(n))
    angle = 2 * np.pi * turns * radius
    return _blur(_points(radius * np.cos(angle), radius * np.sin(angle)), rng, std)


@checked
def moons(n: Natural, rng: np.random.Generator, std: NotNegative = 0.05) -> np.ndarray:
    """Two interleaving half circles of radius 1, blurred by normal noise.

    The upper one is centred at (0, 0), the lower one at (1, 0.5), as in scikit-learn.
    """
    angle = np.pi * rng.random(n)
    lower = rng.random(n) < 0.5
    x = np.where(lower, 1 - np.cos(angle), np.cos(angle))
    y = np.where(lower, 0.5 - np.sin(angle), np.sin(angle))
    return _blur(_points(x, y), rng, std)


@checked
def pinwheel(n: Natural, rng: np.random.Generator, arms: Positive = 5, length: float = 0.3,
             width: float = 0.08, swirl: float = 0.25) -> np.ndarray:
    """Equally likely stretched normal distributions around the origin, at radius 1, with `length`
    and `width` for standard deviations, each then turned by `swirl` · 2π more the farther out a
    point is, which bends it into an arm."""
    radius = 1 + length * rng.standard_normal(n)
    across = width * rng.standard_normal(n)
    angle = 2 * np.pi * (rng.integers(arms, size=n) / arms + swirl * radius)
    cos, sin = np.cos(angle), np.sin(angle)
    return _points(radius * cos - across * sin, radius * sin + across * cos)


def _around(centers: np.ndarray, n: int, rng: np.random.Generator, std: NotNegative) -> np.ndarray:
    return _blur(centers[rng.integers(len(centers), size=n)], rng, std)


def _blur(points: np.ndarray, rng: np.random.Generator, std: NotNegative) -> np.ndarray:
    return points + np.float32(std) * rng.standard_normal(points.shape, np.float32)


def _points(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.stack([x, y], axis=1).astype(np.float32)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


class Distribution(NamedTuple):
    """What can be drawn from, and the modes that it has, if it has any."""

    draw: Callable[[int, np.random.Generator], np.ndarray]  # n, rng ↦ (n, 2)
    centers: np.ndarray | None = None  # of its modes, (modes, 2)
    std: NotNegative | None = None              # of each mode


DISTRIBUTIONS: dict[str, Distribution] = {
    "ring": Distribution(ring, ring_centers(), 0.01),
    "grid": Distribution(grid, grid_centers(), 0.05),
    "spiral": Distribution(spiral),
    "moons": Distribution(moons),
    "pinwheel": Distribution(pinwheel),
}


@checked
def read_points(path: str | Path) -> np.ndarray:
    """The points of a CSV file of two columns of numbers: float64 (N, 2).

    The first row may be a heading, cells may be quoted, and empty lines are skipped. Raises
    DataError, which names the row, for one that is not two finite numbers of float32, and for a
    file without two different points.
    """
    points = []
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:  # some begin with a mark
            rows = csv.reader(file, skipinitialspace=True)
            lines = ((rows.line_num, row) for row in rows if row and row != [""])
            for i, (line, row) in enumerate(lines):
                numbers = [_number(cell) for cell in row]
                if i == 0 and numbers == [None, None]:  # a heading
                    continue
                if len(row) != 2 or not all(n is not None and abs(n) < 1e30 for n in numbers):
                    raise DataError(f"{path}, row {line}: expected two numbers with a comma "
                                    f"between them, got {','.join(row)[:40]!r}")
                points.append(numbers)
    except UnicodeDecodeError:
        raise DataError(f"{path} is no text, but a CSV file of two columns is needed") from None
    except csv.Error as error:
        raise DataError(f"{path}, row {rows.line_num}: {error}") from None
    if len(set(map(tuple, points))) < 2:
        raise DataError(f"{path} holds {len(points)} points; two different ones at least are "
                        "needed to learn from")
    return np.array(points)  # float64: large numbers differ in their last digits


@checked
def from_points(points: np.ndarray) -> Distribution:
    """The distribution in which each of the points (N, 2) is equally likely."""
    return Distribution(lambda n, rng: points[rng.integers(len(points), size=n)])
