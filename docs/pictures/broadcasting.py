"""A column plus a row becomes a table; the gradient of the table is summed back to the column.

    python docs/pictures/broadcasting.py
"""
from __future__ import annotations

import numpy as np
from matplotlib.patches import Rectangle
from style import BLUE, GREY, INK, ORANGE, blank, new_figure, save


def table(axes, left, top, cells, colour, copies=False):
    """Draw a 2-D array of strings; copies are pale from the second column on."""
    for (i, j), text in np.ndenumerate(cells):
        pale = copies and j > 0
        axes.add_patch(Rectangle((left + j, top - i - 1), 1, 1, facecolor=colour,
                                 alpha=0.12 if pale else 0.3, edgecolor="none"))
        axes.add_patch(Rectangle((left + j, top - i - 1), 1, 1, fill=False, edgecolor=GREY,
                                 linewidth=0.8))
        axes.text(left + j + 0.5, top - i - 0.5, text, ha="center", va="center",
                  color=GREY if pale else INK)


def arrow(axes, start, end, text, colour):
    axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": colour,
                                              "linewidth": 1.6})
    middle = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + 0.3
    axes.text(*middle, text, ha="center", color=colour)


column = np.array([["$x_0$"], ["$x_1$"], ["$x_2$"]])
grads = np.array([[f"$g_{{{i}{j}}}$" for j in range(4)] for i in range(3)])
sums = np.array([[rf"$\sum_j g_{{{i}j}}$"] for i in range(3)])

figure = new_figure(7.4, 4.2)
axes = figure.subplots()
blank(axes)
table(axes, 0, 7.2, column, BLUE)
arrow(axes, (1.3, 5.7), (3.3, 5.7), "repeat", BLUE)
table(axes, 3.6, 7.2, np.repeat(column, 4, axis=1), BLUE, copies=True)
axes.text(8.0, 5.7, "values: $x_0$ is used\nin four cells", va="center", color=INK)
table(axes, 0, 3.2, sums, ORANGE)
arrow(axes, (3.3, 1.7), (1.3, 1.7), "sum", ORANGE)
table(axes, 3.6, 3.2, grads, ORANGE)
axes.text(8.0, 1.7, "gradients: $x_0$ receives\nthe sum of four", va="center", color=INK)
axes.set_xlim(-0.2, 12)
axes.set_ylim(0, 7.4)
save(figure, "broadcasting")
