"""`check_grads`: a function's gradient held against differences of its values.

A check goes order by order. The first compares the reverse pass of f with differences of f; the
second takes that reverse pass, a function of inputs and cotangents, and does the same to it.
"""
from __future__ import annotations

import re
from typing import Any, Callable, Mapping, Sequence

import numpy as np

from ..checked import checked
from .contract import call_elsewhere, check_contract, check_empty
from .curvature import check_curvature
from .derivatives import check_derivatives
from .inputs import name_of, prepare
from .precision import check_precision
from .report import GradientError, Report
from .reproduction import reproduction
from .stage import ORDERS, Settings, Stage

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
