"""The arguments of `minigan train` and `minigan lab` that change the game: one for each option."""
from __future__ import annotations

import argparse
from typing import Any

from ..gan.option import argument
from ..gan.options import OPTIONS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add them as a group. What is not given is None."""
    group = parser.add_argument_group("the game", "What differs from the plain game. "
                                      "docs/objectives.md and docs/collapse.md explain and "
                                      "measure it.")
    for option in OPTIONS:
        words: dict[str, Any] = {"type": option.kind, "metavar": option.metavar}
        if option.metavar is None:
            words = {"action": "store_true", "default": None}
        if option.const is not None:
            words.update(nargs="?", const=option.const)
        if option.repeated:
            words.update(action="append")
        more = f" (default: {option.default})" * bool(option.default)
        group.add_argument(argument(option.name), help=option.help + more, **words)


def given(args: argparse.Namespace) -> dict[str, Any]:
    """The options that were given, as fields of Options."""
    values = {option.name: getattr(args, option.name) for option in OPTIONS}
    return {name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items() if value is not None}
