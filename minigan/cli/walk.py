"""`minigan walk`."""
from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..gan import Run
from ..gan.films import FRAMES, GRID, STOPS, training_film, walk
from ..settings import NATURAL, SEED, TWO_OR_MORE
from .arguments import GRID_SHAPE, add_step


def register(commands: Any) -> None:
    """Add the command to the subparsers of `minigan`."""
    p = commands.add_parser("walk", help="make a film: between noise vectors, or of the training",
                            description="A film of what a run's generator makes on its way from "
                            "noise vector to noise vector and back to the first, or, of a "
                            "conditional game, from class to class.")
    p.set_defaults(command=walk_run)
    p.add_argument("run", type=Path, metavar="RUN", help="a run folder")
    p.add_argument("--training", action="store_true",
                   help="a film of the training in place of a walk: of the pictures in samples/")
    p.add_argument("--frames", type=TWO_OR_MORE, default=FRAMES, metavar="N",
                   help=f"how many, or with --training at most (default: {FRAMES})")
    p.add_argument("--stops", type=TWO_OR_MORE, metavar="K",
                   help=f"noise vectors on the way (default: {STOPS})")
    p.add_argument("--label", type=NATURAL, nargs="+", metavar="K",
                   help="of a conditional game: one class for all images, or those to go between "
                        "while the noise stays (default: all)")
    p.add_argument("--grid", type=GRID_SHAPE, metavar="RxC",
                   help="rows and columns of images (default: {}x{})".format(*GRID))
    p.add_argument("--seed", type=SEED, metavar="N", help="of the noise (default: 0)")
    add_step(p)
    p.add_argument("--out", type=Path, metavar="F",
                   help="a .gif, or an .mp4, which needs ffmpeg (default: a .gif in the run "
                        "folder)")


def walk_run(args: argparse.Namespace) -> None:
    """`minigan walk`."""
    run = Run.open(args.run)
    if not args.training:
        print(walk(run, args.out, frames=args.frames, stops=args.stops, step=args.step,
                   seed=args.seed or 0, labels=args.label, grid=args.grid or GRID))
        return
    for name in ("stops", "label", "grid", "seed", "step"):
        if getattr(args, name) is not None:
            raise UserError(f"--training shows the pictures in samples as they are: leave out "
                            f"--{name}")
    print(training_film(run, args.out, frames=args.frames))
