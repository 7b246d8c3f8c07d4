"""The input gradient of a 5 x 5 convolution of stride 2: scattered, and gathered by phases.

    python docs/pictures/fast_cpu.py
"""
from __future__ import annotations

import numpy as np
from matplotlib.patches import Rectangle
from style import BLUE, GREEN, GREY, INK, ORANGE, blank, new_figure, save

PHASES = {(0, 0): BLUE, (0, 1): ORANGE, (1, 0): GREEN, (1, 1): GREY}  # (line, column) mod 2
SIZE, KERNEL, PAD = 8, 5, 2  # of the image; 4 x 4 outputs see it through 5 x 5 windows


def square(axes, line, column, colour, alpha=0.55, size=1, **more):
    """A cell of a grid, the first line at the top."""
    axes.add_patch(Rectangle((column, -line - size), size, size, facecolor=colour, alpha=alpha,
                             edgecolor="white", **more))


def frame(axes, line, column, height, width, colour, style="-"):
    axes.add_patch(Rectangle((column, -line - height), width, height, fill=False,
                             edgecolor=colour, linewidth=2.2, linestyle=style, zorder=5))


def title(axes, text, middle):
    axes.text(middle, 1.2, text, ha="center", va="bottom", fontsize=12, color=INK)


figure = new_figure(11.0, 4.0)
scatter, taps, gather = figure.subplots(1, 3, width_ratios=[12, 11, 12])
for axes in (scatter, taps, gather):
    blank(axes)

# how many outputs' windows meet at each pixel of the image
meets = np.zeros((SIZE, SIZE), int)
for p in range(0, SIZE, 2):
    for q in range(0, SIZE, 2):
        meets[max(p - PAD, 0):p - PAD + KERNEL, max(q - PAD, 0):q - PAD + KERNEL] += 1
for line in range(SIZE):
    for column in range(SIZE):
        square(scatter, line, column, INK, alpha=meets[line, column] / 14)
        scatter.text(column + 0.5, -line - 0.5, meets[line, column], ha="center", va="center",
                     fontsize=9, color=INK)
for line, column, colour in [(0, 0, BLUE), (2, 2, ORANGE)]:
    frame(scatter, line, column, KERNEL, KERNEL, colour)
title(scatter, "scattered: windows overlap,\na pixel is added to 4, 6 or 9 times", SIZE / 2)

# the taps of the kernel, apart by the phase of the pixels that they reach
for i in range(KERNEL):
    for j in range(KERNEL):
        line, column = [k // 2 + (3.6 if k % 2 else 0) for k in (i, j)]
        square(taps, line, column, PHASES[i % 2, j % 2])
        taps.text(column + 0.5, -line - 0.5, f"{i}{j}", ha="center", va="center", fontsize=9,
                  color=INK)
for line, column, size in [(0, 0, "3 × 3"), (0, 3.6, "3 × 2"), (3.6, 0, "2 × 3"),
                           (3.6, 3.6, "2 × 2")]:
    taps.text(column, -line + 0.12, size, color=GREY, fontsize=9)
title(taps, "the 25 taps, parted into the kernels\nof four small convolutions", 2.8)

# the image by phases, and what one pixel of each of two phases gathers
for line in range(SIZE):
    for column in range(SIZE):
        square(gather, line, column, PHASES[line % 2, column % 2])
for p in range(0, SIZE, 2):
    for q in range(0, SIZE, 2):
        gather.plot(q + 0.5, -p - 0.5, "o", color=INK, markersize=4)
frame(gather, 4, 4, 1, 1, BLUE)
frame(gather, 2, 2, KERNEL, KERNEL, BLUE, style=(0, (2, 1.5)))
frame(gather, 1, 1, 1, 1, INK)
frame(gather, 0, 0, 3, 3, INK, style=(0, (2, 1.5)))
title(gather, "gathered: each pixel once, from\n9, 6, 6 or 4 outputs by its phase", SIZE / 2)
for axes, width in [(scatter, SIZE), (taps, 5.6), (gather, SIZE)]:
    axes.set_xlim(-0.3, width + 0.3)
    axes.set_ylim(-SIZE - 0.3, 2.9)
save(figure, "fast_cpu")
