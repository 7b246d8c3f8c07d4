"""`minigan sample`."""
from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from ..gan import Run
from ..gan.tables import TABLE, save_table
from ..settings import NATURAL, POSITIVE, SEED, SHARE
from ..viz import save_grid
from .arguments import GRID_SHAPE, add_step, picture

ROWS = 1000  # of a table, unless --n says otherwise
MANY = 64  # images, unless --n or --grid says otherwise


def register(commands: Any) -> None:
    """Add the command to the subparsers of `minigan`."""
    p = commands.add_parser("sample", help="make images, or rows, from a run's saved weights")
    p.set_defaults(command=sample_run)
    p.add_argument("run", type=Path, metavar="RUN", help="a run folder")
    p.add_argument("--n", type=POSITIVE, help=f"how many images (default: {MANY}), or rows of a "
                   f"table (default: {ROWS})")
    p.add_argument("--grid", type=GRID_SHAPE, metavar="RxC",
                   help="rows and columns of images, as in 4x5 (default: about square)")
    p.add_argument("--separate", action="store_true",
                   help="a file for each image, too, in a folder beside the grid")
    p.add_argument("--seed", type=SEED, default=0, metavar="N", help="of the noise (default: 0)")
    add_step(p)
    p.add_argument("--label", type=NATURAL, metavar="K",
                   help="of a conditional game: the class of all images (default: one after "
                        "another)")
    p.add_argument("--truncation", type=SHARE, default=1, metavar="PSI",
                   help="noise nearer to its mean, by this factor of at most 1: images that are "
                        "more typical and less varied (default: 1)")
    p.add_argument("--out", type=picture, metavar="F.png",
                   help="the grid; the folder of --separate is F (default: in the run folder)")
    p.add_argument("--csv", type=Path, metavar="F.csv",
                   help="of a run on a table: the rows (default: in the run folder)")


def sample_run(args: argparse.Namespace) -> None:
    """`minigan sample`."""
    if args.grid and args.n:
        raise UserError("--grid {}x{} says how many images there are: leave out --n".format(
            *args.grid))
    run = Run.open(args.run)
    if args.csv is not None or run.config.data == TABLE:
        return print(rows_of(run, args))
    game, step = run.game(args.step)
    rows, columns = args.grid or (args.n or MANY, None)
    latent = run.config.latent(game, rows * (columns or 1), args.seed, args.label, args.truncation)
    path = args.out or run.folder / f"{_name(args, step)}.png"
    images = run.painted(game, latent)
    if args.separate:
        save_each(path.with_suffix(""), images)
    save_grid(path, images, (0, 1), columns)
    print(path)


def rows_of(run: Run, args: argparse.Namespace) -> Path:
    """Write rows of a table; returns where. Raises UserError for what is of images only, and for a
    file that is there already, which may be somebody's data."""
    for name in ("grid", "separate", "label", "out"):
        if run.config.data == TABLE and getattr(args, name) not in (None, False):
            raise UserError(f"--{name} is for images, and this run makes rows of a table, which "
                            "--csv F.csv writes")
    if run.config.data == TABLE and args.truncation != 1:
        raise UserError("--truncation is for images: in the rows of a table, it would change how "
                        "often each text is there")
    if args.csv is not None and args.csv.exists():
        raise UserError(f"{args.csv} is there already: name another file")
    step, args.n = run.saved_step(args.step), args.n or ROWS
    table = run.table(args.n, step, args.seed, args.truncation)
    path = args.csv or run.folder / f"{_name(args, step)}.csv"
    save_table(path, table)
    return path


def _name(args: argparse.Namespace, step: int) -> str:
    """Of the picture, so that none takes the place of another."""
    name = f"sample-step-{step:06d}-seed-{args.seed}"
    if args.label is not None:
        name += f"-label-{args.label}"
    if args.truncation != 1:
        name += f"-truncation-{args.truncation:g}"
    if args.n not in (None, MANY):
        name += f"-n-{args.n}"
    if args.grid:
        name += "-grid-{}x{}".format(*args.grid)
    return name


def save_each(folder: Path, images: np.ndarray) -> None:
    """Images in [0, 1] as numbered files, pixel by pixel. Raises UserError for a folder with others
    in it: whoever reads it would take those for some of these."""
    digits = len(str(len(images) - 1))
    paths = [folder / f"{i:0{digits}d}.png" for i in range(len(images))]
    if folder.is_dir() and set(folder.iterdir()) - set(paths):
        raise UserError(f"{folder} holds other files already: name another with --out")
    for path, image in zip(paths, images):
        save_grid(path, image[None], (0, 1), scale=1, padding=0)
    print(folder)
