"""The exercises in the page: what `minigan exercise NAME` says at home of a file says this of a
text."""
from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path

from minigan.exercises import Exercise


def grade(name: str, text: str) -> dict[str, str | None]:
    """What is wrong with an answer, None if it is solved, and what it printed meanwhile."""
    for before in [module for module in sys.modules if module.startswith("minigan_user_")]:
        del sys.modules[before]  # each time from nothing, as the command begins
    file = Path(f"{name}.py")
    file.write_text(text, "utf-8")
    try:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            wrong = Exercise.load(name).grade(file)
    finally:
        file.unlink()
    return {"wrong": wrong, "printed": printed.getvalue()}
