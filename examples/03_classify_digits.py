"""Learn to read handwritten digits of 8 x 8 pixels.

You learn: batches, cross-entropy, dropout, and why accuracy is measured on held-out images. The
picture shows some that it reads wrongly, and what it took them for.

    python examples/03_classify_digits.py [--epochs 40] [--out wrong.png]
"""
from __future__ import annotations

import argparse

import numpy as np

import minigan as mg

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--epochs", type=int, default=40, help="passes over the data (default 40)")
parser.add_argument("--out", default="wrong.png", help="where the picture goes (wrong.png)")
arguments = parser.parse_args()

rng = np.random.default_rng(0)
images, labels = mg.data.digits()
order = rng.permutation(len(images))
train, held_out = order[360:], order[:360]     # a fifth is never trained on

network = mg.nn.Sequential(
    mg.nn.Flatten(),
    mg.nn.Dense(64, 256, rng=rng), mg.nn.ReLU(), mg.nn.Dropout(0.3, rng=rng),
    mg.nn.Dense(256, 256, rng=rng), mg.nn.ReLU(), mg.nn.Dropout(0.3, rng=rng),
    mg.nn.Dense(256, 10, rng=rng))             # ten logits, one for each digit
optimizer = mg.optim.Adam(network.parameters(), lr=1e-3, betas=(0.9, 0.999))
loader = mg.data.Loader(images[train], labels[train], batch_size=64)


def read(rows: np.ndarray) -> np.ndarray:
    """Which digits it takes these images for: each the one of the largest logit."""
    network.eval()                             # no dropout while it is being examined
    with mg.no_grad():
        said = network(images[rows]).numpy().argmax(axis=1)
    network.train()
    return said


def accuracy(rows: np.ndarray) -> float:
    """The share of these images that it reads rightly."""
    return float((read(rows) == labels[rows]).mean())


for epoch in range(1, arguments.epochs + 1):
    for x, t in loader:
        optimizer.zero_grad()
        loss = mg.losses.cross_entropy(network(x), t)
        loss.backward()
        optimizer.step()
    if epoch % 5 == 0 or epoch == arguments.epochs:
        print(f"epoch {epoch:3}   loss {loss.item():.4f}   "
              f"training {accuracy(train):.1%}   held-out {accuracy(held_out):.1%}")

print(f"held-out accuracy: {accuracy(held_out):.4f} on {len(held_out)} images")

from matplotlib.figure import Figure  # noqa: E402 (the training above needs no pictures)

said = read(held_out)
wrong = np.flatnonzero(said != labels[held_out])
figure = Figure(figsize=(8, 1.5), dpi=120, layout="constrained")
for axes, i in zip(figure.subplots(1, 8), wrong):
    axes.imshow(images[held_out[i], ..., 0], cmap="gray_r")
    axes.set_title(f"{labels[held_out[i]]}, read as {said[i]}", fontsize=8)
for axes in figure.axes:
    axes.set_axis_off()
figure.savefig(arguments.out)
print(f"wrote {arguments.out}: the first of the {len(wrong)} that it reads wrongly")
