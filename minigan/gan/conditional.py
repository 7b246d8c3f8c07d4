"""Networks that are told a condition, such as the class: samples and latents are (x, condition),
the condition (N, K), a unit vector for a class."""
from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..autodiff import Tensor
from ..checked import checked
from ..nn import Dense, Module, Sequential
from ..settings import Positive, one_of
from .auxiliary import ACGAN, TwoHeads
from .game import GAN, latent_of
from .models import Discriminator
from .option import Option


@checked
class Conditional(Module):
    """A network that gets the condition beside its input (Mirza & Osindero 2014): K more numbers
    of a vector, K more channels of an image, the same at every pixel. Raises ValueError for a
    condition of another shape than (N, K)."""

    def __init__(self, network: Module):
        self.network = network

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        if condition.ndim != 2 or len(condition) != len(x):
            raise ValueError(f"{len(x)} examples need a condition of shape ({len(x)}, K), got "
                             f"{condition.shape}: noise.encoded(labels, K) makes one of classes")
        spread = condition.reshape(len(condition), *(1,) * (x.ndim - 2), condition.shape[1])
        spread = spread.broadcast_to((*x.shape[:-1], condition.shape[1]))
        return self.network(ops.concatenate([x, spread], axis=-1))


@checked
class ConditionalGenerator(Conditional):
    """A generator whose input is noise and the condition of `classes` numbers, joined."""

    def __init__(self, generator: Module, classes: Positive):
        super().__init__(generator)
        self.latent = latent_of(generator) - classes


@checked
class Projection(Module):
    """logit = ψ(φ(x)) + ⟨V y, φ(x)⟩: how real the features φ(x) are, and how well they fit the
    condition y (Miyato & Koyama 2018, equation 3). ψ and V are linear."""

    def __init__(self, trunk: Module, logit: Dense, embedding: Dense):
        self.trunk, self.logit, self.embedding = trunk, logit, embedding

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        features = self.trunk(x)
        fit = (self.embedding(condition) * features).sum(axis=1, keepdims=True)
        return self.logit(features) + fit


@checked
def parts(discriminator: Discriminator) -> tuple[Sequential, Dense]:
    """The features that a discriminator computes, and the layer that makes a logit of them. Raises
    TypeError for one that does not end in a Dense layer."""
    *trunk, logit = discriminator.body.layers
    if not isinstance(logit, Dense):
        raise TypeError(f"the last layer of a discriminator is the Dense one of its logit, not "
                        f"{logit!r}")
    return Sequential(*trunk), logit


@checked
def answering(discriminator: Discriminator, answers: Positive,
              rng: np.random.Generator | None = None) -> Sequential:
    """The network of a discriminator, with so many numbers in place of its logit."""
    trunk, logit = parts(discriminator)
    return Sequential(*trunk.layers, Dense(logit.weight.shape[0], answers, rng=rng))


@checked
def projection(discriminator: Discriminator, classes: Positive,
               rng: np.random.Generator | None = None) -> Projection:
    """A discriminator that also judges whether an example fits its class."""
    trunk, logit = parts(discriminator)
    return Projection(trunk, logit, Dense(classes, logit.weight.shape[0], bias=False, rng=rng))


@checked
def two_headed(discriminator: Discriminator, answers: Positive,
               rng: np.random.Generator | None = None) -> TwoHeads:
    """A discriminator that also answers with so many numbers, from the same features."""
    trunk, logit = parts(discriminator)
    return TwoHeads(trunk, logit, Dense(logit.weight.shape[0], answers, rng=rng))


CONDITIONS = ("concatenation", "projection", "acgan")


def _conditional(how: str, net: Any, parts: dict[str, Any]) -> GAN:
    G, classes = net.generator(net.classes), net.classes
    if how == "acgan":
        return ACGAN(G, net.discriminator(answers=classes), **parts)
    return GAN(G, net.discriminator(fits=classes) if how == "projection"
               else Conditional(net.discriminator(classes)), **parts)


OPTIONS = (
    Option("conditional", None, one_of(CONDITIONS, "way of conditioning"),
           f"G makes what class it is told to: {', '.join(CONDITIONS)} (without HOW: projection)",
           "HOW", const="projection", game=_conditional,
           conditions=lambda how, labels, classes, rng: np.eye(classes, dtype=np.float32)[labels]),
)
