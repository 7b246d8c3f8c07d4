"""The system of the laboratory: small networks on points of the plane, one for all methods.

A row of the table so differs from another by its method and nothing else.
"""
from __future__ import annotations

import math
from typing import Callable

import numpy as np

from .. import ops
from ..autodiff import Tensor
from ..backend import asarray
from ..gan.game import ALONE
from ..gan.models import Discriminator, Generator, Pair
from ..gan.systems import System
from ..nn import Dense, LeakyReLU, Module, ReLU, init

BIAS = 0.5       # hidden biases start from U(−BIAS, BIAS)
SLOWEST, FASTEST = 0.5, 5.0  # wave numbers, for data of variance 1
WARM_UP = 300    # steps in which the learning rate rises to what it is, in a straight line from 0
CONSTANT = 0.5   # the share of the steps after which it falls, in a straight line, to 0


def schedule(step: int, steps: int) -> float:
    """What the learning rate is multiplied by after so many of the steps."""
    return min(1, (step + 1) / WARM_UP, max(0, 1 - step / steps) / (1 - CONSTANT))


class Waves(Module):
    """x (N, 2 · m) → (N, (2 + count) · m): x itself, and of each of its m points √2 sin(k · p + φ)
    with fixed wave vectors k in all directions, their lengths even on a logarithmic scale. An MLP
    of coordinates learns what is fine last and slowly, one of such features does not (Tancik et al.
    2020). Of waves alone D would repeat itself far out, and call nobody back from there."""

    def __init__(self, count: int, rng: np.random.Generator):
        angle = rng.uniform(0, 2 * math.pi, count)
        length = np.exp(rng.uniform(math.log(SLOWEST), math.log(FASTEST), count))
        vectors = length * np.stack([np.cos(angle), np.sin(angle)])
        self.vectors = Tensor(asarray(vectors.astype(np.float32)))
        self.phases = Tensor(asarray(rng.uniform(0, 2 * math.pi, count).astype(np.float32)))

    def forward(self, x: Tensor) -> Tensor:
        n, inputs = x.shape
        features = ops.sin(ops.affine(x.reshape(n * inputs // 2, 2), self.vectors, self.phases))
        waves = (features * math.sqrt(2)).reshape(n, inputs // 2 * len(self.phases))
        return ops.concatenate([x, waves], axis=1)


ALONE.add(Waves)  # it treats each example by itself: real and generated ones may go together


def generator(shape: tuple[int] = (2,), latent: int = 2, width: int = 128, depth: int = 4,
              rng: np.random.Generator | None = None) -> Generator:
    """latent → 2."""
    rng = rng or np.random.default_rng()
    return Generator(latent, *hidden(latent, width, depth, ReLU, rng),
                     Dense(width, *shape, rng=rng))


def discriminator(shape: tuple[int] = (2,), width: int = 128, depth: int = 3, waves: int = 64,
                  rng: np.random.Generator | None = None) -> Discriminator:
    """Points, one or a pack of them, with so many sines of each beside it → 1."""
    rng = rng or np.random.default_rng()
    inputs = shape[0] // 2 * (2 + waves)
    return Discriminator(Waves(waves, rng), *hidden(inputs, width, depth, LeakyReLU, rng),
                         Dense(width, 1, rng=rng))


def hidden(inputs: int, width: int, depth: int, activation: Callable[[], Module],
           rng: np.random.Generator) -> list[Module]:
    """The hidden layers of a network."""
    layers: list[Module] = []
    for _ in range(depth):
        dense = Dense(inputs, width, weight_init=init.he_normal, rng=rng)
        dense.bias.data += asarray(rng.uniform(-BIAS, BIAS, width).astype(np.float32))
        layers += [dense, activation()]
        inputs = width
    return layers


PLANE = System("4 x 128 against 3 x 128 and 64 sines of each point", Pair(generator, discriminator),
               latent=2, batch_size=256, steps=4000, lr=4e-3, betas=(0.0, 0.99), schedule=schedule)
