"""`minigan neighbours`."""
from __future__ import annotations

import argparse
import textwrap
from pathlib import Path
from typing import Any

from ..gan.nearest import neighbours
from ..settings import SEED, whole
from .arguments import add_data_dir, add_step, opened, picture

PAIRS = 8


def register(commands: Any) -> None:
    """Add the command to the subparsers of `minigan`."""
    p = commands.add_parser("neighbours", help="is a run memorising its training images?",
                            description="Shows samples beside their nearest training images, and "
                            "says whether they lie nearer to them than these to each other.")
    p.set_defaults(command=neighbours_of)
    p.add_argument("run", type=Path, metavar="RUN", help="a run folder")
    p.add_argument("--n", type=whole(1, 32), default=PAIRS,
                   help=f"pairs of each kind in the picture (default: {PAIRS})")
    add_step(p)
    p.add_argument("--seed", type=SEED, default=0, metavar="N", help="of the noise (default: 0)")
    add_data_dir(p)
    p.add_argument("--out", type=picture, metavar="F.png",
                   help="the picture (default: in the run folder)")


def neighbours_of(args: argparse.Namespace) -> None:
    """`minigan neighbours`."""
    run = opened(args.run, args.data_dir)
    found = neighbours(run, args.step, args.seed)
    path = args.out or run.folder / f"neighbours-step-{found.step:06d}-seed-{args.seed}.png"
    found.save(path, args.n)
    print("\n".join(textwrap.fill(line, 96) if len(line) > 96 else line
                    for line in str(found).splitlines()))
    print(f"\n{path}")
