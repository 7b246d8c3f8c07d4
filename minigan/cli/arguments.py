"""How the commands read their arguments: errors of one line, with the name that was probably meant.

What an argument may be is said by the kinds of `minigan.settings`.
"""
from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, NoReturn, Sequence

from ..data.images import SIDE
from ..errors import did_you_mean, no_such
from ..gan import Run
from ..gan.config import folder_of
from ..settings import NATURAL, POSITIVE, Kind, one_of


class Parser(argparse.ArgumentParser):
    """argparse, with errors of one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:
        """Tells of an unknown option before its value is taken for an argument of another kind."""
        known = self._option_string_actions  # argparse's table; it has no public name
        if self._subparsers is None:
            for word in args or ():
                if word == "--":
                    break
                name = word.partition("=")[0]
                if word.startswith("--") and not any(o.startswith(name) for o in known):
                    near = did_you_mean(name, [o for o in known if o.startswith("--")])
                    self.error(f"there is no option {name!r}{near}")
        return super().parse_known_args(args, namespace)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if isinstance(value, str) and action.choices is not None and value not in action.choices:
            raise argparse.ArgumentError(None, no_such("command", value, action.choices))
        super()._check_value(action, value)


def _rows_and_columns(text: str) -> tuple[int, ...]:
    rows, _, columns = text.partition("x")
    return int(rows), int(columns)


GRID_SHAPE = Kind("ROWSxCOLUMNS, up to 10,000 images, as in 4x5",
                  lambda grid: all(map(POSITIVE.fits, grid)) and grid[0] * grid[1] <= 10_000,
                  _rows_and_columns)


STEP = Kind("a saved step, or best", lambda step: step == "best" or NATURAL.fits(step),
            lambda text: text if text == "best" else int(text))


def add_step(parser: argparse.ArgumentParser) -> None:
    """Which of a run's saved steps is asked."""
    parser.add_argument("--step", type=STEP, metavar="N",
                        help="which saved step, or best, by --keep-best (default: the last)")


def add_device(parser: argparse.ArgumentParser) -> None:
    """What computes; `train.choose_device` takes it."""
    parser.add_argument("--device", type=one_of(["auto", "cpu", "cuda"], "device"), default="auto",
                        metavar="NAME",
                        help="auto, cpu or cuda (default: auto, the GPU if CuPy finds one)")


def add_data_dir(parser: argparse.ArgumentParser) -> None:
    """Where the data of a run are now, for `opened`."""
    parser.add_argument("--data-dir", type=Path, metavar="D",
                        help="folder of the data (default: where the run found them)")


def opened(folder: Path, data_dir: Path | None) -> Run:
    """The run in a folder, whose data may have been moved."""
    run = Run.open(folder)
    if data_dir:
        run.config.data_dir = folder_of(run.config.data, data_dir)
    return run


def picture(text: str) -> Path:
    """The file name of a PNG, to which .png may be left to add, as a `type` of argparse's."""
    path = Path(text)
    if path.suffix.lower() not in ("", ".png"):
        raise argparse.ArgumentTypeError(f"expected a file name that ends in .png, got {text!r}")
    return path.with_suffix(path.suffix or ".png")


def _image_size(text: str) -> tuple[int, ...]:
    """(height, width), as shapes have it; a user says the width first, as file managers do."""
    width, x, height = text.partition("x")
    return int(height if x else width), int(width)


IMAGE_SIZE = Kind("a number of pixels up to 4096, or WIDTHxHEIGHT as in 64x48",
                  lambda size: all(map(SIDE.fits, size)), _image_size)
