"""What a setting may be: said once, for words of the command line, values of Python and of JSON."""
from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Annotated, Any, Callable, Iterable

from .errors import UserError, no_such


@dataclass(frozen=True)
class Kind:
    """A kind of setting. Called with a word it is a `type` of argparse's.

    what   what it is, as in "expected a positive number, got '-1'"
    fits   whether a value is of the kind
    read   the value of a word; raises ValueError for one that has none
    wrong  what is said of something else, in place of that
    """

    what: str
    fits: Callable[[Any], bool]
    read: Callable[[str], Any] = str
    wrong: Callable[[Any], str] | None = None

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
                            else f"{name} is {self.what}, not {value!r}")


def whole(least: int) -> Kind:
    """An integer of at least so much."""
    return Kind(f"a whole number of at least {least}",
                lambda n: isinstance(n, Integral) and not isinstance(n, bool) and n >= least, int)


def number(what: str, fits: Callable[[float], bool]) -> Kind:
    """A number, an integer too."""
    return Kind(what, lambda x: isinstance(x, Real) and not isinstance(x, bool) and fits(x),
                float)


def one_of(names: Iterable[str], what: str) -> Kind:
    """One of the names."""
    known = list(names)
    return Kind(f"one of {', '.join(known)}", lambda x: isinstance(x, str) and x in known,
                wrong=lambda name: no_such(what, name, known))


NATURAL = whole(0)
POSITIVE = whole(1)
TWO_OR_MORE = whole(2)
NOT_NEGATIVE = number("a number of at least 0", lambda x: 0 <= x < math.inf)
POSITIVE_NUMBER = number("a positive number", lambda x: 0 < x < math.inf)
FRACTION = number("a number of at least 0 and below 1", lambda x: 0 <= x < 1)
PROBABILITY = number("a probability, 0 to 1", lambda x: 0 <= x <= 1)
SHARE = number("a number above 0 and of at most 1", lambda x: 0 < x <= 1)
Positive = Annotated[int, POSITIVE]  # for signatures that are `checked`
TwoOrMore = Annotated[int, TWO_OR_MORE]
Natural = Annotated[int, NATURAL]
NotNegative = Annotated[float, NOT_NEGATIVE]
PositiveNumber = Annotated[float, POSITIVE_NUMBER]
Probability = Annotated[float, PROBABILITY]
Share = Annotated[float, SHARE]
Fraction = Annotated[float, FRACTION]
FLAG = Kind("true or false", lambda b: isinstance(b, bool))
