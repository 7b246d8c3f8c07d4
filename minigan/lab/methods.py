"""The methods that the laboratory compares: each a few lines that put a game together.

A method is a function of `Networks` that returns a `Play`. A new one is a function more and a line
in METHODS.
"""
from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Callable

from ..gan import objectives
from ..gan.augment import InstanceNoise
from ..gan.auxiliary import MGAN, TwoHeads
from ..gan.game import GAN
from ..gan.objectives import OBJECTIVES
from ..gan.penalties import (PENALTIES, clip_weights, dragan, gradient_penalty, one_sided, r1,
                             r1_and_r2, zero_centred)
from ..gan.several import GMAN, Generators, d2gan, softmax_weighted
from ..gan.unrolled import UnrolledGAN
from ..gan.update import RULES, Players, StepResult, alternating, extragradient
from ..nn import SpectralNorm
from ..optim import Adam
from .recipe import Networks, Recipe


@dataclass
class Play:
    """A game and how it is played.

    d_steps     updates of D in a step
    d_lr, g_lr  the players' learning rates, as multiples of the recipe's
    anneal      called before each step with the share of the training that is done
    """

    game: GAN
    rule: Callable[..., StepResult] = alternating
    d_steps: int = 1
    d_lr: float = 1
    g_lr: float = 1
    anneal: Callable[[float], None] = lambda done: None

    def players(self, recipe: Recipe) -> Players:
        """The game's players, each with its Adam."""
        d, g = (Adam(network.parameters(), recipe.lr * factor, recipe.betas)
                for network, factor in [(self.game.discriminator, self.d_lr),
                                        (self.game.generator, self.g_lr)])
        return Players(self.game, d, g)


Method = Callable[[Networks], Play]


CALM = 0.25


def calm(game: GAN, **options: Any) -> Play:
    """A play at a quarter of the recipe's learning rate: where nothing limits D's slopes, the
    players do better slowly."""
    return Play(game, d_lr=CALM, g_lr=CALM, **options)


def fading(game: GAN, penalty: Callable[[float], Any], first: float = 0.1, last: float = 3e-3,
           until: float = 0.7) -> Play:
    """A play with a penalty whose weight falls from first to last, at an even rate, within the
    share `until` of the steps: what keeps D calm at first keeps it blunt in the end."""
    games = game.games if isinstance(game, GMAN) else [game]

    def anneal(done: float) -> None:
        for each in games:
            each.penalties = (penalty(first * (last / first) ** min(1, done / until)),)

    return Play(game, anneal=anneal)


def plain(net: Networks) -> Play:
    """the non-saturating GAN (Goodfellow et al. 2014)"""
    return calm(GAN(net.generator(), net.discriminator()))


def minimax(net: Networks) -> Play:
    """the game itself, whose G gets no slope where it loses (Goodfellow et al. 2014)"""
    return calm(GAN(net.generator(), net.discriminator(), objectives.minimax))


def least_squares(net: Networks) -> Play:
    """squared distances from labels (Mao et al. 2017)"""
    return calm(GAN(net.generator(), net.discriminator(), objectives.least_squares))


def wasserstein_clip(net: Networks) -> Play:
    """a critic, its weights cut to ±0.1 (Arjovsky et al. 2017)"""
    return Play(GAN(net.generator(), net.discriminator(), objectives.wasserstein,
                    constraint=clip_weights(0.1)), d_steps=5)


def wgan_gp(net: Networks) -> Play:
    """a critic whose slopes are to be 1 (Gulrajani et al. 2017)"""
    return Play(GAN(net.generator(), net.discriminator(), objectives.wasserstein,
                    [gradient_penalty(1)]))


def wgan_lp(net: Networks) -> Play:
    """a critic whose slopes are to be at most 1 (Petzka et al. 2018)"""
    return Play(GAN(net.generator(), net.discriminator(), objectives.wasserstein,
                    [one_sided(1)]))


def hinge_spectral(net: Networks) -> Play:
    """hinge losses, weights of spectral norm 1 (Miyato et al. 2018)"""
    def norm(layer):
        return SpectralNorm(layer, rng=net.rng)

    return Play(GAN(net.generator(), net.discriminator(norm=norm), objectives.hinge))


def relativistic(net: Networks) -> Play:
    """how much more real than the others (Jolicoeur-Martineau 2019)"""
    return calm(GAN(net.generator(), net.discriminator(), OBJECTIVES["relativistic"]))


def r1_at_real(net: Networks) -> Play:
    """D is to be flat at real examples (Mescheder et al. 2018)"""
    return fading(GAN(net.generator(), net.discriminator()), r1)


def r1_and_r2_at_both(net: Networks) -> Play:
    """D is to be flat at real and at generated examples (Mescheder et al. 2018)"""
    return fading(GAN(net.generator(), net.discriminator()), r1_and_r2)


def relativistic_r1_and_r2(net: Networks) -> Play:
    """relativistic, and D flat at both kinds (of R3GAN, Huang et al. 2024)"""
    return fading(GAN(net.generator(), net.discriminator(), OBJECTIVES["relativistic"]), r1_and_r2)


def zero_centred_between(net: Networks) -> Play:
    """D is to be flat between real and generated examples (Thanh-Tung et al. 2019)"""
    return fading(GAN(net.generator(), net.discriminator()), zero_centred)


def dragan_around_real(net: Networks) -> Play:
    """D's slopes are to be 1 around real examples (Kodali et al. 2017)"""
    return Play(GAN(net.generator(), net.discriminator(), penalties=[dragan(1)]))


def instance_noise(net: Networks) -> Play:
    """noise on all that D sees, less and less until half-time (Sønderby et al. 2017)"""
    noise = InstanceNoise()

    def anneal(done: float) -> None:
        noise.std = 0.5 * max(0.0, 1 - 2 * done)

    return calm(GAN(net.generator(), net.discriminator(), augment=noise), anneal=anneal)


def label_smoothing(net: Networks) -> Play:
    """D is told that a tenth of the real examples are generated (Salimans et al. 2016)"""
    return calm(GAN(net.generator(), net.discriminator(),
                    objectives.smoothed(objectives.nonsaturating, 0.1)))


def packing(m: int) -> Method:
    """A method: D sees m examples at once."""
    def packed(net: Networks) -> Play:
        return calm(GAN(net.generator(), net.discriminator(pack=m), pack=m))

    packed.__doc__ = f"D sees {m} examples at once (PacGAN, Lin et al. 2018)"
    return packed


def flat(method: Method) -> Method:
    """The method with r1_and_r2 beside what it does."""
    def flattened(net: Networks) -> Play:
        return fading(method(net).game, r1_and_r2)

    flattened.__doc__ = f"{method.__doc__}; D flat at both kinds"
    return flattened


def unrolled(net: Networks) -> Play:
    """G looks ahead by 5 updates of D (Metz et al. 2017)"""
    return calm(UnrolledGAN(net.generator(), net.discriminator(), unroll=5, unroll_lr=0.1))


def gman(net: Networks) -> Play:
    """two discriminators, the strictest counting most (Durugkar et al. 2017)"""
    generator = net.generator()
    return calm(GMAN([GAN(generator, net.discriminator()) for _ in range(2)], softmax_weighted()))


def two_discriminators(net: Networks) -> Play:
    """one discriminator rewards real examples, one generated ones (D2GAN, Nguyen et al. 2017)"""
    return calm(d2gan(net.generator(), net.discriminator(), net.discriminator()))


def mgan(net: Networks) -> Play:
    """four generators, and a classifier that tells them apart (Hoang et al. 2018)"""
    k, width = 4, net.recipe.width
    generators = Generators([net.generator() for _ in range(k)], net.recipe.latent)
    judge = TwoHeads(net.trunk(), net.dense(width, 1), net.dense(width, k))
    return calm(MGAN(generators, judge))


def extragradient_steps(net: Networks) -> Play:
    """both players look a step ahead (Korpelevich 1976; Gidel et al. 2019)"""
    return calm(GAN(net.generator(), net.discriminator()), rule=extragradient)


def two_time_scales(net: Networks) -> Play:
    """D learns four times as fast as G (Heusel et al. 2017)"""
    return Play(GAN(net.generator(), net.discriminator()), d_lr=2 * CALM, g_lr=CALM / 2)


METHODS: dict[str, Method] = {
    "plain": plain, "minimax": minimax, "least-squares": least_squares,
    "wasserstein-clip": wasserstein_clip, "wgan-gp": wgan_gp, "wgan-lp": wgan_lp,
    "hinge-spectral": hinge_spectral, "relativistic": relativistic,
    "relativistic-r1r2": relativistic_r1_and_r2,
    "r1": r1_at_real, "r1r2": r1_and_r2_at_both, "zero-centred": zero_centred_between,
    "dragan": dragan_around_real,
    "instance-noise": instance_noise, "label-smoothing": label_smoothing,
    "packing-2": packing(2), "packing-4": packing(4), "unrolled": unrolled,
    "packing-2-r1r2": flat(packing(2)), "gman-r1r2": flat(gman), "mgan-r1r2": flat(mgan),
    "gman": gman, "d2gan": two_discriminators, "mgan": mgan,
    "extragradient": extragradient_steps, "two-time-scales": two_time_scales,
}

TABLE: tuple[str, ...] = (  # the methods of the documented table
    "plain", "least-squares", "wgan-gp", "hinge-spectral", "relativistic-r1r2", "r1r2",
    "zero-centred", "instance-noise", "packing-2", "gman", "mgan", "extragradient")


@dataclass(frozen=True)
class Described:
    """A method in the words of the command line: names of the tables of `gan`. penalties are
    pairs (name, weight), with None for the penalty's own weight."""

    objective: str = "nonsaturating"
    penalties: tuple[tuple[str, float | None], ...] = ()
    pack: int = 1
    d_steps: int = 1
    rule: str = "alternating"

    def __call__(self, net: Networks) -> Play:
        penalties = [PENALTIES[name]() if weight is None else PENALTIES[name](weight)
                     for name, weight in self.penalties]
        game = GAN(net.generator(), net.discriminator(self.pack), OBJECTIVES[self.objective],
                   penalties, pack=self.pack)
        return Play(game, RULES[self.rule], self.d_steps)

    @property
    def name(self) -> str:
        """Such as hinge+r1=0.5+pack=2, which can be a folder's name."""
        parts = [self.objective]
        parts += [name if weight is None else f"{name}={weight:g}"
                  for name, weight in self.penalties]
        parts += [f"{f.name.replace('_', '-')}={getattr(self, f.name)}" for f in fields(self)[2:]
                  if getattr(self, f.name) != f.default]
        return "+".join(parts)

    def settings(self) -> dict[str, Any]:
        """As JSON has it."""
        return {**asdict(self), "penalties": [list(p) for p in self.penalties]}
