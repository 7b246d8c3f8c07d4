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


@dataclass(frozen=True)
class Option:
    """A setting of the game: a field of `Options`, and an argument of `minigan train` and `lab`.

    name      of the field; the argument is --name, with dashes
    default   the value that changes nothing
    kind      what other values there are; of a repeated option each element is one
    help      of the argument
    metavar   what its value is called there; None: a flag, which is True where it is given
    const     the value of an argument that is given without one
    repeated  whether it may be given again: the field is a tuple
    without, because   options that it does not go with, and why
    needs     an option that it means nothing without
    images    whether it is for images only
    conditions  of what the loader gives beside the examples, (N, K), where the game is to know of
              their classes: conditions(value, labels, classes, rng)
    part      changes what the game is given: part(arguments of GAN by name, value)
    game      makes a game of its own, of which a run plays one: game(value, Networks, arguments)
    batch     raises GameError for a batch size that it cannot do with: batch(value, size)
    """

    name: str
    default: Any
    kind: Kind
    help: str
    metavar: str | None = "N"
    const: Any = None
    repeated: bool = False
    without: tuple[str, ...] = ()
    because: str = ""
    needs: str = ""
    images: bool = False
    conditions: Callable[[Any, Any, int, Any], Any] | None = None
    part: Callable[[dict[str, Any], Any], None] | None = None
    game: Callable[[Any, Any, dict[str, Any]], Any] | None = None
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
