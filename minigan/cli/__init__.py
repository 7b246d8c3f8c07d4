"""The `minigan` command. A user's mistake is answered by one line and exit status 2."""
from __future__ import annotations

import argparse
import signal
import sys
from contextlib import contextmanager, redirect_stderr
from functools import partial
from typing import Iterator, Sequence

from .. import __version__
from ..errors import UserError
from ..ranks import started, world
from . import (book, doctor, evaluate, exercise, export, gradcheck, judge, lab, neighbours, report,
               sample, steps, systems, train, walk)
from .arguments import Parser
from .ranked import on_a_rank
from .streams import Told, flush_output

GROUPS = {  # the commands, by what one wants
    "read: what there is, which method does what, the book and its tasks": (systems, lab, book,
                                                                            exercise),
    "run: train a GAN, and see what it makes": (train, report, sample, walk, neighbours, evaluate,
                                              judge, export),
    "prove: is this gradient right, and how does it come about?": (gradcheck, steps),
    "machine: what computes here, and is all well?": (doctor,),
}

BY_RANKS = {"lab", "train"}  # what mpiexec may start

PACKAGES = {"PIL": "pillow"}  # whose modules have other names


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    return _main(argv) if started() is None else on_a_rank(partial(_main, argv))


def _main(argv: Sequence[str] | None) -> int:
    name, status = "minigan", 2
    with redirect_stderr(Told(sys.stderr)):
        try:
            with heard():
                try:
                    args = parser().parse_args(argv)
                    name += f" {args.name}"
                    if started() is not None:
                        check_shared(args.name)
                    return args.command(args) or 0
                finally:
                    flush_output()
        except KeyboardInterrupt:  # before the first step, or for the second time
            said, status = "interrupted", 130
        except UserError as error:
            said = str(error)
        except UnicodeEncodeError as error:  # a pipe on Windows, for one
            said = (f"the output is in {error.encoding}, which has no "
                    f"{error.object[error.start]!a}: set PYTHONUTF8=1")
        except ModuleNotFoundError as error:  # what pip install --no-deps leaves out
            missing = error.name or "minigan"
            if missing.partition(".")[0] == "minigan":
                raise
            said = (f"this needs {missing}, which is not installed: pip install "
                    f"{PACKAGES.get(missing, missing)}")
        except MemoryError as error:
            said = f"there is not enough memory: {error}"
        except OSError as error:
            said = f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}"
        print(f"{name}: {' '.join(said.split())}", file=sys.stderr)
        return status


def check_shared(command: str) -> None:
    """Raise UserError for a command that ranks cannot share, and where they cannot talk."""
    if command not in BY_RANKS:
        raise UserError("this is work for one process: start it without mpiexec, which is for "
                        "minigan train and minigan lab")
    world()


@contextmanager
def heard() -> Iterator[None]:
    """Within it Ctrl-C raises KeyboardInterrupt, where it would end the process (`interrupts`)."""
    quiet = signal.getsignal(signal.SIGINT) is signal.SIG_DFL
    try:
        if quiet:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        yield
    finally:
        if quiet:
            signal.signal(signal.SIGINT, signal.SIG_DFL)


def parser() -> Parser:
    """The command line."""
    top = Parser(prog="minigan", usage="%(prog)s [-h] [--version] COMMAND ...",
                 formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("--version", action="version", version=f"minigan {__version__}")
    commands = top.add_subparsers(dest="name", required=True, metavar="COMMAND", prog="minigan",
                                  help=argparse.SUPPRESS)
    top.description = "Train small GANs and sample from them; check gradients.\n"
    told = commands._choices_actions  # what argparse would list; it has no public name
    for group, members in GROUPS.items():
        first = len(told)
        for command in members:
            command.register(commands)
        top.description += "".join([f"\n{group}\n", *(f"  {line.dest:10} {line.help}\n"
                                                      for line in told[first:])])
    top.epilog = "Each tells of its own options: minigan COMMAND --help"
    return top
