"""`check_grads`: a function's gradient held against differences of its values.

A check goes order by order. The first compares the reverse pass of f with differences of f; the
second takes that reverse pass, a function of inputs and cotangents, and does the same to it.
"""
from __future__ import annotations

from typing import Any, Callable, Sequence

import numpy as np

from .. import backend
from ..autodiff import Tensor
from .function import Point, TensorFunction
from .report import Report
from .stage import ORDERS, Settings, Stage, slopes_along

KINKS = ("subgradient", "skip", "raise")


def check_grads(f: Callable[..., Any], *inputs: Any, wrt: Sequence[int] | None = None,
                order: int = 2, directions: int = 8, kinks: str = "subgradient",
                rtol: float | None = None, atol: float | None = None, seed: int = 0) -> Report:
    """Check that f's gradients, up to the given order, are the derivatives of f's values.

    f           Tensors in, a Tensor or several out
    inputs      Tensors, arrays, Python numbers or lists. Floats are checked in float64; where they
                are float32 or float16, their own gradient is compared with the one in float64.
                Integers and booleans are constants
    wrt         the positions of the inputs to differentiate by; None: all floats
    directions  how many random directions, each with a random cotangent, for each input; inputs
                of up to 64 elements are checked element by element besides
    kinks       where the one-sided slopes differ: "subgradient" accepts what lies between them,
                "skip" does not compare, "raise" fails
    rtol, atol  the tolerance (default 1e-6 and 1e-9), beside the differences' own error

    Before the numbers comes the contract: the same answer twice, inputs left alone, gradients of
    their inputs' shapes and dtypes, linear in the cotangent. Returns a Report. Raises
    GradientError (an AssertionError) if a gradient is wrong, or if nothing could be compared.
    """
    if kinks not in KINKS:
        raise ValueError(f"kinks is one of {', '.join(KINKS)}, not {kinks!r}")
    if order not in ORDERS or directions < 1:
        raise ValueError(f"order is 1, 2 or 3 and directions at least 1, not {order}, {directions}")
    function, native = _prepare(f, inputs, wrt)
    report = Report(_name(f), seed)
    settings = Settings(directions, kinks, 1e-6 if rtol is None else rtol,
                        1e-9 if atol is None else atol)
    rng = np.random.default_rng(seed)
    point = [x.astype(np.float64) for x in native]
    with np.errstate(all="ignore"):
        for n in range(1, order + 1):
            stage = Stage(function, point, ORDERS[n], settings, report, rng)
            stage.check_contract()
            if n == 1:
                stage.check_native(native)
            stage.check_derivatives()
            if n < order:
                point = point + [rng.normal(size=shape) for shape in function.shapes]
                function = function.reverse()
    return report


def numerical_jvp(f: Callable[..., Any], inputs: Any, v: Any) -> np.ndarray:
    """J v, the derivative of f along v, by differences of f's values in float64.

    As in `mg.jvp`, `inputs` is a Tensor (or array) or a tuple of them, and v has its form. f
    returns one Tensor. At a kink the result is the mean of the one-sided slopes.
    """
    inputs, v = (x if isinstance(x, (tuple, list)) else (x,) for x in (inputs, v))
    function, native = _prepare(f, inputs, range(len(inputs)))
    point = [x.astype(np.float64) for x in native]
    direction = [np.asarray(_as_tensor(x).numpy(), np.float64) for x in v]
    with np.errstate(all="ignore"):
        found = slopes_along(function, point, direction, function.values(point))
    return np.where(found.jump, np.nan, (found.low + found.high) / 2).reshape(function.shapes[0])


def _prepare(f: Callable[..., Any], inputs: Sequence[Any],
             wrt: Sequence[int] | None) -> tuple[TensorFunction, Point]:
    """f as a function of the inputs at `wrt`, and their values in their own dtype."""
    tensors = [_as_tensor(x) for x in inputs]
    floats = [i for i, x in enumerate(tensors) if x.dtype.kind == "f"]
    variables = floats if wrt is None else list(wrt)
    if not variables or not set(variables) <= set(floats):
        raise ValueError(f"the inputs to differentiate by must be floats: of the inputs "
                         f"{floats} are, wrt is {wrt}")
    names = [f"input {i}" for i in variables]
    return TensorFunction(f, tensors, variables, names), [tensors[i].numpy() for i in variables]


def _as_tensor(x: Any) -> Tensor:
    if isinstance(x, Tensor):
        return x.detach()
    return Tensor(x if backend.is_array(x) else backend.current().from_numpy(np.asarray(x)))


def _name(f: Callable[..., Any]) -> str:
    return getattr(f, "__name__", type(f).__name__).replace("<lambda>", "a lambda")
