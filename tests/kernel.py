"""A notebook without Jupyter: a stub of what minigan asks of IPython, and a runner of cells."""
from __future__ import annotations

import ast
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest


class Kernel:
    """Stands for IPython in `sys.modules`: `shown` has what is displayed, a list of contents for
    each display, the later ones in the place of the first."""

    def __init__(self, patch: pytest.MonkeyPatch):
        self.shown: list[list[Any]] = []
        self.shell = SimpleNamespace(kernel=self, execution_count=0)
        package, display = ModuleType("IPython"), ModuleType("IPython.display")
        package.version_info = 9, 0  # matplotlib asks
        package.get_ipython = lambda: self.shell
        package.display, display.display = display, self.display
        display.HTML, display.Image = str, lambda path: path.read_bytes()
        patch.setitem(sys.modules, "IPython", package)
        patch.setitem(sys.modules, "IPython.display", display)

    def display(self, content: Any, display_id: bool = False) -> Any:
        self.shown.append([content])
        return SimpleNamespace(update=self.shown[-1].append)

    def run(self, cell: dict[str, Any], namespace: dict[str, Any], name: str = "cell") -> Any:
        """Run a cell of code; what its last expression is, as a notebook shows it."""
        self.shell.execution_count += 1
        tree, last = ast.parse("".join(cell["source"])), None
        if tree.body and isinstance(tree.body[-1], ast.Expr):
            last = ast.Expression(tree.body.pop().value)
        exec(compile(tree, name, "exec"), namespace)
        value = last and eval(compile(last, name, "eval"), namespace)
        return value._repr_html_() if hasattr(value, "_repr_html_") else value
