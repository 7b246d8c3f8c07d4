"""Batch normalisation's gradient: what arrives at one feature of a batch, and what is sent on.

    python docs/pictures/batch_norm.py
"""
from __future__ import annotations

import numpy as np
from style import BLUE, GREY, INK, ORANGE, new_figure, save

import minigan as mg

rng = np.random.default_rng(5)
x = rng.normal(2, 0.7, (30, 1))
arriving = 0.9 + 0.8 * (x - x.mean()) / x.std() + rng.normal(0, 0.7, x.shape)

inputs = mg.tensor(x, requires_grad=True)
y = mg.ops.batch_norm(inputs, np.ones(1), np.zeros(1), eps=0)[0]
(sent,) = mg.grad(y, inputs, mg.tensor(arriving))

normal, arriving = y.numpy()[:, 0], arriving[:, 0]
sent = sent.numpy()[:, 0] * x.std()
slope, height = (arriving * normal).mean(), arriving.mean()

figure = new_figure(9.0, 3.8)
left, right = figure.subplots(1, 2, sharex=True, sharey=True)
ends = np.array([-2.6, 2.6])
for axes, values, line in [(left, arriving, height + slope * ends), (right, sent, 0 * ends)]:
    axes.axhline(0, color=GREY, linewidth=0.8, zorder=0)
    foot = np.interp(normal, ends, line)
    axes.vlines(normal, foot, values, color=BLUE, alpha=0.35, linewidth=1.2)
    axes.plot(ends, line, color=ORANGE)
    axes.plot(normal, values, "o", color=BLUE, markersize=5)
    axes.set_xlabel("normalised value n")

left.axhline(height, color=ORANGE, linewidth=1, linestyle=(0, (3, 2)))
left.text(2.55, height - 0.1, "mean(G)", color=ORANGE, ha="right", va="top")
left.text(-2.45, 2.5, "mean(G) + n · mean(G · n)", color=ORANGE)
left.set_title("the gradient G that arrives at y", fontsize=12, color=INK)
right.set_title("the gradient that goes on to x, times σ", fontsize=12, color=INK)
right.text(-2.45, 2.5, "what is left: mean 0, slope 0", color=ORANGE)
left.set_xlim(*ends)
save(figure, "batch_norm")
