"""Points in the plane, as what a generator makes of noise in two dimensions."""
from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..autodiff import no_grad
from ..checked import checked
from ..errors import UserError
from .png import data_uri, png
from .svg import Limits, clipped, coloured, frame, limits, pixels, polyline, save_svg

_SIDE = 360   # pixels of the axis that lies
_CELLS = 90   # of a surface, along each axis
_STRONGEST = 110  # of 255, is a colour of it: points are to be seen
_BLUE, _ORANGE = (31, 119, 180), (232, 89, 12)


@checked
def save_scatter(path: str | os.PathLike, sets: Mapping[str, np.ndarray],
                 colours: Mapping[str, str] | None = None,
                 surface: Callable[[np.ndarray], Any] | None = None,
                 arrows: tuple[np.ndarray, np.ndarray] | None = None) -> None:
    """Write sets of points in the plane, and their names, as an SVG with equal axes.

    sets     by their names, arrays of (N, 2) numbers; points that are not finite are left out
    colours  of sets by their names, as CSS knows them; the others have colours of their own
    surface  a function of (M, 2) points that returns M numbers, such as a discriminator's logits:
             behind the points it is blue where it is positive and orange where it is negative,
             the stronger the farther it is from 0
    arrows   where they begin and where they point, both (N, 2): the longest is as long as a tenth
             of the drawing, and the others as they are beside it

    A file that was there is replaced in one step. Raises UserError for another suffix than .svg,
    and for a set that is no (N, 2).
    """
    if Path(path).suffix.lower() != ".svg":
        raise UserError(f"points are drawn as an .svg, and {Path(path).name!r} ends in another way")
    sets = {name: _plane(f"the set {name!r}", points) for name, points in sets.items()}
    sets = {name: points[np.isfinite(points).all(axis=1)] for name, points in sets.items()}
    everywhere = np.concatenate([np.zeros((0, 2)), *sets.values()])
    x, y, size = _equal(limits(everywhere[:, 0]), limits(everywhere[:, 1]))

    def at(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return pixels(points[:, 0], x, size[0]), size[1] - pixels(points[:, 1], y, size[1])

    colours = coloured(sets, colours)
    marks = [] if surface is None else [_heat(surface, x, y, size)]
    for name, points in sets.items():
        wide = min(max(12 / max(len(points), 1) ** 0.25, 2.5), 6)  # many are small
        d = "".join(f"M{a:.1f} {b:.1f}h0" for a, b in zip(*at(points)))
        marks.append(f'<path d="{d}" stroke="{colours[name]}" stroke-width="{wide:.1f}"/>')
    if arrows is not None:
        starts, ways = (_plane("of arrows, each", array) for array in arrows)
        there = np.isfinite(starts + ways).all(axis=1)
        marks.append(_arrows(*at(starts[there]), ways[there]))
    save_svg(path, frame("".join(marks), x, y, size, colours))


def _plane(what: str, points: np.ndarray) -> np.ndarray:
    points = np.asarray(points, np.float64)
    if points.ndim != 2 or points.shape[1] != 2:
        raise UserError(f"{what} is of shape (N, 2), not {points.shape}")
    return points


def _equal(*spans: Limits) -> tuple[Limits, Limits, tuple[int, int]]:
    """Limits so widened that a unit is as long on both axes, and how long these are."""
    unit = max(high - low for low, high in spans) / _SIDE
    size = _SIDE, max(round((spans[1][1] - spans[1][0]) / unit), _SIDE // 3)
    x, y = (((low + high - length * unit) / 2, (low + high + length * unit) / 2)
            for (low, high), length in zip(spans, size))
    return x, y, size


def _heat(surface: Callable, x: Limits, y: Limits, size: tuple[int, int]) -> str:
    """A picture of a function's values, a cell for each."""
    columns, rows = (round(_CELLS * length / _SIDE) for length in size)
    centres = [low + (np.arange(n) + 0.5) / n * (high - low)
               for n, (low, high) in ((columns, x), (rows, y))]
    points = np.stack(np.meshgrid(centres[0], centres[1][::-1]), axis=-1)
    with no_grad():
        values = np.asarray(surface(points.reshape(-1, 2).astype("float32")), np.float64)
    values = clipped(np.nan_to_num(values.reshape(rows, columns)))
    cells = np.empty((rows, columns, 4), np.uint8)
    cells[..., :3] = np.where(values[..., None] > 0, _BLUE, _ORANGE)
    cells[..., 3] = np.rint(_STRONGEST * abs(values) / (abs(values).max() or 1))
    return (f'<image href="{data_uri("png", png(cells))}" width="{size[0]}" height="{size[1]}" '
            'preserveAspectRatio="none"/>')


def _arrows(x: np.ndarray, y: np.ndarray, ways: np.ndarray) -> str:
    """In pixels, where y is counted downwards."""
    dx, dy = clipped(ways).T * [[1], [-1]]
    dx, dy = (part / (np.hypot(dx, dy).max(initial=0) or 1) * _SIDE / 10 for part in (dx, dy))
    gap, tip_x, tip_y = np.full(len(x), np.nan), x + dx, y + dy
    left, right = 0.27 * dx + 0.13 * dy, 0.27 * dx - 0.13 * dy
    down, up = 0.27 * dy - 0.13 * dx, 0.27 * dy + 0.13 * dx
    d = polyline(*(np.stack(parts, axis=1).ravel() for parts in (
        (x, tip_x, gap, tip_x - left, tip_x, tip_x - right, gap),
        (y, tip_y, gap, tip_y - down, tip_y, tip_y - up, gap))))
    return f'<path d="{d}" stroke="currentColor"/>'
