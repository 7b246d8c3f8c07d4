"""A row of the table of options: a setting of the game, said once for Python, JSON and commands.

A row stands beside what it sets, and `gan.options` puts the rows together.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable

from ..errors import BRIEF, UserError
from ..settings import Kind


class GameError(UserError):
    """Parts that do not go together; the message says why."""


def argument(name: str) -> str:
    """A setting's name on the command line."""
    return f"--{name.replace('_', '-')}"


@dataclass(frozen=True)
class Option:
    """A setting of the game: a field of `Options`, and an argument of `minigan train` and `lab`."""

    name: str                      # of the field; the argument is --name, with dashes
    default: Any                   # the value that changes nothing
    kind: Kind                     # what others there are; of a repeated option each element is one
    help: str                      # of the argument
    metavar: str | None = "N"      # what its value is called there; None: a flag, True where given
    const: Any = None              # the value of an argument that is given without one
    repeated: bool = False         # whether it may be given again: the field is a tuple
    without: tuple[str, ...] = ()  # options that it does not go with,
    because: str = ""              # and why
    needs: str = ""                # an option that it means nothing without
    images: bool = False           # whether it is for images only
    # (value, labels, classes, rng) ↦ what the loader gives beside the examples, (N, K), where the
    # game is to know of their classes
    conditions: Callable[[Any, Any, int, Any], Any] | None = None
    # (arguments of GAN by name, value): changes what the game is given
    part: Callable[[dict[str, Any], Any], None] | None = None
    # (value, Networks, arguments) ↦ a game of its own, of which a run plays one
    game: Callable[[Any, Any, dict[str, Any]], Any] | None = None
    # (value, size): raises GameError for a batch size that it cannot do with
    batch: Callable[[Any, int], None] | None = None

    def check(self, value: Any) -> None:
        """Raise UserError for a value of another kind."""
        numbers = self.default == 0 and type(value) in (int, float)  # 0 and 0.0, but not False
        if (numbers or type(value) is type(self.default)) and value == self.default:
            return
        if not self.repeated:
            self.kind.check(self.name, value)
        elif not isinstance(value, tuple):
            raise GameError(f"{self.name} is a tuple, such as ({BRIEF.repr(value)},)")
        else:
            for element in value:
                self.kind.check(self.name, element)
