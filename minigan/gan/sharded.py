"""Steps whose batches are computed in shards, by one process or by several: the same bits."""
from __future__ import annotations

import copy
import warnings
import zlib
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, Sequence

import numpy as np

from ..autodiff import Tensor
from ..backend import array_module, to_numpy
from ..nn import BatchNorm, Module, Parameter, frozen
from ..optim import Optimizer
from ..ranks import Alone, RankError, check_alike
from ..replay import CaptureError, Draws, capture
from ..replay.capture import CapturedStep
from ..settings import POSITIVE, one_of
from ..shards import DIFFERENT_ROWS, Meeting, block, check_greenlet, joined
from .game import GAN, GameError, Judgement
from .option import Option
from .penalties import Sample
from .update import Players, Rng, StepResult

if TYPE_CHECKING:
    from .trainer import Trainer

COMPARED_EVERY = 100  # steps after which the ranks compare their weights
Parts = Sequence[Sample]  # a sample of each shard that is computed here


class ShardRngs:
    """The shards' generators of random numbers as one, whose state is all of theirs."""

    def __init__(self) -> None:
        self.each: list[np.random.Generator] = []
        self.bit_generator = self

    @property
    def state(self) -> list[dict]:
        return [rng.bit_generator.state for rng in self.each]

    @state.setter
    def state(self, states: list[dict]) -> None:
        for rng, state in zip(self.each, states):
            rng.bit_generator.state = state


class ShardDraws(Draws):
    """What a shard draws in a step that is captured with the draws of all of them."""

    def __init__(self, draws: Draws, index: int):
        self.draws, self.index = draws, index

    def __call__(self, draw: Callable[[np.random.Generator], np.ndarray]) -> Tensor:
        return self.draws(lambda rngs: draw(rngs.each[self.index]))


class ShardedPlayers(Players):
    """Players whose samples are Parts, and whose gradients are means over all shards.

    Each shard has a game of its own: the same parameters, and what the networks keep beside them
    (running statistics, vectors of SpectralNorm) in a copy, which `settle` makes one again. What in
    it draws from `draws`, the trainer's, draws in the copy from the shard's.
    """

    def __init__(self, players: Players, count: int, batch_norm: str, ranks: Alone,
                 draws: Draws | None = None):
        super().__init__(players.game, players.d_optimizer, players.g_optimizer, players.max_norm)
        self.count, self.ranks = count, ranks
        self.shards = block(count, ranks.rank, ranks.size)
        self.generators = ShardRngs()  # of the shards, in this step
        self.draws = Draws(np.random.default_rng(0))
        self.draws.rng = self.generators
        self.rngs: list[Rng] = [ShardDraws(self.draws, i) for i in range(len(self.shards))]
        self.games = [_of_shard(self.game, draws, rng) for rng in self.rngs]
        self.kept = [_kept(game) for game in (self.game, *self.games)]
        self.meeting = Meeting(self._total, count) if meets(self.game, batch_norm) else None

    def _total(self, parts: list) -> Any:
        return self.ranks.total(parts, self.count)

    def each(self, function: Callable, *parts: Sequence) -> list[Any]:
        """function(game, …) of each shard."""
        calls = [partial(function, *args) for args in zip(self.games, *parts)]
        return [call() for call in calls] if self.meeting is None else self.meeting.run(calls)

    def generate(self, latents: Parts) -> Parts:
        return self.each(lambda game, latent: game.generate(latent), latents)

    def d_gradient(self, reals: Parts, fakes: Parts, rng: None) -> list[Judgement]:
        def one(game: GAN, real: Sample, fake: Sample, rng: Any) -> tuple[Judgement, list]:
            judged = game.d_loss(real, tuple([t.detach() for t in fake]), rng)
            return judged, self._slopes(self.d_optimizer, judged.loss)

        self.d_optimizer.zero_grad()
        judged, slopes = zip(*self.each(one, reals, fakes, self.rngs))
        self._take(self.d_optimizer, slopes)
        return list(judged)

    def g_gradient(self, reals: Parts, fakes: Parts, rng: None) -> list[Tensor]:
        def one(game: GAN, real: Sample, fake: Sample, rng: Any) -> tuple[Tensor, list]:
            loss = game.g_loss(real, fake, rng)
            return loss, self._slopes(self.g_optimizer, loss)

        self.g_optimizer.zero_grad()
        with frozen(self.game.discriminator):
            losses, slopes = zip(*self.each(one, reals, fakes, self.rngs))
        self._take(self.g_optimizer, slopes)
        return list(losses)

    def _slopes(self, optimizer: Optimizer, loss: Tensor) -> list[Tensor | None]:
        """A shard's part of the gradient, by each parameter, none of which has one before or after:
        no other shard's function runs between the end of backward and that of this one."""
        tensors = optimizer.flat.tensors
        (loss * (1 / self.count)).backward(inputs=tensors)
        found = [p.grad for p in tensors]
        optimizer.zero_grad()
        return found

    def _take(self, optimizer: Optimizer, slopes: Sequence[list[Tensor | None]]) -> None:
        """Give the parameters the sums of the shards' parts."""
        total = self._total([[g.data for g in own if g is not None] for own in slopes])
        start = 0
        for p, part in zip(optimizer.flat.tensors, slopes[0]):
            p.grad = None
            if part is not None:
                p.grad = Tensor(total[start:start + p.size].reshape(p.shape))
                start += p.size
        self._limit(optimizer)

    def settle(self) -> None:
        """What the shards' networks keep becomes its mean over the shards, in all of them."""
        if not self.kept[0]:
            return
        mean = self._total([[t.data for t in own] for own in self.kept[1:]]) * (1 / self.count)
        start = 0
        for same in zip(*self.kept):
            part = mean[start:start + same[0].size].reshape(same[0].shape)
            start += same[0].size
            for t in same:
                t.data[...] = part
                t.mark_changed()

    def check_met(self) -> None:
        """Raise RankError for sums in this step that another rank's shards had otherwise. Those of
        a replay are those of the step that was recorded."""
        if self.meeting is None or self.ranks.size == 1:
            return
        mark = zlib.crc32(repr(self.meeting.met).encode()) if self.meeting.met else 0
        if len({*self.ranks.numbers(mark)} - {0}) > 1:
            raise RankError(DIFFERENT_ROWS)

    def result(self, judged: Sequence[Judgement], g_losses: Sequence[Tensor], reals: Parts,
               fakes: Parts) -> StepResult:
        """Losses and logits of the whole batch; examples of the first shard that is computed here.
        """
        xp = array_module(g_losses[0].data)
        logits = [(j.real_logits.data, j.fake_logits.data) for j in judged]
        rows = self.ranks.all([
            xp.concatenate([x.reshape(-1) for x in (j.loss.data, g.data, *of)])
            for j, g, of in zip(judged, g_losses, logits)], self.count)
        losses = Alone().total([[row[:2]] for row in rows], self.count) * (1 / self.count)
        real, fake = logits[0]
        stop = 2 + real.size
        real_logits, fake_logits = (
            joined([row[part] for row in rows]).reshape(-1, *like.shape[1:])
            for part, like in ((slice(2, stop), real), (slice(stop, None), fake)))
        arrays = losses[0], losses[1], real_logits, fake_logits
        return StepResult(*[Tensor(a) for a in arrays],
                          *[t.detach() for t in (reals[0][0], fakes[0][0])])


class ShardedStep:
    """A trainer's step in shards, a function of the real batches."""

    def __init__(self, trainer: Trainer):
        self.trainer, self.rule, self.average = trainer, trainer.rule, trainer.average
        self.players = ShardedPlayers(trainer.players, trainer.shards, trainer.batch_norm,
                                      trainer.ranks, trainer.draws)
        self.captured: CapturedStep | None = capture(self._step, self.players.draws)

    def __call__(self, batches: Sequence[Sample]) -> StepResult:
        trainer, players = self.trainer, self.players
        key = int(trainer.draws.rng.integers(2 ** 63))  # of this step, on every rank
        rngs = players.generators.each = [np.random.default_rng([key, shard])
                                       for shard in players.shards]
        for game in players.games:
            game.anneal(trainer.step / trainer.steps)
        reals = [[_cut(batch, shard, players.count) for shard in players.shards]
                 for batch in batches]
        latents = [[game.latent(len(part[0]), rng, part[1:])
                    for game, part, rng in zip(players.games, parts, rngs)] for parts in reals]
        result = self._captured_step(reals, latents)
        players.check_met()
        if trainer.step % COMPARED_EVERY == 0 and trainer.ranks.size > 1:
            check_alike(trainer.ranks, {"the checksum of the weights": self._checksum()})
        return result

    def _captured_step(self, reals: list[Parts], latents: list[Parts]) -> StepResult:
        """A step, replayed where the device allows it, and recorded by all ranks at once: a graph
        that talks has to be launched by all, and a step that is compared talks twice."""
        ranks = self.trainer.ranks
        if self.captured is None or not ranks.records(reals[0][0][0].data):
            return self._step(reals, latents)
        if ranks.size > 1 and ranks.any(self.captured.is_another()):
            self.captured.forget()
        recorded, failed = self.captured.recorded, None
        try:
            result = self.captured(reals, latents)
        except CaptureError as error:
            failed = str(error)
        if failed is not None or self.captured.recorded != recorded:
            said = ranks.told(failed)
            if None in said and any(said):
                raise RankError(f"the training step is captured on rank {said.index(None)}, and "
                                f"not on another: {next(filter(None, said))}")
        if failed is not None:
            warnings.warn(f"the training step is not captured: {failed}", stacklevel=4)
            self.captured = None
            return self._step(reals, latents)
        return result

    def _step(self, reals: list[Parts], latents: list[Parts]) -> StepResult:
        if self.players.meeting is not None:
            self.players.meeting.met = []
        result = self.rule(self.players, reals, latents)
        self.players.settle()
        self.average.update()
        return result

    def _checksum(self) -> str:
        """Of all that is trained: processors of different kinds may not compute the same bits."""
        mark = 0
        for optimizer in self.players.optimizers:
            mark = zlib.crc32(to_numpy(optimizer.flat.array), mark)
        return f"{mark:08x}"


def meets(game: GAN, batch_norm: str) -> bool:
    """Whether the shards of a batch meet in this game. Raises UserError where they cannot."""
    found = batch_norm == "whole" and any(isinstance(m, BatchNorm) for m in game.modules())
    if found:
        check_greenlet()
    return found


def _of_shard(game: GAN, draws: Draws | None, own: ShardDraws) -> GAN:
    """A copy of the game that shares its parameters, and has `own` in place of `draws`."""
    known = {id(p): p for p in game.parameters()}
    return copy.deepcopy(game, known if draws is None else {**known, id(draws): own})


def _kept(game: Module) -> list[Tensor]:
    """What the networks keep beside their parameters, in floats."""
    return [t for _, t in game.named_state()
            if not isinstance(t, Parameter) and t.dtype.kind == "f"]


def _cut(batch: Sample, shard: int, count: int) -> Sample:
    """A shard of a batch: neighbouring rows."""
    check_shards(count, len(batch[0]))
    rows = len(batch[0]) // count
    return tuple([Tensor(t.data[shard * rows:(shard + 1) * rows]) for t in batch])


def check_shards(count: int, size: int) -> None:
    """Raise GameError for a batch of that size that does not make so many shards."""
    if count > 1 and (size % count or size < 2 * count):
        raise GameError(f"{size} examples do not make {count} shards of two or more, all alike: "
                        f"choose a batch size that is a multiple of {count}, {2 * count} at least")


BATCH_NORM = "whole", "shard"

OPTIONS = (
    Option("shards", 1, POSITIVE, "a batch is computed in N parts, one by one, and the parts are "
           "added in one fixed order: the same bits under mpiexec -n 1, 2, ..."),
    Option("batch_norm", "whole", one_of(BATCH_NORM, "batch_norm"),
           "whose statistics BatchNorm takes then, those of the whole batch or of each shard: "
           + ", ".join(BATCH_NORM), "NAME", needs="shards"),
)
