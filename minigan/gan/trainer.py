"""The loop: batches, noise, steps, and whoever wants to watch."""
from __future__ import annotations

import warnings
from typing import Any, Callable, Iterable, Mapping

import numpy as np

from ..autodiff import Tensor, no_grad
from ..capture import CaptureError, capture
from ..data import Loader
from ..optim import EMA, Adam
from .models import Discriminator, Generator
from .objectives import Objective, nonsaturating
from .step import StepResult, train_step

Callback = Callable[["Trainer", StepResult], None]


class Trainer:
    """Trains a generator against a discriminator.

    loader     yields batches of real images, scaled to the generator's range
    noise      a function of gan.noise: (n, latent, rng) → Tensor
    seed       fixes the noise; the loader and the networks bring their own
    callbacks  called with (trainer, result) after every step

    `average` is the moving average of the generator, from which samples are drawn. The same
    seeds give the same bits, also when a run was stopped and resumed by its state.
    """

    def __init__(self, generator: Generator, discriminator: Discriminator, loader: Loader,
                 noise: Callable[..., Tensor], lr: float = 2e-4, seed: int = 0,
                 objective: Objective = nonsaturating, callbacks: Iterable[Callback] = ()):
        self.generator, self.discriminator = generator, discriminator
        self.g_optimizer = Adam(generator.parameters(), lr)
        self.d_optimizer = Adam(discriminator.parameters(), lr)
        self.average = EMA(generator)
        self.loader, self.noise, self.objective = loader, noise, objective
        self.rng = np.random.default_rng(seed)
        self.captured = capture(self._train_step)
        self.callbacks = list(callbacks)
        self.step = 0
        self.stop = False  # set it, and run() returns after the step that is under way

    def run(self, steps: int) -> None:
        """Train until `steps` steps have been made in all."""
        batches = self.loader.forever()
        while self.step < steps and not self.stop:
            real = Tensor(next(batches))
            z = self.noise(len(real), self.generator.latent, self.rng)
            result = self._captured_step(real, z)
            self.step += 1
            for callback in self.callbacks:
                callback(self, result)

    def _train_step(self, real: Tensor, z: Tensor) -> StepResult:
        result = train_step(self.generator, self.discriminator, self.g_optimizer,
                            self.d_optimizer, real, z, self.objective)
        self.average.update()
        return result

    def _captured_step(self, real: Tensor, z: Tensor) -> StepResult:
        """A step, replayed where the device allows it."""
        try:
            return self.captured(real, z)
        except CaptureError as error:
            warnings.warn(f"the training step is not captured: {error}", stacklevel=3)
            self.captured = self._train_step
            return self._train_step(real, z)

    def state_dict(self) -> dict[str, Any]:
        """All that a run needs to go on: nested dicts of arrays and JSON-able values."""
        return {
            "generator": self.generator.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "average": self.average.module.state_dict(),
            "g_optimizer": self.g_optimizer.state_dict(),
            "d_optimizer": self.d_optimizer.state_dict(),
            "progress": {"step": self.step, "loader": self.loader.state_dict(),
                         "rng": self.rng.bit_generator.state},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state_dict of the same networks and data."""
        self.generator.load_state_dict(state["generator"])
        self.discriminator.load_state_dict(state["discriminator"])
        self.average.module.load_state_dict(state["average"])
        self.g_optimizer.load_state_dict(state["g_optimizer"])
        self.d_optimizer.load_state_dict(state["d_optimizer"])
        progress = state["progress"]
        self.step = self.average.updates = progress["step"]
        self.loader.load_state_dict(progress["loader"])
        self.rng.bit_generator.state = progress["rng"]


def sample(generator: Generator, z: Tensor, batch_size: int = 500) -> np.ndarray:
    """Images of z in host memory, from the generator in evaluation mode, batch by batch."""
    was_training = generator.training
    generator.eval()
    try:
        with no_grad():
            return np.concatenate([generator(z[i:i + batch_size]).numpy()
                                   for i in range(0, len(z), batch_size)])
    finally:
        generator.train(was_training)
