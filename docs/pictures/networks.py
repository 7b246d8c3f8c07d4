"""The networks of the chapter "A network learns", for its pictures."""
from __future__ import annotations

import numpy as np

import minigan as mg
from minigan import nn


def network(*sizes, bend=nn.LeakyReLU, seed=0):
    """Dense layers with so many inputs, hidden units, ..., outputs, and a bend between them."""
    rng, layers = np.random.default_rng(seed), []
    for inputs, outputs in zip(sizes, sizes[1:]):
        layers += [nn.Dense(inputs, outputs, weight_init=nn.init.he_normal, rng=rng), bend()]
    return nn.Sequential(*layers[:-1]).astype("float64")


def train(net, x, y, optimizer, steps):
    """The loss before the last of so many steps."""
    for _ in range(steps):
        optimizer.zero_grad()
        loss = mg.losses.mse(net(x), y)
        loss.backward()
        optimizer.step()
    return loss.item()
