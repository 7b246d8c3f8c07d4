"""What all methods of the laboratory share: the networks, the optimisers and their schedule.

One recipe for all, so that a row of the table differs from another by its method and nothing else.
"""
from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Callable

import numpy as np

from .. import ops
from ..autodiff import Tensor
from ..backend import asarray
from ..gan.game import ALONE
from ..gan.models import Discriminator, Generator
from ..nn import Dense, LeakyReLU, Module, ReLU, Sequential, init


@dataclass(frozen=True)
class Recipe:
    """The numbers of a run.

    steps           of the update rule: G moves once in each
    batch           examples of each kind that a player sees
    latent          numbers that G starts from
    width           of the hidden layers of both networks
    g_depth, d_depth  how many hidden layers there are
    bias            hidden biases start from U(−bias, bias)
    waves           sines of a point that D sees beside the point itself
    slowest, fastest  their wave numbers, for data of variance 1
    lr, betas       Adam's, of both players
    warm_up         steps in which lr rises to that, in a straight line from 0
    constant        the share of the steps after which lr falls, in a straight line, to 0
    ema             the decay of the average of G, which the samples are drawn from
    """

    steps: int = 4000
    batch: int = 256
    latent: int = 2
    width: int = 128
    g_depth: int = 4
    d_depth: int = 3
    bias: float = 0.5
    waves: int = 64
    slowest: float = 0.5
    fastest: float = 5.0
    lr: float = 4e-3
    betas: tuple[float, float] = (0.0, 0.99)
    warm_up: int = 300
    constant: float = 0.5
    ema: float = 0.999

    def factor(self, step: int) -> float:
        """What lr is multiplied by after so many steps."""
        rise = (step + 1) / max(1, self.warm_up)
        return min(1, rise, max(0, 1 - step / self.steps) / (1 - self.constant))


class Waves(Module):
    """x (N, 2 · m) → (N, (2 + count) · m): x itself, and of each of its m points √2 sin(k · p + φ)
    with fixed wave vectors k in all directions, their lengths even on a logarithmic scale. An MLP
    of coordinates learns what is fine last and slowly, one of such features does not (Tancik et al.
    2020). Of waves alone D would repeat itself far out, and call nobody back from there."""

    def __init__(self, count: int, slowest: float, fastest: float, rng: np.random.Generator):
        angle = rng.uniform(0, 2 * math.pi, count)
        length = np.exp(rng.uniform(math.log(slowest), math.log(fastest), count))
        vectors = length * np.stack([np.cos(angle), np.sin(angle)])
        self.vectors = Tensor(asarray(vectors.astype(np.float32)))
        self.phases = Tensor(asarray(rng.uniform(0, 2 * math.pi, count).astype(np.float32)))

    def forward(self, x: Tensor) -> Tensor:
        n, inputs = x.shape
        features = ops.sin(ops.affine(x.reshape(n * inputs // 2, 2), self.vectors, self.phases))
        waves = (features * math.sqrt(2)).reshape(n, inputs // 2 * len(self.phases))
        return ops.concatenate([x, waves], axis=1)


ALONE.add(Waves)  # it treats each example by itself: real and generated ones may go together


class Networks:
    """Makes the networks of a recipe, one after another, with weights drawn from rng."""

    def __init__(self, recipe: Recipe, rng: np.random.Generator):
        self.recipe, self.rng = recipe, rng

    def generator(self) -> Generator:
        """latent → 2."""
        r = self.recipe
        return Generator(r.latent, *self.hidden(r.latent, r.g_depth, ReLU),
                         self.dense(r.width, 2))

    def discriminator(self, pack: int = 1,
                      norm: Callable[[Module], Module] = lambda layer: layer) -> Discriminator:
        """2 · pack → 1. norm wraps each of its layers, as SpectralNorm does."""
        return Discriminator(*self.below(pack, norm), norm(self.dense(self.recipe.width, 1)))

    def trunk(self) -> Sequential:
        """A discriminator without its last layer, for one of several answers: 2 → width."""
        return Sequential(*self.below(1))

    def below(self, pack: int, norm: Callable[[Module], Module] = lambda layer: layer
              ) -> list[Module]:
        """A discriminator's layers but the last."""
        r = self.recipe
        if not r.waves:
            return self.hidden(2 * pack, r.d_depth, LeakyReLU, norm)
        return [Waves(r.waves, r.slowest, r.fastest, self.rng),
                *self.hidden((2 + r.waves) * pack, r.d_depth, LeakyReLU, norm)]

    def hidden(self, inputs: int, depth: int, activation: Callable[[], Module],
               norm: Callable[[Module], Module] = lambda layer: layer) -> list[Module]:
        """The hidden layers of a network."""
        layers: list[Module] = []
        for _ in range(depth):
            dense = Dense(inputs, self.recipe.width, weight_init=init.he_normal, rng=self.rng)
            dense.bias.data += asarray(self.rng.uniform(
                -self.recipe.bias, self.recipe.bias, dense.bias.shape).astype(np.float32))
            layers += [norm(dense), activation()]
            inputs = self.recipe.width
        return layers

    def dense(self, inputs: int, outputs: int) -> Dense:
        """A last layer."""
        return Dense(inputs, outputs, rng=self.rng)
