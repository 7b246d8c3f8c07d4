"""Learning rates that change from step to step."""
from __future__ import annotations

import math
from typing import Callable, Mapping

from ..checked import checked
from .optimizers import Optimizer


@checked
class Schedule:
    """Sets an optimiser's learning rate to its first one times factor(steps so far).

    factor is a function such as those below. Call step() once after each optimiser's step.
    """

    def __init__(self, optimizer: Optimizer, factor: Callable[[int], float]):
        self.optimizer, self.factor = optimizer, factor
        self.initial_lr, self.steps = optimizer.lr, 0
        optimizer.lr = self.initial_lr * factor(0)

    def step(self) -> None:
        """Move on by one step."""
        self.steps += 1
        self.optimizer.lr = self.initial_lr * self.factor(self.steps)

    def state_dict(self) -> dict[str, float]:
        """Where the schedule is."""
        return {"initial_lr": self.initial_lr, "steps": self.steps}

    def load_state_dict(self, state: Mapping[str, float]) -> None:
        """Go on from there."""
        self.initial_lr, self.steps = state["initial_lr"], int(state["steps"])
        self.optimizer.lr = self.initial_lr * self.factor(self.steps)


@checked
def step_decay(every: int, gamma: float = 0.1) -> Callable[[int], float]:
    """Times gamma after every so many steps."""
    return lambda step: gamma ** (step // every)


@checked
def exponential_decay(gamma: float) -> Callable[[int], float]:
    """Times gamma after each step."""
    return lambda step: gamma ** step


@checked
def linear_decay(total: int) -> Callable[[int], float]:
    """From 1 down to 0 in `total` steps, in a straight line."""
    return lambda step: max(0.0, 1 - step / total)


@checked
def cosine_decay(total: int) -> Callable[[int], float]:
    """From 1 down to 0 in `total` steps, along half a cosine (Loshchilov & Hutter 2017)."""
    return lambda step: 0.5 * (1 + math.cos(math.pi * min(step / total, 1)))


@checked
def warmup(steps: int, then: Callable[[int], float] = lambda step: 1.0) -> Callable[[int], float]:
    """Up to 1 in a straight line over `steps` steps, and on with another schedule."""
    return lambda step: (step + 1) / steps if step < steps else then(step - steps)
