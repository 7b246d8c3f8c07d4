"""Learning rates that change from step to step."""
from __future__ import annotations

import math
from functools import partial
from numbers import Integral
from typing import Any, Callable, Mapping

from ..backend import each_time
from ..checked import checked
from ..nn.module import check_names
from ..settings import Positive, PositiveNumber
from .groups import joined, rates_of, spread
from .optimizers import Optimizer


Factor = Callable[[int], float]  # of the steps so far


@checked
class Schedule:
    """Sets an optimiser's learning rate to its first one times factor(steps so far); with
    parameter groups, each one's to its own first one.

    factor is a function such as those below. Call step() once after each optimiser's step.
    """

    def __init__(self, optimizer: Optimizer, factor: Factor):
        self.optimizer, self.factor = optimizer, factor
        self.initial_lrs, self.steps = [group.lr for group in optimizer.param_groups], 0
        self._apply()

    def step(self) -> None:
        """Move on by one step."""
        each_time(self._move, self._state)

    def _move(self) -> None:
        self.steps += 1
        self._apply()

    def _state(self) -> Callable[[], None]:
        return partial(self.load_state_dict, self.state_dict())

    def state_dict(self) -> dict[str, Any]:
        """Where the schedule is: "initial_lr", or a list with one for each group, and "steps"."""
        return {"initial_lr": joined(self.initial_lrs), "steps": self.steps}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there. Raises KeyError or ValueError for the state of another schedule."""
        check_names(self, ("initial_lr", "steps"), state)
        steps, = spread("the steps", state["steps"], 1, Integral)
        self.initial_lrs = rates_of(state["initial_lr"], self.optimizer.param_groups)
        self.steps = steps
        self._apply()

    def _apply(self) -> None:
        for group, lr in zip(self.optimizer.param_groups, self.initial_lrs):
            group.lr = lr * self.factor(self.steps)


@checked
def step_decay(every: Positive, gamma: PositiveNumber = 0.1) -> Factor:
    """Times gamma after every so many steps."""
    return partial(_step_decay, every, gamma)


@checked
def exponential_decay(gamma: PositiveNumber) -> Factor:
    """Times gamma after each step."""
    return partial(pow, gamma)


@checked
def linear_decay(total: Positive) -> Factor:
    """From 1 down to 0 in `total` steps, in a straight line."""
    return partial(_linear_decay, total)


@checked
def cosine_decay(total: Positive) -> Factor:
    """From 1 down to 0 in `total` steps, along half a cosine (Loshchilov & Hutter 2017)."""
    return partial(_cosine_decay, total)


@checked
def warmup(steps: Positive, then: Factor | None = None) -> Factor:
    """Up to 1 in a straight line over `steps` steps, and on with another schedule, or at 1."""
    return partial(_warmup, steps, then)


# Functions of their own and no lambdas, which cannot be pickled

def _step_decay(every: int, gamma: float, step: int) -> float:
    return gamma ** (step // every)


def _linear_decay(total: int, step: int) -> float:
    return max(0.0, 1 - step / total)


def _cosine_decay(total: int, step: int) -> float:
    return 0.5 * (1 + math.cos(math.pi * min(step / total, 1)))


def _warmup(steps: int, then: Factor | None, step: int) -> float:
    if step < steps:
        return (step + 1) / steps
    return 1.0 if then is None else then(step - steps)
