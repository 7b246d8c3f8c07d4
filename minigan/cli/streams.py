"""Standard output and error that are full, closed, or read by nobody."""
from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Any, TextIO


class Told:
    """Standard error as far as it takes messages: what it does not take is lost, and ends nothing.
    None, where it is closed, takes none."""

    def __init__(self, file: TextIO | None):
        self.file = file or open(os.devnull, "w")

    def write(self, text: str) -> None:
        try:
            self.file.write(text)
            self.file.flush()
        except OSError:
            silence(self.file)

    def flush(self) -> None:
        """All is written already."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


def flush_output() -> None:
    """Write what was printed. Raises OSError where Python would print a traceback at its end; what
    could not be written is forgotten."""
    try:
        if sys.stdout is not None:  # closed
            sys.stdout.flush()
    except OSError as error:
        silence(sys.stdout)
        error.filename = "standard output"
        raise


def silence(file: TextIO) -> None:
    """Let all that is still to be written to a file go nowhere."""
    with suppress(OSError, ValueError):  # it may be none of the system's
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, file.fileno())
        os.close(nowhere)
