"""The `minigan` command. A user's mistake is answered by one line and exit status 2."""
from __future__ import annotations

import os
import sys
from typing import Sequence

from .. import __version__
from ..errors import UserError
from . import doctor, gradcheck, lab, sample, systems, train
from .arguments import Parser

COMMANDS = (train, sample, systems, lab, gradcheck, doctor)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    sys.stderr = sys.stderr or open(os.devnull, "w")  # None where it is closed
    args = parser().parse_args(argv)
    try:
        return args.command(args) or 0
    except KeyboardInterrupt:  # before the first step, or for the second time
        print(f"minigan {args.name}: interrupted", file=sys.stderr)
        return 130
    except UserError as error:
        said = str(error)
    except OSError as error:
        said = f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}"
    print(f"minigan {args.name}: {' '.join(said.split())}", file=sys.stderr)
    return 2


def parser() -> Parser:
    """The command line."""
    top = Parser(prog="minigan",
                 description="Train small GANs and sample from them; check gradients.")
    top.add_argument("--version", action="version", version=f"minigan {__version__}")
    commands = top.add_subparsers(dest="name", required=True, metavar="|".join(
        command.__name__.rpartition(".")[2] for command in COMMANDS))
    for command in COMMANDS:
        command.register(commands)
    return top
