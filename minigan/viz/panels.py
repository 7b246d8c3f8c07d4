"""Many small plots over the steps of a training run, one for each measure."""
from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence

import numpy as np

from ..checked import checked
from .figure import new_figure, save_figure

_COLUMNS = 4
_LINES = {"real": ("0.2", "--"), "noise": ("tab:orange", ":"), "blur": ("tab:green", ":")}


@checked
def save_panels(path: str | os.PathLike, steps: Sequence[int],
                curves: Mapping[str, Sequence[float]], intervals: Mapping[str, Sequence[float]],
                levels: Mapping[str, Mapping[str, float]]) -> None:
    """Write a small plot of each curve over the steps, NaN being a gap, with its intervals (half
    their widths, NaN for none), and lines of the levels real, noise and blur: real ones are always
    in view, the others where they are near. PNG, SVG or PDF by the path's suffix; a file that was
    there is replaced in one step. Raises UserError where there is no matplotlib."""
    rows = math.ceil(len(curves) / _COLUMNS)
    figure = new_figure(10, 1.9 * rows + 0.4)
    panels = figure.subplots(rows, _COLUMNS, squeeze=False, sharex=True).ravel()
    for axes in panels[len(curves):]:
        axes.remove()
    panels = panels[:len(curves)]
    named = {}
    for axes, (name, values) in zip(panels, curves.items()):
        values, half = np.asarray(values, float), np.nan_to_num(intervals[name])
        named["samples"] = axes.errorbar(steps, values, half, fmt="o-", markersize=3, elinewidth=1)
        shown = [*(values - half), *(values + half), levels.get("real", {}).get(name, values[0])]
        shown = [height for height in shown if math.isfinite(height)] or [0.0]
        bottom, top = min(shown), max(shown)
        room = 0.08 * (top - bottom or abs(top) or 1)
        for level, (colour, style) in _LINES.items():
            height = levels.get(level, {}).get(name, math.inf)
            if bottom - room <= height <= top + room:
                named[level] = axes.axhline(height, color=colour, linestyle=style, linewidth=1.2)
        axes.set_ylim(bottom - room, top + room)
        if len(steps) == 1:
            axes.set_xticks(steps)
        axes.set_title(name, fontsize=9)
        axes.tick_params(labelsize=7, labelbottom=axes in panels[-_COLUMNS:])
        axes.grid(color="0.9", linewidth=0.8)
        axes.spines[["top", "right"]].set_visible(False)
    figure.supxlabel("step", fontsize=9)
    figure.legend(named.values(), named, loc="outside upper left", ncols=4, frameon=False,
                  fontsize=9)
    save_figure(path, figure)
