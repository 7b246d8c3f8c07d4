"""Real points, and a generator's at four moments of its training: the GAN of the chapter.

    python docs/pictures/ring_gan.py
"""
from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from style import BLUE, GREY, ORANGE, new_figure, save

import minigan as mg

CHAPTER = Path(__file__).resolve().parents[1] / "first_gan.md"
MOMENTS = [100, 500, 2000, 8000]

# The chapter's own code, up to its training: what is drawn is what the reader runs.
code = re.findall(r"^```python\n(.*?)^```", CHAPTER.read_text(encoding="utf-8"), re.M | re.S)
game = {"np": np, "mg": mg}
for block in code:
    if not block.startswith(">>>"):
        exec(block, game)
    if "def train(" in block:
        break

noise = np.random.default_rng(1).standard_normal((1000, 2), np.float32)
pictures = []
for steps in np.diff([0, *MOMENTS]):
    if steps:
        game["train"](int(steps))
    with mg.no_grad():
        pictures.append(game["generator"](noise).numpy())

figure = new_figure(10.0, 2.4)
panels = figure.subplots(1, 5, sharex=True, sharey=True)
real = mg.data.ring(1000, np.random.default_rng(2), std=0.05)
titles = ["real", *(f"step {n:,}" for n in MOMENTS)]
for axes, points, title in zip(panels, [real, *pictures], titles):
    axes.scatter(*points.T, s=2, color=BLUE if title == "real" else ORANGE, linewidths=0,
                 rasterized=True)  # 5,000 points
    axes.set_title(title, fontsize=11)
    axes.set(aspect="equal", xlim=(-1.7, 1.7), ylim=(-1.7, 1.7), xticks=[-1, 0, 1],
             yticks=[-1, 0, 1])
    axes.tick_params(color=GREY, labelsize=9)
save(figure, "ring_gan")
