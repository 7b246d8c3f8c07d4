"""The networks of a game, made of a system's own two as the options want them."""
from __future__ import annotations

import math
from typing import Any, Callable, Mapping

import numpy as np

from ..errors import UserError
from ..nn import Dense, Module, spectrally_normalised
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
        return spectrally_normalised(network, self.rng) if self.options.spectral_norm else network


def _of_layers(made: Module) -> Module:
    if not isinstance(made, Discriminator):
        raise GameError(f"{type(made).__name__} cannot be asked for classes or codes, as this game "
                        "does: make the discriminator of models.Discriminator or nn.Sequential")
    return made


class Rationed(np.random.Generator):
    """rng for as many weights as were saved, each of which may be drawn twice: it raises UserError
    before more are made, since damaged settings can ask for networks of any size."""

    def __init__(self, rng: np.random.Generator, saved: Mapping[str, np.ndarray]):
        super().__init__(rng.bit_generator)
        self.saved = sum(array.size for array in saved.values())
        self.left = 2 * self.saved

    def _take(self, shape: Any) -> Any:
        self.left -= math.prod(shape) if isinstance(shape, (tuple, list)) else shape or 1
        if self.left < 0:
            raise UserError(f"the settings ask for more weights than the {self.saved:,} that "
                            "were saved: they, or what was saved, are damaged or of another run")
        return shape

    def uniform(self, low: float = 0, high: float = 1, size: Any = None) -> Any:
        return super().uniform(low, high, self._take(size))

    def standard_normal(self, size: Any = None, *options: Any) -> Any:
        return super().standard_normal(self._take(size), *options)


def nobody(rng: np.random.Generator, **sizes: Any) -> Discriminator:
    """A discriminator in name only: of one weight, whatever it would see."""
    return Discriminator(Dense(1, 1, rng=rng))


OPTIONS = (
    Option("width", None, POSITIVE, "of both networks' hidden layers (default: the system's)"),
    Option("spectral_norm", False, FLAG, "each layer of D divided by its largest stretch", None),
)
