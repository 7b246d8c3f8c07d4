"""Games of several discriminators or several generators."""
from __future__ import annotations

from functools import partial
from typing import Any, Callable, Sequence

import numpy as np

from .. import ops
from ..autodiff import Tensor
from ..checked import checked
from ..nn import Module
from ..settings import FLAG, Positive, Share, one_of, whole
from .game import GAN, GameError, Judgement
from .objectives import Objective, made_by
from .option import Option
from .penalties import Sample


class Team(Module):
    """Networks that play together."""

    def __init__(self, members: Sequence[Module]):
        self.members = list(members)


def average(losses: Tensor) -> Tensor:
    """Each discriminator counts the same."""
    return ops.mean(losses)


def worst(losses: Tensor) -> Tensor:
    """Only the discriminator that G does worst against counts."""
    return ops.max(losses)


def softmax_weighted(sharpness: float = 1) -> Callable[[Tensor], Tensor]:
    """Between the two: discriminators count by softmax(sharpness · loss), which for 0 is the
    average and for ∞ the worst. The weights are constants to G's gradient."""
    return partial(_softmax_weighted, sharpness)


def _softmax_weighted(sharpness: float, losses: Tensor) -> Tensor:
    return (losses * ops.softmax(losses.detach() * sharpness)).sum()


@checked
class GMAN(GAN):
    """One generator against several discriminators, each of which plays a game of its own
    (Durugkar et al. 2017). G minimises a mixture of what it loses in each: `average`, `worst` or
    `softmax_weighted()`.

    games  GANs of the same generator; a single one makes this the plain game

    What each of them is by itself (its objective, penalties, packing, ...) is its own: here stand
    those of the first, so that whoever knows a GAN can look. Raises GameError for games of several
    generators, or of generators that start from different noise.
    """

    def __init__(self, games: Sequence[GAN], mix: Callable[[Tensor], Tensor] = average):
        if len({id(game.generator) for game in games}) != 1:
            raise GameError("the games of a GMAN, one or more, share one generator")
        first = games[0]
        if any(game.noise != first.noise for game in games):
            raise GameError("the games of a GMAN share one generator, which starts from one kind "
                            "of noise")
        super().__init__(first.generator, Team([game.discriminator for game in games]),
                         first.objective, constraint=self._constrain, augment=first.augment,
                         pack=first.pack, label_noise=first.label_noise, noise=first.noise)
        self.games, self.mix, self.penalties = list(games), mix, first.penalties

    def latent(self, n: int, rng: np.random.Generator, conditions: Sample = ()) -> Sample:
        return self.games[0].latent(n, rng, conditions)

    def d_loss(self, real: Sample, fake: Sample, rng: np.random.Generator) -> Judgement:
        judged = [game.d_loss(real, fake, rng) for game in self.games]
        loss, real_logits, fake_logits = (sum(parts[1:], parts[0]) for parts in zip(*judged))
        n = len(judged)
        return Judgement(loss, real_logits * (1 / n), fake_logits * (1 / n))

    def g_loss(self, real: Sample, fake: Sample, rng: np.random.Generator) -> Tensor:
        return self.mix(ops.stack([game.g_loss(real, fake, rng) for game in self.games]))

    def anneal(self, done: float) -> None:
        for game in self.games:
            game.anneal(done)

    def _constrain(self, team: Team) -> None:
        for game in self.games:
            if game.constraint is not None:
                game.constraint(game.discriminator)


@checked
def d2gan(generator: Module, for_real: Module, for_fake: Module, alpha: Share = 0.2,
          beta: Share = 0.1, **options) -> GMAN:
    """Two discriminators, of which one rewards real examples and the other generated ones (Nguyen
    et al. 2017, equation 1). G then minimises a mixture of KL and reverse KL divergence; alpha and
    beta, in (0, 1], weigh the logarithms. The positive outputs are softplus(logit) of the first and
    softplus(−logit) of the second, so that both take what has a large logit for real."""
    if for_real is for_fake or "objective" in options:
        raise GameError("d2gan is of two discriminators, each with an objective of its own")

    return GMAN([GAN(generator, for_real, _rewarding_real(alpha), **options),
                 GAN(generator, for_fake, _rewarding_fake(beta), **options)], mix=ops.sum)


def _rewarding_real(alpha: float) -> Objective:
    return made_by(Objective(lambda v: -alpha * _log(v), ops.softplus, lambda v: -ops.softplus(v)),
                   _rewarding_real, alpha)


def _rewarding_fake(beta: float) -> Objective:
    return made_by(Objective(lambda v: ops.softplus(-v), lambda v: -beta * _log(-v),
                             lambda v: beta * _log(-v)), _rewarding_fake, beta)


def _log(v: Tensor) -> Tensor:
    """ln softplus(v), which for v < −20 is ln eᵛ, and in the end ln 0."""
    return ops.where(v < -20, v, ops.log(ops.softplus(ops.maximum(v, -20))))


@checked
class Generators(Module):
    """Several generators as one: each makes its share of a batch, one after another. All that
    they share is in `body`, if there is one, which goes on from what they make."""

    def __init__(self, members: Sequence[Module], latent: Positive, body: Module | None = None):
        self.members, self.latent, self.body = list(members), latent, body

    def shares(self, n: int) -> list[int]:
        """How many of n examples each generator makes."""
        k = len(self.members)
        return [n // k + (i < n % k) for i in range(k)]

    def makers(self, n: int) -> np.ndarray:
        """The number of the generator that makes each of n examples, int64 (n,)."""
        return np.repeat(np.arange(len(self.members)), self.shares(n))

    def forward(self, z: Tensor, makers: Tensor | None = None) -> Tensor:
        made, start = [], 0  # who makes which is a matter of the order: see `makers`
        for member, share in zip(self.members, self.shares(len(z))):
            if share:
                made.append(member(z[start:start + share]))
                start += share
        x = ops.concatenate(made)
        return x if self.body is None else self.body(x)


MIXES = {"mean": average, "softmax": softmax_weighted(), "worst": worst}


def _gman(n: int, net: Any, parts: dict[str, Any]) -> GMAN:
    shared = net.generator()
    return GMAN([GAN(shared, net.discriminator(), **parts) for _ in range(n)],
                MIXES[net.options.mix])


def _d2gan(_: bool, net: Any, parts: dict[str, Any]) -> GMAN:
    del parts["objective"]
    return d2gan(net.generator(), net.discriminator(), net.discriminator(), **parts)


OPTIONS = (
    Option("discriminators", 1, whole(2, 1000), "GMAN: G plays against N of them", game=_gman),
    Option("mix", "mean", one_of(MIXES, "mix"), f"which of them counts: {', '.join(MIXES)}", "NAME",
           needs="discriminators"),
    Option("d2gan", False, FLAG,
           "two discriminators, one of which rewards real images, one generated ones", None,
           without=("objective", "label_smoothing"),
           because="its two discriminators have objectives of their own",
           game=_d2gan),
)
