"""A convolution as two matrix products, and which taps of a transposed one reach which pixel.

    python docs/pictures/convolution.py
"""
from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
from matplotlib.patches import Rectangle
from style import BLUE, GREY, INK, ORANGE, blank, new_figure, save

import minigan as mg

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "06_convolution.py"
TAPS = "abcdefghi"


def image_matrix(size=5, kernel=3):
    """The matrix of x ↦ conv(x, w) for an image of size x size: the number of the tap, or −1."""
    places = size - kernel + 1
    matrix = np.full((places ** 2, size ** 2), -1)
    for p, q in np.ndindex(places, places):
        for i, j in np.ndindex(kernel, kernel):
            matrix[p * places + q, (p + i) * size + q + j] = i * kernel + j
    return matrix


def lettered(axes, left, top, matrix, title, below):
    """A matrix of taps as cells, each tap with its letter and its shade."""
    for (row, column), tap in np.ndenumerate(matrix):
        axes.add_patch(Rectangle((left + column, top + row), 1, 1, edgecolor="0.86", linewidth=0.6,
                                 facecolor=(BLUE, 0.12 + 0.065 * tap) if tap >= 0 else "none"))
        if tap >= 0:
            axes.text(left + column + 0.5, top + row + 0.53, TAPS[tap], ha="center", va="center",
                      fontsize=7.5, color=INK)
    rows, columns = matrix.shape
    axes.add_patch(Rectangle((left, top), columns, rows, fill=False, edgecolor=GREY))
    axes.text(left + columns / 2, top - 0.5, title, ha="center", va="bottom", fontsize=12)
    axes.text(left + columns / 2, top + rows + 0.5, below, ha="center", va="top", color=GREY)


def matrices():
    """The matrix of the image, and its transpose."""
    figure = new_figure(9.5, 5.4)
    axes = figure.subplots()
    blank(axes)
    axes.set_xlim(-0.5, 46)
    axes.set_ylim(28.5, -2)
    forward = image_matrix()
    lettered(axes, 0, 12, np.arange(9).reshape(3, 3), "kernel", "nine taps")
    lettered(axes, 6, 8, forward, "A: image of 5 × 5 → 3 × 3",
             "a row for each place:\nwhich pixels the window reads there")
    lettered(axes, 35, 0, forward.T, "Aᵀ: 3 × 3 → 5 × 5",
             "a row for each pixel:\nwhich windows read it")
    return figure


def taps(axes, size, inputs=5):
    """One row of a transposed convolution of stride 2: the `size` taps by which each input paints,
    the first of them one pixel to the left; the two phases of the outputs in two colours."""
    outputs, before, label = 2 * inputs, 1, 0.79  # label: how far down a line its number stands
    colours = [BLUE, ORANGE]
    for i in range(inputs):
        axes.plot(2 * i + 0.5, 2, "s", color=GREY, markersize=15)
        for tap in range(size):
            o = 2 * i + tap - before
            if 0 <= o < outputs:
                axes.plot([2 * i + 0.5, o], [1.86, 0.17], color=colours[o % 2], linewidth=1.2)
                axes.text((1 - label) * (2 * i + 0.5) + label * o, 1.86 - 1.69 * label, tap,
                          ha="center", va="center", fontsize=7.5, color=INK,
                          bbox=dict(facecolor="white", edgecolor="none", pad=0.4))
    for o in range(outputs):
        axes.plot(o, 0, "s", color=colours[o % 2], markersize=15)
    axes.text(-0.7, 2, "g", ha="right", va="center", fontsize=12)
    axes.text(-0.7, 0, "image", ha="right", va="center", fontsize=12)
    axes.set_xlim(-2.1, outputs - 0.4)
    axes.set_ylim(-0.3, 2.3)
    axes.set_axis_off()


def reached(size, inputs=6):
    """How many taps of a kernel of size x size reach each pixel, by the library itself."""
    g, w = np.ones((1, inputs, inputs, 1)), np.ones((size, size, 1, 1))
    return mg.ops.conv_transpose2d(g, w, stride=2, padding="same").numpy()[0, :, :, 0]


def phases():
    """Which taps reach which pixel, in one dimension; how many of them, in two."""
    figure = new_figure(10.0, 5.6)
    lines, counts = figure.subfigures(1, 2, width_ratios=[1.45, 1])
    for left, right, size in zip(lines.subplots(2, 1), counts.subplots(2, 1), (5, 4)):
        taps(left, size)
        left.set_title(f"{size} taps, stride 2", fontsize=12)
        number = reached(size)
        right.imshow(number, cmap="Blues", vmin=0, vmax=14)
        for (row, column), n in np.ndenumerate(number):
            right.text(column, row, f"{n:.0f}", ha="center", va="center", fontsize=8)
        right.set_title(f"taps per pixel, {size} × {size}", fontsize=12)
        right.set_axis_off()
    return figure


save(runpy.run_path(str(EXAMPLE))["draw"](), "convolution")
save(matrices(), "convolution_matrices")
save(phases(), "convolution_phases")
