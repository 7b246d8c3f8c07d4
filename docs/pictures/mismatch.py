"""The two Jacobians that a check compares, for seven slips: what each looks like.

    python docs/pictures/mismatch.py
"""
from __future__ import annotations

import numpy as np
from style import GREY, INK, new_figure, save

RNG = np.random.default_rng(4)
MEASURED = np.round(RNG.uniform(-1, 1, (4, 4)), 1)
MEASURED[0, 1], MEASURED[2, 3] = 0.9, -0.8
ONLY_DIAGONAL = MEASURED * np.eye(4)
ONE_COLUMN = MEASURED.copy()
ONE_COLUMN[:, 2] = 0
SLIPS = {
    "right": MEASURED, "wrong sign": -MEASURED, "a mean for a sum": MEASURED / 4,
    "transposed": MEASURED.T, "shifted by one": np.roll(MEASURED, 1, axis=1),
    "a sum forgotten": ONLY_DIAGONAL, "detached": 0 * MEASURED, "a branch wrong": ONE_COLUMN}


def matrix(axes, values, title, differs):
    """A matrix as coloured squares; those that differ from what was measured are framed."""
    axes.imshow(values, cmap="RdBu", vmin=-1, vmax=1)
    axes.set_title(title, fontsize=11, color=INK)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    for row, column in zip(*np.nonzero(differs)):
        axes.plot(column, row, marker="x", markersize=6, markeredgewidth=1.5, color=GREY)


figure = new_figure(9.0, 4.6)
for axes, (name, values) in zip(figure.subplots(2, 4).flat, SLIPS.items()):
    matrix(axes, values, name, abs(values - MEASURED) > 1e-9)
save(figure, "mismatch")
