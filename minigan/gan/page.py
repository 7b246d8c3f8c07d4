"""The page of a run, index.html: what it is, how it goes and what it draws, in one file."""
from __future__ import annotations

import shlex
from contextlib import suppress
from html import escape
from pathlib import Path
from string import Template
from typing import Any, Iterable, Mapping, Sequence

from ..checked import checked
from ..data import read_table
from ..errors import UserError, brief
from ..files import write_text
from ..locks import taken
from ..metrics.table import METRICS
from ..viz.inline import grid_uri, svg_figures
from .config import Config
from .diagnostics import CURVES
from .folder import RunError, RunFolder
from .notebook import panel
from .own import FILE
from .scores import Scores
from .tables import TableConfig
from .yardstick import REAL

FILM = 2_000_000  # characters that the pictures of a page have at most; all else is some 100,000
FRAMES = 60       # pictures of a run at most
COLUMNS = 6       # steps in the table of what was measured
ROWS = 10         # of a table
Rows = Sequence[dict[str, float]]
OF_PROGRAM = "a program's"  # networks and data that a program gave


@checked
def report(*runs: RunFolder, path: str | Path | None = None) -> Path:
    """Write the page of a run, or one of several beside each other; returns where it is, by default
    index.html in the run's folder, or report.html here. What is damaged in a folder is said on the
    page. Raises UserError where no run is given, or one has nothing to show."""
    if not runs:
        raise UserError("no run was given to report on")
    for run in runs:
        if not run.pictures() and not run.metrics():
            raise RunError(f"{run.folder} has neither pictures nor metrics yet")
    if path is None:
        path = runs[0].folder / "index.html" if len(runs) == 1 else "report.html"
    path = Path(path)
    going = len(runs) == 1 and path.parent == runs[0].folder and taken(path.parent)
    write_page(path, runs, going)
    return path


def write_page(path: str | Path, runs: Sequence[RunFolder], going: bool = False,
               note: str = "") -> None:
    """The page; one that is going is loaded anew every few seconds by whoever looks at it."""
    readings = [sorted(run.readings(), key=lambda row: row["step"]) for run in runs]
    captions = _shared(readings) if len(runs) > 1 else CURVES
    articles = [_article(run, rows, captions, Path(path).parent == run.folder, FILM // len(runs),
                         going, note) for run, rows in zip(runs, readings)]
    text = Template(Path(__file__).with_name("page.html").read_text("utf-8")).substitute(
        title=escape(" and ".join(_title(run) for run in runs)), columns=len(runs),
        runs="\n".join(articles), going="true" if going else "false")
    write_text(path, text)


def card(run: RunFolder) -> str:
    """What a notebook shows of a run: its last picture, and curves."""
    pictures, step, picture = list(run.pictures().items()), max(run.saved_steps(), default=0), ""
    with suppress(OSError, ValueError, IndexError, TypeError):  # damaged, none, or of a table
        step, picture = pictures[-1][0], grid_uri(pictures[-1][1], *run.config.shape[:2])[0]
    return panel(f"{run.folder}, {_title(run)}: step {step:,} of {run.config.steps:,}", picture,
                 run.readings())


def facts(run: RunFolder) -> dict[str, str]:
    """What a run is, in a line each."""
    c = run.config
    told = {
        "data": _data(c),
        **_system(run),
        "game": " ".join(c.game.words) or "plain",
        "training": f"{c.steps:,} steps with {c.batch_size} {'rows' if c.columns else 'images'} of "
                    f"each kind, seed {c.seed}, saved every {c.save_every:,}"}
    try:
        for name, table in run.networks.items():
            told[name.replace("_", " ")] = (f"{table.parameters:,} parameters in "
                                            f"{len(table.rows)} layers")
    except UserError as error:
        told["networks"] = f"not to be made: {brief(error)}"
    return told


def _data(c: Config) -> str:
    """What it learns from."""
    many, _, known = (c.fingerprint or "").partition(" images, ")
    count = f"{int(many):,} " if known and many.isdecimal() else ""
    where = f" in {c.data_dir}" if c.data_dir else ""
    if isinstance(c, TableConfig):
        return f"{c.data}{where}: {c.said}"
    *size, channels = c.shape
    cut = ", scaled and cut to" if c.data == "images" else " of"
    return (f"{c.data or OF_PROGRAM}{where}: {count}images{cut} {size[1]} x {size[0]} pixels, "
            f"{'grey' if channels == 1 else 'coloured'}"
            + f", in {c.classes} classes" * bool(c.classes))


def _system(run: RunFolder) -> dict[str, str]:
    """Where its networks are from, and what they began with."""
    c = run.config
    told = {"system": OF_PROGRAM if c.system is None else
            c.system if c.own else f"{c.system}: {c.played.summary}"}
    if run.source_changed:
        told["system"] += f" as it was when the run began ({FILE} in its folder); it has changed"
    if c.weights_of:
        told["weights"] = f"began with those of {c.weights_of}"
    if c.changed:
        told["changed"] = "; ".join(c.changed)
    return told


def _title(run: RunFolder) -> str:
    c = run.config
    data = Path(c.data_dir).name if isinstance(c, TableConfig) else c.data
    return f"{c.system or OF_PROGRAM} on {data or OF_PROGRAM}, seed {c.seed}"


def _article(run: RunFolder, rows: Rows, captions: Mapping[str, tuple], at_home: bool, room: int,
             going: bool, note: str) -> str:
    """A run. Its own page does not name the folder, which may be moved; others do."""
    step = max([*run.pictures(), *run.saved_steps()], default=0)
    step = max(step, int(rows[-1]["step"]) if rows and not going else 0)
    name = "RUN" if at_home else shlex.quote(str(run.folder))
    more = f" --steps {2 * run.config.steps}" if step >= run.config.steps else ""
    where = " (RUN is the folder of this page)" if at_home else ""
    curves = svg_figures(rows, captions)
    return "\n".join([
        "<article>", f"<h1>{escape(_title(run) if at_home else str(run.folder))}</h1>",
        f'<p>step {step:,} of {run.config.steps:,} <progress max="{run.config.steps}" '
        f'value="{step}"></progress> {"under way" if going else ""}</p>',
        f'<p class="advice">{escape(note)}</p>' if note else "",
        *(f'<p class="advice">step {at:,}: {escape(said)}</p>' for at, said in run.adviser.said),
        _film(run, room), f'<h2>Curves</h2><div class="curves">{curves}</div>' * bool(curves),
        _measured(run), "<h2>Settings</h2>",
        _table([[key, value] for key, value in {
            **facts(run), "trained by": run.config.made_by or "an older minigan"}.items()]),
        f"<p>To go on: <code>minigan train --resume --out {escape(name)}{more}</code>; more "
        f"samples: <code>minigan sample {escape(name)}</code>{escape(where)}</p>", "</article>"])


def _film(run: RunFolder, room: int) -> str:
    """The pictures of samples, as many as have room: the first, the last, and others between."""
    if isinstance(run.config, TableConfig):
        return _rows(run)
    files = list(run.pictures().items())
    height, width, _ = run.config.shape
    chosen, frames, broken = _spread(files, FRAMES), [], 0
    while True:
        frames, broken = [], 0
        for step, path in chosen:
            try:
                frames.append((step, *grid_uri(path, height, width)))
            except (OSError, ValueError):
                broken += 1
        if len(chosen) < 2 or sum(len(frame[1]) for frame in frames) <= room:
            break
        chosen = _spread(chosen, max(1, len(chosen) * 3 // 4))
    if not frames:
        return f'<p class="note">no pictures{" that can be read" * bool(broken)}</p>'
    images = "".join(f'<img src="{uri}" alt="step {step:,}"{" hidden" * (i < len(frames) - 1)}>'
                     for i, (step, uri, _, _) in enumerate(frames))
    last = len(frames) - 1
    _, _, rows, columns = frames[-1]
    said = [f"{rows} x {columns} images of the same noise, by the average generator"]
    if len(chosen) < len(files):
        said.append(f"{len(chosen)} of the {len(files)} pictures in samples/")
    if broken:
        said.append(f"{broken} could not be read")
    return (f'<h2>Samples</h2><figure class="film">{images}<input type="range" max="{last}" '
            f'value="{last}" aria-label="step"><figcaption><span>step {frames[-1][0]:,}</span>: '
            f'{"; ".join(said)}</figcaption></figure>')


def _rows(run: RunFolder) -> str:
    """The first rows of the last samples of a table, and real ones, if they are there still."""
    files = list(run.pictures().values())
    try:
        table = read_table(files[-1])
    except (OSError, UserError, IndexError):
        return '<p class="note">no rows that can be read</p>'
    real = ""
    with suppress(OSError, UserError):
        real = "<h2>Real rows</h2>" + _table(
            run.config.described.decode(run.data[0][:ROWS]).rows, table.names)
    return f"<h2>Samples</h2>{_table(table.rows[:ROWS], table.names)}" + (
        f'<p class="note">the first of the rows in samples/{escape(files[-1].name)}</p>') + real


def _spread(items: Sequence[Any], n: int) -> list[Any]:
    """n of them at most, the last one, the first, and others between."""
    if len(items) <= n:
        return list(items)
    return [items[-1 - round(i * (len(items) - 1) / max(n - 1, 1))] for i in range(n)][::-1]


def _shared(readings: Sequence[Rows]) -> dict[str, tuple]:
    """The captions of curves, with the axes that those of several runs share: the limits, which
    leave out the outermost 1 %, and the last step."""
    last = max((int(rows[-1]["step"]) for rows in readings if rows), default=0)
    captions = {}
    for caption, (fields, limits) in CURVES.items():
        values = sorted(row[field] for rows in readings for row in rows for field in fields
                        if field in row)
        few = len(values) // 200
        captions[caption] = fields, limits or values and (values[few], values[-1 - few]), last
    return captions


def _measured(run: RunFolder) -> str:
    """The latest figures of evaluation.json that are to be compared with each other."""
    try:
        known = list(Scores(run.folder).rows())
    except UserError as error:
        return f'<p class="note">{escape(brief(error))}</p>'
    parts = []
    for column, heading in (("samples", "Measured"), ("choosing", "Measured to keep the best")):
        own = [row for row in known if row["column"] == column]
        if not own:
            continue
        asked = ("n", "seed", "data", "reference", "judge")
        rows = [row for row in known if all(row[k] == own[-1][k] for k in asked)
                and row["column"] in (column, *REAL)]
        steps = sorted({row["step"] for row in rows if row["step"] is not None})
        titles: list[Any] = [*_spread(steps, COLUMNS),
                             *(name for name in REAL if any(row["column"] == name for row in rows))]
        cells = {(row["metric"], row["step"] if row["column"] == column else row["column"]):
                 f"{row['value']:.3g}" + (f" ± {row['interval']:.1g}" if row["interval"] else "")
                 for row in rows}
        names = [name for name in METRICS if any(row["metric"] == name for row in own)]
        parts += [f"<h2>{heading}</h2>", _table(
            [[name, METRICS[name].better, *(cells.get((name, title), "–") for title in titles)]
             for name in names],
            ["", "better", *(t if isinstance(t, str) else f"step {t:,}" for t in titles)]),
            f'<p class="note">{own[-1]["n"]:,} samples, seed {own[-1]["seed"]}; ± is 95 % '
            "confidence</p>"]
    return "".join(parts)


def _table(rows: Iterable[Sequence[str]], head: Sequence[str] = ()) -> str:
    lines = [[f"<th>{escape(cell)}</th>" for cell in head]] if head else []
    lines += [[f"<td>{escape(cell)}</td>" for cell in row] for row in rows]
    return f"<table>{''.join(f'<tr>{chr(10).join(line)}</tr>' for line in lines)}</table>"
