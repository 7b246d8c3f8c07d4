"""Whether a run folder is whole: what in it is missing or damaged, and can be made again."""
from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Callable, Iterator, NamedTuple

from ..data import DataError, read_table
from ..data.table import counted
from ..errors import UserError, brief
from ..files import leftovers, read_arrays
from .fields import dotted
from .films import pixels
from .run import METRICS_EVERY, Run
from .scores import Scores


class Finding(NamedTuple):
    """Something that is wrong in a run folder."""

    what: str         # a sentence
    remedy: str = ""  # what `repair` does, as in "drawn again"; "" where nobody can do anything
    repair: Callable[[], object] = lambda: None


def findings(run: Run) -> Iterator[Finding]:
    """What is wrong in the folder of a run that no other process writes into. Each is to be
    repaired, if at all, before the next one is asked for: pictures are drawn from the weights that
    are there then. Raises UserError if only a program has the networks."""
    run.config.check_held()
    for folder in (run.folder, run.folder / "samples", run.folder / "weights"):
        for path in leftovers(folder):
            yield Finding(f"{path} was left by a process that was killed", "removed", path.unlink)
    state = None
    try:
        state = run.saved()
    except (UserError, OSError) as error:
        yield Finding(f"{brief(error)}; samples can be made of what was saved, but training cannot "
                      "go on")
    else:
        try:
            run._trainer(state)  # which reads the data
        except UserError as error:
            yield Finding(f"training cannot go on: {brief(error)}")
            if not isinstance(error, DataError):
                state = None  # it is of something else
    step = state["progress"]["step"] if state else 0
    for saved in sorted({*run.saved_steps(), *[step] * bool(step)}):
        yield from _of_step(run, saved, state if saved == step else None)
    for made, picture in run.pictures().items():
        if made not in (step, *run.saved_steps()) and not _is_picture(picture):
            yield Finding(f"{picture} is damaged", "removed", picture.unlink)
    yield from _metrics(run, step)
    if step and run.metrics() and not _is_picture(run.losses_file):
        yield Finding(f"{run.losses_file} is missing or damaged", "drawn again", run.save_losses)
    try:
        Scores(run.folder)
    except (UserError, OSError) as error:
        scores = run.folder / "evaluation.json"
        yield Finding(brief(error), "set aside as evaluation.damaged",
                      partial(scores.rename, scores.with_suffix(".damaged")))
    page = run.folder / "index.html"
    if step and run.config.made_by and not (page.exists()  # older runs have none
                                            and page.read_bytes().endswith(b"</html>\n")):
        yield Finding(f"{page} is missing or damaged", "made again", run.write_page)


def _of_step(run: Run, step: int, state: dict[str, Any] | None) -> Iterator[Finding]:
    """What is wrong with the weights and the picture of a step; the state is of the same step, or
    None."""
    weights, picture = run.weights_file(step), run.samples_file(step)
    aside = weights.with_suffix(".damaged")
    readable = fits = False
    try:
        read_arrays(weights)
        readable = True
        run.game(step)
        fits = True
    except (UserError, OSError) as error:
        if state:
            yield Finding(brief(error), "written again from the state",
                          partial(run.save_weights, step, dotted(state)))
        elif readable or isinstance(error, OSError):  # the settings are wrong, or nobody may read
            yield Finding(brief(error))
        else:
            yield Finding(brief(error), f"set aside as {aside.name}",
                          partial(weights.rename, aside))
    if not _is_picture(picture):
        yield Finding(f"{picture} is missing or damaged", "drawn again" * bool(fits or state),
                      partial(_draw, run, step))


def _draw(run: Run, step: int) -> None:
    """The picture of a step, from its weights."""
    game, _ = run.game(step)
    run.save_samples(step, game, game.generator)


def _metrics(run: Run, step: int) -> Iterator[Finding]:
    """What is wrong with the rows up to a saved step: those after it are made anew."""
    path, rows, read, lines = run.folder / "metrics.jsonl", {}, run.metrics(), 0
    for row in read:
        rows.setdefault(row["step"], row)
    if path.exists():
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = sum(1 for _ in file)
    for n, what in ((lines - len(read), "cannot be read"), (len(read) - len(rows),
                                                            "repeat a step")):
        if n:
            yield Finding(f"{path}: {n} of {lines} lines {what}", "left out",
                          partial(run.write_metrics, rows.values()))
    lost = [s for s in (1, *range(METRICS_EVERY, step + 1, METRICS_EVERY))
            if s <= step and s not in rows]
    if lost:
        yield Finding(f"{path} lacks {counted(len(lost), 'row')}, of steps {lost[0]} to {lost[-1]}:"
                      " only training from the start would make them again")


def _is_picture(path: Path) -> bool:
    """Whether it can be read to its end."""
    if path.suffix == ".svg":
        return path.exists() and path.read_bytes().endswith(b"</svg>\n")
    try:
        return bool(read_table(path).rows) if path.suffix == ".csv" else bool(pixels(path).size)
    except (OSError, UserError):
        return False
