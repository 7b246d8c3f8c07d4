"""The best step: each saved one is measured while a run is trained (`--keep-best`)."""
from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Iterable

from ..errors import UserError
from ..metrics.table import METRICS, Figure, lacking, scored
from .config import Config, Data
from .scores import Scores, weights_mark
from .trainer import Trainer
from .yardstick import Yardstick

COLUMN = "choosing"  # the column of these figures: no evaluation reads them, or by them


class Keeper:
    """Measures a run's average generator by one metric, with noise of its own: nothing that is
    trained changes."""

    def __init__(self, folder: Path, config: Config, data: Data):
        self.folder, self.config, self.data = folder, config, data

    @cached_property
    def yardstick(self) -> Yardstick:
        return Yardstick.choosing(self.config, self.data)

    def figure(self, trainer: Trainer) -> Figure | str:
        """The figure of the generator as it is; or why there is none."""
        name = self.config.keep_best
        return lacking(name, self.yardstick.has) or scored(
            name, self.yardstick.samples(trainer.game, trainer.average.module))

    def check(self, trainer: Trainer) -> None:
        """Raise UserError if there can be no figure: before hours of training."""
        Scores(self.folder)  # if it is damaged, too
        reason = self.figure(trainer)
        if isinstance(reason, str):
            why = self.yardstick.why if "judge" in reason else None
            raise UserError(f"the best step cannot be kept by {self.config.keep_best}: {reason}"
                            + (f"; {why}" if why else ""))

    def keep(self, trainer: Trainer, weights: Path) -> None:
        """Write the figure of the trainer's step, whose weights have been written."""
        Scores(self.folder).figures(
            [self.config.keep_best], lambda _: self.figure(trainer), column=COLUMN,
            step=trainer.step, weights=weights_mark(weights), **self.yardstick.key)


def best_step(folder: Path, name: str | None, steps: Iterable[int]) -> int:
    """Of the steps the one that was measured best. Raises UserError for a run whose best step is
    not kept."""
    if name is None:
        raise UserError(f"{folder} has no best step: it is known of runs that are trained with "
                        "--keep-best, such as --keep-best kernel")
    asked = {"column": COLUMN, "metric": name, "how": METRICS[name].how}
    rows = [row for row in Scores(folder).rows()
            if asked.items() <= row.items() and row["step"] in steps]
    values = {row["step"]: row["value"] for row in rows if row["judge"] == rows[-1]["judge"]}
    if not values:
        raise UserError(f"{folder} has no best step yet: none of its saved steps was measured by "
                        f"{name}")
    return max(values, key=lambda step: METRICS[name].aim(values[step]))
