"""What samples of runs are worth: a table of figures, with what good and bad look like beside."""
from __future__ import annotations

import math
import os
import textwrap
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Callable, Sequence

from ..checked import checked
from ..errors import UserError, no_such
from ..files import where_allowed
from ..metrics.comparison import Comparison
from ..metrics.table import METRICS, Figure, lacking, scored
from ..settings import Seed, TwoOrMore
from ..viz import save_panels
from .config import fingerprint
from .run import Run, RunError
from .scores import Scores, weights_mark
from .yardstick import REAL, Yardstick

Column = dict[str, "Figure | str"]
Report = Callable[[str], None]  # told what is done next


@dataclass(frozen=True)
class Evaluation:
    """Figures of runs, as `evaluate` makes them: `columns[name][metric]` is a Figure (value,
    interval), or says why there is none. Printed it is a table."""

    yardstick: Yardstick
    columns: dict[str, Column]

    @property
    def head(self) -> str:
        """What the figures depend on, in a few lines."""
        y = self.yardstick
        judge = (f"judge {y.judge.name}, right about {y.judge.accuracy:.1%} of what it was not "
                 "trained on" if y.judge else f"no judge: {y.why}")
        return "\n".join(textwrap.wrap(
            f"{y.n:,} samples of each, seed {y.seed}, compared with {y.said}. Beside them as many "
            "other images that it was trained on (real: what perfect looks like), and those with "
            f"noise and blur. ± is 95 % confidence; {judge}.", 96, break_on_hyphens=False))

    def __str__(self) -> str:
        many = len(self.columns) > 6  # then without intervals
        cells = [["", "better", *self.columns, "by; ± by"]]
        notes: dict[str, list[str]] = {}
        for name in next(iter(self.columns.values())):
            figures = [column.get(name) for column in self.columns.values()]
            if any(isinstance(figure, Figure) for figure in figures):
                cells.append([name, METRICS[name].better, *[_cell(f, many) for f in figures],
                              METRICS[name].how])
            for reason in {f for f in figures if isinstance(f, str)}:
                notes.setdefault(reason, []).append(name)
        widths = [max(map(len, column)) for column in zip(*cells)]
        lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip()
                 for row in cells]
        said = [f"not here: {', '.join(which)} ({reason})" for reason, which in notes.items()]
        table = ["", *lines] if len(cells) > 1 else []  # else nothing could be measured
        return "\n".join([self.head, *table, *[""] * bool(said), *said])

    def as_json(self) -> dict[str, Any]:
        """The same of plain dicts, lists, strings and numbers."""
        return {**self.yardstick.key, "confidence": 0.95, "columns": {
            title: {name: figure if isinstance(figure, str) else figure._asdict()
                    for name, figure in column.items()}
            for title, column in self.columns.items()}}


@checked
def evaluate(*runs: Run, n: TwoOrMore | None = None, metrics: Sequence[str] | None = None,
             step: int | str | None = None, all_steps: bool = False, seed: Seed = 0,
             report: Report = lambda sentence: None) -> Evaluation:
    """What n samples of each run's average generator are worth, at a saved step ("best" is that of
    --keep-best, None the last), or at all of them, by measures of `metrics.METRICS`, all unless
    some are named.

    n is as many as the data allow, up to 10,000, and fewer of large images. The figures are kept in
    the run's folder, as evaluation.json and, by matplotlib, evaluation.png: what stands there for
    the same weights, n, seed and judge is not made again. `report` is told in a sentence what is
    done next. Raises UserError for runs of different data, for names and numbers that cannot be,
    and for runs without saved weights.
    """
    for name in metrics or ():
        if name not in METRICS:
            raise UserError(no_such("metric", name, METRICS))
    if not runs:
        raise UserError("no run was given to evaluate")
    names = list(dict.fromkeys(metrics or METRICS))
    steps = [_steps(run, step, all_steps) for run in runs]  # told before any data are read
    first = runs[0].config
    for run in runs:
        run.config.check_images("the measures are")
        if run.config.fingerprint is None:  # it is an older one
            run.config.fingerprint = fingerprint(*run.data)
        if not os.access(run.folder, os.W_OK):
            report(f"{run.folder} cannot be written into: its figures will not be kept")
    for run in runs[1:]:
        if (run.config.data, run.config.fingerprint) != (first.data, first.fingerprint):
            raise RunError(f"{runs[0].folder} is of {first.data}, {run.folder} of "
                           f"{run.config.data}, or of other images of that name: figures by "
                           "different data are not to be compared, so evaluate one at a time")
    yardstick = Yardstick.of(first, runs[0].data, n, seed)
    if not metrics:  # who asked for none by name need not hear of those for other data
        names = [name for name in names if "stacked" in yardstick.has
                 or "stacked" not in METRICS[name].needs]
    columns: dict[str, Column] = {}
    for run, own in zip(runs, steps):
        for i, at in enumerate(own, 1):
            title = f"step {at}" if len(runs) == 1 else str(run.folder) + f" {at}" * (len(own) > 1)
            said = f"{run.folder}: step {at}" + f" ({i} of {len(own)})" * (len(own) > 1)
            title = f"./{title}" if title in REAL else title
            columns[title] = _measured(run, yardstick, names, at, partial(report, said))
    there = [name for name in names
             if any(isinstance(column[name], Figure) for column in columns.values())]
    scores = Scores(runs[0].folder)
    for name in REAL[:1 if all_steps else None]:
        report(f"for comparison: {name}")
        columns[name] = scores.figures(there, partial(yardstick.real, name), column=name,
                                       step=None, weights=None, **yardstick.key)
    for run in runs:
        _draw(run.folder / "evaluation.png", Scores(run.folder), scores, yardstick.key)
    return Evaluation(yardstick, columns)


def _steps(run: Run, step: int | str | None, all_steps: bool) -> list[int]:
    if all_steps and step is not None:
        raise UserError("--all-steps is of all, and --step of one: give one of them")
    if all_steps and run.saved_steps():
        return run.saved_steps()
    return [run.saved_step(step)]


def _measured(run: Run, yardstick: Yardstick, names: Sequence[str], step: int,
              begin: Callable[[], None]) -> Column:
    """The figures of a saved step; samples are made, and begin called, if one is not known."""
    own = replace(yardstick, config=run.config)

    @cache
    def beside() -> Comparison:
        begin()
        game, _ = run.game(step)
        try:
            return own.samples(game, game.generator)
        except UserError as error:
            raise RunError(f"{run.folder}, step {step}: {error}") from None

    return Scores(run.folder).figures(
        names, lambda name: lacking(name, own.has) or scored(name, beside()), column="samples",
        step=step, weights=weights_mark(run.weights_file(step)), **yardstick.key)


def _draw(path: Path, own: Scores, real: Scores, key: dict[str, Any]) -> None:
    """All that is known of a run's steps, and of real images, by the yardstick of that key."""
    levels: dict[str, dict[str, float]] = {column: {} for column in REAL}
    for row in real.rows():
        if row["column"] in REAL and key.items() <= row.items():
            levels[row["column"]][row["metric"]] = row["value"]
    known = {(row["metric"], row["step"]): row for row in own.rows()
             if row["column"] == "samples" and key.items() <= row.items()}
    names = [name for name in METRICS if name in {name for name, _ in known}]
    steps = sorted({step for _, step in known})

    def curves(field: str) -> dict[str, list[float]]:
        found = {name: [known.get((name, step), {}).get(field) for step in steps] for name in names}
        return {name: [math.nan if x is None else x for x in xs] for name, xs in found.items()}

    if names and find_spec("matplotlib"):
        with where_allowed():
            save_panels(path, steps, curves("value"), curves("interval"), levels)


def _cell(figure: Figure | str | None, short: bool) -> str:
    if not isinstance(figure, Figure):
        return "–"
    value, half = figure
    if short or not half or half < 1e-6 * abs(value):  # which is rounding
        return f"{value:.3g}"
    digits = max(0, 1 - math.floor(math.log10(half)))
    return f"{value:.{digits}f} ± {half:.{digits}f}"
