"""The `minigan` command. A user's mistake is answered by one line and exit status 2."""
from __future__ import annotations

import argparse
import math
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, NoReturn, Sequence

import numpy as np

from . import __version__, backend, doctor
from .backend import BackendError, threads
from .data import IMAGE_SETS, DataError, Loader, Scaled
from .gan import SYSTEMS, Config, Run, RunError, Trainer, sample
from .gan.progress import Progress
from .testing import command as gradcheck
from .viz import save_grid


class Parser(argparse.ArgumentParser):
    """argparse, with errors of one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    args = parser().parse_args(argv)
    try:
        return args.command(args) or 0
    except (BackendError, DataError, RunError, gradcheck.CheckError) as error:
        print(f"minigan {args.name}: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"minigan {args.name}: {error.strerror or error}"
              f"{f': {error.filename}' if error.filename else ''}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:  # before the first step, or for the second time
        print(f"minigan {args.name}: interrupted", file=sys.stderr)
        return 130


def parser() -> Parser:
    """The command line."""
    top = Parser(prog="minigan",
                 description="Train small GANs and sample from them; check gradients.")
    top.add_argument("--version", action="version", version=f"minigan {__version__}")
    commands = top.add_subparsers(dest="name", required=True,
                                  metavar="train|sample|systems|gradcheck|doctor")

    p = commands.add_parser("train", help="train a system; without a name, on the shipped digits")
    p.set_defaults(command=train)
    p.add_argument("system", nargs="?", default="digits", metavar="SYSTEM", choices=SYSTEMS,
                   help=f"{', '.join(SYSTEMS)} (default: digits)")
    p.add_argument("--data", choices=IMAGE_SETS, metavar="NAME",
                   help=f"{', '.join(IMAGE_SETS)} (default: the system's own)")
    p.add_argument("--data-dir", type=Path, metavar="D",
                   help="folder of the data: IDX files (default: $MINIGAN_DATA, else a download), "
                        "or with --data images any image files")
    p.add_argument("--image-size", type=image_size, metavar="N|HxW",
                   help="what image files are scaled and cut to (default: 28)")
    p.add_argument("--channels", type=int, choices=[1, 3],
                   help="of image files: grey or coloured (default: coloured if any of them is)")
    p.add_argument("--steps", type=positive, metavar="N", help="how many steps in all")
    p.add_argument("--batch-size", type=two_or_more, metavar="N",
                   help="images of each kind in a step")
    p.add_argument("--lr", type=learning_rate, metavar="X", help="Adam's learning rate")
    p.add_argument("--seed", type=natural, metavar="N",
                   help="fixes weights, batches and noise (default: 0)")
    p.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto",
                   help="where to compute (default: auto, the GPU if CuPy finds one)")
    p.add_argument("--out", type=Path, metavar="DIR",
                   help="run folder (default: runs/SYSTEM, or the first free runs/SYSTEM-2, ...)")
    p.add_argument("--save-every", type=positive, metavar="N",
                   help="steps between saved weights and grids (default: a tenth of the steps)")
    p.add_argument("--resume", action="store_true",
                   help="go on with the run in --out where it was saved last")

    p = commands.add_parser("sample", help="make a grid of images from a run's saved weights")
    p.set_defaults(command=sample_run)
    p.add_argument("run", type=Path, metavar="RUN", help="a run folder")
    p.add_argument("--n", type=positive, default=64, help="how many images (default: 64)")
    p.add_argument("--seed", type=natural, default=0, metavar="N", help="of the noise (default: 0)")
    p.add_argument("--step", type=natural, metavar="N", help="which saved step (default: the last)")

    p = commands.add_parser("systems", help="list the systems")
    p.set_defaults(command=list_systems)

    gradcheck.register(commands)
    doctor.register(commands)
    return top


def train(args: argparse.Namespace) -> int:
    """`minigan train`. The status is 130, as of an interrupted program, after Ctrl-C."""
    choose_device(args.device)
    threads.count()  # an error about them comes before anything is written
    run, images = resumed_run(args) if args.resume else new_run(args)
    config, system = run.config, run.system
    generator, discriminator = config.build()
    if config.data != "images":  # a folder can be larger than a GPU: its batches are moved
        images = backend.asarray(images)
    trainer = Trainer(generator, discriminator,
                      Loader(Scaled(images, system.value_range), batch_size=config.batch_size,
                             seed=config.seed),
                      system.noise, config.lr, config.seed)
    if args.resume:
        run.resume(trainer)
    run.write_config()
    progress = Progress(config.steps, trainer.step)
    trainer.callbacks = [progress, run]
    with stop_on_interrupt(trainer):
        trainer.run(config.steps)
    progress.close()
    if trainer.stop:
        run.save(trainer)
        print(f"stopped and saved at step {trainer.step}; to go on: "
              f"minigan train --resume --out {run.folder}")
    print(f"samples in {run.folder / 'samples'}; more with: minigan sample {run.folder}")
    return 130 if trainer.stop else 0


def new_run(args: argparse.Namespace) -> tuple[Run, np.ndarray]:
    """The run that the arguments describe, in a new folder, and its images."""
    system = SYSTEMS[args.system]
    data, steps = args.data or system.data, args.steps or system.steps
    batch_size = args.batch_size or system.batch_size
    images = load(data, args.data_dir, batch_size, args.image_size, args.channels)
    config = Config(args.system, data, images.shape[1:], steps, batch_size, args.lr or system.lr,
                    args.seed or 0, args.save_every or max(1, steps // 10), resolved(args.data_dir))
    return Run.create(args.out or free_folder(Path("runs"), args.system), config), images


def resumed_run(args: argparse.Namespace) -> tuple[Run, np.ndarray]:
    """The run in --out, perhaps with more steps than before, and its images."""
    if args.out is None:
        raise RunError("--resume needs --out, the folder of the run to go on with")
    run = Run.open(args.out)
    config = run.config
    *size, channels = config.shape
    for name, was in [("data", config.data), ("batch_size", config.batch_size), ("lr", config.lr),
                      ("seed", config.seed), ("image_size", tuple(size)), ("channels", channels)]:
        given = getattr(args, name)
        if given is not None and given != was:
            raise RunError(f"a resumed run keeps its settings: --{name.replace('_', '-')} was "
                           f"{was}, not {given}")
    config.steps = args.steps or config.steps
    config.save_every = args.save_every or config.save_every
    config.data_dir = resolved(args.data_dir) or config.data_dir
    own = {"size": tuple(size), "channels": channels} if config.data == "images" else {}
    return run, load(config.data, config.data_dir, config.batch_size, **own)


def load(data: str, data_dir: str | Path | None, batch_size: int,
         size: tuple[int, int] | None = None, channels: int | None = None) -> np.ndarray:
    """The images of a data set, (N, H, W, C), as Scaled takes them."""
    options = {"size": size, "channels": channels}
    options = {name: given for name, given in options.items() if given is not None}
    if options and data != "images":
        raise DataError(f"--image-size and --channels are for --data images, not for {data}")
    images, _ = IMAGE_SETS[data](data_dir=data_dir, **options)
    if batch_size > len(images):
        raise DataError(f"--batch-size {batch_size} is more than the {len(images)} images "
                        f"of {data_dir if data == 'images' else data}")
    return images


def resolved(folder: Path | None) -> str | None:
    """The folder's full path, by which a resumed run finds it from wherever it is started."""
    return str(folder.expanduser().resolve()) if folder else None


def sample_run(args: argparse.Namespace) -> None:
    """`minigan sample`."""
    run = Run.open(args.run)
    generator, step = run.generator(args.step)
    z = run.system.noise(args.n, generator.latent, np.random.default_rng(args.seed))
    path = run.folder / f"sample-step-{step:06d}-seed-{args.seed}.png"
    save_grid(path, sample(generator, z), run.system.value_range)
    print(path)


def list_systems(args: argparse.Namespace) -> None:
    """`minigan systems`."""
    for name, system in SYSTEMS.items():
        print(f"{name:12} {system.summary}; data {system.data}, batch {system.batch_size}, "
              f"{system.steps} steps")


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


def positive(text: str) -> int:
    """An integer of at least 1."""
    return _number(int, text, "a whole number of at least 1", lambda n: n >= 1)


def two_or_more(text: str) -> int:
    """An integer of at least 2: batch normalisation has no spread to divide by in a batch of 1."""
    return _number(int, text, "a whole number of at least 2", lambda n: n >= 2)


def natural(text: str) -> int:
    """An integer of at least 0."""
    return _number(int, text, "a whole number of at least 0", lambda n: n >= 0)


def image_size(text: str) -> tuple[int, int]:
    """(height, width), from N for a square or HxW."""
    height, x, width = text.partition("x")
    try:
        return positive(height), positive(width if x else height)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"expected a number of pixels, or height x width as in "
                                         f"64x48, got {text!r}") from None


def learning_rate(text: str) -> float:
    """A positive, finite number."""
    return _number(float, text, "a positive number", lambda x: 0 < x < math.inf)


def _number(kind: type, text: str, what: str, fits: object) -> int | float:
    try:
        number = kind(text)
    except ValueError:
        number = None
    if number is None or not fits(number):
        raise argparse.ArgumentTypeError(f"expected {what}, got {text!r}")
    return number


if __name__ == "__main__":
    sys.exit(main())
