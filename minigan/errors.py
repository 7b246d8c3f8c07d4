"""A user's mistake, and the words for a name that nobody knows."""
from __future__ import annotations

import difflib
import reprlib
import textwrap
from typing import Iterable

BRIEF = reprlib.Repr()  # shows a value, or as much of it as a sentence bears
BRIEF.maxstring = 100


class UserError(ValueError):
    """What was asked for cannot be. The message says what was wrong and what to do; the command
    line prints it in one line, without a traceback, and ends with status 2."""


def brief(error: Exception) -> str:
    """What an error says, on one line and cut off where it quotes half a file."""
    return textwrap.shorten(str(error.args[0] if isinstance(error, KeyError) else error), 400)


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """": did you mean hinge?" for hingee; "" where no name is near."""
    near = difflib.get_close_matches(name, list(known), n=1) if isinstance(name, str) else []
    return f": did you mean {near[0]}?" if near else ""


def no_such(what: str, name: object, known: Iterable[str]) -> str:
    """What is said of a name that is not among the known ones."""
    known = list(known)
    near = did_you_mean(name, known)
    there = f"here are {', '.join(known)}"
    return f"there is no {what} {BRIEF.repr(name)}" + (f"{near} T{there}" if near
                                                       else f"; t{there}")
