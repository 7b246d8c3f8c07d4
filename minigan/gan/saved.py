"""A saved run: what its folder can be asked for."""
from __future__ import annotations

from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Iterator, TypeVar

import numpy as np

from .. import backend
from ..autodiff import Tensor
from ..checked import checked
from ..data.table import Table
from ..errors import brief
from ..files import read_arrays
from ..nn import Module
from ..settings import Natural, Positive, Seed, Share, parsed
from ..viz import save_grid
from . import own
from .config import Config
from .folder import RunError, RunFolder
from .game import GAN, sample
from .keeping import best_step
from .notebook import GRID
from .penalties import Sample
from .systems import SYSTEMS, System
from .tables import TableConfig, save_table
from .trainer import Trainer

Saved = TypeVar("Saved", bound="SavedRun")


class SavedRun(RunFolder):
    """A run in a folder, its data, and its average generator as it was at the saved steps."""

    @classmethod
    @checked
    def open(cls: type[Saved], folder: str | Path) -> Saved:
        """A run that exists. Raises RunError if the folder is none."""
        folder = Path(folder)
        config = read_settings(folder)
        if config.system not in (None, *SYSTEMS):
            config.own = own.find(config.system, folder / own.FILE, config.source)
        return cls(folder, config)

    @property
    def system(self) -> System:
        """The system that is played. Raises UserError if only a program has it."""
        return self.config.played

    @cached_property
    def data(self) -> tuple[np.ndarray, np.ndarray | None]:
        """The images and their labels, loaded at the first use."""
        return self.config.load()

    def share_read(self, trainer: Trainer) -> float | None:
        """The share of the images without a label whose class D says, in a semi-supervised game;
        None where there are none."""
        images, known = trainer.loader.arrays
        unlabelled = np.flatnonzero(~backend.to_numpy(known).any(axis=1))
        if not len(unlabelled):
            return None
        said = sample(trainer.discriminator.network, Tensor(images[unlabelled])).argmax(axis=1)
        return float((said == self.data[1][unlabelled]).mean())

    def best_step(self) -> int:
        """The saved step that is best by the metric `keep_best`: of up to 1,000 samples, beside
        images that `evaluate` does not compare with. Raises UserError for a run without."""
        return best_step(self.folder, self.config.keep_best, self.saved_steps())

    def save_samples(self, step: int, game: GAN, generator: Module) -> None:
        """The grid of the run's fixed noise, as the game's (average) generator paints it; or the
        rows of a table that it makes of it."""
        latent = self.config.latent(game, GRID, self.config.seed)
        if isinstance(self.config, TableConfig):
            rows = self.config.described.decode(sample(generator, latent))
            return save_table(self.samples_file(step), rows)
        save_grid(self.samples_file(step), sample(generator, latent), self.config.value_range)

    @checked
    def samples(self, n: Positive = GRID, step: int | str | None = None, seed: Seed = 0,
                label: Natural | None = None, truncation: Share = 1) -> np.ndarray:
        """n images of the average generator at a saved step (see `saved_step`), as `painted` has
        them. In a conditional game their classes come one after another, or all are the label;
        truncation is that of `Config.latent`. Of a table they are rows of numbers (see `table`)."""
        game, _ = self.game(step)
        return self.painted(game, self.config.latent(game, n, seed, label, truncation))

    @checked
    def table(self, n: Positive = GRID, step: int | str | None = None, seed: Seed = 0,
              truncation: Share = 1) -> Table:
        """n rows of a run on a table, as `samples` makes them. Raises RunError for other runs."""
        if not isinstance(self.config, TableConfig):
            raise RunError(f"{self.folder} makes images, and no rows of a table as runs of minigan "
                           "train table do")
        return self.config.described.decode(self.samples(n, step, seed, truncation=truncation))

    def painted(self, game: GAN, latent: Sample) -> np.ndarray:
        """The images that the game's generator makes of a latent, (N, H, W, C), float32 from 0,
        black, to 1."""
        return self.config.unscaled(sample(game.generator, latent))

    def saved_step(self, step: int | str | None = None) -> int:
        """A step whose weights are on disk: that one, "best" (`best_step`), or None, the last.
        Raises UserError if there is none."""
        steps = self.saved_steps()
        if not steps:
            raise RunError(f"{self.folder} has no saved weights yet")
        step = self.best_step() if step == "best" else steps[-1] if step is None else step
        if step not in steps:
            raise RunError(f"{self.folder} has no weights of step {step}; it has "
                           f"{', '.join(map(str, steps))}")
        return step

    def generator(self, step: int | str | None = None) -> tuple[Module, int]:
        """The average generator as it was at a saved step (see `saved_step`), and that step."""
        game, step = self.game(step)
        return game.generator, step

    def game(self, step: int | str | None = None) -> tuple[GAN, int]:
        """The game whose generator is the average one as it was at a saved step (see `saved_step`),
        and that step. Its discriminator is one in name only."""
        step = self.saved_step(step)
        arrays, _ = read_arrays(self.weights_file(step))
        weights = {k.removeprefix("average."): v for k, v in arrays.items()
                   if k.startswith("average.")}
        game = self.config.build(weights, judged=False)
        with fitting(self.weights_file(step)):
            game.generator.load_state_dict(weights)
        return game, step


def read_settings(folder: Path) -> Config:
    """What stands in a run's config.json. Raises RunError if it is missing or damaged."""
    try:
        settings = parsed((folder / "config.json").read_text("utf-8"), {})
        return (TableConfig if settings.get("columns") else Config).of(settings)
    except FileNotFoundError:
        raise RunError(f"{folder} is no run folder: it has no config.json") from None
    except ValueError as error:  # of an encoding and of JSON; UserErrors are some, too
        raise RunError(f"{folder / 'config.json'} is damaged: {error}") from None


@contextmanager
def fitting(path: Path, what: str = "the settings of the run") -> Iterator[None]:
    """Within it weights of that file are taken over. Raises RunError if they do not fit that."""
    try:
        yield
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"{path} does not fit {what}: {brief(error)}") from None
