"""`minigan train`."""
from __future__ import annotations

import argparse
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator

import numpy as np

from .. import backend
from ..autodiff import Tensor
from ..backend import BackendError
from ..backend.cpu import threads
from ..data import IMAGE_SETS, DataError, Loader, Scaled, few_labels
from ..gan import SYSTEMS, Config, GameError, Options, Run, RunError, Trainer, sample
from ..gan.diagnostics import explain
from ..gan.progress import Progress
from ..gan.run import Diverged
from ..gan.update import RULES
from ..settings import NATURAL, POSITIVE, POSITIVE_NUMBER, TWO_OR_MORE, one_of
from . import doctor, game
from .arguments import IMAGE_SIZE


def register(commands: Any) -> None:
    """Add the command to the subparsers of `minigan`."""
    p = commands.add_parser("train", help="train a system; without a name, on the shipped digits")
    p.set_defaults(command=train)
    p.add_argument("system", nargs="?", metavar="SYSTEM", type=one_of(SYSTEMS, "system"),
                   help=f"{', '.join(SYSTEMS)} (default: digits)")
    p.add_argument("--data", type=one_of(IMAGE_SETS, "data set"), metavar="NAME",
                   help=f"{', '.join(IMAGE_SETS)} (default: the system's own)")
    p.add_argument("--data-dir", type=Path, metavar="D",
                   help="folder of the data: IDX files (default: $MINIGAN_DATA, else a download), "
                        "or with --data images any image files")
    p.add_argument("--image-size", type=IMAGE_SIZE, metavar="N|HxW",
                   help="what image files are scaled and cut to (default: 28)")
    p.add_argument("--channels", type=int, choices=[1, 3],
                   help="of image files: grey or coloured (default: coloured if any of them is)")
    p.add_argument("--steps", type=POSITIVE, metavar="N", help="how many steps in all")
    p.add_argument("--batch-size", type=TWO_OR_MORE, metavar="N",
                   help="images of each kind in a step")
    p.add_argument("--lr", type=POSITIVE_NUMBER, metavar="X", help="Adam's learning rate")
    p.add_argument("--d-lr", type=POSITIVE_NUMBER, metavar="X",
                   help="D's, if it is to be another (default: as --lr)")
    p.add_argument("--seed", type=NATURAL, metavar="N",
                   help="fixes weights, batches and noise (default: 0)")
    p.add_argument("--device", type=one_of(["auto", "cpu", "cuda"], "device"), default="auto",
                   help="where to compute (default: auto, the GPU if CuPy finds one)")
    p.add_argument("--out", type=Path, metavar="DIR",
                   help="run folder (default: runs/SYSTEM, or the first free runs/SYSTEM-2, ...)")
    p.add_argument("--save-every", type=POSITIVE, metavar="N",
                   help="steps between saved weights and grids (default: a tenth of the steps)")
    p.add_argument("--resume", action="store_true",
                   help="go on with the run in --out where it was saved last")
    game.add_arguments(p)


def train(args: argparse.Namespace) -> int:
    """`minigan train`. The status is 130, as of an interrupted program, after Ctrl-C."""
    choose_device(args.device)
    threads.count()  # an error about them comes before anything is written
    run, images, labels = resumed_run(args) if args.resume else new_run(args)
    config, options = run.config, run.config.game
    known = conditions(labels, config)
    if config.data != "images":  # a folder can be larger than a GPU: its batches are moved
        images = backend.asarray(images)
    images = Scaled(images, run.system.value_range)

    def new_trainer() -> Trainer:
        return Trainer(config.build(),
                       Loader(images, *known, batch_size=config.batch_size, seed=config.seed),
                       (config.d_lr or config.lr, config.lr), RULES[options.rule],
                       options.d_steps, max_norm=options.max_norm, seed=config.seed)

    trainer = new_trainer()
    if args.resume:
        run.resume(trainer)
        if args.steps and args.steps < trainer.step:
            raise RunError(f"the run is at step {trainer.step} already, and --steps, which is "
                           f"{args.steps}, counts them all")
    run.write_config()
    progress = Progress(config.steps, trainer.step)
    trainer.callbacks = [progress, run]
    run.warn = progress.say
    try:
        with stop_on_interrupt(trainer), np.errstate(all="ignore"):  # the run says if it diverges
            trainer.run(config.steps)
    except Diverged as error:
        progress.close()
        raise RunError(f"{error}. {why(run, new_trainer(), trainer.step)}") from None
    progress.close()
    if trainer.stop:
        run.save(trainer)
        print(f"stopped and saved at step {trainer.step}; to go on: "
              f"minigan train --resume --out {run.folder}")
    print(f"samples in {run.folder / 'samples'}; more with: minigan sample {run.folder}")
    if 0 < options.labels < len(images) and not trainer.stop:
        print(f"D reads {share_read(trainer, images, labels, known[0]):.1%} of the images whose "
              "labels it was not given")
    return 130 if trainer.stop else 0


def share_read(trainer: Trainer, images: Scaled, labels: np.ndarray, known: backend.Array
               ) -> float:
    """The share of the images without a known label whose class D says."""
    unlabelled = np.flatnonzero(~backend.to_numpy(known).any(axis=1))
    said = sample(trainer.discriminator.network, Tensor(images[unlabelled])).argmax(axis=1)
    return (said == labels[unlabelled]).mean()


def why(run: Run, trainer: Trainer, step: int) -> str:
    """Where the first number came from that is not finite; a new trainer makes the steps since the
    last save once more."""
    if run.saved_steps():
        run.restore(trainer)
    print(f"numbers are no longer finite: looking for the first by making steps {trainer.step + 1} "
          f"to {step} once more (Ctrl-C to leave it)", file=sys.stderr)
    with np.errstate(all="ignore"):
        return explain(trainer, None, step)


def new_run(args: argparse.Namespace) -> tuple[Run, np.ndarray, np.ndarray | None]:
    """The run that the arguments describe, in a new folder, and the images and labels of its data.
    """
    name, options = args.system or "digits", Options(**game.given(args))
    system = SYSTEMS[name]
    data, steps = args.data or system.data, args.steps or system.steps
    batch_size = args.batch_size or system.batch_size
    images, labels = load(data, args.data_dir, batch_size, args.image_size, args.channels)
    config = Config(name, data, images.shape[1:], steps, batch_size, args.lr or system.lr,
                    args.seed or 0, args.save_every or max(1, steps // 10), resolved(args.data_dir),
                    args.d_lr, options, 0 if labels is None else int(labels.max()) + 1)
    folder = args.out or free_folder(Path("runs"), name)
    return Run.create(folder, config), images, labels


def resumed_run(args: argparse.Namespace) -> tuple[Run, np.ndarray, np.ndarray | None]:
    """The run in --out, perhaps with more steps than before, and its images and labels."""
    if args.out is None:
        raise RunError("--resume needs --out, the folder of the run to go on with")
    run = Run.open(args.out)
    config = run.config
    *size, channels = config.shape
    settings = {"system": config.system, "data": config.data, "batch_size": config.batch_size,
                "lr": config.lr, "d_lr": config.d_lr, "seed": config.seed,
                "image_size": tuple(size), "channels": channels, **vars(config.game)}
    asked = {**vars(args), **game.given(args)}
    for name, was in settings.items():
        if asked.get(name) is not None and asked[name] != was:
            option = "the system" if name == "system" else f"--{name.replace('_', '-')}"
            raise RunError(f"a resumed run keeps its settings: {option} was {was}, not "
                           f"{asked[name]}")
    config.steps = args.steps or config.steps
    config.save_every = args.save_every or config.save_every
    config.data_dir = resolved(args.data_dir) or config.data_dir
    own = {"size": tuple(size), "channels": channels} if config.data == "images" else {}
    return run, *load(config.data, config.data_dir, config.batch_size, **own)


def load(data: str, data_dir: str | Path | None, batch_size: int,
         size: tuple[int, int] | None = None, channels: int | None = None
         ) -> tuple[np.ndarray, np.ndarray | None]:
    """The images of a data set, (N, H, W, C), as Scaled takes them, and their labels, if any."""
    options = {"size": size, "channels": channels}
    options = {name: given for name, given in options.items() if given is not None}
    if options and data != "images":
        raise DataError(f"--image-size and --channels are for --data images, not for {data}")
    images, labels = IMAGE_SETS[data](data_dir=data_dir, **options)
    if batch_size > len(images):
        raise DataError(f"--batch-size {batch_size} is more than the {len(images)} images "
                        f"of {data_dir if data == 'images' else data}")
    return images, labels


def conditions(labels: np.ndarray | None, config: Config) -> list[backend.Array]:
    """What a Loader is given beside the images: what the game is to know of their classes."""
    game = config.game
    if game.conditional is None and not game.labels:
        return []
    if labels is None:
        raise GameError(f"{'--labels' if game.labels else '--conditional'} needs classes, and "
                        "image files have none: take digits, or an MNIST set")
    if labels.max() >= config.classes:
        raise DataError(f"{config.data} has a class {labels.max()}, but the run is one of "
                        f"{config.classes} classes")
    rng = np.random.default_rng(config.seed)
    units = (few_labels(labels, game.labels, rng, config.classes) if game.labels
             else np.eye(config.classes, dtype=np.float32)[labels])
    return [backend.asarray(units)]


def resolved(folder: Path | None) -> str | None:
    """The folder's full path, by which a resumed run finds it from wherever it is started."""
    return str(folder.expanduser().resolve()) if folder else None


def choose_device(device: str) -> None:
    """Set the default backend; "auto" takes the GPU if there is one, and says which it took, and
    why not the GPU where there seems to be one."""
    if device != "auto":
        backend.use(device)
        return
    try:
        backend.use("cuda")
        print("device: cuda")
    except BackendError:
        backend.use("cpu")
        why = doctor.why_no_gpu()
        print("device: cpu" + f" ({why}; see minigan doctor)" * bool(why))


@contextmanager
def stop_on_interrupt(trainer: Trainer) -> Iterator[None]:
    """Within it Ctrl-C lets the step under way end, so that what is saved is whole; a second
    Ctrl-C interrupts at once."""
    def stop(signum: int, frame: object) -> None:
        trainer.stop = True
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def free_folder(parent: Path, name: str) -> Path:
    """parent/name, or the first of parent/name-2, parent/name-3, … that is not there."""
    folder, i = parent / name, 1
    while folder.exists():
        i += 1
        folder = parent / f"{name}-{i}"
    return folder


