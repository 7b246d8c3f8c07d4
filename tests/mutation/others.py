"""What the checks of PyTorch and JAX find of the same errors, with their default settings.

The same operations, inputs and errors for all. One call each in double precision, as both projects
ask for, at the case's typical input (of a hundred elements, or saturated, for the errors that are
about that), with fixed seeds; PyTorch's fast_mode is off, its default. gradtest stands beside
them with its own, random calls.
"""
from __future__ import annotations

from multiprocessing import get_context

import numpy as np

from minigan.testing.differentiable import Differentiable

from ..cases import CASES
from ..testing.test_history import HISTORY, MEMORY, refused
from .generic import GENERIC
from .judge import probe
from .libraries import INSTALLED, LIBRARIES, library
from .suite import Bench, ignore_interrupts
from .table import markdown
from .unseen import UNSEEN

KINDS = [*GENERIC, *UNSEEN]


def table(jobs: int) -> str:
    """Error by error, how many of the operations to which it applies each check finds it in."""
    others = INSTALLED[1:]
    if not others:
        raise ModuleNotFoundError("neither PyTorch nor JAX is installed", name="torch")
    names = list(library(others[0]).operations())
    with get_context("spawn").Pool(jobs, ignore_interrupts) as pool:
        found = dict(zip(names, pool.imap(row, names)))
        return _report(found, pool.map(historical, HISTORY))


def _report(found: dict[str, dict[str, dict[str, bool]]], history: list[dict[str, bool]]) -> str:
    """What the rows of all operations say, kind by kind, and what was found of history."""
    names, others = list(found), INSTALLED[1:]
    columns = ["gradtest", *INSTALLED]
    cells = {kind.name: [found[op][kind.name] for op in names if kind.name in found[op]]
             for kind in KINDS}

    def numbers(tool: str) -> list[bool]:
        return [cell[tool] for some in cells.values() for cell in some if tool in cell]

    rows = [[name, len(some), *[_cell(tool, name, some) for tool in columns]]
            for name, some in cells.items()]
    rows.append(["**all**", len(numbers("gradtest")),
                 *[f"{sum(numbers(tool))} of {len(numbers(tool))}" for tool in columns]])
    left_out = [f"- {library(tool).version}: not to be expressed there: "
                f"{', '.join(sorted(library(tool).cannot)) or 'none'}" for tool in others]
    return (markdown(["planted error", "operations", "gradtest",
                      *[LIBRARIES[tool].checks for tool in INSTALLED]], rows)
            + f"\n\nOperations: {', '.join(names)}\n\n" + "\n".join(left_out) + "\n\n"
            + _history(history))


def _history(found: list[dict[str, bool]]) -> str:
    """Those of history that are NumPy functions with a vjp, which every library can call."""
    rows = [[name, *["–" if tool not in tools else "found" if tools[tool] else "missed"
                     for tool in INSTALLED]] for name, tools in zip(HISTORY, found)]
    told = [[tools[tool] for tools in found if tool in tools] for tool in INSTALLED]
    rows.append(["**all**", *[f"{sum(one)} of {len(one)}" for one in told]])
    return markdown(["wrong gradient of history",
                     *[LIBRARIES[tool].checks for tool in INSTALLED]], rows) + "\n"


def historical(name: str) -> dict[str, bool]:
    """Which check finds it, at the same input; to first order, as a vjp is differentiated."""
    f, inputs, _ = HISTORY[name]
    found = {"minigan": bool(refused(f, inputs))}
    if not isinstance(f, Differentiable):
        return found
    places = [i for i, x in enumerate(inputs) if x.dtype.kind == "f"]

    def merged(floats):
        return [floats[places.index(i)] if i in places else x for i, x in enumerate(inputs)]

    def vjp(*floats_and_grad):
        *floats, grad = floats_and_grad
        gradients = f.framework.pull_back(*merged(floats), grad)
        gradients = gradients if isinstance(gradients, (tuple, list)) else [gradients]
        return [gradients[i] for i in places]

    floats = [inputs[i] for i in places]
    for tool in INSTALLED[1:]:
        if tool == "jax" and name.split(":")[0].endswith(tuple(MEMORY)):
            continue
        lib = library(tool)
        pair = lib.pair(lambda *floats: np.asarray(f.f(*merged(floats))), vjp, floats)
        found[tool] = lib.caught(pair, floats, twice=False)
    return found


def _cell(tool: str, kind: str, cells: list[dict[str, bool]]) -> str:
    cannot = tool in LIBRARIES and kind in LIBRARIES[tool].cannot
    return "–" if cannot else str(sum(cell[tool] for cell in cells))


def row(op: str) -> dict[str, dict[str, bool]]:
    """For each error that is one in this operation, which check finds it."""
    case = next(case for case in CASES if str(case) == op)
    bench, found = Bench.of(case), {}
    for kind in filter(bench.takes, KINDS):
        result = bench.test(kind)
        if result.fate in ("equivalent", "not drawn"):
            continue
        special = kind.call or kind.shown or (lambda call: call)
        call = special(case.typical)
        if isinstance(probe(case.f, call, "graph"), str):  # not one that this operation takes
            call = case.typical
        found[kind.name] = {"gradtest": result.fate == "killed"}
        for name in INSTALLED:
            if kind.name not in library(name).cannot:
                f = kind.plant(library(name), library(name).operations()[op], 0)
                found[kind.name][name] = library(name).caught(f, call.args)
    return found
