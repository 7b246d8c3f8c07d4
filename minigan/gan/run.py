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
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..files import replacing
from ..viz import save_curves, save_grid
from .models import Generator, ShapeError
from .step import StepResult
from .systems import SYSTEMS
from .trainer import Trainer, sample

METRICS_EVERY = 10
GRID = 64  # images in a grid of samples


class RunError(ValueError):
    """A run folder that is missing, taken, incomplete or does not fit; the message says which."""


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

    def build(self) -> tuple[Any, Any]:
        """The networks, with the weights they start from. Raises RunError for images of a shape
        that the system cannot make."""
        rng = np.random.default_rng(self.seed)
        try:
            return SYSTEMS[self.system].build(shape=tuple(self.shape), rng=rng)
        except ShapeError as error:
            raise RunError(str(error)) from None


class Run:
    """A run folder; as the trainer's callback it writes what the run leaves there."""

    def __init__(self, folder: str | Path, config: Config):
        self.folder, self.config = Path(folder), config
        self.system = SYSTEMS[config.system]

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
            config = Config(**json.loads((folder / "config.json").read_text()))
        except FileNotFoundError:
            raise RunError(f"{folder} is no run folder: it has no config.json") from None
        except (json.JSONDecodeError, TypeError, UnicodeDecodeError) as error:
            raise RunError(f"{folder / 'config.json'} is damaged: {error}") from None
        if config.system not in SYSTEMS:
            raise RunError(f"{folder} is of an unknown system, {config.system!r}")
        return cls(folder, config)

    def write_config(self) -> None:
        """Write the settings."""
        with replacing(self.folder / "config.json") as path:
            path.write_text(json.dumps(asdict(self.config), indent=2) + "\n")

    def __call__(self, trainer: Trainer, result: StepResult) -> None:
        if trainer.step % METRICS_EVERY == 0 or trainer.step == 1:
            with open(self.folder / "metrics.jsonl", "a") as file:
                file.write(json.dumps({"step": trainer.step, **numbers(result)}) + "\n")
        if trainer.step % self.config.save_every == 0 or trainer.step == self.config.steps:
            self.save(trainer)

    def save(self, trainer: Trainer) -> None:
        """Weights, a grid, the curves and the state, as of the trainer's step."""
        state = _flat(trainer.state_dict())
        write_arrays(self.weights_file(trainer.step), {
            k: v for k, v in state.items() if k.startswith(("generator.", "average."))})
        self.save_samples(trainer)
        self.save_losses()
        # the state last: it names the step from which a resumed run goes on
        arrays = {k: v for k, v in state.items() if isinstance(v, np.ndarray)}
        rest = {k: v for k, v in state.items() if k not in arrays}
        write_arrays(self.folder / "state.safetensors", arrays, json.dumps(rest))

    def save_samples(self, trainer: Trainer) -> None:
        """The grid of the run's fixed noise."""
        rng = np.random.default_rng(self.config.seed)
        z = self.system.noise(GRID, trainer.generator.latent, rng)
        save_grid(self.folder / "samples" / f"step-{trainer.step:06d}.png",
                  sample(trainer.average.module, z), self.system.value_range)

    def save_losses(self) -> None:
        """The curves of the losses so far."""
        rows = self.metrics()
        if rows:
            save_curves(self.folder / "losses.png", [row["step"] for row in rows],
                        {"discriminator": [row["d_loss"] for row in rows],
                         "generator": [row["g_loss"] for row in rows]}, "loss")

    def metrics(self) -> list[dict[str, float]]:
        """The rows of metrics.jsonl, but for a last one that was cut off by a full disk."""
        path = self.folder / "metrics.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [json.loads(line) for line in lines if line.endswith("}")]

    def resume(self, trainer: Trainer) -> None:
        """Put the trainer where the run was last saved; later metrics are forgotten."""
        arrays, rest = read_arrays(self.folder / "state.safetensors")
        try:
            trainer.load_state_dict(_nested({**arrays, **json.loads(rest)}))
        except (KeyError, ValueError) as error:
            raise RunError(f"{self.folder} cannot be resumed: {error}") from None
        rows = [row for row in self.metrics() if row["step"] <= trainer.step]
        with replacing(self.folder / "metrics.jsonl") as path:
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def weights_file(self, step: int) -> Path:
        """Where the weights of a step are."""
        return self.folder / "weights" / f"step-{step:06d}.safetensors"

    def saved_steps(self) -> list[int]:
        """The steps whose weights are on disk, in order."""
        return sorted(int(p.stem.removeprefix("step-"))
                      for p in (self.folder / "weights").glob("step-*.safetensors"))

    def generator(self, step: int | None = None) -> tuple[Generator, int]:
        """The average generator as it was at a saved step (None: the last), and that step."""
        steps = self.saved_steps()
        if not steps:
            raise RunError(f"{self.folder} has no saved weights yet")
        step = steps[-1] if step is None else step
        if step not in steps:
            raise RunError(f"{self.folder} has no weights of step {step}; it has "
                           f"{', '.join(map(str, steps))}")
        arrays, _ = read_arrays(self.weights_file(step))
        generator, _ = self.config.build()
        prefix = "average."
        try:
            generator.load_state_dict({k.removeprefix(prefix): v for k, v in arrays.items()
                                       if k.startswith(prefix)})
        except (KeyError, ValueError) as error:
            raise RunError(f"{self.weights_file(step)} does not fit the system: {error}") from None
        return generator, step


def numbers(result: StepResult) -> dict[str, float]:
    """The losses, and the mean probabilities that D gives to real and generated images."""
    def mean_probability(logits: Any) -> float:
        return float((1 / (1 + np.exp(-logits.numpy().astype(np.float64).clip(-700, 700)))).mean())

    row = {"d_loss": result.d_loss.item(), "g_loss": result.g_loss.item(),
           "d_real": mean_probability(result.real_logits),
           "d_fake": mean_probability(result.fake_logits)}
    if not all(math.isfinite(v) for v in row.values()):
        raise RunError(f"training diverged: {row}; try a smaller --lr")
    return row


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
