"""The run folder: what a training run leaves on disk, and how it is read back.

    config.json              the settings
    metrics.jsonl            a line of numbers every few steps
    losses.png               the curves of them
    samples/step-000500.png  the same noise, as the average generator paints it at that step
    weights/step-000500.safetensors   the generator's weights, and their average
    state.safetensors        everything else that is needed to go on, at the last save
"""
from __future__ import annotations

import json
import math
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Callable

import numpy as np

from ..data import IMAGE_SETS
from ..errors import UserError
from ..files import replacing
from ..viz import save_curves, save_grid
from ..nn import Module
from . import noise
from .diagnostics import LONG, advice
from .game import GAN, GameError
from .models import ShapeError
from .options import Options, check
from .penalties import Sample
from .systems import SYSTEMS
from .trainer import Trainer, sample
from .update import StepResult

METRICS_EVERY = 10
ADVICE_EVERY = 1000  # steps without a failure, after which it is news again
GRID = 64  # images in a grid of samples
LOSSES = {"step", "d_loss", "g_loss"}  # what the curves are drawn from


class RunError(UserError):
    """A run folder that is missing, taken, incomplete or does not fit; the message says which."""


class Diverged(RunError):
    """Numbers that are no longer finite."""


@dataclass
class Config:
    """The settings of a run, as they stand in config.json."""

    system: str
    data: str
    shape: tuple[int, int, int]
    steps: int
    batch_size: int
    lr: float
    seed: int
    save_every: int
    data_dir: str | None = None  # None: where the data set is by default
    d_lr: float | None = None    # None: as lr
    game: Options = field(default_factory=Options)
    classes: int = 0             # of the labels, if the data set has any

    def check(self) -> None:
        """Raise GameError for values that no run can have."""
        check(self, int, lambda n: n >= 1, "a whole number of at least 1", "steps", "save_every")
        check(self, int, lambda n: n >= 2, "a whole number of at least 2", "batch_size")
        check(self, int, lambda n: n >= 0, "a whole number of at least 0", "seed", "classes")
        check(self, (int, float), lambda x: 0 < x < math.inf, "a positive number", "lr")
        check(self, (int, float, type(None)), lambda x: x is None or 0 < x < math.inf,
              "a positive number or None", "d_lr")
        check(self, str, SYSTEMS.__contains__, f"one of {', '.join(SYSTEMS)}", "system")
        check(self, str, IMAGE_SETS.__contains__, f"one of {', '.join(IMAGE_SETS)}", "data")
        check(self, (tuple, list), lambda s: len(s) == 3 and all(type(n) is int for n in s)
              and min(s) > 0, "a height, a width and a number of channels", "shape")
        batch, pack, generators = self.batch_size, self.game.pack, self.game.generators
        if batch % pack or batch < 2 * pack:
            raise GameError(f"{batch} examples cannot be packed by {pack}: choose a batch size "
                            f"that is a multiple of {pack}, {2 * pack} at least")
        if batch < 2 * generators:
            raise GameError(f"{generators} generators cannot share a batch of {batch}: each is to "
                            f"make 2 examples at least, so choose a batch size of {2 * generators}")

    def build(self) -> GAN:
        """The game, with the weights that its networks start from. Raises GameError for settings
        that do not go together, and RunError for images of a shape that the system cannot make."""
        self.check()
        rng = np.random.default_rng(self.seed)
        try:
            return self.game.build(SYSTEMS[self.system], tuple(self.shape), self.classes, rng)
        except ShapeError as error:
            raise RunError(str(error)) from None

    def latent(self, game: GAN, n: int, seed: int, label: int | None = None) -> Sample:
        """What n samples are made from; in a conditional game the classes come one after another,
        or all are the given one. Raises RunError for a class that is none."""
        if self.game.conditional is None:
            if label is not None:
                raise RunError("only a run of a conditional game has classes to choose from")
            return game.latent(n, np.random.default_rng(seed))
        if label is not None and label >= self.classes:
            raise RunError(f"the classes are 0 to {self.classes - 1}, not {label}")
        labels = np.arange(n) % self.classes if label is None else np.full(n, label)
        return game.latent(n, np.random.default_rng(seed), (noise.encoded(labels, self.classes),))


class Run:
    """A run folder; as the trainer's callback it writes what the run leaves there."""

    def __init__(self, folder: str | Path, config: Config):
        self.folder, self.config = Path(folder), config
        self.system = SYSTEMS[config.system]
        self.warn: Callable[[str], None] = lambda sentence: None  # told what looks ill
        self._heard: dict[str, int] = {}  # sentence: when it held last, since the run went on
        self._history: list[dict[str, float]] = []

    @classmethod
    def create(cls, folder: Path, config: Config) -> Run:
        """A new run; nothing is written yet. Raises RunError if the folder holds something."""
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise RunError(f"{folder} exists already: go on with --resume, or name another --out")
        return cls(folder, config)

    @classmethod
    def open(cls, folder: Path) -> Run:
        """A run that exists. Raises RunError if the folder is none."""
        try:
            settings = json.loads((folder / "config.json").read_text())
            config = Config(**{**settings, "game": Options.of(settings.get("game", {}))})
            config.check()
        except FileNotFoundError:
            raise RunError(f"{folder} is no run folder: it has no config.json") from None
        except (AttributeError, TypeError, ValueError) as error:  # JSON's and GameErrors, too
            raise RunError(f"{folder / 'config.json'} is damaged: {error}") from None
        return cls(folder, config)

    def write_config(self) -> None:
        """Write the settings."""
        with replacing(self.folder / "config.json") as path:
            path.write_text(json.dumps(asdict(self.config), indent=2) + "\n")

    def __call__(self, trainer: Trainer, result: StepResult) -> None:
        if trainer.step % METRICS_EVERY == 0 or trainer.step == 1:
            row = trainer.reading(result)
            if not math.isfinite(row["d_loss"] + row["g_loss"]):
                raise Diverged(f"training diverged at step {trainer.step} "
                               f"(D loss {row['d_loss']:g}, G loss {row['g_loss']:g}): try a "
                               "smaller --lr")
            with open(self.folder / "metrics.jsonl", "a") as file:
                file.write(json.dumps({"step": trainer.step, **row}) + "\n")
            self._advise(trainer.step, row)
        if trainer.step % self.config.save_every == 0 or trainer.step == self.config.steps:
            self.save(trainer)

    def _advise(self, step: int, row: dict[str, float]) -> None:
        """Say what looks ill, and again only if it has not for a while."""
        self._history = [*self._history[1 - LONG:], row]
        sentence = advice(self._history)
        if sentence is None:
            return
        if step - self._heard.get(sentence, -ADVICE_EVERY) >= ADVICE_EVERY:
            self.warn(f"step {step}: {sentence}")
        self._heard[sentence] = step

    def save(self, trainer: Trainer) -> None:
        """Weights, a grid, the curves and the state, as of the trainer's step. Raises Diverged for
        weights that are not finite: what was saved before is better."""
        state = _flat(trainer.state_dict())
        broken = [k for k, v in state.items() if k.startswith("game.") and not np.isfinite(v).all()]
        if broken:
            raise Diverged(f"training diverged before step {trainer.step} "
                           f"({broken[0].removeprefix('game.')} is not finite): try a smaller --lr")
        write_arrays(self.weights_file(trainer.step), {
            k.removeprefix("game."): v for k, v in state.items()
            if k.startswith(("game.generator.", "average."))})
        self.save_samples(trainer)
        self.save_losses()
        # the state last: it names the step from which a resumed run goes on
        arrays = {k: v for k, v in state.items() if isinstance(v, np.ndarray)}
        rest = {k: v for k, v in state.items() if k not in arrays}
        write_arrays(self.folder / "state.safetensors", arrays, json.dumps(rest))

    def save_samples(self, trainer: Trainer) -> None:
        """The grid of the run's fixed noise."""
        latent = self.config.latent(trainer.game, GRID, self.config.seed)
        save_grid(self.folder / "samples" / f"step-{trainer.step:06d}.png",
                  sample(trainer.average.module, latent), self.system.value_range)

    def save_losses(self) -> None:
        """The curves of the losses so far."""
        rows = self.metrics()
        if rows:
            save_curves(self.folder / "losses.png", [row["step"] for row in rows],
                        {"discriminator": [row["d_loss"] for row in rows],
                         "generator": [row["g_loss"] for row in rows]}, "loss")

    def metrics(self) -> list[dict[str, float]]:
        """The rows of metrics.jsonl, but for those that are damaged: a full disk cuts one off."""
        path = self.folder / "metrics.jsonl"
        lines = path.read_text(errors="replace").splitlines() if path.exists() else []
        rows: list[Any] = []
        for line in lines:
            with suppress(ValueError):
                rows.append(json.loads(line))
        return [row for row in rows if isinstance(row, dict) and LOSSES <= row.keys()]

    def resume(self, trainer: Trainer) -> None:
        """Put the trainer where the run was last saved; later metrics are forgotten."""
        self.restore(trainer)
        rows = [row for row in self.metrics() if row["step"] <= trainer.step]
        with replacing(self.folder / "metrics.jsonl") as path:
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def restore(self, trainer: Trainer) -> None:
        """Put the trainer where the run was last saved."""
        if not (self.folder / "state.safetensors").exists():
            raise RunError(f"{self.folder} has no state.safetensors: nothing was saved before the "
                           "run was stopped, so remove it and start anew")
        arrays, rest = read_arrays(self.folder / "state.safetensors")
        try:
            trainer.load_state_dict(_nested({**arrays, **json.loads(rest)}))
        except (KeyError, TypeError, ValueError) as error:
            raise RunError(f"{self.folder} cannot be resumed: {error}") from None

    def weights_file(self, step: int) -> Path:
        """Where the weights of a step are."""
        return self.folder / "weights" / f"step-{step:06d}.safetensors"

    def saved_steps(self) -> list[int]:
        """The steps whose weights are on disk, in order."""
        return sorted(int(p.stem.removeprefix("step-"))
                      for p in (self.folder / "weights").glob("step-*.safetensors"))

    def generator(self, step: int | None = None) -> tuple[Module, int]:
        """The average generator as it was at a saved step (None: the last), and that step."""
        game, step = self.game(step)
        return game.generator, step

    def game(self, step: int | None = None) -> tuple[GAN, int]:
        """The game whose generator is the average one as it was at a saved step (None: the last),
        and that step. Its discriminator is as it was at the start."""
        steps = self.saved_steps()
        if not steps:
            raise RunError(f"{self.folder} has no saved weights yet")
        step = steps[-1] if step is None else step
        if step not in steps:
            raise RunError(f"{self.folder} has no weights of step {step}; it has "
                           f"{', '.join(map(str, steps))}")
        arrays, _ = read_arrays(self.weights_file(step))
        game = self.config.build()
        prefix = "average."
        try:
            game.generator.load_state_dict({k.removeprefix(prefix): v for k, v in arrays.items()
                                            if k.startswith(prefix)})
        except (KeyError, ValueError) as error:
            raise RunError(f"{self.weights_file(step)} does not fit the system: {error}") from None
        return game, step


def write_arrays(path: Path, arrays: dict[str, np.ndarray], text: str = "") -> None:
    """A safetensors file of the arrays, with a text in its header. Raises RunError if it cannot
    be written; what was there before stays."""
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    # the format is written wrongly, without a word, unless the arrays are contiguous
    contiguous = {k: np.ascontiguousarray(v) for k, v in arrays.items()}
    try:
        with replacing(path) as temporary:
            save_file(contiguous, temporary, {"text": text})
    except SafetensorError as error:  # a full disk, too, is reported as one
        raise RunError(f"{path} could not be written: {error}; what was saved before is "
                       "whole") from None


def read_arrays(path: Path) -> tuple[dict[str, np.ndarray], str]:
    """The arrays and the text of such a file. Raises RunError if it is missing or damaged."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as file:
            return {k: file.get_tensor(k) for k in file.keys()}, file.metadata()["text"]
    except FileNotFoundError:
        raise RunError(f"{path} is missing") from None
    except (SafetensorError, TypeError, KeyError) as error:
        raise RunError(f"{path} is damaged: {error}") from None


def _flat(state: dict[str, Any]) -> dict[str, Any]:
    """{"a": {"b": x}} → {"a.b": x}, two levels."""
    return {f"{outer}.{inner}": v for outer, values in state.items() for inner, v in values.items()}


def _nested(flat: dict[str, Any]) -> dict[str, Any]:
    """The inverse of `_flat`."""
    state: dict[str, Any] = {}
    for key, v in flat.items():
        outer, _, inner = key.partition(".")
        state.setdefault(outer, {})[inner] = v
    return state
