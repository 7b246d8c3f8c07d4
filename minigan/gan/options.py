"""A game put together from names, as the command line and a run folder's config.json have them."""
from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Callable, Mapping

import numpy as np

from ..nn import Module, spectrally_normalised
from . import penalties
from .augment import DiffAugment, InstanceNoise
from .auxiliary import ACGAN, MGAN, Classifier, InfoGAN, SemiSupervisedGAN
from .conditional import (Conditional, ConditionalGenerator, answering, projection,
                          two_headed)
from .game import GAN, GameError
from .models import Shape
from .objectives import OBJECTIVES, smoothed
from .several import GMAN, Generators, average, d2gan, softmax_weighted, worst
from .systems import System
from .unrolled import UnrolledGAN
from .update import RULES

MIXES = {"mean": average, "softmax": softmax_weighted(), "worst": worst}
CONDITIONS = ("concatenation", "projection", "acgan")


@dataclass
class Options:
    """What a game differs in from a system's plain one; by default nothing.

    The fields are those of `GAN`, `Players` and the games of further networks, with names in place
    of functions. Raises GameError for unknown names and for what does not go together.
    """

    objective: str = "nonsaturating"
    penalty: tuple[str, ...] = ()          # NAME or NAME:WEIGHT, of PENALTIES
    conditional: str | None = None         # one of CONDITIONS: G is told the class, and D, too
    codes: tuple[int, int] | None = None   # InfoGAN's: classes, and continuous codes
    labels: int = 0                        # semi-supervised: how many examples have theirs
    d2gan: bool = False
    discriminators: int = 1
    mix: str = "mean"                      # of what G loses against several discriminators
    generators: int = 1
    pack: int = 1
    unroll: int = 0
    label_smoothing: float = 0
    label_noise: float = 0
    instance_noise: float = 0
    diff_augment: bool = False
    spectral_norm: bool = False
    clip_weights: float | None = None
    rule: str = "alternating"
    d_steps: int = 1
    max_norm: float | None = None

    def __post_init__(self):
        for name, table in (("objective", OBJECTIVES), ("rule", RULES), ("mix", MIXES)):
            _look_up(name, getattr(self, name), table)
        self._check_numbers()
        if isinstance(self.penalty, str):
            raise GameError(f"penalty is a tuple of names, such as ({self.penalty!r},)")
        for text in self.penalty:
            _penalty(text)
        special = {"conditional": self.conditional is not None, "codes": self.codes is not None,
                   "labels": self.labels > 0, "d2gan": self.d2gan,
                   "discriminators": self.discriminators > 1, "generators": self.generators > 1,
                   "unroll": self.unroll > 0}
        chosen = [name for name, given in special.items() if given]
        if len(chosen) > 1:
            raise GameError(f"{' and '.join(chosen)} are games of their own, of which a run plays "
                            "one")
        if self.conditional not in (None, *CONDITIONS):
            raise GameError(f"conditional is one of {', '.join(CONDITIONS)}, not "
                            f"{self.conditional!r}")
        if self.pack > 1 and chosen and chosen[0] not in ("discriminators", "d2gan"):
            raise GameError(f"packed examples have no class, code or maker of their own: pack goes "
                            f"without {chosen[0]}")
        if self.instance_noise and self.diff_augment:
            raise GameError("instance_noise and diff_augment are both done to what D sees: choose "
                            "one")
        if self.d2gan and (self.objective != "nonsaturating" or self.label_smoothing):
            raise GameError("d2gan's two discriminators bring objectives of their own: it goes "
                            "without objective and label_smoothing")
        if self.mix != "mean" and self.discriminators == 1:
            raise GameError(f"mix {self.mix} is of what G loses against several discriminators: "
                            "set discriminators, too")

    def _check_numbers(self) -> None:
        check(self, int, lambda n: n >= 1, "a whole number of at least 1",
              "discriminators", "generators", "pack", "d_steps")
        check(self, int, lambda n: n >= 0, "a whole number of at least 0", "unroll",
              "labels")
        check(self, bool, lambda b: True, "true or false", "d2gan", "diff_augment",
              "spectral_norm")
        check(self, (int, float), lambda x: 0 <= x < 1, "a number of at least 0 and below 1",
              "label_smoothing", "label_noise")
        check(self, (int, float), lambda x: 0 <= x < math.inf, "a number of at least 0",
              "instance_noise")
        check(self, (int, float, type(None)), lambda x: x is None or 0 < x < math.inf,
              "a positive number or None", "clip_weights", "max_norm")
        check(self, (tuple, type(None)),
              lambda c: c is None or (list(map(type, c)) == [int, int] and c[0] > 1 and c[1] >= 0),
              "None or a number of classes, at least 2, and one of continuous codes", "codes")

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Options:
        """From the fields by name; JSON makes lists of tuples."""
        return cls(**{name: tuple(value) if isinstance(value, list) else value
                      for name, value in settings.items()})

    def build(self, system: System, shape: Shape, classes: int, rng: np.random.Generator) -> GAN:
        """The game between a system's networks, on images of a shape, with labels of so many
        classes."""
        net, parts = Networks(self, system, shape, rng), self.parts(system)
        if self.conditional == "concatenation":
            return GAN(net.generator(classes), Conditional(net.discriminator(classes)), **parts)
        if self.conditional == "projection":
            return GAN(net.generator(classes), net.discriminator(fits=classes), **parts)
        if self.conditional == "acgan":
            return ACGAN(net.generator(classes), net.discriminator(answers=classes), **parts)
        if self.codes is not None:
            k, m = self.codes
            return InfoGAN(net.generator(k + m), net.discriminator(answers=k + 2 * m),
                           categorical=k, continuous=m, **parts)
        if self.labels:
            return SemiSupervisedGAN(net.generator(), net.classifier(classes), **parts)
        if self.generators > 1:
            several = Generators([net.generator() for _ in range(self.generators)], system.latent)
            return MGAN(several, net.discriminator(answers=self.generators), **parts)
        if self.discriminators > 1:
            shared = net.generator()
            return GMAN([GAN(shared, net.discriminator(), **parts)
                         for _ in range(self.discriminators)], MIXES[self.mix])
        if self.d2gan:
            del parts["objective"]
            return d2gan(net.generator(), net.discriminator(), net.discriminator(), **parts)
        if self.unroll:
            return UnrolledGAN(net.generator(), net.discriminator(), unroll=self.unroll, **parts)
        return GAN(*net.both(), **parts)

    def parts(self, system: System) -> dict[str, Any]:
        """What every kind of GAN is given."""
        augment: Callable | None = DiffAugment() if self.diff_augment else None
        if self.instance_noise:
            augment = InstanceNoise(self.instance_noise)
        objective = OBJECTIVES[self.objective]
        if self.label_smoothing:
            objective = smoothed(objective, self.label_smoothing)
        return {"objective": objective, "penalties": [_penalty(text) for text in self.penalty],
                "constraint": (None if self.clip_weights is None
                               else penalties.clip_weights(self.clip_weights)),
                "augment": augment, "pack": self.pack, "label_noise": self.label_noise,
                "noise": system.noise}


class Networks:
    """Makes the networks of a game, one after another, with weights drawn from rng."""

    def __init__(self, options: Options, system: System, shape: Shape, rng: np.random.Generator):
        self.options, self.system, self.shape, self.rng = options, system, shape, rng

    def both(self) -> tuple[Module, Module]:
        """The system's own two."""
        if self.options.pack > 1:
            return self.generator(), self.discriminator()
        generator, discriminator = self.system.build(shape=self.shape, rng=self.rng)
        return generator, self.normed(discriminator)

    def generator(self, more: int = 0) -> Module:
        """A generator that also gets a condition of so many numbers."""
        made, _ = self.system.build(shape=self.shape, latent=self.system.latent + more,
                                    rng=self.rng)
        return ConditionalGenerator(made, more) if more else made

    def discriminator(self, more: int = 0, answers: int = 0, fits: int = 0) -> Module:
        """One that sees so many more channels, also gives so many answers, or also judges whether
        an example fits its class."""
        height, width, channels = self.shape
        _, made = self.system.build(shape=(height, width, channels * self.options.pack + more),
                                    rng=self.rng)
        made = two_headed(made, answers, self.rng) if answers else made
        made = projection(made, fits, self.rng) if fits else made
        return self.normed(made)

    def classifier(self, classes: int) -> Module:
        """A discriminator that says which of the classes an example is of, if it is real."""
        _, made = self.system.build(shape=self.shape, rng=self.rng)
        return self.normed(Classifier(answering(made, classes, self.rng)))

    def normed(self, network: Module) -> Module:
        """The network, with spectral normalisation if it is asked for."""
        return (spectrally_normalised(network, self.rng) if self.options.spectral_norm
                else network)


def check(settings: Any, kind: Any, fits: Callable[[Any], bool], what: str, *names: str) -> None:
    """Raise GameError, which says what it is to be, for an attribute that does not fit."""
    for name in names:
        value = getattr(settings, name)
        if not isinstance(value, kind) or not fits(value):
            raise GameError(f"{name} is {what}, not {value!r}")


def _penalty(text: str) -> Callable:
    """NAME or NAME:WEIGHT → the penalty."""
    name, colon, weight = str(text).partition(":")
    make = _look_up("penalty", name, penalties.PENALTIES)
    try:
        return make(*([float(weight)] if colon else []))
    except ValueError:
        raise GameError(f"the weight of penalty {name} is a number of at least 0, not "
                        f"{weight!r}") from None


def _look_up(what: str, name: str, table: dict[str, Any]) -> Any:
    if name not in list(table):  # a list, for what cannot be a key is not there either
        raise GameError(f"there is no {what} {name!r}; known are: {', '.join(table)}")
    return table[name]
