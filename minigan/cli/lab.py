"""`minigan lab`: methods on points in the plane, over seeds: figures, a table, an animation."""
from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Callable, Iterable, Sequence

from ..backend.cpu.threads import cores
from ..data import DISTRIBUTIONS, read_points
from ..gan import Options
from ..gan.option import argument
from ..lab import table
from ..lab.animation import Show
from ..lab.experiment import DATA, Experiment, LabError, Task, train
from ..lab.methods import METHODS, TABLE
from ..lab.plane import PLANE
from ..lab.processes import Finished, Outcome, is_done, place, run_all, told
from ..lab.ranked import crew
from ..ranks import end, started
from ..settings import POSITIVE, one_of
from . import game

STOPPED = 130  # the exit status

DESCRIPTION = """\
Train small GANs on points in the plane, and measure what they make. Without --method, the method is
the one that the options of the game describe: with none of them, the plain non-saturating GAN.
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
    methods = "\n".join(f"  {name:17} {method.about}" for name, method in METHODS.items())
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
    p.add_argument("--seeds", type=POSITIVE, default=1, metavar="N",
                   help="runs of each method, with the seeds 0 to N - 1 (default: 1)")
    p.add_argument("--steps", type=POSITIVE, default=PLANE.steps, metavar="N",
                   help=f"of each run (default: {PLANE.steps})")
    p.add_argument("--workers", type=POSITIVE, metavar="N",
                   help="runs at a time (default: one for each core)")
    p.add_argument("--out", type=Path, metavar="DIR",
                   help="where runs, tables and pictures go (default: runs/lab)")
    p.add_argument("--animate", action="store_true",
                   help="make a film of each method's first seed (GIF, and MP4 with ffmpeg)")
    p.add_argument("--show", action="store_true", help="watch a single run in a window")
    game.add_arguments(p)


def lab(args: argparse.Namespace) -> int:
    """`minigan lab`; returns the exit status."""
    if args.data not in DISTRIBUTIONS:
        read_points(args.data)  # errors come before anything starts
    methods = chosen(args)
    tasks = [Task(args.data, method, seed, args.steps) for seed in range(args.seeds)
             for method in methods]  # all methods early, not all seeds of one
    for task in tasks[:len(methods)]:
        Experiment(task)  # what does not go together is told before anything runs
    return show(args, tasks) if args.show else compare(args, tasks)


def chosen(args: argparse.Namespace) -> list[str | Options]:
    """The methods that are asked for, each once."""
    given = game.given(args)
    if args.method:
        if given:
            raise LabError(f"--method names a whole method, and {argument(next(iter(given)))} "
                           "describes one of your own: give one or the other")
        groups = {"table": TABLE, "all": METHODS}
        return list(dict.fromkeys(name for word in args.method
                                  for name in groups.get(word, [word])))
    return [Options(**given)] if given else ["plain"]


def compare(args: argparse.Namespace, tasks: Sequence[Task]) -> int:
    """Run what is not done yet, and write the table of all that is; under mpiexec on the ranks."""
    if started() is None:
        return compared(args, tasks, partial(run_all, workers=args.workers or cores()))
    if args.workers:
        raise LabError("mpiexec says how many work: leave --workers out")
    with crew() as run:
        status = 0 if run is None else compared(args, tasks, run)
        if status == STOPPED:
            end(status)  # the others are in the midst of it
    return status


def compared(args: argparse.Namespace, tasks: Sequence[Task], run: Callable[..., Outcome]) -> int:
    """The same, by what runs several tasks."""
    out = args.out or Path("runs/lab")
    folder = out / tasks[0].data_name
    prepare(folder, tasks[0])
    films = [task for task in tasks if task.seed == 0] if args.animate else []
    done = [task for task in tasks if is_done(task, out, task in films)]
    if done:
        print(f"{len(done)} of {len(tasks)} runs are done already", file=sys.stderr)
    todo = [task for task in tasks if task not in done]
    outcome = run(todo, out, films=films, progress=Finished(todo))
    outcome.finished += [place(task, out) for task in done]
    report(outcome, folder, [place(task, out).with_suffix(".gif") for task in films])
    if outcome.interrupted:
        print(f"stopped; {len(outcome.finished)} of {len(tasks)} runs are done. The same command "
              "goes on with the others", file=sys.stderr)
        return STOPPED
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
    for name in ("animate", "out", "workers"):
        if getattr(args, name):
            raise LabError("--show shows a run in a window and writes nothing: leave out "
                           f"--{name}, or --show")
    window = Show(tasks[0])
    print(f"{tasks[0]}: {told(train(tasks[0], [window]).final)}")
    window.keep()
    return 0
