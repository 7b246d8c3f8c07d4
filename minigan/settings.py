"""What a setting may be: said once, for words of the command line, values of Python and of JSON.

Every field of a file is one, too: it is checked where the file is read, and nowhere else.
"""
from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Annotated, Any, Callable, Iterable, Mapping

from .errors import BRIEF, UserError, no_such


LARGEST = 2 ** 53  # of what is counted: up to it floats are exact


@dataclass(frozen=True)
class Kind:
    """A kind of setting. Called with a word it is a `type` of argparse's."""

    what: str                                  # as in "expected a positive number, got '-1'"
    fits: Callable[[Any], bool]                # whether a value is of the kind
    read: Callable[[str], Any] = str           # a word's value; raises ValueError where it has none
    wrong: Callable[[Any], str] | None = None  # what is said of something else, in place of `what`

    def __call__(self, text: str) -> Any:
        try:
            value = self.read(text)
            if self.fits(value):
                return value
        except ValueError:
            pass
        said = self.wrong(text) if self.wrong else f"expected {self.what}, got {text!r}"
        raise argparse.ArgumentTypeError(said)

    def check(self, name: str, value: Any) -> None:
        """Raise UserError, which names the setting, for a value of another kind."""
        if not self.fits(value):
            raise UserError(self.wrong(value) if self.wrong
                            else f"{name} is {self.what}, not {BRIEF.repr(value)}")


def parsed(text: str, kinds: Mapping[str, Kind], more: bool = True) -> dict[str, Any]:
    """The fields of a JSON object, as check_fields takes them. Raises ValueError for other text."""
    try:
        return check_fields(json.loads(text), kinds, more)
    except RecursionError:
        raise UserError("it is nested too deeply") from None


def check_fields(given: Any, kinds: Mapping[str, Kind], more: bool = True) -> dict[str, Any]:
    """given, if it is a dict that has these fields, each of its kind; and with more=False no
    others. One that may be None may be missing. Raises UserError else."""
    TABLE.check("what it holds", given)
    for name, kind in kinds.items():
        kind.check(name, given.get(name))
    for name in () if more else given.keys() - kinds.keys():
        raise UserError(no_such("field", name, kinds))
    return given


def whole(least: int, most: int | None = None) -> Kind:
    """An integer from least to most."""
    up_to = f"of at least {least}" if most is None else f"from {least} to {most}"
    return Kind(f"a whole number {up_to}", lambda n: isinstance(n, Integral)
                and not isinstance(n, bool) and least <= n <= (most or LARGEST), int)


def number(what: str, fits: Callable[[float], bool] = lambda x: True) -> Kind:
    """A finite number, an integer too."""
    return Kind(what, lambda x: isinstance(x, Real) and not isinstance(x, bool)
                and x == x and abs(float(x) if not isinstance(x, int) else x) <= sys.float_info.max
                and fits(x), float)


def optional(kind: Kind) -> Kind:
    """That, or None."""
    return Kind(f"{kind.what} or none", lambda x: x is None or kind.fits(x), wrong=kind.wrong)


def one_of(names: Iterable[str], what: str) -> Kind:
    """One of the names."""
    known = list(names)
    return Kind(f"one of {', '.join(known)}", lambda x: isinstance(x, str) and x in known,
                wrong=lambda name: no_such(what, name, known))


NATURAL = whole(0)
POSITIVE = whole(1)
TWO_OR_MORE = whole(2)
SEED = Kind(NATURAL.what, lambda n: NATURAL.fits(min(n, 1) if isinstance(n, Integral) else n), int)
NUMBER = number("a number")
NOT_NEGATIVE = number("a number of at least 0", lambda x: x >= 0)
POSITIVE_NUMBER = number("a positive number", lambda x: x > 0)
FRACTION = number("a number of at least 0 and below 1", lambda x: 0 <= x < 1)
LIMIT = Kind("a positive number", lambda x: isinstance(x, Real) and x > 0, float)  # ∞: none
PROBABILITY = number("a probability, 0 to 1", lambda x: 0 <= x <= 1)
SHARE = number("a number above 0 and of at most 1", lambda x: 0 < x <= 1)
TEXT = Kind("a text", lambda text: isinstance(text, str))
FLAG = Kind("true or false", lambda b: isinstance(b, bool))
TABLE = Kind("a table of fields by name", lambda fields: isinstance(fields, dict))

# For annotations of functions that are `checked`
Natural = Annotated[int, NATURAL]
Seed = Annotated[int, SEED]
Positive = Annotated[int, POSITIVE]
TwoOrMore = Annotated[int, TWO_OR_MORE]
NotNegative = Annotated[float, NOT_NEGATIVE]
PositiveNumber = Annotated[float, POSITIVE_NUMBER]
Limit = Annotated[float, LIMIT]
Probability = Annotated[float, PROBABILITY]
Fraction = Annotated[float, FRACTION]
Share = Annotated[float, SHARE]
