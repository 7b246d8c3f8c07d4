"""A run: a game that is trained into a folder, and asked for samples later."""
from __future__ import annotations

import json
import math
import platform
import shlex
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, Callable

import numpy as np

from .. import __version__, backend
from ..checked import checked
from ..files import flush, leftovers, make_folder
from ..locks import NAME as LOCK
from ..nn import summary
from ..ranks import Alone, world
from ..settings import Natural, Positive
from ..user_code import text_of
from . import own
from .beginning import settings
from .config import Config
from .diagnostics import Adviser, explain, networks
from .fields import dotted
from .folder import STATE, Diverged, RunError
from .program import Given
from .keeping import Keeper
from .notebook import GRID, Display, in_notebook
from .options import Options
from .page import card, write_page
from .ranked import begun
from .saved import SavedRun, fitting, read_settings
from .trainer import Trainer
from .training import train
from .update import StepResult

METRICS_EVERY = 10
EARLY = ("1", "2", "5")  # before the first save a grid is made at these steps, 10, 20, 50, …


class Run(SavedRun):
    """A run that is trained; as the trainer's callback it writes what the run leaves in its folder.
    """

    @checked
    def __init__(self, folder: str | Path, config: Config):
        super().__init__(folder, config)
        self.warn: Callable[[str], None] = lambda sentence: None  # told what looks ill
        self._is_new = False  # and its folder is to be so still when it is made
        self._weights: tuple[dict[str, Any], Run] | None = None  # it begins with, and whose

    @classmethod
    def new(cls, folder: str | Path, system: str | None = None, game: Options | None = None, *,
            data: str | None = None, data_dir: str | Path | None = None,
            size: tuple[int, int] | None = None, channels: int | None = None,
            steps: int | None = None, batch_size: int | None = None, seed: int = 0,
            save_every: int | None = None, keep_best: str | None = None,
            weights_of: Run | None = None) -> Run:
        """A new run of a system of SYSTEMS ("digits"), or of the user's own, as in "mine.py:pair",
        from whose plain game this one differs by `game`, or by the system's recipe; what is None is
        the system's own. The data are loaded, image files in this size, (height, width), and with
        these channels. By the metric keep_best, such as "kernel", each saved step is measured
        (`best_step`). With the networks' weights of another run, as it was saved last, this one
        begins where that one is; system, game, data and batch size are as there if they are None.
        Nothing is written yet. Raises UserError for settings that no run can have."""
        config, read = settings(
            weights_of and weights_of.config, data_dir, size, channels, system=system, game=game,
            data=data, steps=steps, batch_size=batch_size, seed=seed,
            save_every=save_every, keep_best=keep_best)
        run = cls.create(folder, config)
        run.data = read
        if config.own is not None:
            again = weights_of is not None and weights_of.config.own is config.own
            run.own_text = text_of(weights_of.folder / own.FILE if again else Path(config.source))
        if weights_of is not None:
            state = weights_of.saved()
            if state is None:
                raise RunError(f"{weights_of.folder} has saved no weights yet")
            run._weights = state, weights_of
            config.weights_of = f"{weights_of.folder}, step {state['progress']['step']}"
        return run

    @classmethod
    @checked
    def of(cls, folder: str | Path, trainer: Trainer, steps: Positive, *,
           save_every: Positive | None = None) -> Run:
        """A run of whatever a trainer trains, networks and games of any kind, on images of a
        Loader: new, or if the folder holds it already, where it was saved last. Its settings are
        the trainer's; a rate that is another than before is the rate from here on. Raises
        UserError for another run's folder, and for what cannot be trained so."""
        folder, config = Path(folder), Given(trainer, steps, save_every)
        config.check_networks()
        if not (folder / "config.json").exists():
            return cls.create(folder, config)
        was = read_settings(folder)
        if was.system is not None:
            raise RunError(f"{folder} is a run of the system {was.system}: Run.open(folder) goes "
                           "on with it, another run needs another folder")
        config.check_kept(was.kept())  # its images, and what else is no rate
        config.changed = was.changed
        return cls(folder, config)

    @classmethod
    def create(cls, folder: str | Path, config: Config) -> Run:
        """A new run; nothing is written yet. Raises RunError if the folder holds something, other
        than what a process left that was killed before it wrote the settings."""
        folder = Path(folder)
        if folder.exists() and (not folder.is_dir() or set(folder.iterdir()) - {
                *(folder / name for name in (LOCK, own.FILE, STATE)), *leftovers(folder)}):
            raise RunError(f"{folder} exists already: go on with it (--resume), or name another "
                           "folder (--out)")
        run = cls(folder, config)
        run._is_new = True
        return run

    def trainer(self) -> Trainer:
        """A trainer of the run, where it was last saved; its `run(steps)` goes on, and writes into
        the folder, which for a new run is made here. No other process may write there until
        `close()`. Raises UserError for data, a folder or settings that do not go together, and
        for a folder that another process trains in. Under mpiexec each rank gets one, and rank 0
        alone writes."""
        ranks = world()
        if ranks.size == 1:
            return self._writing()
        return begun(self, ranks, machine(), self._writing, lambda: self._trainer(
            None if self._is_new else self.saved()))  # which writes nothing

    def _writing(self) -> Trainer:
        """A trainer that writes into the folder, which is the process's from here on."""
        began = not self._is_new and (self.folder / "config.json").exists()
        if began:
            self.take()
        state = None if self._is_new else self.saved()
        trainer = self._trainer(state)
        if self.config.steps < trainer.step:
            raise RunError(f"the run is at step {trainer.step} already, and steps, which is "
                           f"{self.config.steps}, counts them all")
        if self.config.keep_best:
            self._keeper.check(trainer)
        if not began:
            self.config.check_networks()
            make_folder(self.folder)
            self.take()
            if self._is_new:
                self.create(self.folder, self.config)  # nobody else began one meanwhile
                self._is_new = False
        self.config.made_by = machine()
        if state is None:  # first: what has settings goes on, and with no other weights
            self._save_state(dotted(trainer.state_dict()))
        self.write_config()
        if began:
            self.write_metrics(row for row in self._rows() if row["step"] <= trainer.step)
        self.adviser = Adviser(self.readings())
        trainer.callbacks = [*(c for c in trainer.callbacks if not isinstance(c, Run)), self]
        trainer.display = Display(
            self.config.latent(trainer.game, GRID, self.config.seed), self.config.value_range,
            self.readings() if in_notebook() else ())
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
        config, path = self.config, self.folder / STATE
        kept = state and state.pop("run").get("settings")
        changed = kept and config.note_changes(kept, state["progress"]["step"])
        game = config.build(state and state["game"])
        if state:  # what does not fit is told before any data are read
            with fitting(path):
                game.load_state_dict(state["game"])
        self.networks = {name: summary(net) for name, net in networks(game).items()}
        trainer = config.trainer(game, lambda: self.data)
        trainer.steps = config.steps
        if state:
            with fitting(path):
                trainer.load_state_dict(state)
            if changed:
                trainer.set_rates()
        elif self._weights is not None:
            weights, source = self._weights
            there, here = ([c.system, *c.game.words] for c in (source.config, config))
            with fitting(source.folder / STATE, "the networks of this run, "
                         f"{shlex.join(here)}, for it is of {shlex.join(there)}"):
                trainer.game.load_state_dict(weights["game"])
                trainer.average.module.load_state_dict(weights["average"])
        return trainer

    def explain(self, step: int) -> str:
        """Where the first number came from that is not finite, at this step or before: the steps
        since the last save are made once more by a new trainer."""
        trainer = self._trainer(self.saved())
        trainer.ranks = Alone()  # the others wait for the end
        with np.errstate(all="ignore"):
            return explain(trainer, None, step)

    def __call__(self, trainer: Trainer, result: StepResult) -> None:
        if self._lock is None:  # train() let it go
            self.take()
        if trainer.steps > self.config.steps:  # asked for from Python
            self.config.steps = trainer.steps
            self.write_config()
        if trainer.step % METRICS_EVERY == 0 or trainer.step == 1:
            row = trainer.reading(result)
            if not math.isfinite(row["d_loss"] + row["g_loss"]):
                raise Diverged(f"training diverged at step {trainer.step} (D loss "
                               f"{row['d_loss']:g}, G loss {row['g_loss']:g}): try a smaller --lr")
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


def machine() -> str:
    """What trains here: versions and the device."""
    return (f"minigan {__version__}, Python {platform.python_version()}, NumPy {np.__version__}, "
            f"{platform.system()} {platform.machine()}, "
            f"{'GPU' if backend.current().name == 'cupy' else 'CPU'}")
