"""What the checks of PyTorch and JAX find of the same errors, with their default settings.

The same operations, inputs and errors for all. One call each in double precision, as both projects
ask for, at the case's typical input (of a hundred elements, or saturated, for the errors that are
about that), with fixed seeds; PyTorch's fast_mode is off, its default. gradtest stands beside
them with its own, random calls.
"""
from __future__ import annotations

from multiprocessing import get_context

from ..cases import CASES
from .generic import GENERIC
from .libraries import INSTALLED, LIBRARIES, library
from .suite import Bench, ignore_interrupts
from .table import markdown


def table(jobs: int) -> str:
    """Error by error, how many of the operations to which it applies each check finds it in."""
    others = INSTALLED[1:]
    if not others:
        raise ModuleNotFoundError("neither PyTorch nor JAX is installed", name="torch")
    names = list(library(others[0]).operations())
    with get_context("spawn").Pool(jobs, ignore_interrupts) as pool:
        found = dict(zip(names, pool.imap(row, names)))
    columns = ["gradtest", *INSTALLED]
    cells = {kind.name: [found[op][kind.name] for op in names if kind.name in found[op]]
             for kind in GENERIC}

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
            + f"\n\nOperations: {', '.join(names)}\n\n" + "\n".join(left_out) + "\n")


def _cell(tool: str, kind: str, cells: list[dict[str, bool]]) -> str:
    cannot = tool in LIBRARIES and kind in LIBRARIES[tool].cannot
    return "–" if cannot else str(sum(cell[tool] for cell in cells))


def row(op: str) -> dict[str, dict[str, bool]]:
    """For each error that is one in this operation, which check finds it."""
    case = next(case for case in CASES if str(case) == op)
    bench, found = Bench.of(case), {}
    for kind in filter(bench.takes, GENERIC):
        result = bench.test(kind)
        if result.fate in ("equivalent", "not drawn"):
            continue
        call = kind.call(case.typical) if kind.call else case.typical
        found[kind.name] = {"gradtest": result.fate == "killed"}
        for name in INSTALLED:
            if kind.name not in library(name).cannot:
                f = kind.plant(library(name), library(name).operations()[op], 0)
                found[kind.name][name] = library(name).caught(f, call.args)
    return found
