"""One neuron as a graph: y = tanh(w x + b), with values, slopes along the arrows, and gradients.

    python docs/pictures/sixty_lines.py
"""
from __future__ import annotations

from style import BLUE, GREY, INK, ORANGE, PALE, blank, new_figure, save

import minigan as mg

w, x, b = (mg.tensor(number, requires_grad=True) for number in (2.0, 0.5, -0.4))
product = w * x
total = product + b
y = mg.ops.tanh(total)

PLACES = {"w": (0, 2.0), "x": (0, 0), "b": (2.8, 0), "w x": (2.8, 2.0), "w x + b": (5.6, 1.3),
          "y": (8.4, 1.3)}
TENSORS = dict(zip(PLACES, [w, x, b, product, total, y]))
EDGES = [("w", "w x"), ("x", "w x"), ("w x", "w x + b"), ("b", "w x + b"), ("w x + b", "y")]

figure = new_figure(8.4, 3.2)
axes = figure.subplots()
blank(axes)
for start, end in EDGES:
    axes.annotate("", PLACES[end], PLACES[start],
                  arrowprops={"arrowstyle": "-|>", "color": GREY, "linewidth": 1.4,
                              "shrinkA": 20, "shrinkB": 36 if end == "w x + b" else 24})
    slope, = mg.grad(TENSORS[end], TENSORS[start])
    (sx, sy), (ex, ey) = PLACES[start], PLACES[end]
    axes.text((sx + ex) / 2, (sy + ey) / 2, f"{slope.item():.3g}", ha="center", va="center",
              color=BLUE, fontsize=12,
              bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none"})
for (name, (px, py)), gradient in zip(PLACES.items(), mg.grad(y, [*TENSORS.values()])):
    axes.text(px, py, name, ha="center", va="center", fontsize=13,
              bbox={"boxstyle": "round,pad=0.45", "edgecolor": INK, "linewidth": 1.2,
                    "facecolor": PALE if TENSORS[name].creator is None else "white"})
    axes.text(px, py + 0.5, f"{TENSORS[name].item():.3g}".replace("-", "−"), ha="center",
              color=INK)
    axes.text(px, py - 0.72, f"{gradient.item():.3f}", ha="center", color=ORANGE, weight="bold")
axes.set_xlim(-0.6, 9.0)
axes.set_ylim(-0.95, 2.85)
save(figure, "sixty_lines")
