"""The settings of a run, and what they say: which data, which game, which samples."""
from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Mapping

import numpy as np

from .. import backend
from ..data import IMAGE_SETS, DataError
from ..settings import NATURAL, POSITIVE, TWO_OR_MORE, Kind, one_of
from . import noise
from .game import GAN, GameError
from .options import Options
from .penalties import Sample
from .systems import SYSTEMS

SHAPE = Kind("a height, a width and a number of channels", lambda s: isinstance(s, (tuple, list))
             and len(s) == 3 and all(map(POSITIVE.fits, s)))
MARK = Kind("a text, or null", lambda text: text is None or isinstance(text, str))
KINDS = {"steps": POSITIVE, "save_every": POSITIVE, "batch_size": TWO_OR_MORE, "seed": NATURAL,
         "classes": NATURAL, "system": one_of(SYSTEMS, "system"),
         "data": one_of(IMAGE_SETS, "data set"), "shape": SHAPE, "fingerprint": MARK}


@dataclass
class Config:
    """The settings of a run, as they stand in config.json.

    system, data         names of SYSTEMS and IMAGE_SETS
    shape                of an image, (H, W, C)
    steps, save_every    in all, and from one save to the next
    batch_size, seed     images of each kind in a step, and what fixes weights, batches and noise
    data_dir             where the data are; None: where the data set is by default
    game                 what differs from the system's plain game
    classes              of the labels, if the data set has any
    fingerprint          of the images and labels that the run began with; None: it is an older one
    """

    system: str
    data: str
    shape: tuple[int, int, int]
    steps: int
    batch_size: int
    seed: int
    save_every: int
    data_dir: str | None = None
    game: Options = field(default_factory=Options)
    classes: int = 0
    fingerprint: str | None = None

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Config:
        """From what `as_json` gave. Raises UserError or TypeError for what it cannot have given."""
        settings, rates = dict(settings), {}
        for name in ("lr", "d_lr"):  # which stood beside the game once
            if name in settings:
                rates[name] = settings.pop(name)
        settings["game"] = Options.of({**rates, **settings.get("game", {})})
        config = cls(**settings)
        config.check()
        return config

    def as_json(self) -> dict[str, Any]:
        """The settings, of the game those that were given."""
        return {**vars(self), "game": self.game.given()}

    def check(self) -> None:
        """Raise UserError for values that no run can have."""
        for name, kind in KINDS.items():
            kind.check(name, getattr(self, name))
        self.game.check_batch(self.batch_size)

    def build(self) -> GAN:
        """The game, with the weights that its networks start from. Raises UserError for settings
        that do not go together, and for images of a shape that the system cannot make."""
        self.check()
        return self.game.build(SYSTEMS[self.system], tuple(self.shape), self.classes,
                               np.random.default_rng(self.seed))

    def latent(self, game: GAN, n: int, seed: int, label: int | None = None) -> Sample:
        """What n samples are made from; in a conditional game the classes come one after another,
        or all are the given one. Raises GameError for a class that is none."""
        told, rng = (), np.random.default_rng(seed)
        if self.game.conditions():
            if label is not None and label >= self.classes:
                raise GameError(f"the classes are 0 to {self.classes - 1}, not {label}")
            labels = np.arange(n) % self.classes if label is None else np.full(n, label)
            told = (noise.encoded(labels, self.classes),)
        latent = game.latent(n, rng, told)
        if label is not None and (not told or len(latent) == 1):  # G is not told
            raise GameError("only a run of a conditional game has classes to choose from")
        return latent

    def load(self) -> tuple[np.ndarray, np.ndarray | None]:
        """The images, as Scaled takes them, and their labels, if there are any. Raises DataError if
        they are not those that the run began with: it would not end where it would have."""
        *size, channels = self.shape
        own = {"size": tuple(size), "channels": channels} if self.data == "images" else {}
        images, labels = load(self.data, self.data_dir, self.batch_size, **own)
        found = fingerprint(images, labels)
        if self.fingerprint not in (None, found):
            raise DataError(f"the images of {self.data_dir or self.data}, or their classes, are "
                            f"not those that the run began with ({self.fingerprint}; now {found}): "
                            "bring those back, or start another run")
        return images, labels

    def conditions(self, labels: np.ndarray | None) -> list[backend.Array]:
        """What a Loader is given beside the images: what the game is to know of their classes."""
        wanted = self.game.conditions()
        if wanted and labels.max() >= self.classes:
            raise DataError(f"{self.data} has a class {labels.max()}, but the run is one of "
                            f"{self.classes} classes")
        return [backend.asarray(condition(labels, self.classes, np.random.default_rng(self.seed)))
                for condition in wanted]


def folder_of(data: str, data_dir: str | Path | None) -> str | None:
    """The folder's full path, by which a resumed run finds it from wherever it is started. Raises
    DataError for data that are read from none."""
    if data_dir is not None and data == "digits":
        raise DataError("the digits come with minigan and are read from no folder, such as "
                        f"{data_dir}: name the data set that is there, data images or mnist")
    return str(Path(data_dir).expanduser().resolve()) if data_dir else None


def fingerprint(images: np.ndarray, labels: np.ndarray | None) -> str:
    """What tells these images and labels from others."""
    pixels = zlib.crc32(np.ascontiguousarray(images))
    return f"{len(images)} images, {zlib.crc32(b'' if labels is None else labels, pixels):08x}"


def load(data: str, data_dir: str | None, batch_size: int, size: tuple[int, int] | None = None,
         channels: int | None = None) -> tuple[np.ndarray, np.ndarray | None]:
    """The images of a data set, (N, H, W, C), and their labels, if it has any. Raises DataError for
    fewer than a batch."""
    options = {"size": size, "channels": channels}
    options = {name: given for name, given in options.items() if given is not None}
    if options and data != "images":
        raise DataError("an image size and channels are for image files (--data images), not for "
                        f"{data}")
    images, labels = IMAGE_SETS[data](data_dir=data_dir, **options)
    if batch_size > len(images):
        raise DataError(f"a batch size of {batch_size} is more than the {len(images)} images of "
                        f"{data_dir if data == 'images' else data}")
    return images, labels
