"""`minigan systems`."""
from __future__ import annotations

import argparse
from typing import Any

from ..gan import SYSTEMS, Options
from ..gan.tables import TABLE


def register(commands: Any) -> None:
    """Add the command to the subparsers of `minigan`."""
    p = commands.add_parser("systems", help="list the systems and their recipes")
    p.set_defaults(command=systems)


def systems(args: argparse.Namespace) -> None:
    """`minigan systems`."""
    for name, system in SYSTEMS.items():
        data = "FILE.csv" if system.data == TABLE else system.data
        print(f"{name:12} {system.summary}; data {data}, batch {system.batch_size}, "
              f"{system.steps} steps")
        print(f"{'':12} recipe: {' '.join(Options.recipe(name).words) or 'as written'}")
