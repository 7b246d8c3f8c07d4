"""The networks of the reference systems: each function returns a generator and a discriminator.

Images are (N, H, W, C); `shape` is (H, W, C). Weights are drawn from rng, a
numpy.random.Generator (None: a new, unseeded one).
"""
from __future__ import annotations

import math

import numpy as np

from .. import ops
from ..autodiff import Tensor
from ..nn import (BatchNorm, Dense, Flatten, LeakyReLU, Module, ReLU, Reshape, Sequential, Sigmoid,
                  Tanh)

Shape = tuple[int, int, int]
Rng = np.random.Generator | None


class Generator(Module):
    """Noise (N, latent) → images. Raises ValueError for noise of another shape."""

    def __init__(self, latent: int, *layers: Module):
        self.latent = latent
        self.body = Sequential(*layers)

    def forward(self, z: Tensor) -> Tensor:
        if z.ndim != 2 or z.shape[1] != self.latent:
            raise ValueError(f"this generator takes noise of shape (N, {self.latent}), "
                             f"got {z.shape}")
        return self.body(z)


class Discriminator(Module):
    """Images → one logit each, (N, 1): the loss takes the number before the sigmoid."""

    def __init__(self, *layers: Module):
        self.body = Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)

    def probability(self, x: Tensor) -> Tensor:
        """D(x), the probability that x is real, in (0, 1)."""
        return ops.sigmoid(self(x))


def dense_stack(sizes: list[int], slope: float, rng: Rng, batch_norm: bool = False) -> list[Module]:
    """Dense layers from size to size, each followed by (BatchNorm and) LeakyReLU."""
    layers: list[Module] = []
    for inputs, outputs in zip(sizes, sizes[1:]):
        layers.append(Dense(inputs, outputs, rng=rng))
        if batch_norm:
            layers.append(BatchNorm(outputs))
        layers.append(LeakyReLU(slope))
    return layers


def mlp(shape: Shape = (28, 28, 1), width: int = 1024, depth: int = 3, latent: int = 100,
        rng: Rng = None) -> tuple[Generator, Discriminator]:
    """Dense layers with LeakyReLU 0.2 on both sides; the generator ends in a sigmoid."""
    rng, pixels = rng or np.random.default_rng(), math.prod(shape)
    generator = Generator(
        latent, *dense_stack([latent] + [width] * depth, 0.2, rng),
        Dense(width, pixels, rng=rng), Sigmoid(), Reshape(*shape))
    discriminator = Discriminator(
        Flatten(), *dense_stack([pixels] + [width] * depth, 0.2, rng), Dense(width, 1, rng=rng))
    return generator, discriminator


def mlp_small(shape: Shape = (28, 28, 1), rng: Rng = None) -> tuple[Generator, Discriminator]:
    """`mlp` with two layers of 128."""
    return mlp(shape, width=128, depth=2, rng=rng)


def mlp_keras(shape: Shape = (28, 28, 1), width: int = 12544, rng: Rng = None
              ) -> tuple[Generator, Discriminator]:
    """Two wide ReLU layers, tanh, against one layer of 4096; width 12544 is 169 million weights."""
    rng, pixels = rng or np.random.default_rng(), math.prod(shape)
    generator = Generator(
        100, Dense(100, width, rng=rng), ReLU(), Dense(width, width, rng=rng), ReLU(),
        Dense(width, pixels, rng=rng), Tanh(), Reshape(*shape))
    discriminator = Discriminator(
        Flatten(), *dense_stack([pixels, 4096], 0.2, rng), Dense(4096, 1, rng=rng))
    return generator, discriminator


def digits(shape: Shape = (8, 8, 1), width: int = 256, latent: int = 32, rng: Rng = None
           ) -> tuple[Generator, Discriminator]:
    """For small images: a generator with batch normalisation, which on the 8 × 8 digits makes the
    difference between a few kinds of digit and all of them."""
    rng, pixels = rng or np.random.default_rng(), math.prod(shape)
    generator = Generator(
        latent, *dense_stack([latent, width, width], 0.2, rng, batch_norm=True),
        Dense(width, pixels, rng=rng), Sigmoid(), Reshape(*shape))
    discriminator = Discriminator(
        Flatten(), *dense_stack([pixels, width, width], 0.2, rng), Dense(width, 1, rng=rng))
    return generator, discriminator
