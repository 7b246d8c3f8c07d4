"""`check_grads`: a function's gradient held against differences of its values.

A check goes order by order. The first compares the reverse pass of f with differences of f; the
second takes that reverse pass, a function of inputs and cotangents, and does the same to it.
"""
from __future__ import annotations

import re
from functools import partial
from typing import Any, Callable, Sequence

import numpy as np

from .. import backend
from ..autodiff import Function, Tensor
from ..checked import checked
from .contract import call_elsewhere, check_contract, check_empty
from .curvature import check_curvature
from .derivatives import check_derivatives
from .differentiable import Differentiable
from .frameworks import Framework, Minigan
from .function import CheckedFunction, Point
from .precision import check_precision
from .report import GradientError, Report
from .reproduction import reproduction
from .stage import ORDERS, Settings, Stage, index

__tracebackhide__ = True  # pytest: the message says what is wrong

# what PyTorch says where a gradient has no derivative of its own
NOT_TWICE = re.compile("derivative for .* is not implemented|once_differentiable")
KINKS = ("subgradient", "skip", "raise")


@checked
def check_grads(f: Callable[..., Any], *inputs: Any, wrt: int | Sequence[int] | None = None,
                order: int = 2, directions: int = 8, kinks: str = "subgradient",
                rtol: float = 1e-7, atol: float = 0.0, accuracy: float = 0.0,
                seed: int = 0) -> Report:
    """Check that f's gradients, up to the given order, are the derivatives of f's values.

    f           Tensors in, a Tensor or several out; or what from_numpy, from_torch and from_jax
                make of other functions
    inputs      Tensors, arrays, Python numbers or lists. Floats are checked in float64; where they
                are float32 or float16, their own gradient is compared with the one in float64.
                Integers and booleans are constants
    wrt         the positions of the inputs to differentiate by; None: all floats
    order       1, 2 or 3; 1 at most for a NumPy function with its vjp
    directions  how many random cotangents, and random directions for an input of more than 64
                elements; the elements of smaller ones are moved one by one
    kinks       where the one-sided slopes differ: "subgradient" accepts what lies between them,
                "skip" does not compare, "raise" fails
    rtol, atol  the tolerance beside what differences and rounding may be off by, which is measured
    accuracy    relative, of f's values, where it is less than float64's: 1e-6 for a function that
                is computed in float32, or by iteration to such a tolerance
    seed        of the random numbers

    Before the numbers comes the contract: the same answer twice, inputs left alone, gradients of
    their inputs' shapes and dtypes, linear in the cotangent, the same for any layout in memory and
    for each input alone, there for zero-size inputs if these have a value.

    Returns a Report. Raises GradientError (an AssertionError) if a gradient is wrong, or if
    nothing could be compared; ValueError if the arguments make no sense.
    """
    if kinks not in KINKS:
        raise ValueError(f"kinks is one of {', '.join(KINKS)}, not {kinks!r}")
    if order not in ORDERS or directions < 1:
        raise ValueError(f"order is 1, 2 or 3 and directions at least 1, not {order}, {directions}")
    if min(seed, rtol, atol, accuracy) < 0:
        raise ValueError("seed, rtol, atol and accuracy cannot be negative, got "
                         f"{seed}, {rtol}, {atol}, {accuracy}")
    function, native = prepare(f, inputs, wrt)
    report = Report(name_of(f), seed)
    report.reproduction = reproduction(f, function, native, dict(
        wrt=wrt, order=order, directions=directions, kinks=kinks, rtol=rtol, atol=atol,
        accuracy=accuracy, seed=seed))
    if order > 1 and not function.framework.differentiates_twice:
        report.skip("second order: a NumPy function's vjp has no derivative of its own")
        order = 1
    settings = Settings(directions, kinks, rtol, atol, accuracy)
    rng = np.random.default_rng(seed)
    point = [x.astype(np.float64) for x in native]
    with np.errstate(all="ignore"), function.framework.context():
        first, stage = function, None
        call_elsewhere(function, point)  # first: a function may keep what it saw then
        for n in range(1, order + 1):
            try:
                stage = Stage(function, point, n, settings, report, rng, stage)
                check_contract(stage)
            except GradientError as error:
                if n == 1 or not NOT_TWICE.search(str(error.__cause__)):
                    raise
                report.skip(f"{ORDERS[n]}: {error.__cause__}")
                order, report.ok = n - 1, True
                break
            if function.closes_over:
                report.skip("parameters that the function closes over: make them inputs")
            if n == 1:
                report.name_operation(function.operation)
                check_precision(stage, native)
            check_derivatives(stage)
            if n > 1:
                check_curvature(stage)
            if n < order:
                point = point + [rng.normal(size=y.shape) for y in function.outputs]
                function = function.reverse()
        check_empty(first, report, order)
    return report


def prepare(f: Callable[..., Any], inputs: Sequence[Any],
            wrt: Sequence[int] | None) -> tuple[CheckedFunction, Point]:
    """f as a function of the inputs at `wrt`, and their values in their own dtype."""
    _refuse_what_takes_no_tensors(f)
    if None in [x if x is None else 0 for x in inputs]:
        raise TypeError("an input is None: leave it out, or hold it fixed with a lambda")
    framework = _framework(f, inputs)
    host = [framework.numpy(x) if framework.is_array(x) else
            backend.to_numpy(x) if backend.is_array(x) else np.asarray(x) for x in inputs]
    floats = [i for i, x in enumerate(host) if x.dtype.kind == "f"]
    variables = floats if wrt is None else [wrt] if isinstance(wrt, int) else list(wrt)
    if not variables or not set(variables) <= set(floats) or len(set(variables)) < len(variables):
        raise ValueError("wrt names the inputs to differentiate by, each once, and they must be "
                         f"floats: of the inputs {floats} are, wrt is {wrt}" if floats else
                         "the inputs to differentiate by must be floats, but none of them is: "
                         "write 1.0 for 1, for integers are constants")
    names = [f"input {i}" for i in variables]
    for i in variables:
        if np.isnan(host[i]).any():
            at = index(int(np.isnan(host[i]).argmax()), host[i].shape)
            raise ValueError(f"input {i} is NaN at element {at}, where no gradient is right")
    function = CheckedFunction(f.f if isinstance(f, Differentiable) else f, framework, host,
                               variables, names)
    return function, [host[i] for i in variables]


def _refuse_what_takes_no_tensors(f: Callable[..., Any]) -> None:
    """Raise TypeError for a function of another library, and for an operation's class."""
    if isinstance(f, Differentiable):
        return
    if isinstance(f, (type, Function)):
        raise TypeError(f"check_grads takes a function of Tensors, not the class or object "
                        f"{name_of(f)}: write lambda *x: {name_of(f)}()(*x)")
    library = (getattr(f, "__module__", None) or type(f).__module__).split(".")[0]
    if library in ("numpy", "torch", "jax", "jaxlib"):
        make = {"numpy": "from_numpy(f, vjp)", "torch": "from_torch(f)"}.get(library, "from_jax(f)")
        raise TypeError(f"{name_of(f)} is a function of {library}, and takes no Tensors of minigan:"
                        f" check minigan.testing.{make}")


def _framework(f: Callable[..., Any], inputs: Sequence[Any]) -> Framework:
    if isinstance(f, Differentiable):
        return f.framework
    for x in inputs:
        if isinstance(x, Tensor):
            return Minigan(backend.of(x.data))
        if backend.is_array(x) and not isinstance(x, np.ndarray):
            return Minigan(backend.of(x))
    return Minigan(backend.current())


def name_of(f: Callable[..., Any]) -> str:
    """What to call a function in a message."""
    f = f.func if isinstance(f, partial) else f
    name = getattr(f, "__name__", type(f).__name__).replace("<lambda>", "a lambda")
    owner = getattr(f.f if isinstance(f, Differentiable) else f, "__self__", None)
    return f"{owner.__name__}.{name}" if isinstance(owner, type) else name
