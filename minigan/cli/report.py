"""`minigan report`."""
from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..gan import Run, report


def register(commands: Any) -> None:
    """Add the command to the subparsers of `minigan`."""
    p = commands.add_parser("report", help="make the page of a run again, or one of several",
                            description="The page that training leaves in the run folder, made "
                            "again: curves, samples, settings, and what was measured since. Of "
                            "several runs, one page with them side by side.")
    p.set_defaults(command=report_runs)
    p.add_argument("run", type=Path, metavar="RUN", nargs="+", help="run folders")
    p.add_argument("--html", type=Path, metavar="FILE",
                   help="where (default: index.html in the run folder; of several, report.html)")


def report_runs(args: argparse.Namespace) -> None:
    """`minigan report`."""
    print(report(*[Run.open(folder) for folder in args.run], path=args.html))
