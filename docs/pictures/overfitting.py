"""Twenty noisy points: the loss on them and on others, and what the network makes of them.

    python docs/pictures/overfitting.py
"""
from __future__ import annotations

import numpy as np
from networks import network, train
from style import BLUE, GREEN, GREY, INK, ORANGE, new_figure, save

import minigan as mg

STEPS = 200


def noisy(n, seed):
    """So many points of sin 2x, with noise of the size 0.4 on them."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2, 2, (n, 1))
    return x, np.sin(2 * x) + 0.4 * rng.standard_normal((n, 1))


data, held_out = noisy(20, seed=2), noisy(200, seed=1)
line = np.linspace(-2, 2, 400)[:, None]
net = network(1, 32, 32, 1, bend=mg.nn.Tanh)
adam = mg.optim.Adam(net.parameters(), 0.02, betas=(0.9, 0.999))
losses, curves = [], []
for _ in range(STEPS // 10):
    train(net, *data, adam, 10)
    losses.append([mg.losses.mse(net(x), y).item() for x, y in (data, held_out)])
    curves.append(net(line).numpy())
losses, steps = np.array(losses), np.arange(10, STEPS + 10, 10)
best = int(losses[:, 1].argmin())

figure = new_figure(9.0, 3.3)
curve, fit = figure.subplots(1, 2)
for column, colour, label in [(1, ORANGE, "200 points held out"), (0, BLUE, "20 points learnt")]:
    curve.plot(steps, losses[:, column], color=colour, label=label)
curve.axhline(0.16, color=GREY, linestyle=":", linewidth=1.2)
curve.text(STEPS, 0.168, "the noise alone", color=GREY, ha="right", va="bottom")
curve.plot(steps[best], losses[best, 1], "o", color=GREEN)
curve.annotate("stop here", (steps[best], losses[best, 1]), (steps[best] + 12, 0.47), color=GREEN,
               arrowprops={"arrowstyle": "-", "color": GREEN, "linewidth": 0.8})
curve.set_ylim(0, 0.7)
curve.set_xlabel("step")
curve.set_ylabel("mean squared error")
curve.legend(loc="upper right")
fit.plot(line, np.sin(2 * line), color=GREY, linestyle="--", linewidth=1.2, label="sin 2x")
fit.plot(line, curves[best], color=GREEN, label=f"step {steps[best]}")
fit.plot(line, curves[-1], color=BLUE, label=f"step {STEPS}")
fit.scatter(*data, s=16, color=INK, zorder=3)
fit.set_ylim(-2.2, 2.6)
fit.set_xlabel("x")
fit.legend(loc="upper center", ncols=3, columnspacing=1.2)
save(figure, "overfitting")
