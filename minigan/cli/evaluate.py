"""`minigan evaluate`."""
from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from ..files import where_allowed
from ..gan import report
from ..gan.evaluation import evaluate
from ..metrics.table import METRICS
from ..settings import SEED, TWO_OR_MORE, one_of
from .arguments import add_data_dir, add_step, opened


def register(commands: Any) -> None:
    """Add the command to the subparsers of `minigan`."""
    p = commands.add_parser("evaluate", help="measure what a run's samples are worth",
                            description="A table of figures of runs' samples, of as many real "
                            "images, and of noise and blur in those. They are kept in the run "
                            "folder, as evaluation.json and evaluation.png.")
    p.set_defaults(command=evaluate_runs)
    p.add_argument("run", type=Path, metavar="RUN", nargs="+", help="run folders, of the same data")
    p.add_argument("--n", type=TWO_OR_MORE,
                   help="samples of each run, and real images (default: as many as the data allow, "
                        "up to 10,000)")
    p.add_argument("--metrics", nargs="+", metavar="NAME", type=one_of(METRICS, "metric"),
                   help=f"{', '.join(METRICS)} (default: all)")
    add_step(p)
    p.add_argument("--all-steps", action="store_true", help="of every saved step")
    p.add_argument("--json", action="store_true", help="print JSON in place of the table")
    p.add_argument("--seed", type=SEED, default=0, metavar="N",
                   help="of the noise, and of what metrics draw (default: 0)")
    add_data_dir(p)


def evaluate_runs(args: argparse.Namespace) -> None:
    """`minigan evaluate`. What it does stands on stderr."""
    runs = [opened(folder, args.data_dir) for folder in args.run]
    made = evaluate(*runs, n=args.n, metrics=args.metrics, step=args.step,
                    all_steps=args.all_steps, seed=args.seed,
                    report=lambda sentence: print(sentence, file=sys.stderr))
    for run in runs:
        if (run.folder / "index.html").exists():
            with where_allowed():
                report(run)
    print(json.dumps(made.as_json(), indent=1) if args.json else made)
