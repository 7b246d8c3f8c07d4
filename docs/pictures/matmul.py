"""The shapes of a matrix product and of its two gradients.

    python docs/pictures/matmul.py
"""
from __future__ import annotations

from matplotlib.patches import Rectangle
from style import BLUE, GREEN, GREY, INK, ORANGE, blank, new_figure, save

N, K, M = 3.0, 2.1, 1.6  # the lengths, as drawn


def matrix(axes, left, middle, rows, columns, name, labels, colour):
    """A rectangle for a matrix, its name in it, the names of its lengths beside and below."""
    bottom = middle - rows / 2
    axes.add_patch(Rectangle((left, bottom), columns, rows, facecolor=colour, alpha=0.25,
                             edgecolor="none"))
    axes.add_patch(Rectangle((left, bottom), columns, rows, fill=False, edgecolor=colour))
    axes.text(left + columns / 2, middle, name, ha="center", va="center", fontsize=14, color=INK)
    axes.text(left - 0.12, middle, labels[0], ha="right", va="center", color=GREY)
    axes.text(left + columns / 2, bottom - 0.12, labels[1], ha="center", va="top", color=GREY)


def equation(axes, left, title, first, second, result):
    """first times second = result, side by side from `left` on; returns where it ends."""
    start = left
    for part, sign in [(first, "·"), (second, "="), (result, "")]:
        matrix(axes, left, 0, *part)
        left += part[1]
        axes.text(left + 0.35, 0, sign, ha="center", va="center", fontsize=16, color=INK)
        left += 1.1
    left -= 1.1
    axes.text((start + left) / 2, 1.9, title, ha="center", fontsize=12, color=INK)
    return left


figure = new_figure(10.0, 2.1)
axes = figure.subplots()
blank(axes)
end = equation(axes, 0.0, "forward", (N, K, "X", "nk", BLUE), (K, M, "W", "km", GREEN),
               (N, M, "Y", "nm", GREY))
end = equation(axes, end + 1.7, "gradient by X", (N, M, "G", "nm", ORANGE),
               (M, K, "$W^T$", "mk", GREEN), (N, K, "by X", "nk", BLUE))
end = equation(axes, end + 1.7, "gradient by W", (K, N, "$X^T$", "kn", BLUE),
               (N, M, "G", "nm", ORANGE), (K, M, "by W", "km", GREEN))
axes.set_xlim(-0.6, end + 0.2)
axes.set_ylim(-1.95, 2.3)
save(figure, "matmul")
