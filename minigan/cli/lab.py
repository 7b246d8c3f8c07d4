"""`minigan lab`: methods on points in the plane, over seeds: figures, a table, an animation."""
from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Iterable, Sequence

from ..data import DISTRIBUTIONS, read_points
from ..errors import no_such
from ..gan.objectives import OBJECTIVES
from ..gan.penalties import PENALTIES
from ..gan.update import RULES
from ..lab import table
from ..lab.animation import Window
from ..lab.methods import METHODS, TABLE, Described
from ..lab.recipe import Recipe
from ..lab.run import LabError, Task, train
from ..lab.runner import Bar, Lines, Outcome, is_done, place, run_all, told
from ..settings import POSITIVE, POSITIVE_NUMBER, Kind, one_of


def _no_data(text: str) -> str:
    return (f"there is no file {text}" if text.endswith(".csv")
            else no_such("data set or file", text, DISTRIBUTIONS))


def _penalty(text: str) -> tuple[str, float | None]:
    name, colon, weight = text.partition(":")
    return name, POSITIVE_NUMBER.read(weight) if colon else None


DATA = Kind("a data set or a file", lambda text: text in DISTRIBUTIONS or Path(text).is_file(),
            wrong=_no_data)
PENALTY = Kind("NAME or NAME:WEIGHT", lambda p: p[0] in PENALTIES and (
    p[1] is None or POSITIVE_NUMBER.fits(p[1])), _penalty)

DESCRIPTION = """\
Train small GANs on points in the plane, and measure what they make. Without --method, the method is
the one that --objective, --penalty, --pack, --d-steps and --rule describe: with none of them, the
plain non-saturating GAN.
"""
EXAMPLE = """\
methods:
{methods}

examples:
  minigan lab ring --animate
  minigan lab grid --method r1r2 --method packing-4 --seeds 10
  minigan lab moons --objective wasserstein --penalty gradient:5 --d-steps 5
  minigan lab ring --method all --seeds 10

A run that is done is not made again: after Ctrl-C the same command goes on.
exit status: 0 all runs done, 1 some failed, 2 a mistake in the command, 130 interrupted
"""


def register(commands: Any) -> None:
    """Add the command to the subparsers of `minigan`."""
    methods = "\n".join(f"  {name:17} {method.__doc__}" for name, method in METHODS.items())
    p = commands.add_parser("lab", help="compare methods against mode collapse on 2-D data",
                            description=DESCRIPTION, epilog=EXAMPLE.format(methods=methods),
                            formatter_class=argparse.RawDescriptionHelpFormatter)
    p.set_defaults(command=lab)
    p.add_argument("data", nargs="?", default="ring", type=DATA, metavar="DATA",
                   help=f"{', '.join(DISTRIBUTIONS)}, or a CSV file of two columns (default: ring)")
    p.add_argument("--method", type=one_of([*METHODS, "table", "all"], "method"),
                   action="append", metavar="NAME",
                   help="one of those below, table (those of the documentation's) or all; may be "
                        "given again")
    p.add_argument("--objective", type=one_of(OBJECTIVES, "objective"), metavar="NAME",
                   help=", ".join(OBJECTIVES))
    p.add_argument("--penalty", type=PENALTY, action="append", metavar="NAME[:WEIGHT]",
                   help=f"{', '.join(PENALTIES)}; may be given again")
    p.add_argument("--pack", type=POSITIVE, metavar="M", help="points that D sees at once")
    p.add_argument("--d-steps", type=POSITIVE, metavar="N", help="updates of D for each of G")
    p.add_argument("--rule", type=one_of(RULES, "rule"), metavar="NAME", help=", ".join(RULES))
    p.add_argument("--seeds", type=POSITIVE, default=1, metavar="N",
                   help="runs of each method, with the seeds 0 to N - 1 (default: 1)")
    p.add_argument("--steps", type=POSITIVE, default=Recipe.steps, metavar="N",
                   help=f"of each run (default: {Recipe.steps})")
    p.add_argument("--workers", type=POSITIVE, metavar="N",
                   help="runs at a time (default: one for each core)")
    p.add_argument("--out", type=Path, default=Path("runs/lab"), metavar="DIR",
                   help="where runs, tables and pictures go (default: runs/lab)")
    p.add_argument("--animate", action="store_true",
                   help="make a film of each method's first seed (GIF, and MP4 with ffmpeg)")
    p.add_argument("--show", action="store_true", help="watch a single run in a window")


def lab(args: argparse.Namespace) -> int:
    """`minigan lab`; returns the exit status."""
    if args.data not in DISTRIBUTIONS:
        read_points(args.data)  # errors come before anything starts
    tasks = [Task(args.data, method, seed, recipe(args)) for seed in range(args.seeds)
             for method in chosen(args)]  # all methods early, not all seeds of one
    return show(args, tasks) if args.show else compare(args, tasks)


def recipe(args: argparse.Namespace) -> Recipe:
    """The recipe of all runs."""
    return replace(Recipe(), steps=args.steps)


def chosen(args: argparse.Namespace) -> list[str | Described]:
    """The methods that are asked for, each once."""
    options = {"objective": args.objective, "penalties": tuple(args.penalty or ()),
               "pack": args.pack, "d_steps": args.d_steps, "rule": args.rule}
    given = {name: value for name, value in options.items() if value}
    if args.method:
        if given:
            option = {"penalties": "penalty", "d_steps": "d-steps"}.get(*[next(iter(given))] * 2)
            raise LabError(f"--method names a whole method, and --{option} describes one of your "
                           "own: give one or the other")
        groups = {"table": TABLE, "all": METHODS}
        return list(dict.fromkeys(name for word in args.method
                                  for name in groups.get(word, [word])))
    if not given:
        return ["plain"]
    described = Described(**given)
    check(described)
    return [described]


def check(method: Described) -> None:
    """Raise LabError for options that do not go together."""
    if method.d_steps > 1 and method.rule != "alternating":
        raise LabError(f"--rule {method.rule} moves both players at once, so that D cannot make "
                       f"--d-steps {method.d_steps}: choose one of them")
    if Recipe.batch % method.pack:
        raise LabError(f"--pack {method.pack} does not divide the batch of {Recipe.batch}: choose "
                       "a power of 2")


def compare(args: argparse.Namespace, tasks: Sequence[Task]) -> int:
    """Run what is not done yet, and write the table of all that is."""
    folder = args.out / tasks[0].data_name
    prepare(folder, tasks[0])
    films = [task for task in tasks if task.seed == 0] if args.animate else []
    todo = [task for task in tasks if not is_done(task, args.out, task in films)]
    if len(todo) < len(tasks):
        print(f"{len(tasks) - len(todo)} of {len(tasks)} runs are done already", file=sys.stderr)
    progress = (Bar(len(todo), sum(task.recipe.steps for task in todo))
                if todo and sys.stderr.isatty() else Lines(len(todo)))
    outcome = run_all(tasks, args.out, args.workers or cores(), films, progress)
    report(outcome, folder, [place(task, args.out).with_suffix(".gif") for task in films])
    if outcome.interrupted:
        print(f"stopped; {len(outcome.finished)} of {len(tasks)} runs are done. The same command "
              "goes on with the others", file=sys.stderr)
        return 130
    return 1 if outcome.failed else 0


def prepare(folder: Path, task: Task) -> None:
    """Make the folder. What would make a table impossible is told before hours of training: raises
    OSError where nothing can be written, and LabError for runs on other points, as of another file
    of the same name."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=folder):
        pass
    file = task.settings()["file"]
    for name, records in table.load(folder).items():
        if any(record.settings.get("file") != file for record in records):
            raise LabError(f"the runs of {name} in {folder} are on other points than those of "
                           f"{task.data}: choose another --out")


def report(outcome: Outcome, folder: Path, films: Iterable[Path]) -> None:
    """Print what there is to see, and where."""
    if outcome.failed:
        print(f"{len(outcome.failed)} runs failed: {', '.join(map(str, outcome.failed))}. The same "
              "command tries them again", file=sys.stderr)
    if not outcome.finished:
        return
    runs = table.load(folder)
    seeds = max(len(records) for records in runs.values())
    table.save(folder, runs, f"{folder.name}, {seeds} seed{'s' * (seeds > 1)}")
    print(table.markdown(table.rows(runs)), end="")
    for path in [*(folder / f"table.{suffix}" for suffix in ("md", "csv", "png")), *films]:
        if path.exists():
            print(path)


def show(args: argparse.Namespace, tasks: Sequence[Task]) -> int:
    """One run in this process, in a window."""
    if len(tasks) > 1:
        raise LabError(f"--show shows a single run, not {len(tasks)}: leave out --seeds, and name "
                       "one --method at most")
    if args.animate:
        raise LabError("--show shows a run in a window and writes nothing: leave out --animate, or "
                       "--show")
    window = Window(tasks[0])
    print(f"{tasks[0]}: {told(train(tasks[0], [window]).final)}")
    window.keep()
    return 0


def cores() -> int:
    """How many this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on every system
    return len(affinity(0)) if affinity else os.cpu_count() or 1
