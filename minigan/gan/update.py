"""The update rules: in which order the players move, and by which gradients.

A rule makes one step of the game. It gets the players, a real sample and a latent for each of D's
updates in the step, and a generator of random numbers for what the game draws.
"""
from __future__ import annotations

from typing import Callable, NamedTuple, Sequence

import numpy as np

from ..autodiff import Tensor, no_grad
from ..checked import checked
from ..nn import Module, frozen
from ..optim import Optimizer, clip_grad_norm
from ..replay import Draws
from ..settings import FRACTION, POSITIVE, POSITIVE_NUMBER, SHARE, Limit, one_of
from .game import GAN, GameError, Judgement
from .objectives import Objective, nonsaturating
from .option import Option
from .penalties import Sample

Rng = np.random.Generator | Draws | None  # Draws, where the step is captured


class StepResult(NamedTuple):
    """What a step computed; Tensors, so that nobody waits for a GPU until a number is read."""

    d_loss: Tensor
    g_loss: Tensor
    real_logits: Tensor  # D on the real batch, before its update
    fake_logits: Tensor  # D on the generated batch, before its update
    real: Tensor         # the real examples, and
    fake: Tensor         # the generated ones


@checked
class Players:
    """A game, and an optimiser for each player.

    max_norm  what the Euclidean norm of each player's gradient is cut to (Pascanu et al. 2013);
              None: to nothing

    Raises GameError if an optimiser has none of its player's parameters, or some of the other's.
    """

    def __init__(self, game: GAN, d_optimizer: Optimizer, g_optimizer: Optimizer,
                 max_norm: Limit | None = None):
        self.game, self.d_optimizer, self.g_optimizer = game, d_optimizer, g_optimizer
        self.max_norm = max_norm
        _check_optimizers(game, d_optimizer, g_optimizer)

    @property
    def optimizers(self) -> tuple[Optimizer, Optimizer]:
        """D's and G's."""
        return self.d_optimizer, self.g_optimizer

    def generate(self, latent: Sample) -> Sample:
        """What G makes of a latent."""
        return self.game.generate(latent)

    def d_gradient(self, real: Sample, fake: Sample, rng: Rng) -> Judgement:
        """D's gradient. It learns from a detached copy, so its loss does not push G."""
        judged = self.game.d_loss(real, tuple([t.detach() for t in fake]), rng)
        self._descend(self.d_optimizer, judged.loss)
        return judged

    def g_gradient(self, real: Sample, fake: Sample, rng: Rng) -> Tensor:
        """G's gradient, through a frozen D, for whose weights none is computed."""
        with frozen(self.game.discriminator):
            loss = self.game.g_loss(real, fake, rng)
            self._descend(self.g_optimizer, loss)
        return loss

    def move_d(self) -> None:
        """D moves by its gradient."""
        self.d_optimizer.step()
        if self.game.constraint is not None:
            self.game.constraint(self.game.discriminator)

    def move_g(self) -> None:
        """G moves by its gradient."""
        self.g_optimizer.step()

    def _descend(self, optimizer: Optimizer, loss: Tensor) -> None:
        optimizer.zero_grad()
        loss.backward(inputs=optimizer.flat.tensors)
        self._limit(optimizer)

    def _limit(self, optimizer: Optimizer) -> None:
        if self.max_norm is not None:
            clip_grad_norm(optimizer.flat.tensors, self.max_norm)

    def result(self, judged: Judgement, g_loss: Tensor, real: Sample, fake: Sample) -> StepResult:
        """What a step computed."""
        return StepResult(*[t.detach() for t in (judged.loss, g_loss, judged.real_logits,
                                                 judged.fake_logits, real[0], fake[0])])


@checked
def alternating(players: Players, reals: Sequence[Sample], latents: Sequence[Sample],
                rng: Rng = None) -> StepResult:
    """Update D once on each real sample and a generated one, then G once through the new D
    (Goodfellow et al. 2014, algorithm 1).

    BatchNorm's running statistics move at every pass: with one update of D, D's move three times,
    at D(real), at D(fake.detach()) and at D(fake) in G's update, in this order; G's once, at G(z).
    Freezing stops gradients, not statistics.
    """
    for real, latent in zip(reals[:-1], latents):
        with no_grad():
            fake = players.generate(latent)
        players.d_gradient(real, fake, rng)
        players.move_d()
    real, fake = reals[-1], players.generate(latents[-1])
    judged = players.d_gradient(real, fake, rng)
    players.move_d()
    g_loss = players.g_gradient(real, fake, rng)
    players.move_g()
    return players.result(judged, g_loss, real, fake)


@checked
def simultaneous(players: Players, reals: Sequence[Sample], latents: Sequence[Sample],
                 rng: Rng = None) -> StepResult:
    """Both players move at once, each by its gradient at the point where both were (Mescheder et
    al. 2017, algorithm 1)."""
    found = _at_once(players, reals, latents, rng)
    players.move_d()
    players.move_g()
    return players.result(*found)


@checked
def extragradient(players: Players, reals: Sequence[Sample], latents: Sequence[Sample],
                  rng: Rng = None) -> StepResult:
    """Both players look ahead by a step, and then move from where they were by the gradients found
    there (Korpelevich 1976; for GANs Gidel et al. 2019, in the variant that looks ahead on the same
    batch). Where simultaneous steps circle round a solution, these close in on it. Adam's averages
    take in both gradients."""
    flats = [optimizer.flat for optimizer in players.optimizers]
    start = [flat.join().copy() for flat in flats]
    simultaneous(players, reals, latents, rng)
    found = _at_once(players, reals, latents, rng)
    for flat, before in zip(flats, start):
        flat.join()[...] = before
        for p in flat.tensors:
            p.mark_changed()
    players.move_d()
    players.move_g()
    return players.result(*found)


@checked
def train_step(generator: Module, discriminator: Module, g_optimizer: Optimizer,
               d_optimizer: Optimizer, real: Tensor, z: Tensor,
               objective: Objective = nonsaturating) -> StepResult:
    """A step of the plain game between two networks: D moves once on a real batch and one made
    from z, then G once through the new D."""
    players = Players(GAN(generator, discriminator, objective), d_optimizer, g_optimizer)
    return alternating(players, [(real,)], [(z,)])


RULES: dict[str, Callable[..., StepResult]] = {
    "alternating": alternating, "simultaneous": simultaneous, "extragradient": extragradient,
}

OPTIONS = (
    Option("rule", "alternating", one_of(RULES, "rule"),
           f"in which order the players move: {', '.join(RULES)}", "NAME"),
    Option("d_steps", 1, POSITIVE, "updates of D in a step", without=("rule",),
           because="where D and G do not take turns, they move together, once a step"),
    Option("max_norm", None, POSITIVE_NUMBER, "each player's gradient is cut to this length", "X"),
    Option("lr", None, POSITIVE_NUMBER, "Adam's learning rate (default: the system's)", "X"),
    Option("d_lr", None, POSITIVE_NUMBER, "D's, if it is to be another (default: as --lr)", "X"),
    Option("lr_decay", None, SHARE, "in this last share of the steps both fall to 0 in a straight "
           "line", "X"),
    Option("beta1", None, FRACTION, "Adam's first beta (default: the system's)", "X"),
)


def last_decay(share: float, step: int, steps: int) -> float:
    """1, and in the last share of the steps down to 0 in a straight line."""
    return min(1.0, (1 - step / steps) / share)


def _check_optimizers(game: GAN, d_optimizer: Optimizer, g_optimizer: Optimizer) -> None:
    """Raise GameError for an optimiser that would not move its player, or the other one: they may
    be exchanged, or made for other networks. Where all is well it looks at few parameters only."""
    held = [{id(p) for p in optimizer.flat.tensors} for optimizer in (d_optimizer, g_optimizer)]
    both = held[0] & held[1]  # as there may be, of networks that share a layer
    players = {"discriminator": game.discriminator, "generator": game.generator}
    for (player, network), ids in zip(players.items(), held):
        first = next(network.parameters(), None)
        if first is None or id(first) in ids and not both:
            continue
        own = {id(p) for p in network.parameters()}
        if not own & ids or both - own:
            raise GameError(
                f"the {player}'s optimiser is to have the {player}'s parameters, and has "
                f"{'those of both networks' if own & ids else 'none of them'}: train_step takes "
                "G's optimiser before D's, Players D's before G's, and each is made of its "
                "network's parameters()")


def _at_once(players: Players, reals: Sequence[Sample], latents: Sequence[Sample], rng: Rng
             ) -> tuple[Judgement, Tensor, Sample, Sample]:
    """Both gradients at the point where both players are, and the samples they are of."""
    if len(reals) != 1:
        raise GameError(f"D and G move together in this rule, once a step: {len(reals)} updates of "
                        "D go with alternating ones")
    real, fake = reals[0], players.generate(latents[0])
    judged = players.d_gradient(real, fake, rng)
    return judged, players.g_gradient(real, fake, rng), real, fake
