"""`minigan train`."""
from __future__ import annotations

import argparse
import shlex
import signal
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from .. import backend
from ..backend import BackendError
from ..backend.cpu import threads
from ..data import IMAGE_SETS, DataError
from ..data.images import common_size, shown
from ..gan import SYSTEMS, Options, Run, RunError, training
from ..gan.config import RATES, folder_of
from ..gan.fields import KEPT
from ..gan.option import argument
from ..gan.own import SYSTEM, source_of
from ..gan.page import facts
from ..ranks import started
from ..gan.tables import TABLE, named
from ..settings import POSITIVE, SEED, TWO_OR_MORE, Kind, one_of
from . import doctor, game
from .arguments import IMAGE_SIZE, add_device

SHARDS = 8  # of a run that mpiexec started, where nothing else is said

_SET = one_of(IMAGE_SETS, "data set")
DATA = Kind(f"{_SET.what}, or FILE.csv", lambda data: named(data) or _SET.fits(data),
            wrong=lambda data: f"{_SET.wrong(data)}, or a table, FILE.csv")

RECIPES = {"own": Options.recipe, "as-written": lambda system, **given: Options(**given)}


def register(commands: Any) -> None:
    """Add the command to the subparsers of `minigan`."""
    p = commands.add_parser("train", help="train a system; unnamed, on the shipped digits")
    p.set_defaults(command=train)
    p.add_argument("system", nargs="?", metavar="SYSTEM", type=SYSTEM,
                   help=f"{', '.join(SYSTEMS)} (default: digits); or networks of your own, as in "
                        "mine.py:pair, a function in that file that makes a generator and a "
                        "discriminator")
    p.add_argument("--data", type=DATA, metavar="NAME",
                   help=f"{', '.join(IMAGE_SETS)} (default: the system's own); or FILE.csv, a "
                        "table, for the system table")
    p.add_argument("--data-dir", type=Path, metavar="D",
                   help="folder of the data: IDX files (default: $MINIGAN_DATA, else a download), "
                        "or with --data images any image files, those of a class in a folder of "
                        "their own")
    p.add_argument("--image-size", type=IMAGE_SIZE, metavar="N|WxH",
                   help="what image files are scaled and cut to, width first (default: the size "
                        "that most of them have, up to 128; else 28)")
    p.add_argument("--channels", type=int, choices=[1, 3],
                   help="of image files: grey or coloured (default: coloured if any of them is)")
    p.add_argument("--steps", type=POSITIVE, metavar="N", help="how many steps in all")
    p.add_argument("--batch-size", type=TWO_OR_MORE, metavar="N",
                   help="images, or rows, of each kind in a step")
    p.add_argument("--seed", type=SEED, metavar="N",
                   help="fixes weights, batches and noise (default: 0)")
    p.add_argument("--recipe", type=one_of(RECIPES, "recipe"), metavar="NAME",
                   help="own: the system's, which `minigan systems` lists, and the options given "
                        "here beside it; as-written: the options alone (default: own, or with "
                        "--from the options of that run)")
    add_device(p)
    p.add_argument("--out", type=Path, metavar="DIR",
                   help="run folder (default: runs/SYSTEM, or the first free runs/SYSTEM-2, ...)")
    p.add_argument("--save-every", type=POSITIVE, metavar="N",
                   help="steps between saved weights and grids (default: a tenth of the steps)")
    p.add_argument("--keep-best", type=KEPT, metavar="METRIC",
                   help="measure each saved step by up to 1,000 samples; the best is "
                        "`minigan sample RUN --step best`: " + KEPT.what.removeprefix("one of "))
    p.add_argument("--resume", action="store_true",
                   help="go on with the run in --out where it was saved last; with --lr or "
                        "--d-lr at another rate from there on")
    p.add_argument("--from", type=Path, metavar="RUN", dest="weights_of",
                   help="begin with the networks' weights of that run, as it was saved last: with "
                        "other data or another game, in a folder of its own")
    game.add_arguments(p)


def train(args: argparse.Namespace) -> int:
    """`minigan train`. After Ctrl-C the status is 130, as of any interrupted program."""
    device = choose_device(args.device)
    threads.count()  # an error about them comes before anything is written
    with closing(resumed_run(args) if args.resume else new_run(args)) as run:
        if device:  # said once nothing is wrong with the data
            print(device)
        return play(run)


def play(run: Run) -> int:
    """Make the steps that are to be made; returns the exit status."""
    trainer, steps = run.trainer(), run.config.steps
    if trainer.step == steps:
        print(f"all {steps} steps are made already: --steps is how many there are to be in all")
    else:
        for name, said in facts(run).items():
            print(f"{name + ':':14} {said}", file=sys.stderr)
        print(f"{'to watch:':14} {run.folder / 'index.html'}", file=sys.stderr, flush=True)
    heard = training.play(run, trainer, steps) if trainer.step < steps else []
    shown = shlex.quote(str(run.folder))
    if trainer.stop:
        print(f"stopped and saved at step {trainer.step}; to go on: "
              f"minigan train --resume --out {shown}")
    if run.config.keep_best:
        print(f"the best saved step by {run.config.keep_best} is {run.best_step()}: "
              f"minigan sample {shown} --step best")
    print(f"samples in {run.folder / 'samples'}; more with: minigan sample {shown}")
    if run.config.game.labels and not trainer.stop:
        share = run.share_read(trainer)
        if share is not None:
            print(f"D reads {share:.1%} of the images whose labels it was not given")
    return 128 + (heard or [signal.SIGINT])[0] if trainer.stop else 0


def new_run(args: argparse.Namespace) -> Run:
    """The run that the arguments describe, in a new folder."""
    if named(args.data_dir):
        raise RunError(f"{args.data_dir} is no folder: a table is named by --data FILE.csv, not by "
                       "--data-dir")
    was = args.weights_of and Run.open(args.weights_of)
    name = args.system or (was.system and was.config.system if was
                           else TABLE if named(args.data) else "digits")
    if args.data == "images" and args.image_size:
        check_order(args.image_size, args.data_dir)
    given = game.given(args)
    if started() is not None and not was:
        given.setdefault("shards", SHARDS)
    if args.recipe or not was:
        options = RECIPES[args.recipe or "own"](name, **given)
    else:
        options = Options(**{**was.config.game.given(), **given})
    folder = args.out or free_folder(Path("runs"), name.partition(".py:")[0].rpartition("/")[2])
    return Run.new(folder, args.system if was else name, options, data=args.data,
                   data_dir=args.data_dir, size=args.image_size, channels=args.channels,
                   steps=args.steps, batch_size=args.batch_size, seed=args.seed or 0,
                   save_every=args.save_every, keep_best=args.keep_best, weights_of=was)


def check_order(size: tuple[int, int], folder: Path | None) -> None:
    """Raise DataError for an image size whose height and width seem to be exchanged: the height
    came first once."""
    height, width = size
    own = common_size(folder) if height != width else None
    if own and height * own[0] == width * own[1]:
        raise DataError(f"--image-size is WIDTHxHEIGHT, and most of the images are {shown(own)}: "
                        f"{shown((width, height))} was meant, not {shown(size)}")


def resumed_run(args: argparse.Namespace) -> Run:
    """The run in --out, perhaps with more steps than before."""
    if args.out is None:
        raise RunError("--resume needs --out, the folder of the run to go on with")
    for name, of in (("recipe", "recipe"), ("from", "weights_of")):
        if getattr(args, of):
            raise RunError(f"a resumed run keeps what it began with: leave --{name} out")
    run = Run.open(args.out)
    config, given = run.config, game.given(args)
    asked = {**vars(args), **given}
    if config.data == TABLE and named(args.data):  # which was moved, perhaps
        asked["data"], config.data_dir = TABLE, str(args.data)
    size, channels = config.shape[:2], config.shape[-1]
    if args.image_size:
        asked["image_size"] = f"{shown(args.image_size)} (width x height)"
    if args.system and run.config.own and str(source_of(args.system)) == run.config.source:
        asked["system"] = run.config.system
    settings = {"system": config.system, "data": config.data, "batch_size": config.batch_size,
                "seed": config.seed, "channels": channels, "keep_best": config.keep_best,
                "image_size": f"{shown(size)} (width x height)" if len(size) == 2 else None,
                **vars(config.game)}
    for name, was in settings.items():
        if name not in RATES and asked.get(name) is not None and asked[name] != was:
            option = "the system" if name == "system" else argument(name)
            raise RunError(f"a resumed run keeps its settings: {option} was {was}, not "
                           f"{asked[name]}")
    config.game = Options(**{**config.game.given(), **given})  # which differs in rates alone
    config.steps = args.steps or config.steps
    config.save_every = args.save_every or config.save_every
    if args.data_dir and config.data == TABLE:
        raise RunError("a table is named by --data FILE.csv, not by --data-dir")
    if args.data_dir:
        config.data_dir = folder_of(config.data, args.data_dir)
    return run


def choose_device(device: str) -> str:
    """Set the default backend; "auto" takes the GPU if there is one. Returns which it took, and why
    not the GPU where there seems to be one; else ""."""
    if device != "auto":
        backend.use(device)
        return ""
    try:
        backend.use("cuda")
        return "device: cuda"
    except BackendError:
        backend.use("cpu")
        why = doctor.why_no_gpu()
        return "device: cpu" + f" ({why}; see minigan doctor)" * bool(why)


def free_folder(parent: Path, name: str) -> Path:
    """parent/name, or the first of parent/name-2, parent/name-3, … that is not there."""
    folder, i = parent / name, 1
    while folder.exists():
        i += 1
        folder = parent / f"{name}-{i}"
    return folder


