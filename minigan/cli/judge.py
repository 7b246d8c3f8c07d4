"""`minigan judge`."""
from __future__ import annotations

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from ..errors import UserError
from ..gan.config import folder_of
from ..gan.progress import Progress
from ..metrics import Judge, train_judge
from ..metrics.judge import DATA, EPOCHS, judge_file
from ..settings import POSITIVE, SEED
from .arguments import add_device
from .train import choose_device


def register(commands: Any) -> None:
    """Add the command to the subparsers of `minigan`."""
    p = commands.add_parser("judge", help="train the classifier that samples are measured by",
                            description="Tells of the judge of a data set, by whose features and "
                            "answers samples are measured; trains it first, if there is none yet.")
    p.set_defaults(command=judge)
    p.add_argument("data", metavar="DATA", type=DATA, help=", ".join(EPOCHS))
    p.add_argument("--data-dir", type=Path, metavar="D",
                   help="folder of the data's IDX files (default: $MINIGAN_DATA, else a download)")
    p.add_argument("--out", type=Path, metavar="FILE",
                   help="train one anew, and keep it in this file (default: in the cache)")
    p.add_argument("--epochs", type=POSITIVE, metavar="N", help="passes over the data (default: "
                   + ", ".join(f"{n} of {name}" for name, n in EPOCHS.items()) + ")")
    p.add_argument("--seed", type=SEED, metavar="N", help="fixes weights and batches (default: 0)")
    add_device(p)


def judge(args: argparse.Namespace) -> None:
    """`minigan judge`. The file is written whole, at the end."""
    folder_of(args.data, args.data_dir)
    path, progress = args.out or judge_file(args.data), None

    def report(step: int, steps: int, loss: float) -> None:
        nonlocal progress
        progress = progress or Progress(steps)
        progress.tell(step, lambda: f"loss {loss:.3f}")

    if args.out or not path.exists():
        prepare(path)
        choose_device(args.device)
        print(f"training a judge of {args.data}", file=sys.stderr)
        try:
            made = train_judge(args.data, args.data_dir, args.seed or 0, args.epochs, report)
        finally:
            if progress:
                progress.close()
        made.save(path)
    elif args.epochs or args.seed is not None:
        raise UserError(f"there is a judge of {args.data} already, {path}: name a file for another "
                        "with --out")
    made = Judge.load(args.data, path)
    print(f"{made.name}: right about {made.accuracy:.2%} of {made.tested} images that it was not "
          f"trained on\n{made.network}\n{path}")


def prepare(path: Path) -> None:
    """Make the folder. What would make a file impossible is told before minutes of training: raises
    OSError where nothing can be written, and UserError for a folder in the file's place."""
    if path.is_dir():
        raise UserError(f"{path} is a folder: name the file that the judge is to be kept in")
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=path.parent):
        pass
