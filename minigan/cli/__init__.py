"""The `minigan` command. A user's mistake is answered by one line and exit status 2."""
from __future__ import annotations

import argparse
import os
import sys
from typing import Sequence

from .. import __version__, doctor
from ..backend import BackendError
from ..data import DataError
from ..gan import SYSTEMS, GameError, RunError
from ..lab import command as lab
from ..testing import command as gradcheck
from . import sample, train
from .arguments import Parser

COMMANDS = (train, sample, lab, gradcheck, doctor)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    sys.stderr = sys.stderr or open(os.devnull, "w")  # None where it is closed
    args = parser().parse_args(argv)
    try:
        return args.command(args) or 0
    except (BackendError, DataError, GameError, RunError, gradcheck.CheckError) as error:
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
                                  metavar="train|sample|systems|lab|gradcheck|doctor")
    for command in COMMANDS:
        command.register(commands)
    p = commands.add_parser("systems", help="list the systems")
    p.set_defaults(command=list_systems)
    return top


def list_systems(args: argparse.Namespace) -> None:
    """`minigan systems`."""
    for name, system in SYSTEMS.items():
        print(f"{name:12} {system.summary}; data {system.data}, batch {system.batch_size}, "
              f"{system.steps} steps")
