"""The settings of a run whose networks, data and trainer a program gives."""
from __future__ import annotations

import copy
import re
from functools import cached_property
from typing import Any

import numpy as np

from .. import backend
from ..autodiff import Tensor
from ..data import Loader, Scaled
from ..errors import UserError, brief
from .config import Config, fingerprint
from .game import GAN
from .models import Pair
from .objectives import OBJECTIVES
from .options import Options
from .penalties import Sample
from .systems import System
from .trainer import Trainer


PARTS = "objective", "penalties", "constraint", "augment", "pack", "label_noise", "noise"


class Given(Config):
    """What a Config is, of what is in a trainer. Raises UserError for a trainer of anything but
    images from a Loader."""

    def __init__(self, trainer: Trainer, steps: int, save_every: int | None = None):
        loader, game = trainer.loader, trainer.game
        if not isinstance(loader, Loader):
            raise UserError("a run's images come from a Loader, which can go on from where it was, "
                            f"and not from {type(loader).__name__}")
        self.given = trainer
        super().__init__(
            None, None, (1, 1, 1), steps, loader.batch_size, 0,
            max(1, steps // 10) if save_every is None else save_every)
        images = self._images()
        check_images(images, isinstance(loader.arrays[0], Scaled))
        labels = self.labels()
        self.shape = images.shape[1:]
        self.classes = 0 if labels is None else loader.arrays[1].shape[1]
        self.own = System("networks of a program", Pair(
            lambda **_: copy.deepcopy(game.generator), lambda **_: copy.deepcopy(
                game.discriminator)), noise=game.noise, value_range=self.value_range)
        self.game = Options(shards=trainer.shards, **(
            {} if trainer.shards == 1 else {"batch_norm": trainer.batch_norm}))
        self.program = {
            "images": fingerprint(images, labels), "range": list(self.value_range),
            "order": [loader.seed, loader.shuffle], "rates": list(trainer.rates),
            "d_steps": trainer.d_steps, "rule": _words(trainer.rule), "kind": type(game).__name__,
            **{part: _words(getattr(game, part, None)) for part in PARTS}}

    @cached_property
    def value_range(self) -> tuple[float, float]:
        images = self.given.loader.arrays[0]
        if isinstance(images, Scaled):
            return images.value_range
        return (-1, 1) if images.min() < 0 else (0, 1)

    @cached_property
    def conditional(self) -> bool:
        return bool(self.classes) and len(self.given.game.latent(
            1, np.random.default_rng(0), self.classes_told(1, None))) > 1

    def build(self, saved: Any = None, judged: bool = True) -> GAN:
        """The game, in a copy."""
        try:
            return copy.deepcopy(self.given.game)
        except Exception as error:
            raise UserError("the networks cannot be copied, which is how a run makes images of "
                            f"saved weights: {brief(error)}") from None

    def trainer(self, *_: Any) -> Trainer:
        """The one that was given."""
        return self.given

    def conditions(self, labels: Any = None) -> list[backend.Array]:
        """What the loader gives beside the images."""
        return list(self.given.loader.arrays[1:])

    def told(self, n: int, label: int | None) -> Sample:
        if self.classes:
            return self.classes_told(n, label)
        return tuple([Tensor(backend.asarray(array[np.arange(n) % len(array)]))
                      for array in self.conditions()])

    def labels(self) -> np.ndarray | None:
        """What class each image is of, if unit vectors are what the loader gives beside them."""
        beside = [backend.to_numpy(array) for array in self.conditions()]
        if len(beside) != 1 or beside[0].ndim != 2 or not (
                ((beside[0] == 1).sum(axis=1) == 1) & ((beside[0] != 0).sum(axis=1) == 1)).all():
            return None
        return beside[0].argmax(axis=1)

    def load(self) -> tuple[np.ndarray, np.ndarray | None]:
        """The images, in [0, 1] or as Scaled takes them, and their labels, if there are any."""
        images = self._images()
        if not isinstance(self.given.loader.arrays[0], Scaled) and self.value_range != (0, 1):
            images = self.unscaled(images)
        return images, self.labels()

    def _images(self) -> np.ndarray:
        images = self.given.loader.arrays[0]
        return backend.to_numpy(images.images if isinstance(images, Scaled) else images)


def check_images(images: np.ndarray, scaled: bool) -> None:
    """Raise UserError for what is drawn as no images."""
    if images.ndim != 4 or not (scaled or images.dtype.kind == "f"):
        raise UserError(
            f"a run draws images, floats of shape (N, H, W, C) or Scaled bytes, and the loader "
            f"has {images.dtype} of shape {images.shape}: give it those, let the discriminator "
            "begin with nn.Flatten() and the generator end in nn.Reshape of an image's shape")
    if images.dtype.kind == "f" and not (-1 <= images.min() and images.max() <= 1):  # or NaN
        raise UserError(f"images are floats from 0 to 1 or from -1 to 1, and the loader's are from "
                        f"{images.min():g} to {images.max():g}: Scaled(images, range) makes them "
                        "of bytes")


def _words(part: Any) -> str:
    """A function or an object in words that are the same in another process."""
    for name, objective in OBJECTIVES.items():
        if part is objective:
            return name
    return getattr(part, "__qualname__", None) or re.sub(" at 0x[0-9a-f]+", "", repr(part))
