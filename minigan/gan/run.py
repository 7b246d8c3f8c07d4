"""A run: a game that is trained into a folder, and asked for samples later."""
from __future__ import annotations

import json
import math
import platform
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any, Callable, Iterator

import numpy as np

from .. import __version__, backend
from ..autodiff import Tensor
from ..checked import checked
from ..data import Loader, Scaled
from ..errors import brief
from ..files import flush, leftovers, make_folder, read_arrays
from ..locks import NAME as LOCK
from ..nn import Module, summary
from ..settings import Natural, Positive, Seed, Share, parsed
from ..viz import save_grid
from .config import Config, fingerprint, folder_of, load
from .diagnostics import Adviser, explain, networks
from .fields import SETTINGS, dotted
from .folder import Diverged, RunError, RunFolder
from .game import GAN, sample
from .keeping import Keeper, best_step
from .notebook import GRID, Display, in_notebook
from .options import Options
from .penalties import Sample
from .page import card, write_page
from .systems import SYSTEMS
from .trainer import Trainer
from .training import train
from .update import StepResult

METRICS_EVERY = 10
EARLY = ("1", "2", "5")  # before the first save a grid is made at these steps, 10, 20, 50, …


class Run(RunFolder):
    """A run in a folder; as the trainer's callback it writes what the run leaves there."""

    @checked
    def __init__(self, folder: str | Path, config: Config):
        super().__init__(folder, config)
        self.system = SYSTEMS[config.system]
        self.warn: Callable[[str], None] = lambda sentence: None  # told what looks ill
        self._is_new = False  # and its folder is to be so still when it is made

    @classmethod
    def new(cls, folder: str | Path, system: str = "digits", game: Options | None = None, *,
            data: str | None = None, data_dir: str | Path | None = None,
            size: tuple[int, int] | None = None, channels: int | None = None,
            steps: int | None = None, batch_size: int | None = None, seed: int = 0,
            save_every: int | None = None, keep_best: str | None = None) -> Run:
        """A new run of a system of SYSTEMS, from whose plain game this one differs by `game`, or by
        the system's recipe; what is None is the system's own. The data are loaded, image files in
        this size, (height, width), and with these channels. By the metric keep_best, such as
        "kernel", each saved step is measured (`best_step`). Nothing is written yet. Raises
        UserError for settings that no run can have."""
        SETTINGS["system"].check("system", system)
        own, game = SYSTEMS[system], Options.recipe(system) if game is None else game
        if not isinstance(game, Options):
            raise RunError(f"a run's game is Options, such as Options(objective='hinge'), not "
                           f"{game!r}")
        config = Config(system, own.data if data is None else data, (1, 1, 1),
                        own.steps if steps is None else steps,
                        own.batch_size if batch_size is None else batch_size, seed,
                        1 if save_every is None else save_every, game=game, keep_best=keep_best)
        config.check()
        config.data_dir = folder_of(config.data, data_dir)
        if save_every is None:
            config.save_every = max(1, config.steps // 10)
        run = cls.create(folder, config)
        images, labels = run.data = load(config.data, data_dir, config.batch_size, size, channels)
        config.shape = images.shape[1:]
        config.classes = 0 if labels is None else int(labels.max()) + 1
        config.fingerprint = fingerprint(images, labels)
        return run

    @classmethod
    def create(cls, folder: str | Path, config: Config) -> Run:
        """A new run; nothing is written yet. Raises RunError if the folder holds something, other
        than what a process left that was killed before it wrote the settings."""
        folder = Path(folder)
        if folder.exists() and (not folder.is_dir() or set(folder.iterdir()) - {
                folder / LOCK, *leftovers(folder)}):
            raise RunError(f"{folder} exists already: go on with it (--resume), or name another "
                           "folder (--out)")
        run = cls(folder, config)
        run._is_new = True
        return run

    @classmethod
    @checked
    def open(cls, folder: str | Path) -> Run:
        """A run that exists. Raises RunError if the folder is none."""
        folder = Path(folder)
        try:
            config = Config.of(parsed((folder / "config.json").read_text("utf-8"), {}))
        except FileNotFoundError:
            raise RunError(f"{folder} is no run folder: it has no config.json") from None
        except ValueError as error:  # of an encoding and of JSON; UserErrors are some, too
            raise RunError(f"{folder / 'config.json'} is damaged: {error}") from None
        return cls(folder, config)

    @cached_property
    def data(self) -> tuple[np.ndarray, np.ndarray | None]:
        """The images and their labels, loaded at the first use."""
        return self.config.load()

    def trainer(self) -> Trainer:
        """A trainer of the run, where it was last saved; its `run(steps)` goes on, and writes into
        the folder, which for a new run is made here. No other process may write there until
        `close()`. Raises UserError for data, a folder or settings that do not go together, and
        for a folder that another process trains in."""
        began = not self._is_new and (self.folder / "config.json").exists()
        if began:
            self.take()
        state = self.saved()
        trainer = self._trainer(state)
        if self.config.steps < trainer.step:
            raise RunError(f"the run is at step {trainer.step} already, and steps, which is "
                           f"{self.config.steps}, counts them all")
        if self.config.keep_best:
            self._keeper.check(trainer)
        if not began:
            make_folder(self.folder)
            self.take()
            if self._is_new:
                self.create(self.folder, self.config)  # nobody else began one meanwhile
                self._is_new = False
        self.config.made_by = machine()
        self.write_config()  # first: without it a folder is none of a run
        if state is None:
            self._save_state(dotted(trainer.state_dict()))
        if began:
            self._forget_metrics_after(trainer.step)
        self.adviser = Adviser(self.readings())
        trainer.callbacks = [self]
        trainer.display = Display(self.config.latent(trainer.game, GRID, self.config.seed),
                                  self.system.value_range, self.readings() if in_notebook() else ())
        return trainer

    @checked
    def train(self, steps: Natural | None = None) -> Trainer:
        """Go on from the last save until so many steps are made in all, by default those of the
        settings, and show it: in a notebook by a picture and curves, elsewhere by a line every few
        seconds. Ctrl-C, and the stop button of a notebook, save the step under way first.
        Afterwards other processes may write into the folder. Returns the trainer. Warns where all
        the steps are made; raises UserError as `trainer()` does, and where training diverges."""
        return train(self, self.config.steps if steps is None else steps)

    def _repr_html_(self) -> str:
        """What a notebook shows of it: the last picture, the curves, the settings."""
        return card(self)

    def _trainer(self, state: dict[str, Any] | None = None) -> Trainer:
        """At the start of the run, or where it was in a saved state."""
        config, path = self.config, self.folder / "state.safetensors"
        game = config.build(state and state["game"])
        if state:  # what does not fit is told before any data are read
            with _fitting(path):
                game.load_state_dict(state["game"])
        images, labels = self.data
        if config.data != "images":  # a folder can be larger than a GPU: its batches are moved
            images = backend.asarray(images)
        loader = Loader(Scaled(images, self.system.value_range), *config.conditions(labels),
                        batch_size=config.batch_size, seed=config.seed)
        self.networks = {name: summary(net) for name, net in networks(game).items()}
        trainer = config.game.trainer(game, self.system, loader, config.seed)
        trainer.steps = config.steps
        if state:
            with _fitting(path):
                trainer.load_state_dict(state)
        return trainer

    def explain(self, step: int) -> str:
        """Where the first number came from that is not finite, at this step or before: the steps
        since the last save are made once more by a new trainer."""
        trainer = self._trainer(self.saved())
        with np.errstate(all="ignore"):
            return explain(trainer, None, step)

    def share_read(self, trainer: Trainer) -> float | None:
        """The share of the images without a label whose class D says, in a semi-supervised game;
        None where there are none."""
        images, known = trainer.loader.arrays
        unlabelled = np.flatnonzero(~backend.to_numpy(known).any(axis=1))
        if not len(unlabelled):
            return None
        said = sample(trainer.discriminator.network, Tensor(images[unlabelled])).argmax(axis=1)
        return float((said == self.data[1][unlabelled]).mean())

    def __call__(self, trainer: Trainer, result: StepResult) -> None:
        if self._lock is None:  # train() let it go
            self.take()
        if trainer.steps > self.config.steps:  # asked for from Python
            self.config.steps = trainer.steps
            self.write_config()
        if trainer.step % METRICS_EVERY == 0 or trainer.step == 1:
            row = trainer.reading(result)
            if not math.isfinite(row["d_loss"] + row["g_loss"]):
                raise Diverged(f"training diverged at step {trainer.step} "
                               f"(D loss {row['d_loss']:g}, G loss {row['g_loss']:g}): try a "
                               "smaller --lr")
            with open(self.folder / "metrics.jsonl", "a") as file:
                file.write(json.dumps({"step": trainer.step, **row}) + "\n")
            self._advise(trainer.step, row)
        if trainer.step % self.config.save_every == 0 or trainer.step == trainer.last:
            self.save(trainer)
        elif (trainer.step < self.config.save_every
              and str(trainer.step).rstrip("0") in EARLY):  # something to see within seconds
            self.save_samples(trainer.step, trainer.game, trainer.average.module)
            self.write_page(going=True)

    def _advise(self, step: int, row: dict[str, float]) -> None:
        """Say what looks ill, if it is news."""
        sentence = self.adviser.hear({**row, "step": step})
        if sentence is not None:
            self.warn(f"step {step}: {sentence}")

    def save(self, trainer: Trainer) -> None:
        """Weights, a grid, the curves and the state, as of the trainer's step. Raises Diverged for
        weights that are not finite: what was saved before is better."""
        state = dotted(trainer.state_dict())
        broken = [k for k, v in state.items() if k.startswith("game.") and not np.isfinite(v).all()]
        if broken:
            raise Diverged(f"training diverged before step {trainer.step} "
                           f"({broken[0].removeprefix('game.')} is not finite): try a smaller --lr")
        self.save_weights(trainer.step, state)
        if self.config.keep_best:
            self._keeper.keep(trainer, self.weights_file(trainer.step))
        self.save_samples(trainer.step, trainer.game, trainer.average.module)
        self.save_losses()
        with suppress(FileNotFoundError):
            flush(self.folder / "metrics.jsonl")
        self.write_page(going=trainer.step < trainer.last and not trainer.stop)
        self._save_state(state)  # last: it names the step from which a resumed run goes on

    def write_page(self, going: bool = False, note: str = "") -> None:
        """The page of the run so far, index.html; who looks at one that is going sees it go on."""
        write_page(self.folder / "index.html", [self], going, note)

    @cached_property
    def _keeper(self) -> Keeper:
        return Keeper(self.folder, self.config, self.data)

    def best_step(self) -> int:
        """The saved step that is best by the metric `keep_best`: of up to 1,000 samples, beside
        images that `evaluate` does not compare with. Raises UserError for a run without."""
        return best_step(self.folder, self.config.keep_best, self.saved_steps())

    def save_samples(self, step: int, game: GAN, generator: Module) -> None:
        """The grid of the run's fixed noise, as the game's (average) generator paints it."""
        latent = self.config.latent(game, GRID, self.config.seed)
        save_grid(self.samples_file(step), sample(generator, latent), self.system.value_range)

    @checked
    def samples(self, n: Positive = GRID, step: int | str | None = None, seed: Seed = 0,
                label: Natural | None = None, truncation: Share = 1) -> np.ndarray:
        """n images of the average generator at a saved step (see `saved_step`), as `painted` has
        them. In a conditional game their classes come one after another, or all are the label;
        truncation is that of `Config.latent`."""
        game, _ = self.game(step)
        return self.painted(game, self.config.latent(game, n, seed, label, truncation))

    def painted(self, game: GAN, latent: Sample) -> np.ndarray:
        """The images that the game's generator makes of a latent, (N, H, W, C), float32 from 0,
        black, to 1."""
        low, high = self.system.value_range
        return (sample(game.generator, latent) - np.float32(low)) / np.float32(high - low)

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
        with _fitting(self.weights_file(step)):
            game.generator.load_state_dict(weights)
        return game, step


def machine() -> str:
    """What trains here: versions and the device."""
    return (f"minigan {__version__}, Python {platform.python_version()}, NumPy {np.__version__}, "
            f"{platform.system()} {platform.machine()}, "
            f"{'GPU' if backend.current().name == 'cupy' else 'CPU'}")


@contextmanager
def _fitting(path: Path) -> Iterator[None]:
    """Within it weights of that file are taken over. Raises RunError for those of another run."""
    try:
        yield
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"{path} does not fit the settings of the run: {brief(error)}") from None
