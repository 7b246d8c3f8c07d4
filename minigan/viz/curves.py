"""Numbers over the steps of a training run, drawn as lines."""
from __future__ import annotations

import gc
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..checked import checked
from .figure import new_figure, save_figure
from .svg import Limits, coloured, frame, limits, pixels, polyline, save_svg

_MANY = 200  # more points than this are noise to the eye: a smoothed line is drawn over them
_WIDE = 2000  # more than this have no room beside each other, and would take seconds

Line = tuple[np.ndarray, np.ndarray]


@checked
def save_curves(path: str | os.PathLike, steps: Sequence[int],
                curves: Mapping[str, Sequence[float]], ylabel: str) -> None:
    """Write a line plot of every curve over the steps: SVG, or by matplotlib PNG, PDF and others,
    by the path's suffix.

    steps and each of the curves are equally long; the names of the curves make the legend. A
    curve of more than 200 points is drawn pale, and over it, strong, its moving average, which
    looks at a twentieth of the points at a time; one of more than 2,000 by what they are in as many
    stretches at most. Values that are not finite leave gaps. A file
    that was there is replaced in one step. Raises ValueError for a curve whose length is not
    that of steps, and UserError where there is no matplotlib, unless the path ends in .svg.
    """
    for name, values in curves.items():
        if len(values) != len(steps):
            raise ValueError(f"the curve {name!r} has {len(values)} values for {len(steps)} steps")
    if Path(path).suffix.lower() == ".svg":
        return save_svg(path, svg_curves(steps, curves, ylabel, size=(600, 300)))
    save_figure(path, _figure(steps, curves, ylabel))
    gc.collect(1)  # it is thousands of objects that hold each other


def _figure(steps: Sequence[int], curves: Mapping[str, Sequence[float]], ylabel: str) -> Any:
    figure = new_figure(8, 4.5, "write an .svg")
    axes = figure.subplots()
    for name, values in curves.items():
        (at, strong), *pale = _lines(steps, values, _WIDE)
        line, = axes.plot(at, strong, label=name, linewidth=1.8)
        for at, values in pale:
            axes.plot(at, values, color=line.get_color(), alpha=0.25, linewidth=0.8, zorder=1)
    axes.set_xlabel("step")
    axes.set_ylabel(ylabel)
    axes.margins(x=0.01)
    axes.grid(color="0.9", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, ncols=4, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)
    return figure


def svg_curves(steps: Sequence[int], curves: Mapping[str, Sequence[float]], ylabel: str = "",
               shown: Limits | None = None, last: int = 0, size: tuple[int, int] = (300, 120)
               ) -> str:
    """The same as an SVG element, with a plot of that many pixels. Shown are all values, but for
    the outermost 1 % of a long curve, or those within limits; and steps up to `last`, at least."""
    steps, (width, height) = np.asarray(steps, np.float64), size
    lines = {name: _lines(steps, values, width) for name, values in curves.items()}
    near = [np.zeros(0) if shown is None else np.array(shown)]
    for values in curves.values() if shown is None else ():
        values = np.sort(np.asarray(values, np.float64)[np.isfinite(values)])
        few = len(values) // (_MANY + 1)
        near.append(values[few:len(values) - few])
    x = limits(np.append(steps, last) if last else steps, room=0.01)
    y = limits(np.concatenate(near))
    colours, pale, marks = coloured(curves), "", ""
    for name, drawn in lines.items():
        first, *others = [polyline(pixels(at, x, width), height - pixels(values, y, height))
                          for at, values in drawn]
        marks += f'<path d="{first}" stroke="{colours[name]}" stroke-width="1.8"/>'
        pale += "".join(f'<path d="{other}" stroke="{colours[name]}" opacity=".25"/>'
                        for other in others)
    return frame(pale + marks, x, y, size, colours, "step", ylabel, bool((steps % 1 == 0).all()))


def _lines(steps: Sequence[float], values: Sequence[float], many: int) -> list[Line]:
    """What is drawn of a curve: a strong line, as x and y, and of a long curve then a pale one."""
    at, values = np.asarray(steps), np.asarray(values, np.float64)
    values = np.where(np.isfinite(values), values, np.nan)
    if len(values) <= _MANY:
        return [(at, values)]
    starts, means, least, most = stretches(values, many)
    at = at[starts]
    return [(at, _smooth(means)), (at.repeat(2), np.stack([least, most], axis=1).ravel())]


def stretches(values: np.ndarray, many: int = _WIDE) -> tuple[np.ndarray, ...]:
    """Up to so many stretches of equal length: their starts, means, least and largest values, so
    that no peak is lost. NaN where nothing is finite; as they are, values that are few."""
    starts = np.arange(0, len(values), -(-len(values) // many))
    finite = np.isfinite(values)
    count = np.add.reduceat(finite, starts, dtype=np.float64)
    total = np.add.reduceat(np.where(finite, values, 0), starts)
    return (starts, np.where(count, total, np.nan) / np.maximum(count, 1),
            np.fmin.reduceat(values, starts), np.fmax.reduceat(values, starts))


def _smooth(values: np.ndarray) -> np.ndarray:
    """The weighted mean of the finite values around each finite value; NaN elsewhere."""
    window = np.hanning(len(values) // 20)
    finite = np.isfinite(values)
    total = np.convolve(np.where(finite, values, 0), window, "same")
    # The weight of what was there to sum: at the ends and at gaps less than the whole window's.
    weight = np.convolve(finite, window, "same")
    return np.where(finite, total / np.where(finite, weight, 1), np.nan)
