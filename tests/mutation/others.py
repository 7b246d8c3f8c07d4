"""What the checks of PyTorch and JAX find of the same errors, with their default settings.

The same operations, inputs and errors for all: an identity with a wrong backward on an operation's
first input, or on its output where the cotangent is wrong, is an autograd.Function in PyTorch, a
custom_vjp in JAX, and `Tampered` here. One call each in double precision, as both projects ask
for, at the case's typical input (of a hundred elements, or saturated, for the errors that are
about that), with fixed seeds; PyTorch's fast_mode is off, its default. gradtest stands beside
them with its own, random calls.
"""
from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from multiprocessing import get_context
from typing import Any, Callable, Sequence

import numpy as np

from minigan.testing.call import Call

from ..cases import CASES
from minigan.testing.gradcheck import check_grads

from .kinds import KINDS, Kind
from .suite import Bench, ignore_interrupts
from .table import markdown


def module_of(tool: str) -> Any:
    """others_torch or others_jax: version, operations, values, caught and Lib."""
    return import_module(f"{__package__}.others_{tool}")


TOOLS = [name for name in ("torch", "jax") if find_spec(name)]
BY_NAME = {kind.name: kind for kind in KINDS}


def _input(wrong: Callable[[Any, Any, Any], Any]) -> Callable:
    """wrong(lib, grad, x) on the first input."""
    def plant(lib, f):
        tampered = lib.identity(lambda grad, x: wrong(lib, grad, x))
        return lambda x, *rest: f(tampered(x), *rest)
    return plant


def _output(wrong: Callable[[Any, Any], Any]) -> Callable:
    """wrong(lib, cotangent) on the output."""
    def plant(lib, f):
        tampered = lib.identity(lambda grad, y: wrong(lib, grad))
        return lambda *xs: tampered(f(*xs))
    return plant


def _one_element(at: int) -> Callable:
    def wrong(lib, g, x):
        factor = np.ones(x.shape)
        factor.reshape(-1)[at] = 1.1
        return g * lib.constant(factor)
    return _input(wrong)


def _doubled(condition: Callable[[Any, Any], Any], factor: float = 2.0) -> Callable:
    """Where, or if, the condition on x holds."""
    def wrong(lib, g, x):
        holds = condition(lib, x)
        if isinstance(holds, bool):
            return factor * g if holds else g
        return g * lib.where(holds, factor, 1.0)
    return _input(wrong)


def _through(wrong: Callable[[Any, Any], Any]) -> Callable:
    """The gradient is right; its derivative by the inputs is not."""
    return lambda lib, f: lib.whole(f, lib.identity(lambda g, x: wrong(lib, g)))


def _counted(plant: Callable) -> Callable:
    """Off by a ten-millionth more with each use."""
    def planted(lib, f):
        uses = iter(range(1, 10 ** 9))
        return plant(lambda: 1 + 1e-7 * next(uses))(lib, f)
    return planted


def _changed(lib, g, x):
    lib.change(x)
    return g


PLANTED: dict[str, Callable] = {
    "wrong sign": _input(lambda lib, g, x: -g),
    "factor two": _input(lambda lib, g, x: 2 * g),
    "one of two uses lost": _input(lambda lib, g, x: 0.5 * g),
    "off by 1 %": _input(lambda lib, g, x: 1.01 * g),
    "off by 0.01 %": _input(lambda lib, g, x: 1.0001 * g),
    "zero gradient": _input(lambda lib, g, x: 0 * g),
    "transposed": _input(lambda lib, g, x: lib.transpose(g).reshape(x.shape)),
    "shifted by one": _input(lambda lib, g, x: lib.roll(g)),
    "reversed": _input(lambda lib, g, x: lib.reverse(g)),
    "averaged": _input(lambda lib, g, x: 0 * g + g.mean()),
    "one element": _one_element(-1),
    "one element of a hundred": _one_element(77),
    "rounded to float32": _input(lambda lib, g, x: lib.float32(g)),
    "cotangent ignored": _output(lambda lib, g: lib.ones_like(g)),
    "cotangent clipped": _output(lambda lib, g: g.clip(-1, 1)),
    "cotangent's magnitude": _output(lambda lib, g: abs(g)),
    "cotangent averaged": _output(lambda lib, g: 0 * g + g.mean()),
    "cotangent shifted": _output(lambda lib, g: lib.roll(g)),
    "offset": _output(lambda lib, g: g + 0.001),
    "NaN at zero": _doubled(lambda lib, x: x == 0, float("nan")),
    "wrong at one": _doubled(lambda lib, x: x == 1),
    "wrong for negative inputs": _doubled(lambda lib, x: x < 0),
    "wrong if an axis has size 1": _doubled(lambda lib, x: 1 in x.shape),
    "wrong if 0-d": _doubled(lambda lib, x: x.ndim == 0),
    "wrong above 64 elements": _doubled(lambda lib, x: bool(np.prod(x.shape) > 64), 1.01),
    "wrong only in float32": _doubled(lambda lib, x: "float32" in str(x.dtype), 1.01),
    "wrong only for a strided input": _doubled(lambda lib, x: lib.strided(x)),
    "wrong only for a strided cotangent": _output(lambda lib, g: 2 * g if lib.strided(g) else g),
    "clipped away above 0.999": _doubled(lambda lib, x: x > 0.999, 0.0),
    "clipped away below 0.001": _doubled(lambda lib, x: x < 0.001, 0.0),
    "clipped away above 5": _doubled(lambda lib, x: x > 5, 0.0),
    "clipped away below −5": _doubled(lambda lib, x: x < -5, 0.0),
    "cotangent detached": _output(lambda lib, g: lib.stop(g)),
    "gradient detached": _input(lambda lib, g, x: lib.stop(g)),
    "values saved as constants": lambda lib, f: lib.whole(f, lib.stop),
    "second derivative off by 1 %": _through(lambda lib, g: 1.01 * g),
    "second derivative of the wrong sign": _through(lambda lib, g: -g),
    "second derivative transposed": _through(lambda lib, g: lib.transpose(g).reshape(g.shape)),
    "not differentiable twice": lambda lib, f: lib.once(f),
    "wrong where no graph is made": _input(lambda lib, g, x: g if lib.in_graph() else 2 * g),
    "wrong where a graph is made": _input(lambda lib, g, x: 2 * g if lib.in_graph() else g),
    "wrong if asked for alone": lambda lib, f: lib.whole(f, lambda x: 1 * x, alone=2),
    "values not repeatable": _counted(lambda factor: lambda lib, f: lambda *xs: f(*xs) * factor()),
    "gradient not repeatable": _counted(lambda factor: _input(lambda lib, g, x: g * factor())),
    "input changed by backward": _input(_changed),
}

NOT_IN = {"jax": {"wrong only for a strided input", "wrong only for a strided cotangent",
                  "wrong where no graph is made", "wrong where a graph is made",
                  "wrong if asked for alone", "input changed by backward"}}


def table(jobs: int) -> str:
    """Error by error, how many of the operations to which it applies each check finds it in."""
    if not TOOLS:
        raise ModuleNotFoundError("neither PyTorch nor JAX is installed", name="torch")
    modules = {tool: module_of(tool) for tool in TOOLS}
    names = list(modules[TOOLS[0]].operations())
    with get_context("spawn").Pool(jobs, ignore_interrupts) as pool:
        found = dict(zip(names, pool.imap(row, names)))
    columns = ["gradtest", "check_grads", *TOOLS]
    rows = []
    for kind in PLANTED:
        cells = [found[op][kind] for op in names if kind in found[op]]
        rows.append([kind, len(cells), *[_cell(tool, kind, cells) for tool in columns]])
    totals = [sum(cells[tool] for op in names for kind, cells in found[op].items()
                  if kind not in NOT_IN.get(tool, ())) for tool in columns]
    asked = [sum(kind not in NOT_IN.get(tool, ()) for op in names for kind in found[op])
             for tool in columns]
    rows.append(["**all**", asked[0], *[f"{n} of {m}" for n, m in zip(totals, asked)]])
    heads = ["gradtest", "check_grads, one call", *[modules[tool].NAME for tool in TOOLS]]
    left_out = [f"- {modules[tool].version()}: not to be expressed there: "
                f"{', '.join(sorted(NOT_IN.get(tool, []))) or 'none'}" for tool in TOOLS]
    return (markdown(["planted error", "operations", *heads], rows)
            + f"\n\nOperations: {', '.join(names)}\n\n" + "\n".join(left_out) + "\n")


def _cell(tool: str, kind: str, cells: Sequence[dict[str, bool]]) -> str:
    return "–" if kind in NOT_IN.get(tool, ()) else str(sum(c[tool] for c in cells))


def row(op: str) -> dict[str, dict[str, bool]]:
    """For each error that is one in this operation, which check finds it."""
    case = next(case for case in CASES if str(case) == op)
    bench = Bench.of(case)
    libs = {tool: module_of(tool) for tool in TOOLS}
    found = {}
    for name, plant in PLANTED.items():
        kind = BY_NAME[name]
        result = bench.test(kind) if bench.takes(kind) else None
        if result is None or result.fate in ("equivalent", "not drawn"):
            continue
        call = kind.call(case.typical) if kind.call else case.typical
        found[name] = {"gradtest": result.fate == "killed", "check_grads": _ours(kind, case, call)}
        for tool, module in libs.items():
            if name not in NOT_IN.get(tool, ()):
                f = plant(module.Lib(), module.operations()[op])
                found[name][tool] = module.caught(f, call.args)
    return found


def _ours(kind: Kind, case: Any, call: Call) -> bool:
    with kind.planted(case.f) as mutant:
        try:
            check_grads(lambda *tensors: mutant(*tensors, **call.options), *call.args)
        except Exception:  # as for the others
            return True
    return False
