"""Numbers over the steps of a training run, drawn as lines."""
from __future__ import annotations

import gc
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy

from ..checked import checked
from .figure import save_figure

_MANY = 200  # more points than this are noise to the eye: a smoothed line is drawn over them
_WIDE = 2000  # more than this have no room beside each other, and would take seconds


@checked
def save_curves(path: str | os.PathLike, steps: Sequence[int],
                curves: Mapping[str, Sequence[float]], ylabel: str) -> None:
    """Write a line plot of every curve over the steps, as PNG, SVG or PDF by the path's suffix.

    steps and each of the curves are equally long; the names of the curves make the legend. A
    curve of more than 200 points is drawn pale, and over it, strong, its moving average, which
    looks at a twentieth of the points at a time; one of more than 2,000 by what they are in as many
    stretches at most. Values that are not finite leave gaps. A file
    that was there is replaced in one step. Raises ValueError for a curve whose length is not
    that of steps.
    """
    save_figure(path, _figure(steps, curves, ylabel))
    gc.collect(1)  # it is thousands of objects that hold each other


def _figure(steps: Sequence[int], curves: Mapping[str, Sequence[float]], ylabel: str) -> Any:
    # Here, so that training needs no pictures. Figure without pyplot: no window, nothing global.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), dpi=120, layout="constrained")
    axes = figure.subplots()
    for name, values in curves.items():
        values = numpy.asarray(values, numpy.float64)
        if len(values) != len(steps):
            raise ValueError(f"the curve {name!r} has {len(values)} values for {len(steps)} steps")
        values = numpy.where(numpy.isfinite(values), values, numpy.nan)
        if len(values) <= _MANY:
            axes.plot(steps, values, label=name, linewidth=1.8)
            continue
        starts, means, least, most = stretches(values)
        at = numpy.asarray(steps)[starts]
        line, = axes.plot(at, _smooth(means), label=name, linewidth=1.8)
        axes.plot(at.repeat(2), numpy.stack([least, most], axis=1).ravel(),
                  color=line.get_color(), alpha=0.25, linewidth=0.8, zorder=1)
    axes.set_xlabel("step")
    axes.set_ylabel(ylabel)
    axes.margins(x=0.01)
    axes.grid(color="0.9", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, ncols=4, loc="lower left",
                bbox_to_anchor=(0, 1), borderaxespad=0.2)
    return figure


def stretches(values: numpy.ndarray, many: int = _WIDE) -> tuple[numpy.ndarray, ...]:
    """Up to so many stretches of equal length: their starts, means, least and largest values, so
    that no peak is lost. NaN where nothing is finite; as they are, values that are few."""
    starts = numpy.arange(0, len(values), -(-len(values) // many))
    finite = numpy.isfinite(values)
    count = numpy.add.reduceat(finite, starts, dtype=numpy.float64)
    total = numpy.add.reduceat(numpy.where(finite, values, 0), starts)
    return (starts, numpy.where(count, total, numpy.nan) / numpy.maximum(count, 1),
            numpy.fmin.reduceat(values, starts), numpy.fmax.reduceat(values, starts))


def _smooth(values: numpy.ndarray) -> numpy.ndarray:
    """The weighted mean of the finite values around each finite value; NaN elsewhere."""
    window = numpy.hanning(len(values) // 20)
    finite = numpy.isfinite(values)
    total = numpy.convolve(numpy.where(finite, values, 0), window, "same")
    # The weight of what was there to sum: at the ends and at gaps less than the whole window's.
    weight = numpy.convolve(finite, window, "same")
    return numpy.where(finite, total / numpy.where(finite, weight, 1), numpy.nan)
