"""`minigan sample`."""
from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..gan import Run, sample
from ..settings import NATURAL, POSITIVE, SEED, Kind
from ..viz import save_grid

STEP = Kind("a saved step, or best", lambda step: step == "best" or NATURAL.fits(step),
            lambda text: text if text == "best" else int(text))
MANY = 64  # images, unless --n says otherwise


def register(commands: Any) -> None:
    """Add the command to the subparsers of `minigan`."""
    p = commands.add_parser("sample", help="make a grid of images from a run's saved weights")
    p.set_defaults(command=sample_run)
    p.add_argument("run", type=Path, metavar="RUN", help="a run folder")
    p.add_argument("--n", type=POSITIVE, default=MANY,
                   help=f"how many images (default: {MANY})")
    p.add_argument("--seed", type=SEED, default=0, metavar="N", help="of the noise (default: 0)")
    p.add_argument("--step", type=STEP, metavar="N",
                   help="which saved step, or best, by --keep-best (default: the last)")
    p.add_argument("--label", type=NATURAL, metavar="K",
                   help="of a conditional game: the class of all images (default: one after "
                        "another)")


def sample_run(args: argparse.Namespace) -> None:
    """`minigan sample`."""
    run = Run.open(args.run)
    game, step = run.game(args.step)
    latent = run.config.latent(game, args.n, args.seed, args.label)
    name = f"sample-step-{step:06d}-seed-{args.seed}"
    if args.label is not None:
        name += f"-label-{args.label}"
    if args.n != MANY:  # so that a few do not take the place of the others
        name += f"-n-{args.n}"
    path = run.folder / f"{name}.png"
    save_grid(path, sample(game.generator, latent), run.system.value_range)
    print(path)
