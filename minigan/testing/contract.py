"""What a gradient must be before its numbers are looked at.

The same every time, of its input's shape and dtype, linear in the cotangent, and the same whatever
does not matter: how the numbers lie in memory, which other gradients are asked for, whether the
gradient is going to be differentiated. And there for zero-size inputs, if these have a value.
"""
from __future__ import annotations

import warnings
from contextlib import suppress
from copy import copy
from functools import partial
from textwrap import shorten
from typing import Any, Iterator, Sequence

import numpy as np

from .frameworks import Minigan
from .function import CheckedFunction, Layout, Point, close, flat, largest_of, nudged, unflat
from .report import GradientError, Report
from .stage import ORDERS, PARTS, Stage, index

__tracebackhide__ = True  # pytest: the message says what is wrong


def check_contract(stage: Stage) -> None:
    """The contract of one order."""
    u = stage.cotangents(1)[0]
    by_u = _check_repeatable(stage, u)
    _check_shapes(stage, by_u)
    checks = (FIRST_ORDER if stage.order == 1 else HIGHER_ORDERS) | ALL_ORDERS
    for part, check in checks.items():
        if (part != "linear" or stage.settings.cotangent is None) and stage.wants(part):
            check(stage, u, by_u)
    stage.part = ""


def _check_as_penalties_ask(stage: Stage, u: np.ndarray, by_u: Point) -> None:
    """The derivative of a gradient by the inputs alone, of the second pass through one graph."""
    again, moving = stage.before.function.reverse(passes=2), range(len(stage.before.point))
    again.outputs = stage.function.outputs
    _same(stage, u, [by_u[i] for i in moving],
          stage.guarded(again.pull_back, stage.point, u, only=moving),
          "is another if the cotangent is a constant, or on the second reverse pass", moving)


def _check_ways(stage: Stage, u: np.ndarray, by_u: Point) -> None:
    """Ways to ask for the gradient, which all give the same: tried together, named alone."""
    ways: dict[str, dict[str, Any]] = {
        "is another if the function was called with other inputs before the reverse pass: keep "
        "nothing outside of the call": {"between": partial(call_elsewhere, stage.function,
                                                           stage.point)}}
    if stage.function.framework.differentiates_twice:
        ways |= {"is another on the second reverse pass through one graph": {"passes": 2},
                 "is another if the inputs are no leaves, but computed, as within a network":
                     {"leaves": False}}
    together = {name: value for options in ways.values() for name, value in options.items()}
    if all(map(np.array_equal, by_u, stage.pull_back(u, **together))):
        ways = {}
    if stage.function.framework.differentiates_twice:
        ways |= {"is another when it is made to be differentiated again (create_graph=True)":
                 {"create_graph": True}}
    for what, options in ways.items():
        _same(stage, u, by_u, stage.pull_back(u, **options), what)


def call_elsewhere(function: CheckedFunction, point: Point) -> None:
    """A call with other inputs, whose values are of no interest."""
    with suppress(Exception):  # they may be outside of the domain
        function.f(*function.natives(nudged(point), copy=True))


def _check_repeatable(stage: Stage, u: np.ndarray) -> Point:
    """Twice the same bits, and the inputs as they were; returns the gradients."""
    function, point = stage.function, stage.point
    natives = function.natives(point, copy=True)
    before = stage.copies(natives)
    given = u.copy()
    values, by_u = stage.run(natives, given)
    stage.check_unchanged(before, natives)
    if given.tobytes() != u.tobytes():
        raise stage.fail("the cotangent was changed in place: others may hold the same array")
    stage.returned = values
    if stage.wants("repeat"):
        again, by_u_again = stage.run(function.natives(point), u)
        names = ["values", *[f"gradients by {name}" for name in function.names]]
        for name, x, y in zip(names, [values, *by_u], [again, *by_u_again]):
            if x.tobytes() != y.tobytes() and not (x.shape == y.shape and np.all(
                    abs(x - y) <= stage.settings.nondeterministic * largest_of(x))):
                raise stage.fail(f"the same inputs gave two different {name}")
    stage.part = ""
    return by_u


def _check_shapes(stage: Stage, gradients: Point) -> None:
    for name, x, g in zip(stage.function.names, stage.point, gradients):
        if g.shape != x.shape:
            raise stage.fail(f"the gradient by {name} has shape {g.shape}, {name} itself "
                             f"{x.shape}{_broadcast_hint(g.shape, x.shape)}")
        if g.dtype != x.dtype:
            raise stage.fail(f"the gradient by {name} has dtype {g.dtype}, {name} itself {x.dtype}")
        if not np.isfinite(g).all():
            at = index(int(np.argmin(np.isfinite(g))), g.shape)
            raise stage.fail(f"the gradient by {name} is not finite at element {at}: {g[at]}, "
                             f"where {name} is {x[at]:.9g}")


def _broadcast_hint(got: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    with suppress(ValueError):
        if np.broadcast_shapes(got, wanted) == got:
            return ": sum it over the axes that were broadcast"
    return ""


def _check_linear(stage: Stage, u: np.ndarray, by_u: Point) -> None:
    w = stage.cotangents(1)[0]
    half = np.where(np.arange(w.size) % 2, 0, w)  # with zeros among its elements
    factors = [2.0 ** 27, 2.0 ** -30, 0.0]  # powers of two, by which nothing is rounded
    by_w, both, by_half, *by_scaled = stage.pull_backs(
        [w, 2 * u - 3 * w, half, *[factor * half for factor in factors]])
    if not all(np.isfinite(g).all() for g in by_scaled[0]):  # it overflows: numbers of 1e302
        factors[0] = 2.0 ** 10
        by_scaled[:1] = stage.pull_backs([factors[0] * half])
    off = [abs(2 * g - 3 * h - b) for g, h, b in zip(by_u, by_w, both)]
    sizes = [abs(g) + abs(h) for g, h in zip(by_u, by_w)]
    for i, fine in enumerate(stage.excuses(off, sizes, abs(u) + abs(w))):
        if not fine:
            size, most = np.max(sizes[i]), np.max(off[i])
            hint = (": it is the same for any, so backward ignores it: multiply by it"
                    if np.max(abs(by_u[i] - by_w[i])) <= 1e-9 * size else
                    f", to no more than {most / size:.0e}: is it computed in single precision? "
                    "Then say accuracy=1e-6" if most <= 1e-5 * size else "")
            raise stage.fail(f"the gradient by {stage.function.names[i]} is not linear in the "
                             f"cotangent{hint}")
    # large cotangents, small ones and none: what is clipped, rounded away or divided by shows
    for factor, scaled in zip(factors, by_scaled):
        off = [abs(s - factor * g) / (factor or 1) for g, s in zip(by_half, scaled)]
        for name, fine in zip(stage.function.names, stage.excuses(
                off, [1e3 * abs(g) * (factor > 0) for g in by_half], half * (factor > 0))):
            if not fine:
                raise stage.fail(f"the gradient by {name} is not linear in the cotangent: for one "
                                 f"of {factor:.2g} times the size, with zeros in it, it is not "
                                 f"{factor:.2g} times as large")


def _check_layouts(stage: Stage, u: np.ndarray, by_u: Point) -> None:
    """Inputs and cotangents that do not lie in memory in one piece, in their order. At a kink the
    layout may decide on which side of it rounding falls, but not beside it."""
    try:
        _compare_layouts(stage, u, by_u)
    except GradientError:
        v = stage.rng.normal(size=stage.scales.size) * close(flat(stage.point), stage.scales)
        found = stage.slopes(v[None])
        if not (found.kink | found.jump).any():
            raise
        stage.report.ok = True
        beside = stage.moved(unflat(flat(stage.point) + 1e-7 * v, stage.point), "layouts")
        _compare_layouts(beside, u, beside.pull_back(u))
    ones = np.ones(stage.start.size)  # what a sum hands back is one number, seen everywhere
    _same(stage, ones, *stage.pull_backs([ones, [np.broadcast_to(1.0, y.shape)
                                                 for y in stage.function.outputs]]),
          "is another if the cotangent is one number, broadcast")


def _compare_layouts(stage: Stage, u: np.ndarray, by_u: Point) -> None:
    """All layouts, tried for inputs and cotangents together and named alone."""
    function, point = stage.function, stage.point
    slack = stage.slack(stage.returned)
    for name, layout in LAYOUTS.items():
        if layout is _fortran and max(x.ndim for x in [*point, *function.outputs]) < 2:
            continue  # it is the order that it was
        natives = function.natives([layout(x) for x in point])
        values, gradients = stage.run(natives, u, layout=layout)
        if np.any(abs(values - stage.returned) > slack):
            raise stage.fail(f"the values of {name} inputs are not those of contiguous ones")
        if not all(map(np.array_equal, by_u, gradients)):
            _same(stage, u, by_u, stage.run(natives, u)[1],
                  f"is another if the inputs are {name} in memory")
            _same(stage, u, by_u, stage.run(function.natives(point), u, layout=layout)[1],
                  f"is another if the cotangent is {name} in memory")
            _same(stage, u, by_u, gradients, f"is another if both inputs and cotangent are {name}")


def _check_each_alone(stage: Stage, u: np.ndarray, by_u: Point) -> None:
    """The gradient by one input does not depend on which others are asked for: each alone, all but
    each, and so every choice where there are up to three."""
    n = len(by_u)
    choices = [(i,) for i in range(n)] + [(*range(i), *range(i + 1, n)) for i in range(n)]
    for only in dict.fromkeys(choices) if n > 1 else ():
        _same(stage, u, [by_u[i] for i in only], stage.pull_back(u, only=only),
              "is another if the other inputs are constants", only)


def _check_one_object(stage: Stage, u: np.ndarray, by_u: Point) -> None:
    """f(x, x), as in self-attention: one object in two places, whose gradients may be added up."""
    function, point, places = stage.function, list(stage.point), range(len(stage.point))
    i, j = next(((i, j) for j in places for i in places[:j]
                 if point[i].shape == point[j].shape), (0, 0))
    point[j] = point[i]
    if i == j or not np.isfinite(function.near_values(point, stage.start)).all():
        return
    natives = function.natives(point, copy=True)
    apart = stage.run(natives, u)[1]
    natives[function.variables[j]] = natives[function.variables[i]]
    together = stage.run(natives, u)[1]
    expected = (apart[i] + apart[j]) * (1 + function.framework.adds_up)
    if np.isfinite(expected).all():
        _same(stage, u, [expected], [together[i] + together[j]],
              f"and that by {function.names[j]}, added up, are others if both are one object", [i])


def _same(stage: Stage, u: np.ndarray, expected: Point, actual: Point, what: str,
          variables: Sequence[int] | None = None) -> None:
    """Raise unless the gradients of ⟨u, f⟩, by all variables or these, are the expected ones."""
    variables = range(len(stage.point)) if variables is None else variables
    if all(map(np.array_equal, expected, actual)):
        return
    off = [abs(a - e) if a.shape == e.shape else np.array(np.inf) for e, a in zip(expected, actual)]
    fine = stage.excuses(off, [abs(e) for e in expected], u, variables)
    for i, e, a, o in [z for z, good in zip(zip(variables, expected, actual, off), fine)
                       if not good][:1]:
        numbers = f": of shape {a.shape}, not {e.shape}"
        if a.shape == e.shape:
            at = index(int(np.argmax(np.nan_to_num(o, nan=np.inf))), e.shape)
            numbers = f": at element {at} {a[at]:.9g}, not {e[at]:.9g}"
        raise stage.fail(f"the gradient by {stage.function.names[i]} {what}{numbers}")


def strided(x: np.ndarray) -> np.ndarray:
    """Every second element of an array that is twice as long."""
    return np.repeat(x, 2, axis=-1)[..., ::2] if x.ndim else x


def _backwards(x: np.ndarray) -> np.ndarray:
    """The axes in the opposite order in memory, each of them from its end."""
    return np.flip(np.flip(x).T.copy().T) if x.ndim else x


def _fortran(x: np.ndarray) -> np.ndarray:
    return x.copy(order="F")


LAYOUTS: dict[str, Layout] = {"Fortran-ordered": _fortran, "strided": strided,
                              "reversed and transposed": _backwards}


HIGHER_ORDERS = {"ways": _check_as_penalties_ask}
ALL_ORDERS = {"linear": _check_linear, "layouts": _check_layouts}
FIRST_ORDER = {"ways": _check_ways, "alone": _check_each_alone, "one object": _check_one_object}


def check_empty(function: CheckedFunction, report: Report, order: int) -> None:
    """Zero-size inputs that the function accepts, its reverse pass accepts as well."""
    own = function.inputs[:function.own]  # parameters are as large as they are
    for inputs in [[*own, *rest] for rest in _emptied(function.inputs[function.own:])]:
        empty = copy(function)
        empty.inputs, empty.surrogate = inputs, None
        point = [inputs[i].astype(np.float64) for i in function.variables]
        shapes = ", ".join(str(x.shape) for x in inputs)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the mean of nothing
            try:
                if np.isnan(empty.values(point)).any():  # the mean of nothing is no value
                    continue
            except MemoryError:
                raise
            except Exception:  # refused, which is a fine answer
                continue
            report.zero_size += 1
            try:
                for n in range(order):
                    gradients = empty.pull_back(point, np.zeros(empty.values(point).size))
                    for x, g in zip(point, gradients):
                        if g.shape != x.shape:
                            raise GradientError(f"the gradient by the one of shape {x.shape} has "
                                                f"shape {g.shape}")
                    if n + 1 < order:
                        point = point + [np.zeros(y.shape) for y in empty.outputs]
                        empty = empty.reverse()
            except Exception as error:
                kind = "" if isinstance(error, GradientError) else f"{type(error).__name__}: "
                if n and kind and not isinstance(function.framework, Minigan):
                    # mostly the framework's own, which differentiates twice for few empty arrays
                    report.skip(f"zero-size at {ORDERS[n + 1]}: {kind}"
                                + shorten(str(error), 120))
                    continue
                raise report.fail(f"wrong for zero-size inputs: those of shapes {shapes} have a "
                                  f"value, but their reverse pass fails: {kind}{error}\nif that is "
                                  f"meant: {PARTS['zero-size']}") from error


def _emptied(inputs: Point) -> Iterator[Point]:
    """The inputs with all axes of one length emptied, for each of the lengths that there are; the
    axes that belong together mostly have the same one."""
    for length in sorted({n for x in inputs for n in x.shape} - {0})[:4]:
        yield [x[tuple(slice(0 if n == length else None) for n in x.shape)] for x in inputs]
