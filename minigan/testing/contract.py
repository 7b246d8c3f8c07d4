"""What a gradient must be before its numbers are looked at.

The same every time, of its input's shape and dtype, linear in the cotangent, and the same whatever
does not matter: how the numbers lie in memory, which other gradients are asked for, whether the
gradient is going to be differentiated. And there for zero-size inputs, if these have a value.
"""
from __future__ import annotations

import warnings
from typing import Any, Iterator

import numpy as np

from .function import CheckedFunction, Layout, Point
from .report import GradientError, Report
from .stage import Stage, index

__tracebackhide__ = True  # pytest: the message says what is wrong


def check_contract(stage: Stage) -> None:
    """The contract of one order."""
    u, w = stage.cotangents(2)
    by_u = _check_repeatable(stage, u)
    _check_shapes(stage, by_u)
    stage.scale = max(stage.scale, *[float(np.max(abs(g), initial=0)) for g in by_u])
    _check_linear(stage, u, w, by_u)
    _check_layouts(stage, u, by_u)
    if stage.order == 1:
        _check_stateless(stage, u, by_u)
        _check_each_alone(stage, u, by_u)
        if stage.function.framework.differentiates_twice:
            with_graph = stage.pull_back(u, create_graph=True)
            _same(stage, by_u, with_graph, "is another when it is made to be differentiated again "
                  "(create_graph=True)")


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
    again, by_u_again = stage.run(function.natives(point), u)
    if values.tobytes() != again.tobytes():
        raise stage.fail("the same inputs gave two different values")
    for name, g, g_again in zip(function.names, by_u, by_u_again):
        if g.tobytes() != g_again.tobytes():
            raise stage.fail(f"the same inputs gave two different gradients by {name}")
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
    try:
        if np.broadcast_shapes(got, wanted) == got:
            return ": sum it over the axes that were broadcast"
    except ValueError:
        pass
    return ""


def _check_linear(stage: Stage, u: np.ndarray, w: np.ndarray, by_u: Point) -> None:
    by_w, both = stage.pull_back(w), stage.pull_back(2 * u - 3 * w)
    for name, g, h, b in zip(stage.function.names, by_u, by_w, both):
        tolerance = 1e-9 * np.max(abs(g) + abs(h), initial=0) + stage.atol()
        if not np.all(abs(2 * g - 3 * h - b) <= tolerance):
            off, size = abs(2 * g - 3 * h - b), np.max(abs(g) + abs(h), initial=0)
            hint = (": it is the same for any, so backward ignores it: multiply by it"
                    if np.max(abs(g - h), initial=0) <= tolerance else
                    f", to no more than {np.max(off) / size:.0e}: is it computed in single "
                    "precision?" if np.all(off <= 1e-5 * size) else "")
            raise stage.fail(f"the gradient by {name} is not linear in the cotangent{hint}")
    _check_sizes(stage, w)


def _check_sizes(stage: Stage, w: np.ndarray) -> None:
    """Large cotangents, small ones and none: what is clipped, rounded away or divided by shows."""
    half = np.where(np.arange(w.size) % 2, 0, w)  # with zeros among its elements
    by_half = stage.pull_back(half)
    for factor in (1e4, 1e-9, 0.0):
        scaled = stage.pull_back(factor * half)
        for name, g, s in zip(stage.function.names, by_half, scaled):
            off = abs(s - factor * g)
            if not np.all(off <= 1e-9 * factor * np.max(abs(g), initial=0)
                          + 1e-6 * factor * stage.atol()):
                raise stage.fail(f"the gradient by {name} is not linear in the cotangent: for one "
                                 f"of {factor:g} times the size, with zeros in it, it is not "
                                 f"{factor:g} times as large")


def _check_stateless(stage: Stage, u: np.ndarray, by_u: Point) -> None:
    """Another call between the forward and the reverse pass changes nothing."""
    def call_elsewhere() -> None:
        try:
            stage.function.values([1.001 * x + 1e-4 for x in stage.point])
        except Exception:  # noqa: S110 (the point may be outside of the domain)
            pass

    outputs = stage.function.outputs
    _, gradients = stage.run(stage.function.natives(stage.point), u, between=call_elsewhere)
    stage.function.outputs = outputs
    _same(stage, by_u, gradients, "is another if the function was called with other inputs "
          "before the reverse pass: keep nothing outside of the call")


def _check_layouts(stage: Stage, u: np.ndarray, by_u: Point) -> None:
    """Inputs, then cotangents, that do not lie in memory in one piece, in their order."""
    function, point = stage.function, stage.point
    for name, layout in LAYOUTS.items():
        if layout is _fortran and max(x.ndim for x in [*point, *function.outputs]) < 2:
            continue  # it is the order that it was
        values, gradients = stage.run(function.natives([layout(x) for x in point]), u)
        off = abs(values - stage.start)
        if np.any(off > 1e-9 * np.max(abs(stage.start), initial=0) + stage.atol()):
            raise stage.fail(f"the values of {name} inputs are not those of contiguous ones")
        _same(stage, by_u, gradients, f"is another if the inputs are {name} in memory")
        _, gradients = stage.run(function.natives(point), u, layout=layout)
        _same(stage, by_u, gradients, f"is another if the cotangent is {name} in memory")
    ones = np.ones(stage.start.size)  # what a sum hands back: one number, seen everywhere
    _, gradients = stage.run(function.natives(point), ones,
                             layout=lambda part: np.broadcast_to(1.0, part.shape))
    _same(stage, stage.pull_back(ones), gradients,
          "is another if the cotangent is one number, broadcast")


def _check_each_alone(stage: Stage, u: np.ndarray, by_u: Point) -> None:
    """The gradient by one input does not depend on which others are asked for."""
    for i in range(len(by_u) if len(by_u) > 1 else 0):
        (alone,) = stage.pull_back(u, only=i)
        _same(stage, [by_u[i]], [alone], "is another if the other inputs are constants", [i])


def _same(stage: Stage, expected: Point, actual: Point, what: str,
          variables: Any = None) -> None:
    for i, e, a in zip(range(len(expected)) if variables is None else variables, expected, actual):
        off = abs(a - e) if a.shape == e.shape else np.array(np.inf)
        if not np.all(off <= 1e-9 * np.max(abs(e), initial=0) + stage.atol()):
            j = int(np.argmax(np.nan_to_num(off, nan=np.inf)))
            at = index(j, e.shape) if a.shape == e.shape else ()
            numbers = (f": at element {at} {a[at]:.9g}, not {e[at]:.9g}" if a.shape == e.shape
                       else f": of shape {a.shape}, not {e.shape}")
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


def check_empty(function: CheckedFunction, report: Report, order: int) -> None:
    """Zero-size inputs that the function accepts, its reverse pass accepts as well."""
    for inputs in _emptied(function.inputs):
        empty = type(function)(function.f, function.framework, inputs, function.variables,
                               function.names)
        point = [inputs[i].astype(np.float64) for i in function.variables]
        shapes = ", ".join(str(x.shape) for x in inputs)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the mean of nothing
            try:
                empty.values(point)
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
                raise report.fail(f"wrong for zero-size inputs: those of shapes {shapes} have a "
                                  f"value, but their reverse pass fails: {kind}{error}") from error


def _emptied(inputs: Point) -> Iterator[Point]:
    """The inputs with all axes of one length emptied, for each of the lengths that there are; the
    axes that belong together mostly have the same one."""
    for length in sorted({n for x in inputs for n in x.shape} - {0})[:4]:
        yield [x[tuple(slice(0 if n == length else None) for n in x.shape)] for x in inputs]
