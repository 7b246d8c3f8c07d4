"""Runs the programs in examples/ as `python examples/NAME ...` does, but in this process: most of
their time goes to reading NumPy, matplotlib and minigan."""
from __future__ import annotations

import runpy
import sys
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any, Callable

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def run_example(name: str, *arguments: str, folder: Path | str = ".",
                main: Callable[[], Any] | None = None) -> tuple[int, str, str]:
    """Run a program within the folder: its exit status, its output and its errors. `main` is what
    to call where the program is imported already."""
    main = main or partial(runpy.run_path, str(EXAMPLES / name), run_name="__main__")
    status, output, errors = 0, StringIO(), StringIO()
    with (pytest.MonkeyPatch.context() as patch, redirect_stdout(output),
          redirect_stderr(errors)):
        patch.chdir(folder)
        patch.setattr(sys, "argv", [name, *arguments])
        patch.syspath_prepend(EXAMPLES)
        try:
            main()
        except SystemExit as ended:
            status = ended.code or 0
            if isinstance(status, str):  # what Python does with it
                status = print(status, file=sys.stderr) or 1
    return status, output.getvalue(), errors.getvalue()
