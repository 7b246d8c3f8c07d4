"""Fit sin(3x) with a small network, from noisy points.

You learn: the training loop that every network shares, and what a network makes of noise.

    python examples/02_fit_a_curve.py [--steps 1000] [--lr 0.01] [--out curve.png]
"""
from __future__ import annotations

import argparse

import numpy as np

import minigan as mg

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--steps", type=int, default=1000, help="training steps (default 1000)")
parser.add_argument("--lr", type=float, default=1e-2, help="Adam's first rate (default 0.01)")
parser.add_argument("--out", default="curve.png", help="where the picture goes (curve.png)")
arguments = parser.parse_args()

rng = np.random.default_rng(0)
x = rng.uniform(-2, 2, (200, 1)).astype(np.float32)
y = np.sin(3 * x) + 0.1 * rng.standard_normal(x.shape, np.float32)

network = mg.nn.Sequential(
    mg.nn.Dense(1, 64, rng=rng), mg.nn.Tanh(),
    mg.nn.Dense(64, 64, rng=rng), mg.nn.Tanh(),
    mg.nn.Dense(64, 1, rng=rng))
optimizer = mg.optim.Adam(network.parameters(), lr=arguments.lr, betas=(0.9, 0.999))
schedule = mg.optim.Schedule(optimizer, mg.optim.cosine_decay(arguments.steps))

for step in range(1, arguments.steps + 1):
    optimizer.zero_grad()                      # forget the last step's gradients
    loss = mg.losses.mse(network(x), y)        # forward: how wrong is it?
    loss.backward()                            # backward: what would make it less wrong?
    optimizer.step()                           # a small step that way
    schedule.step()
    if step % (arguments.steps // 10 or 1) == 0:
        print(f"step {step:5}   loss {loss.item():.5f}")

line = np.linspace(-2, 2, 400, dtype=np.float32)[:, None]
with mg.no_grad():                             # only values are wanted here
    fitted = network(line).numpy()
error = np.sqrt(np.mean((fitted - np.sin(3 * line)) ** 2))
print(f"distance from the true curve: {error:.3f} (the noise in the data: 0.100)")

from matplotlib.figure import Figure  # noqa: E402 (the training above needs no pictures)

figure = Figure(figsize=(7, 4), dpi=120, layout="constrained")
axes = figure.subplots()
axes.scatter(x, y, s=10, color="0.65", label="data")
axes.plot(line, np.sin(3 * line), color="0.3", linestyle="--", label="sin 3x")
axes.plot(line, fitted, color="tab:orange", linewidth=2, label="network")
axes.set_xlabel("x")
axes.legend(frameon=False, ncols=3, loc="lower left", bbox_to_anchor=(0, 1))
axes.spines[["top", "right"]].set_visible(False)
figure.savefig(arguments.out)
print(f"wrote {arguments.out}")
