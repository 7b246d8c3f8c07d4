"""Gradient descent in a narrow valley, with four learning rates.

    python docs/pictures/learning_rate.py
"""
from __future__ import annotations

import numpy as np
from style import BLUE, GREY, ORANGE, new_figure, save

CURVATURES = np.array([1.0, 25.0])


def descend(lr, steps):
    """The points of the path; a step multiplies each coordinate by 1 − lr · curvature."""
    factors = 1 - lr * CURVATURES
    return np.array([-4.0, 1.0]) * factors ** np.arange(steps + 1)[:, None]


figure = new_figure(10.0, 2.7)
x, y = np.meshgrid(np.linspace(-4.6, 1.2, 70), np.linspace(-2.2, 2.2, 70))
height = (CURVATURES[0] * x ** 2 + CURVATURES[1] * y ** 2) / 2
for axes, (lr, title) in zip(figure.subplots(1, 4, sharey=True), [
        (0.002, "too small"), (0.04, "right"), (0.079, "too large"), (0.081, "beyond 2/25")]):
    path = descend(lr, 100)
    axes.contour(x, y, np.sqrt(height), levels=np.arange(0, 12, 0.9), colors=GREY, alpha=0.45,
                 linewidths=0.7)
    axes.plot(*path.T, color=ORANGE if lr > 0.08 else BLUE, marker="o", markersize=2.5,
              linewidth=0.9)
    axes.plot(0, 0, marker="+", color=GREY, markersize=9)
    axes.set_title(f"lr {lr}: {title}", fontsize=11)
    axes.set_xlim(-4.6, 1.2)
    axes.set_ylim(-2.2, 2.2)
    axes.grid(False)
    axes.set_xticks([])
    axes.set_yticks([])
save(figure, "learning_rate")
