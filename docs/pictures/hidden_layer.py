"""What hidden units are good for: four points that no line separates, and a curve made of bends.

    python docs/pictures/hidden_layer.py
"""
from __future__ import annotations

import numpy as np
from networks import network, train
from style import BLUE, GREY, INK, ORANGE, new_figure, save

import minigan as mg

figure = new_figure(10.0, 2.7)
diagonals, *curves = figure.subplots(1, 4, width_ratios=[0.95, 1, 1, 1])

corners = np.array([[-1.0, -1.0], [1.0, 1.0], [-1.0, 1.0], [1.0, -1.0]])
classes = np.array([[-1.0], [-1.0], [1.0], [1.0]])
net = network(2, 4, 1)
train(net, corners, classes, mg.optim.SGD(net.parameters(), 0.1), 100)
a = np.linspace(-1.7, 1.7, 200)
plane = np.stack(np.meshgrid(a, a), axis=-1)
diagonals.contourf(a, a, net(plane).numpy()[..., 0], levels=[-99, 0, 99], colors=[BLUE, ORANGE],
                   alpha=0.18)
for mark, colour, points in [("o", BLUE, corners[:2]), ("x", ORANGE, corners[2:])]:
    diagonals.scatter(*points.T, marker=mark, s=60, color=colour, linewidths=2,
                      **({"facecolors": "none"} if mark == "o" else {}))
diagonals.set_title("4 hidden units, 2 inputs", fontsize=11)
diagonals.set_xticks([-1, 1])
diagonals.set_yticks([-1, 1])
diagonals.grid(False)

x = np.random.default_rng(0).uniform(-2, 2, (50, 1))


def fitted(hidden):
    """The best of ten networks: what so many units can do, whatever they started from."""
    nets = [network(1, hidden, 1, seed=seed) for seed in range(10)]
    return min(nets, key=lambda net: train(net, x, np.sin(2 * x), mg.optim.Adam(
        net.parameters(), 0.02, betas=(0.9, 0.999)), 1500))


line = np.linspace(-2, 2, 801)[:, None]
for axes, hidden in zip(curves, [1, 3, 16]):
    net = fitted(hidden)
    bends = -net[0].bias.numpy() / net[0].weight.numpy()[0]
    bends = bends[np.abs(bends) < 2]
    axes.plot(line, np.sin(2 * line), color=GREY, linestyle="--", linewidth=1)
    axes.plot(line, net(line).numpy(), color=BLUE)
    axes.plot(bends, net(bends[:, None]).numpy(), "o", color=INK, markersize=4)
    axes.set_title(f"{hidden} hidden unit{'s' if hidden > 1 else ''}", fontsize=11)
    axes.set_ylim(-1.6, 1.6)
    axes.set_xticks([-2, 0, 2])
    axes.set_yticks([-1, 0, 1])
save(figure, "hidden_layer")
