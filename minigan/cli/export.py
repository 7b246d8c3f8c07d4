"""`minigan export`."""
from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..export import to_torch
from ..gan import Run
from ..settings import one_of
from .arguments import add_step

WRITERS = {"torch": to_torch}


def register(commands: Any) -> None:
    """Add the command to the subparsers of `minigan`."""
    p = commands.add_parser("export", help="write a run's generator for another library")
    p.set_defaults(command=export)
    p.add_argument("run", type=Path, metavar="RUN", help="a run folder")
    p.add_argument("--to", type=one_of(WRITERS, "library"), default="torch", metavar="LIBRARY",
                   help=f"{', '.join(WRITERS)} (default: torch): generator.py, which needs no "
                        "minigan, and its weights")
    add_step(p)
    p.add_argument("--out", type=Path, metavar="DIR", help="where to (default: RUN/torch-step-N)")


def export(args: argparse.Namespace) -> None:
    """`minigan export`."""
    print(WRITERS[args.to](Run.open(args.run), args.out, args.step))
