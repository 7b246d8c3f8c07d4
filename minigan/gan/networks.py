"""The networks of a game, made of a system's own two as the options want them."""
from __future__ import annotations

from typing import Any, Callable

import numpy as np

from ..nn import Module, spectrally_normalised
from ..settings import FLAG, POSITIVE
from .auxiliary import Classifier
from .conditional import ConditionalGenerator, answering, projection, two_headed
from .models import Discriminator
from .option import GameError, Option
from .systems import System


class Networks:
    """Makes them, one after another, with weights drawn from rng.

    options   an Options
    shape     of an example; classes: how many its label can be of, 0 without labels
    """

    def __init__(self, options: Any, system: System, shape: tuple[int, ...], classes: int,
                 rng: np.random.Generator):
        self.options, self.system, self.shape = options, system, shape
        self.classes, self.rng = classes, rng

    def generator(self, more: int = 0) -> Module:
        """One that also gets a condition of so many numbers."""
        made = self._made(self.system.networks.generator, self.shape,
                          latent=self.system.latent + more)
        return ConditionalGenerator(made, more) if more else made

    def discriminator(self, more: int = 0, answers: int = 0, fits: int = 0) -> Module:
        """One that sees so many more channels, also gives so many answers, or also judges whether
        an example fits its class."""
        *size, channels = self.shape
        made = self._made(self.system.networks.discriminator,
                          (*size, channels * self.options.pack + more))
        made = _of_layers(made) if answers or fits else made
        made = two_headed(made, answers, self.rng) if answers else made
        made = projection(made, fits, self.rng) if fits else made
        return self._normed(made)

    def classifier(self) -> Module:
        """A discriminator that says which of the classes an example is of, if it is real."""
        made = _of_layers(self._made(self.system.networks.discriminator, self.shape))
        return self._normed(Classifier(answering(made, self.classes, self.rng)))

    def _made(self, make: Callable[..., Module], shape: tuple[int, ...], **sizes: int) -> Module:
        width = self.options.width
        return make(shape=shape, rng=self.rng, **sizes, **({"width": width} if width else {}))

    def _normed(self, network: Module) -> Module:
        return (spectrally_normalised(network, self.rng) if self.options.spectral_norm
                else network)


def _of_layers(made: Module) -> Module:
    if not isinstance(made, Discriminator):
        raise GameError(f"{type(made).__name__} cannot be asked for classes or codes, as this game "
                        "does: make the discriminator of models.Discriminator or nn.Sequential")
    return made


OPTIONS = (
    Option("width", None, POSITIVE, "of both networks' hidden layers (default: the system's)"),
    Option("spectral_norm", False, FLAG, "each layer of D divided by its largest stretch", None),
)
