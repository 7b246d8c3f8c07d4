"""The graph of y = w x + sin x at w = 2, x = 0.5: values forwards, gradients backwards.

    python docs/pictures/graph.py
"""
from __future__ import annotations

from style import GREY, INK, ORANGE, PALE, blank, new_figure, save

import minigan as mg

w, x = mg.tensor(2.0, requires_grad=True), mg.tensor(0.5, requires_grad=True)
product, sine = w * x, mg.ops.sin(x)
y = product + sine
gradients = mg.grad(y, [w, x, product, sine, y])

PLACES = {"w": (0, 1.5), "x": (0, 0), "w x": (3, 1.5), "sin x": (3, 0), "y": (6, 0.75)}
TENSORS = dict(zip(PLACES, [w, x, product, sine, y]))
EDGES = [("w", "w x"), ("x", "w x"), ("x", "sin x"), ("w x", "y"), ("sin x", "y")]

figure = new_figure(7.2, 2.9)
axes = figure.subplots()
blank(axes)
for start, end in EDGES:
    axes.annotate("", PLACES[end], PLACES[start],
                  arrowprops={"arrowstyle": "-|>", "color": GREY, "shrinkA": 22, "shrinkB": 25,
                              "linewidth": 1.4})
for (name, (px, py)), gradient in zip(PLACES.items(), gradients):
    leaf = name in ("w", "x")
    axes.text(px, py, name, ha="center", va="center", fontsize=13,
              bbox={"boxstyle": "round,pad=0.45" if leaf else "circle,pad=0.35",
                    "facecolor": PALE if leaf else "white", "edgecolor": INK, "linewidth": 1.2})
    axes.text(px, py + 0.47, f"{TENSORS[name].item():.3g}", ha="center", color=INK)
    axes.text(px, py - 0.62, f"{gradient.item():.4g}", ha="center", color=ORANGE, weight="bold")
axes.set_xlim(-0.7, 6.7)
axes.set_ylim(-0.85, 2.2)
save(figure, "graph")
