"""What an argument may be, and an error of one line where it is something else."""
from __future__ import annotations

import argparse
import math
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """argparse, with errors of one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def positive(text: str) -> int:
    """An integer of at least 1."""
    return _number(int, text, "a whole number of at least 1", lambda n: n >= 1)


def two_or_more(text: str) -> int:
    """An integer of at least 2: batch normalisation has no spread to divide by in a batch of 1."""
    return _number(int, text, "a whole number of at least 2", lambda n: n >= 2)


def natural(text: str) -> int:
    """An integer of at least 0."""
    return _number(int, text, "a whole number of at least 0", lambda n: n >= 0)


def image_size(text: str) -> tuple[int, int]:
    """(height, width), from N for a square or HxW."""
    height, x, width = text.partition("x")
    try:
        return positive(height), positive(width if x else height)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"expected a number of pixels, or height x width as in "
                                         f"64x48, got {text!r}") from None


def positive_number(text: str) -> float:
    """A positive, finite number."""
    return _number(float, text, "a positive number", lambda x: 0 < x < math.inf)


def fraction(text: str) -> float:
    """A number in [0, 1)."""
    return _number(float, text, "a number of at least 0 and below 1", lambda x: 0 <= x < 1)


def _number(kind: type, text: str, what: str, fits: object) -> int | float:
    try:
        number = kind(text)
    except ValueError:
        number = None
    if number is None or not fits(number):
        raise argparse.ArgumentTypeError(f"expected {what}, got {text!r}")
    return number


