"""The settings of a run whose networks, data and trainer a program gives."""
from __future__ import annotations

import copy
from functools import cached_property
from typing import Any

import numpy as np

from .. import backend
from ..autodiff import Tensor
from ..data import Loader, Scaled
from ..errors import UserError
from .config import Config, fingerprint
from .game import GAN
from .models import Pair
from .options import Options
from .penalties import Sample
from .systems import System
from .trainer import Trainer


class Given(Config):
    """What a Config is, of what is in a trainer. Raises UserError for a trainer of anything but
    images from a Loader."""

    def __init__(self, trainer: Trainer, steps: int, save_every: int | None = None):
        if not isinstance(trainer.loader, Loader):
            raise UserError("a run's images come from a Loader, which can go on from where it was, "
                            f"and not from {type(trainer.loader).__name__}")
        self.given = trainer
        d_lr, lr = trainer.rates[0] or None, trainer.rates[-1] or None
        super().__init__(
            None, None, (1, 1, 1), steps, trainer.loader.batch_size, 0,
            max(1, steps // 10) if save_every is None else save_every,
            game=Options(lr=lr, d_lr=None if d_lr == lr else d_lr))
        images, labels = self.load()
        scaled = isinstance(trainer.loader.arrays[0], Scaled)
        if images.ndim != 4 or not (scaled or images.dtype.kind == "f"):
            raise UserError(
                f"a run draws images, floats of shape (N, H, W, C) or Scaled bytes, and the loader "
                f"has {images.dtype} of shape {images.shape}: give it those, let the discriminator "
                "begin with nn.Flatten() and the generator end in nn.Reshape of an image's shape")
        self.shape, self.fingerprint = images.shape[1:], fingerprint(images, labels)
        self.classes = 0 if labels is None else self.conditions()[0].shape[1]

    @property
    def played(self) -> System:
        game = self.given.game
        pair = Pair(lambda **_: copy.deepcopy(game.generator),
                    lambda **_: copy.deepcopy(game.discriminator))
        return System("networks of a program", pair, noise=game.noise, value_range=self.value_range)

    @cached_property
    def value_range(self) -> tuple[float, float]:
        images = self.given.loader.arrays[0]
        if isinstance(images, Scaled):
            return images.value_range
        return (-1, 1) if images.min() < 0 else (0, 1)

    @property
    def conditional(self) -> bool:
        return bool(self.classes)

    def build(self, saved: Any = None, judged: bool = True) -> GAN:
        """The game, in a copy."""
        return copy.deepcopy(self.given.game)

    def trainer(self, *_: Any) -> Trainer:
        """The one that was given."""
        return self.given

    def check_held(self) -> None:
        pass

    def check_networks(self) -> None:
        self._check_networks("those of the loader")

    def conditions(self, labels: Any = None) -> list[backend.Array]:
        """What the loader gives beside the images."""
        return list(self.given.loader.arrays[1:])

    def told(self, n: int, label: int | None) -> Sample:
        if self.classes:
            return self.classes_told(n, label)
        return tuple([Tensor(backend.asarray(array[np.arange(n) % len(array)]))
                      for array in self.conditions()])

    def load(self) -> tuple[np.ndarray, np.ndarray | None]:
        """The images, in [0, 1] or of bytes, and what classes they are of, if that is what the
        loader gives beside them."""
        images = self.given.loader.arrays[0]
        if isinstance(images, Scaled):
            images = backend.to_numpy(images.images)
        else:
            images = backend.to_numpy(images)
            images = images if self.value_range == (0, 1) else self.unscaled(images)
        beside = [backend.to_numpy(array) for array in self.conditions()]
        known = len(beside) == 1 and beside[0].ndim == 2 and (
            (beside[0] == 1).sum(axis=1) == 1).all() and ((beside[0] == 0) | (beside[0] == 1)).all()
        return images, beside[0].argmax(axis=1) if known else None
