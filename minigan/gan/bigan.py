"""A GAN that also learns the way back, from examples to noise."""
from __future__ import annotations

from typing import Any

import numpy as np

from ..autodiff import Tensor
from ..checked import checked
from ..nn import Module
from .game import GAN, Judgement, judge, latent_of, no_conditions
from .penalties import Sample


@checked
class Bidirectional(Module):
    """A generator and an encoder, which are trained together: called with noise it generates."""

    def __init__(self, generator: Module, encoder: Module):
        self.generator, self.encoder, self.latent = generator, encoder, latent_of(generator)

    def forward(self, z: Tensor) -> Tensor:
        return self.generator(z)


@checked
class BiGAN(GAN):
    """D judges pairs of an example and a code: (x, E(x)) of real ones, (G(z), z) of generated ones
    (Donahue et al. 2017, equation 3). G and E together play D's part with the kinds exchanged, and
    where D cannot tell the pairs apart, E is G's inverse. D is called with (x, code), as
    `Conditional` is; `game.generator.encoder` is E.

    Raises TypeError for a generator that is not Bidirectional.
    """

    def __init__(self, generator: Bidirectional, *args: Any, **options: Any):
        super().__init__(generator, *args, **options)

    def latent(self, n: int, rng: np.random.Generator, conditions: Sample = ()) -> Sample:
        no_conditions(self, conditions)
        return super().latent(n, rng)

    def generate(self, latent: Sample) -> Sample:
        z, = latent
        return (self.generator(z), z)

    def d_loss(self, real: Sample, fake: Sample, rng: np.random.Generator) -> Judgement:
        code = self.generator.encoder(real[0]).detach()
        return super().d_loss((real[0], code), fake, rng)

    def g_loss(self, real: Sample, fake: Sample, rng: np.random.Generator) -> Tensor:
        pair = (real[0], self.generator.encoder(real[0]))
        real_logits, fake_logits = judge(self.discriminator, self.shown(pair, rng),
                                         self.shown(fake, rng))
        return self.objective.discriminator(fake_logits, real_logits)
