"""The settings of a run, and what they say: which data, which game, which samples."""
from __future__ import annotations

import json
import os
import zlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Callable, ClassVar, Mapping, get_type_hints

import numpy as np

from .. import backend
from ..data import IMAGE_SETS, DataError, Loader, Scaled
from ..errors import UserError
from ..settings import TABLE, Natural, Positive, Seed, TwoOrMore, check_fields, optional
from . import models, networks, noise, own
from .fields import CHANGES, COLUMNS, DATA, GAME, KEPT, PATH, SHAPE, short
from .game import GAN, GameError
from .options import Options, default_of
from .own import SYSTEM
from .penalties import Sample
from .systems import SYSTEMS, System
from .trainer import Trainer

FREE = {"steps", "save_every", "data_dir", "keep_best", "made_by", "source", "changed",  # to change
        "fingerprint"}  # which `load` looks at
RATES = {"lr", "d_lr", "rates"}  # too, and it is noted

Data = tuple[np.ndarray, "np.ndarray | None"]  # images and their labels


@dataclass
class Config:
    """The settings of a run, as they stand in config.json, and what each may be."""

    system: Annotated[str | None, optional(SYSTEM)]  # of SYSTEMS, or one such as mine.py:pair
    data: Annotated[str | None, optional(DATA)]  # like the system None if a program gave it
    shape: Annotated[tuple[int, ...], SHAPE]  # (H, W, C), or of a table's row (width,)
    steps: Positive  # in all
    batch_size: TwoOrMore  # images of each kind in a step
    seed: Seed  # what fixes weights, batches and noise
    save_every: Positive  # steps from one save to the next
    data_dir: Annotated[str | None, optional(PATH)] = None  # None: where they are by default
    game: Annotated[Options, GAME] = field(default_factory=Options)
    classes: Natural = 0  # of the labels, if the data set has any
    fingerprint: Annotated[str | None, optional(short(60))] = None  # of the data; older runs: None
    keep_best: Annotated[str | None, optional(KEPT)] = None  # by which the best step is known
    made_by: Annotated[str | None, optional(short(200))] = None  # what trained it last
    source: Annotated[str | None, optional(PATH)] = None  # of a system of the user's own
    weights_of: Annotated[str | None, optional(short(1000))] = None  # the run, and its step
    changed: Annotated[list[str] | None, optional(CHANGES)] = None  # on the way, a text each
    program: Annotated[dict[str, Any] | None, optional(TABLE)] = None  # what one plays, if any
    columns: Annotated[list[dict[str, Any]] | None, optional(COLUMNS)] = None  # of a table
    own: ClassVar[System | None] = None  # the system, if it is one of the user's own

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Config:
        """From what `as_json` gave. Raises UserError for what it cannot have given."""
        settings = {"game": {}, "classes": 0, **settings}  # which were not always there
        rates = {name: settings.pop(name) for name in ("lr", "d_lr") if name in settings}
        check_fields(settings, SETTINGS, more=False)
        settings["game"] = Options.of({**rates, **settings["game"]})  # lr stood beside it once
        config = cls(**settings)
        config.check()
        return config

    def as_json(self) -> dict[str, Any]:
        """The settings, of the game those that were given."""
        return {**{name: getattr(self, name) for name in SETTINGS}, "game": self.game.given()}

    def check(self) -> None:
        """Raise UserError for values that no run can have."""
        check_fields(vars(self), SETTINGS)
        if self.data == "table" and self.columns is None:
            raise UserError("a run on a table has its columns among its settings, and these have "
                            "none")
        self.game.check_batch(self.batch_size)

    def kept(self) -> dict[str, Any]:
        """What a run keeps as it goes on, and its rates, as JSON has it."""
        settings = json.loads(json.dumps(self.as_json()))
        return {name: value for name, value in settings.items() if name not in FREE}

    def check_kept(self, kept: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
        """The rates that are others than those kept, then and now. Raises UserError for other
        settings that are."""
        was, now = ({**fields, **fields["game"], **(fields.get("program") or {})}
                    for fields in (kept, self.kept()))
        both = {name: tuple([default_of(name) if x is None else x for x in (
            was.get(name), now.get(name))]) for name in {**was, **now}}
        changed = {name: pair for name, pair in both.items()
                   if name not in ("game", "program") and pair[0] != pair[1]}
        for name in (name for name in changed if name not in RATES):
            before, after = changed[name]
            raise UserError(f"a run keeps its settings, and {name} was {before!r} when it was "
                            f"saved last, now {after!r}: bring that back (in config.json, or in "
                            "the program), or begin another run with its weights (--from)")
        return changed

    def note_changes(self, kept: dict[str, Any], step: int) -> bool:
        """Note in `changed` which rates are others than those kept at the last save, of that step;
        returns whether any is. Raises UserError for other settings that are."""
        changed = self.check_kept(kept)
        for name, rates in changed.items():
            before, after = (" and ".join(map(str, x)) if isinstance(x, list) else x or "by default"
                             for x in rates)
            note = f"step {step}: {name} {before} → {after}"
            if note not in (self.changed or ()):
                self.changed = [*(self.changed or ()), note]
        return bool(changed)

    @property
    def played(self) -> System:
        """The system. Raises UserError if only a program has it."""
        self.check_held()
        return self.own or SYSTEMS[self.system]

    def check_held(self) -> None:
        """Raise UserError if only a program has the networks and the data."""
        if self.own is None and self.system not in SYSTEMS:
            raise UserError("the run's networks are those of a program, and its folder does not "
                            "hold them: in that program, Run.of(folder, trainer, steps) opens it")

    @cached_property
    def value_range(self) -> tuple[float, float]:
        """Of the pixels that the generator makes, black and white."""
        if self.played.value_range is None:
            game = self.build()
            return own.shown_range(game, self.latent(game, 8, self.seed))
        return self.played.value_range

    def unscaled(self, images: np.ndarray) -> np.ndarray:
        """Images in the range of the generator's, from 0, black, to 1."""
        low, high = self.value_range
        return (images - np.float32(low)) / np.float32(high - low)

    def check_images(self, what: str) -> None:
        """Raise UserError where the run makes none, which that is of, such as "a film is"."""

    @property
    def conditional(self) -> bool:
        """Whether the generator is told a class."""
        return bool(self.game.conditional)

    def build(self, saved: Mapping[str, np.ndarray] | None = None, judged: bool = True) -> GAN:
        """The game, with the weights that its networks start from. What is not to be judged has a
        discriminator in name only. Raises UserError for settings that do not go together, for
        images of a shape that the system cannot make, and for many more weights than were saved."""
        self.check()
        system, rng = self.played, np.random.default_rng(self.seed)
        if not judged:
            pair = models.Pair(system.networks.generator, networks.nobody)
            system = replace(system, networks=pair)
        if saved is not None and self.own is None:
            rng = networks.Rationed(rng, saved)
        return self.game.build(system, tuple(self.shape), self.classes, rng)

    def trainer(self, game: GAN, data: Callable[[], Data]) -> Trainer:
        """The trainer that plays the game with these images, at its first step."""
        images, labels = data()
        if self.data != "images":  # a folder can be larger than a GPU: its batches are moved
            images = backend.asarray(images)
        loader = Loader(Scaled(images, self.value_range), *self.conditions(labels),
                        batch_size=self.batch_size, seed=self.seed)
        return self.game.trainer(game, self.played, loader, self.seed)

    def check_networks(self) -> None:
        """Raise GameError for networks of the user's that do not go with the images."""
        if self.own is not None:
            game = self.build()
            n, of = 2 * game.pack, f"those of {self.data or 'the loader'}"
            own.check_networks(game, self.latent(game, n, self.seed), self.told(n, None),
                               self.shape, self.value_range, of)

    def latent(self, game: GAN, n: int, seed: int, label: int | None = None,
               truncation: float = 1) -> Sample:
        """What n samples are made from; in a conditional game the classes come one after another,
        or all are the given one. Raises GameError for a class that is none.

        truncation ψ below 1 moves the noise z towards its mean, which is 0: ψ z. (Karras et al.
        2019, appendix B, do this to the vectors that their mapping network makes of the noise. With
        BigGAN, Brock et al. 2018, §3.1, numbers beyond a threshold are drawn again; that makes
        other images, ψ z more typical ones of the same.)"""
        told = self.told(n, label)
        latent = game.latent(n, np.random.default_rng(seed), told)
        if label is not None and (not self.classes or not told or len(latent) == 1):
            raise GameError("only a run of a conditional game has classes to choose from")
        return latent if truncation == 1 else (latent[0] * truncation, *latent[1:])

    def told(self, n: int, label: int | None) -> Sample:
        """What n samples are conditioned by, if by anything."""
        return self.classes_told(n, label) if self.game.conditions() else ()

    def classes_told(self, n: int, label: int | None) -> Sample:
        """The classes one after another, or all the given one. Raises GameError if there is none
        such."""
        if label is not None and label >= self.classes:
            raise GameError(f"the classes are 0 to {self.classes - 1}, not {label}")
        labels = np.arange(n) % self.classes if label is None else np.full(n, label)
        return (noise.encoded(labels, self.classes),)

    def begin(self, where: str | Path | None, was: Config | None, data_dir: str | Path | None,
              size: tuple[int, int] | None, channels: int | None) -> Data:
        """Load the data of a new run, and complete the settings by them. `was` are those of a run
        whose weights it begins with. Raises UserError for settings and data that no run can have.
        """
        if self.batch_size is None:
            self.batch_size = self.played.batch_size
        self.check()
        self.data_dir = folder_of(self.data, where)
        images, labels = load(self.data, where, size, channels)
        self.check_rows(len(images), "images", was)
        self.shape = images.shape[1:]
        self.classes = 0 if labels is None else int(labels.max()) + 1
        self.fingerprint = fingerprint(images, labels)
        return images, labels

    def load(self) -> Data:
        """The images, as Scaled takes them, and their labels, if there are any. Raises DataError if
        they are not those that the run began with: it would not end where it would have."""
        *size, channels = self.shape
        self.check_held()
        more = {"size": tuple(size), "channels": channels} if self.data == "images" else {}
        images, labels = load(self.data, self.data_dir, **more)
        self.check_rows(len(images), "images")
        if images.shape[1:] != tuple(self.shape):
            raise DataError(f"the images of {self.data} are of shape {images.shape[1:]}, but the "
                            f"run is one of {tuple(self.shape)}")
        found = fingerprint(images, labels)
        if self.fingerprint not in (None, found):
            raise DataError(f"the images of {self.data_dir or self.data}, or their classes, are "
                            f"not those that the run began with ({self.fingerprint}; now {found}): "
                            "bring those back, or start another run")
        self.fingerprint = found
        return images, labels

    def check_rows(self, count: int, of: str, was: Config | None = None) -> None:
        """Raise DataError for fewer images, or rows, than a batch has, perhaps since that run did.
        """
        if self.batch_size > count:
            like = was is not None and was.batch_size == self.batch_size
            raise DataError(f"a batch size of {self.batch_size}"
                            + ", which is that of the run that --from names," * like
                            + f" is more than the {count} {of} of {self.data_dir or self.data}: "
                            "give a smaller one (--batch-size)")

    def conditions(self, labels: np.ndarray | None) -> list[backend.Array]:
        """What a Loader is given beside the images: what the game is to know of their classes."""
        wanted = self.game.conditions()
        if wanted and labels.max() >= self.classes:
            raise DataError(f"{self.data} has a class {labels.max()}, but the run is one of "
                            f"{self.classes} classes")
        return [backend.asarray(condition(labels, self.classes, np.random.default_rng(self.seed)))
                for condition in wanted]


SETTINGS = {name: hint.__metadata__[0]  # by which config.json is checked
            for name, hint in get_type_hints(Config, include_extras=True).items()
            if hasattr(hint, "__metadata__")}


def folder_of(data: str, data_dir: str | Path | None) -> str | None:
    """The folder's full path, by which a resumed run finds it from wherever it is started. Raises
    DataError for data that are read from none."""
    if data_dir is not None and data in ("digits", "stacked-digits"):
        raise DataError("the digits come with minigan and are read from no folder, such as "
                        f"{data_dir}: name the data set that is there, data images or mnist")
    return os.path.realpath(os.path.expanduser(data_dir)) if data_dir else None


def fingerprint(images: np.ndarray, labels: np.ndarray | None, of: str = "images") -> str:
    """What tells these images, or rows, and labels from others."""
    pixels = zlib.crc32(np.ascontiguousarray(images))
    return f"{len(images)} {of}, {zlib.crc32(b'' if labels is None else labels, pixels):08x}"


def load(data: str, data_dir: str | None, size: tuple[int, int] | None = None,
         channels: int | None = None) -> Data:
    """The images of a data set, (N, H, W, C), and their labels, if it has any."""
    options = {"size": size, "channels": channels}
    options = {name: given for name, given in options.items() if given is not None}
    if options and data != "images":
        raise DataError("an image size and channels are for image files (--data images), not for "
                        f"{data}")
    return IMAGE_SETS[data](data_dir=data_dir, **options)
