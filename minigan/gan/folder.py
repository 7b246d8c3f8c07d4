"""The run folder: what a training run leaves on disk, and how it is written and read.

    config.json              the settings
    metrics.jsonl            a line of numbers every few steps
    losses.png               the curves of them; losses.svg where there is no matplotlib
    index.html               a page to look at, of all this
    samples/step-000500.png  the same noise, as the average generator paints it at that step
    samples/step-000500.csv  in its place, of a table: the rows
    weights/step-000500.safetensors   the generator's weights, and their average
    state.safetensors        everything else that is needed to go on, at the last save
    evaluation.json          figures of saved steps, if they were evaluated or the best is kept
    networks.py              the user's file with the networks, where they are no reference system's

While a process trains there, it holds a file .lock.
"""
from __future__ import annotations

import json
from contextlib import suppress
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Iterable, Iterator

import numpy as np

from ..checked import checked
from ..errors import UserError
from ..files import read_arrays, replacing, write_arrays, write_text
from ..locks import Lock, Taken, lock
from ..nn import summary
from ..nn.shapes import Summary
from ..settings import NUMBER, parsed
from ..user_code import text_of
from ..viz import save_curves
from . import own
from .config import Config
from .diagnostics import Adviser, networks
from .fields import IN_STATE, ROW, nested


STATE = "state.safetensors"


class RunError(UserError):
    """A run folder that is missing, taken, incomplete or does not fit; the message says which."""


class Diverged(RunError):
    """Numbers that are no longer finite."""


class RunFolder:
    """A run's settings, and the files in its folder, which one process at a time writes."""

    @checked
    def __init__(self, folder: str | Path, config: Config):
        self.folder, self.config = Path(folder), config
        self.own_text: str | None = None  # of a new run: of the user's file with the networks
        self._lock: Lock | None = None

    @property
    def source_changed(self) -> bool:
        """Whether the user's file of the networks is another now than when the run began."""
        copy, source = self.folder / own.FILE, Path(self.config.source or "")
        return source.is_file() and copy.is_file() and text_of(source) != text_of(copy)

    def take(self) -> None:
        """Keep other processes from writing into the folder until `close()`. Raises RunError if one
        does already."""
        try:
            self._lock = lock(self.folder)
        except Taken as owner:
            raise RunError(f"{owner} trains in {self.folder}: wait until it is done, or stop it "
                           "and go on with --resume; another run needs another folder "
                           "(--out)") from None

    def close(self) -> None:
        """Let other processes write into the folder; `take()` and `trainer()` take it back."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def write_config(self) -> None:
        """Write the settings, and the first time the file that a system of the user's own is from.
        """
        copy = self.folder / own.FILE
        if self.own_text is not None and not copy.exists():
            write_text(copy, self.own_text)
        write_text(self.folder / "config.json", json.dumps(self.config.as_json(), indent=2) + "\n")

    def save_losses(self) -> None:
        """The curves of the losses so far."""
        rows = np.array([(row["step"], row["d_loss"], row["g_loss"]) for row in self._rows()],
                        np.float64)
        if len(rows):
            save_curves(self.losses_file, rows[:, 0].astype(int),
                        {"discriminator": rows[:, 1], "generator": rows[:, 2]}, "loss")

    @property
    def losses_file(self) -> Path:
        """Where the curves are."""
        return self.folder / f"losses.{'png' if find_spec('matplotlib') else 'svg'}"

    def metrics(self) -> list[dict[str, float]]:
        """The rows of metrics.jsonl, but for those that are damaged: a full disk cuts one off."""
        return list(self._rows())

    def _rows(self) -> Iterator[dict[str, float]]:
        """They are many in a long run: one at a time."""
        path = self.folder / "metrics.jsonl"
        if path.exists():
            with open(path, encoding="utf-8", errors="replace") as file:
                for line in file:
                    with suppress(ValueError):
                        yield parsed(line, ROW)

    def readings(self) -> Iterator[dict[str, float]]:
        """The rows of metrics.jsonl with what is a number in them."""
        for row in self._rows():
            yield {name: value for name, value in row.items() if NUMBER.fits(value)}

    @cached_property
    def adviser(self) -> Adviser:
        """Who has heard the readings."""
        return Adviser(self.readings())

    @cached_property
    def networks(self) -> dict[str, Summary]:
        """The networks of the game, in tables. Raises UserError for settings of none."""
        state = self.folder / STATE
        saved = state.stat().st_size // 4 if state.exists() else 0
        game = self.config.build({"": np.broadcast_to(np.float32(0), saved)})  # no more than that
        return {name: summary(net) for name, net in networks(game).items()}

    def write_metrics(self, rows: Iterable[dict[str, float]]) -> None:
        """These rows and no others."""
        with replacing(self.folder / "metrics.jsonl") as path, open(path, "w") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)

    def saved(self) -> dict[str, Any] | None:
        """The trainer's state at the last save, and under "run" what was kept beside it; None if
        there was none."""
        path = self.folder / STATE
        if not path.exists() and not self.saved_steps():
            return None
        if not path.exists():
            raise RunError(f"{self.folder} has no state.safetensors: without it nobody "
                           "knows where the run was, so start another")
        arrays, rest = read_arrays(path)
        try:
            return nested(arrays, parsed(rest, IN_STATE, more=False))
        except ValueError as error:
            raise RunError(f"{path} is damaged: {error}") from None

    def _save_state(self, state: dict[str, Any]) -> None:
        """What `dotted` gave, from which the run goes on."""
        arrays = {k: v for k, v in state.items() if isinstance(v, np.ndarray)}
        rest = {k: v for k, v in state.items() if k not in arrays}
        rest["run.settings"] = self.config.kept()
        write_arrays(self.folder / STATE, arrays, json.dumps(rest))

    def weights_file(self, step: int) -> Path:
        """Where the weights of a step are."""
        return self.folder / "weights" / f"step-{step:06d}.safetensors"

    def save_weights(self, step: int, state: dict[str, Any]) -> None:
        """The generator's and their average, of what `dotted` gave."""
        write_arrays(self.weights_file(step), {
            k.removeprefix("game."): v for k, v in state.items()
            if k.startswith(("game.generator.", "average."))})

    def saved_steps(self) -> list[int]:
        """The steps whose weights are on disk, in order."""
        return list(self._by_steps("weights", ".safetensors"))

    def pictures(self) -> dict[int, Path]:
        """The grids, or a table's rows, by their steps, in order."""
        return self._by_steps("samples", self.samples_file(0).suffix)

    def _by_steps(self, folder: str, suffix: str) -> dict[int, Path]:
        found = {path.stem.removeprefix("step-"): path
                 for path in (self.folder / folder).glob(f"step-*{suffix}")}
        return dict(sorted((int(text), path) for text, path in found.items() if text.isdecimal()))

    def samples_file(self, step: int) -> Path:
        """Where the grid of a step is, or a table's rows."""
        ending = "csv" if self.config.columns else "png"
        return self.folder / "samples" / f"step-{step:06d}.{ending}"
