"""The table: what each method came to over its seeds, as Markdown, CSV and a picture."""
from __future__ import annotations

import csv
import math
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Sequence

from ..files import replacing, write_text
from ..viz.figure import as_written, new_figure, save_figure
from .methods import METHODS
from .experiment import Record

LOST = math.log(2)  # of reverse KL: e^-KL is the share of the modes that are evenly there


@dataclass(frozen=True)
class Column:
    """A figure: its title, the name in Record.final, how it is written, and whether more of it is
    better."""

    title: str
    name: str
    text: Callable[[float], str]
    more: bool = False

    def of(self, final: dict[str, Any]) -> float:
        """The run's figure, or the worst that there is: it has diverged, or was not measured."""
        worst = 0.0 if self.more else math.inf
        value = final.get(self.name)
        return worst if final["diverged"] or value is None else value

    def median_and_worst(self, finals: Sequence[dict[str, Any]]) -> tuple[float, float]:
        """Over seeds."""
        values = sorted(self.of(final) for final in finals)
        return statistics.median(values), values[0 if self.more else -1]


def columns(finals: Sequence[dict[str, Any]]) -> list[Column]:
    """What there is to say of these runs."""
    w1 = (Column("W1", "w1", "{:.3f}".format) if any("w1" in f for f in finals)
          else Column("sliced W1", "sliced_w1", "{:.3f}".format))
    if not finals[0]["modes"]:
        return [w1]
    return [Column(f"modes of {finals[0]['modes']}", "captured", "{:g}".format, more=True),
            Column("high quality", "high_quality", "{:.1%}".format, more=True),
            Column("reverse KL", "reverse_kl", "{:.3f}".format), w1]


def collapsed(final: dict[str, Any]) -> bool:
    """Whether a run has collapsed: it has diverged, or its samples of high quality are spread over
    the modes so unevenly that it is as if half of them at most were there, reverse KL ≥ ln 2. Of
    data without modes: it is at least half as far from them as their mean alone would be."""
    if final["diverged"]:
        return True
    if final["modes"]:
        return final["reverse_kl"] >= LOST
    return final.get("w1", final["sliced_w1"]) >= final["spread"] / 2


def load(folder: Path) -> dict[str, list[Record]]:
    """The runs in a data set's folder by method, in the order of METHODS, others behind; seeds in
    order."""
    found: dict[str, list[Record]] = {}
    for path in sorted(folder.glob("*/seed-*.json")):
        record = Record.load(path)
        found.setdefault(record.settings["method"], []).append(record)
    for records in found.values():
        records.sort(key=lambda record: record.settings["seed"])
    order = {name: i for i, name in enumerate(METHODS)}
    return dict(sorted(found.items(), key=lambda item: (order.get(item[0], len(order)), item[0])))


def rows(runs: dict[str, list[Record]]) -> list[list[str]]:
    """The table as text, the heading first: medians over the seeds, and the worst of them."""
    known = columns([record.final for records in runs.values() for record in records])
    table = [["method", "seeds", "steps", *[t for c in known for t in (c.title, "worst")],
              "collapsed", "seconds"]]
    for name, records in runs.items():
        finals = [record.final for record in records]
        steps = sorted({record.settings["recipe"]["steps"] for record in records})
        figures = [c.text(value) for c in known for value in c.median_and_worst(finals)]
        table.append([name, str(len(finals)), "/".join(map(str, steps)), *figures,
                      str(sum(map(collapsed, finals))),
                      f"{statistics.median(f['seconds'] for f in finals):.0f}"])
    return table


def markdown(table: Sequence[Sequence[str]]) -> str:
    """The table in Markdown, its columns aligned in the source, too."""
    widths = [max(map(len, column)) for column in zip(*table)]
    lines = [" | ".join(cell.ljust(w) if i == 0 else cell.rjust(w)
                        for i, (cell, w) in enumerate(zip(row, widths))) for row in table]
    rule = " | ".join("-" * w if i == 0 else "-" * (w - 1) + ":" for i, w in enumerate(widths))
    return "".join(f"| {line} |\n" for line in [lines[0], rule, *lines[1:]])


def save(folder: Path, runs: dict[str, list[Record]], title: str) -> None:
    """Write table.md, table.csv (a line for each run) and table.png into the folder."""
    write_text(folder / "table.md", markdown(rows(runs)))
    names = ["captured", "modes", "high_quality", "reverse_kl", "w1", "sliced_w1", "diverged",
             "seconds"]
    with replacing(folder / "table.csv") as temporary:
        with open(temporary, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["method", "seed", "steps", *names, "collapsed"])
            for name, records in runs.items():
                for record in records:
                    settings, final = record.settings, record.final
                    writer.writerow([name, settings["seed"], settings["recipe"]["steps"],
                                     *[final.get(n) for n in names], collapsed(final)])
    save_figure(folder / "table.png", picture(runs, title))


def picture(runs: dict[str, list[Record]], title: str) -> Any:
    """A matplotlib Figure: a dot for each seed and a bar at their median, a column for each
    figure. Collapsed seeds are hollow and red; what is infinite, of a diverged one, is left out."""
    known = columns([record.final for records in runs.values() for record in records])
    names = list(runs)
    figure = new_figure(2.1 + 2.5 * len(known), 1.3 + 0.3 * len(names))
    panels = figure.subplots(1, len(known), sharey=True, squeeze=False)[0]
    for column, axes in zip(known, panels):
        _strip(axes, column, runs)
        axes.set_title(column.title, fontsize=10)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x", color="0.9", linewidth=0.8)
        axes.set_axisbelow(True)
        for y in range(0, len(names), 2):
            axes.axhspan(y - 0.5, y + 0.5, color="0.97", zorder=0)
    panels[0].set_yticks(range(len(names)), names)
    panels[0].set_ylim(len(names) - 0.5, -0.5)
    figure.suptitle(as_written(f"{title}: a dot is a seed (hollow: collapsed), a bar the median"),
                    fontsize=11)
    return figure


def _strip(axes: Any, column: Column, runs: dict[str, list[Record]]) -> None:
    """A column of the picture. Distances beyond all reason stand at its edge."""
    largest, edge = 0.0, math.inf
    if column.name in ("w1", "sliced_w1"):
        edge = 1.5 * next(iter(runs.values()))[0].final["spread"]
    for y, records in enumerate(runs.values()):
        for i, record in enumerate(records):
            x, down = min(column.of(record.final), edge), collapsed(record.final)
            if not math.isfinite(x):
                continue
            largest = max(largest, x)
            lift = ((i + 0.5) / len(records) - 0.5) * 0.6  # so that equal ones stay apart
            axes.plot(x, y + lift, "o", markersize=4, color="tab:red" if down else "tab:blue",
                      markerfacecolor="none" if down else "tab:blue", alpha=0.8,
                      markeredgewidth=1, clip_on=False)
        middle, _ = column.median_and_worst([record.final for record in records])
        middle = min(middle, edge)
        if math.isfinite(middle):
            axes.plot([middle, middle], [y - 0.38, y + 0.38], color="0.2", linewidth=1.6,
                      clip_on=False)
    whole = {"high_quality": 1, "captured": next(iter(runs.values()))[0].final["modes"]}
    axes.set_xlim(0, whole.get(column.name, max(largest, 1e-3) * 1.03))
    if column.name == "high_quality":
        axes.xaxis.set_major_formatter(lambda x, _: f"{x:.0%}")
