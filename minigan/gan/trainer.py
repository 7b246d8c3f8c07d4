"""The loop: batches, noise, steps, and whoever wants to watch."""
from __future__ import annotations

import warnings
from numbers import Integral
from typing import Any, Callable, Iterable, Literal, Mapping

import numpy as np

from ..autodiff import Tensor
from ..checked import checked
from ..data import Batches
from ..nn import Dropout, Module
from ..nn.module import check_names
from ..optim import EMA, Adam, Optimizer
from ..optim.groups import Group, spread
from ..ranks import Alone, world
from ..replay import CaptureError, Draws, capture
from ..settings import Natural, Positive
from .diagnostics import reading
from .game import GAN, GameError
from .noise import Masks
from .notebook import Display, live
from .penalties import Sample
from .sharded import ShardedStep, meets
from .update import Players, StepResult, alternating

Callback = Callable[["Trainer", StepResult], None]


@checked
class Trainer:
    """Plays a game.

    game         a GAN, whose parts say what each player sees and minimises
    loader       yields batches of real examples, scaled to the generator's range; or tuples of them
                 and of the conditions that they come with
    lr           Adam's learning rate: one number, or D's and G's (two time scales, Heusel et al.
                 2017); other optimisers are given as d_optimizer and g_optimizer
    rule         in which order the players move: one of `update`
    d_steps      how often D moves in a step, each time with a batch of its own
    max_norm     what each player's gradient is cut to
    seed         fixes the noise, and what Dropout leaves out; the loader brings its own
    callbacks    called with (trainer, result) after every step
    betas        Adam's
    schedule     what lr is multiplied by, a function of the steps made and the steps in all
    shards       how many parts a batch is computed in, each alone, with noise of its own: under
                 mpiexec the ranks share them, and as many shards give the same bits on any number
                 of ranks. 1: the batch is computed in one, by one process
    batch_norm   whose statistics BatchNorm takes then: those of the whole batch, or of each shard

    `average` is the moving average of the generator, from which samples are drawn. The same
    seeds give the same bits, also when a run was stopped and resumed by its state. A trainer is
    pickled if its parts are, which lambdas and inner functions are not; its state always is.
    """

    def __init__(self, game: GAN, loader: Batches, lr: float | tuple[float, float] = 2e-4,
                 rule: Callable[..., StepResult] = alternating, d_steps: int = 1,
                 d_optimizer: Optimizer | None = None, g_optimizer: Optimizer | None = None,
                 max_norm: float | None = None, seed: Any = 0,
                 callbacks: Iterable[Callback] = (), betas: tuple[float, float] = (0.5, 0.999),
                 schedule: Callable[[int, int], float] | None = None, shards: Positive = 1,
                 batch_norm: Literal["whole", "shard"] = "whole"):
        rates = tuple(lr) if isinstance(lr, (tuple, list)) else (lr, lr)
        if d_steps < 1 or (d_steps > 1 and rule is not alternating):
            raise GameError("d_steps is at least 1, and more than 1 only where the players move in "
                            f"turn, not {d_steps} with {rule.__name__}")
        self.game, self.loader, self.rule, self.d_steps = game, loader, rule, d_steps
        self.players = Players(
            game, d_optimizer or Adam(game.discriminator.parameters(), rates[0], betas),
            g_optimizer or Adam(game.generator.parameters(), rates[1], betas), max_norm)
        self.shards, self.batch_norm = shards, batch_norm
        self.ranks = world() if shards > 1 else Alone()  # who compute the shards
        if shards > 1:
            meets(game, batch_norm)  # which may be refused before anything is written
        self.schedule, self.rates = schedule, [group.lr for group in self._groups()]
        self.average = EMA(game.generator)
        self.draws = Draws(np.random.default_rng(seed))
        for module in game.modules():
            if isinstance(module, Dropout):
                module.rng = Masks(self.draws)
        self.captured = capture(self._step, self.draws)
        self.callbacks = list(callbacks)
        self.display: Display | None = Display()  # in a notebook; None: nothing is shown
        self.step = 0   # how many are made
        self.steps = 0  # how many there are to be in all: what fades does so over these
        self.last = 0   # after which the run under way returns
        self._read: tuple[int, dict[str, float]] = (0, {})
        self.stop = False  # set it, and run() returns after the step that is under way

    def __getstate__(self) -> dict[str, Any]:
        """For copies and pickles: a recorded step stays where it is."""
        return {**vars(self), "captured": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.captured = capture(self._step, self.draws)

    @checked
    def run(self, steps: Natural) -> None:
        """Train until `steps` steps have been made in all. A penalty or noise that fades, and a
        schedule of lr, do so over the most steps that were ever asked for, or over `self.steps`
        where that was set to more: to train in pieces, set it first. A notebook shows a picture and
        curves meanwhile. Warns where there is nothing to do."""
        if self.stop or 0 < steps <= self.step:
            why = ("the trainer was stopped, so no step is made: trainer.stop = False lets it go on"
                   if self.stop else made_already("run", steps, self.step))
            return warnings.warn(why, stacklevel=3)
        self.last, self.steps = steps, max(steps, self.steps)
        batches = self.loader.forever()
        make = self._made_whole if self.shards == 1 else ShardedStep(self)
        with live(self, steps) as watchers:
            while self.step < steps and not self._stopped():
                self.game.anneal(self.step / self.steps)  # what changes in the course of training
                if self.schedule is not None:
                    self.set_rates(self.schedule(self.step, self.steps))
                result = make([_sample(next(batches)) for _ in range(self.d_steps)])
                self.step += 1
                for callback in (*watchers, *self.callbacks):
                    callback(self, result)

    def reading(self, result: StepResult) -> dict[str, float]:
        """The health of the last step (see `diagnostics.reading`), read once however many ask."""
        if self._read[0] != self.step:
            self._read = self.step, reading(self.players, result)
        return self._read[1]

    def _repr_html_(self) -> str | None:
        """What a notebook shows of it: samples, and curves, if it showed the training."""
        return self.display and self.display.once(self)

    def set_rates(self, factor: float = 1) -> None:
        """Give the optimisers the rates that the trainer was made with, times a factor, whatever a
        state brought."""
        for group, lr in zip(self._groups(), self.rates):
            group.lr = lr * factor

    def _groups(self) -> list[Group]:
        return [group for optimizer in self.players.optimizers for group in optimizer.param_groups]

    def _stopped(self) -> bool:
        """Whether it was, on any rank: all stop at one step."""
        self.stop = self.ranks.any(self.stop)
        return self.stop

    def _made_whole(self, reals: list[Sample]) -> StepResult:
        """A step whose batches are computed in one."""
        latents = [self.game.latent(len(real[0]), self.draws.rng, real[1:]) for real in reals]
        try:  # to replay it, where the device allows that
            return self.captured(reals, latents)
        except CaptureError as error:
            warnings.warn(f"the training step is not captured: {error}", stacklevel=2)
            self.captured = self._step
            return self._step(reals, latents)

    def _step(self, reals: list[Sample], latents: list[Sample]) -> StepResult:
        result = self.rule(self.players, reals, latents, self.draws)
        self.average.update()
        return result

    @property
    def generator(self) -> Module:
        return self.game.generator

    @property
    def discriminator(self) -> Module:
        return self.game.discriminator

    def _parts(self) -> dict[str, Any]:
        """What has a state_dict of arrays, by its name in the trainer's."""
        return {"game": self.game, "average": self.average.module,
                "d_optimizer": self.players.d_optimizer, "g_optimizer": self.players.g_optimizer}

    def state_dict(self) -> dict[str, Any]:
        """All that a run needs to go on: nested dicts of arrays and JSON-able values."""
        return {
            **{name: part.state_dict() for name, part in self._parts().items()},
            "progress": {"step": self.step, "loader": self.loader.state_dict(),
                         "rng": self.draws.rng.bit_generator.state},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state_dict of the same game and data; with an error, nothing is changed.
        Raises KeyError, TypeError or ValueError for the state of something else."""
        parts, rng = self._parts(), self.draws.rng.bit_generator
        check_names(self, [*parts, "progress"], state)
        for name, part in parts.items():
            part.check_state_dict(state[name])
        progress = state["progress"]
        check_names(self, ("step", "loader", "rng"), progress)
        step, = spread("the steps", progress["step"], 1, Integral)
        check_names(rng, rng.state, progress["rng"])
        try:
            type(rng)().state = progress["rng"]
        except OverflowError as error:
            raise ValueError(f"the state of the random numbers is none: {error}") from None
        check_names(self.loader, self.loader.state_dict(), progress["loader"])
        self.loader.load_state_dict(progress["loader"])  # which may refuse it, and goes first
        for name, part in parts.items():
            part.load_state_dict(state[name])
        self.step = self.average.updates = step
        rng.state = progress["rng"]


def made_already(method: str, steps: int, made: int) -> str:
    """What is said where steps were asked for that are made."""
    return (f"{made} steps are made already, and {method}({steps}) counts them all: for {steps} "
            f"more it is {method}({made + steps})")


def _sample(batch: Any) -> Sample:
    """A loader's batch as a sample: the examples, and their conditions, if there are any."""
    return tuple([Tensor(array) for array in (batch if isinstance(batch, tuple) else (batch,))])
