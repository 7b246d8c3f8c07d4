"""`check_grads`: a function's gradient held against differences of its values.

A check goes order by order. The first compares the reverse pass of f with differences of f; the
second takes that reverse pass, a function of inputs and cotangents, and does the same to it.
"""
from __future__ import annotations

import re
from functools import partial
from typing import Annotated, Any, Callable, Mapping, Sequence

import numpy as np

from ..checked import checked
from ..settings import Kind, NotNegative, Positive, Seed, number, whole
from .contract import call_elsewhere, check_contract, check_empty
from .curvature import check_curvature
from .derivatives import check_derivatives
from .function import CheckedFunction, Point
from .inputs import name_of, prepare
from .modes import check_modes
from .precision import check_precision
from .report import GradientError, Report
from .reproduction import reproduction
from .differences import STEP
from .stage import ORDERS, PARTS, Settings, Stage

__tracebackhide__ = True  # pytest: the message says what is wrong

# what PyTorch says where a gradient has no derivative of its own
NOT_TWICE = re.compile("derivative for .* is not implemented|once_differentiable")
KINKS = ("subgradient", "skip", "raise")

Order = Annotated[int, whole(min(ORDERS), max(ORDERS))]
Kinks = Annotated[str, Kind(f"one of {', '.join(KINKS)}", KINKS.__contains__)]
Step = Annotated[float, number("a number between 0 and 0.1", lambda step: 0 < step <= 0.1)]


@checked
def check_grads(f: Callable[..., Any], *inputs: Any,
                wrt: int | str | Sequence[int | str] | None = None, order: Order = 2,
                directions: Positive = 8, kinks: Kinks = "subgradient", rtol: NotNegative = 1e-7,
                atol: NotNegative = 0.0, accuracy: NotNegative = 0.0, seed: Seed = 0,
                options: Mapping[str, Any] | None = None, skip: str | Sequence[str] = (),
                step: Step = STEP, cotangent: Any = None,
                surrogate: Callable[..., Any] | None = None, nondeterministic: NotNegative = 0.0,
                generator: Any = None) -> Report:
    """Check that f's gradients, up to the given order, are the derivatives of f's values.

    f           Tensors in, a Tensor or several out; or what from_numpy, from_torch, from_jax,
                from_module and from_layer make of others
    inputs      Tensors, arrays, Python numbers or lists of them; dicts, tuples and lists that hold
                arrays; anything else is handed on as it is. Floats are checked in float64; where
                they are float32, float16 or bfloat16, their own gradient is compared with the one
                in float64. Integers and booleans are constants. Of complex numbers both parts are
                differentiated by, in the framework's own convention; NumPy's is PyTorch's, a
                gradient of ∂/∂(real part) + i ∂/∂(imaginary part)
    wrt         the positions of the inputs to differentiate by, the names of options and of
                parameters; None: all floats
    order       1, 2 or 3; 1 at most for a NumPy function with its vjp
    directions  how many random cotangents, and random directions for an input of more than 64
                elements; the elements of smaller ones are moved one by one
    kinks       where the one-sided slopes differ: "subgradient" accepts what lies between them,
                "skip" does not compare, "raise" fails
    rtol, atol  the tolerance beside what differences and rounding may be off by, which is measured
    accuracy    relative, of f's values, where it is less than float64's: 1e-6 for a function that
                is computed in float32, or by iteration to such a tolerance
    seed        of the random numbers
    options     keyword arguments of f; arrays among them are differentiated by as well
    skip        parts of the check to leave out, of those named below
    step        how far an element moves for a difference, times its input's size where that is
                below 0.01
    cotangent   what to check with instead of random cotangents, in the form of f's result or one
                number, to first order: for a loss whose gradient is meant for 1
    surrogate   the function whose derivative f's gradient is to be, if on purpose it is not f's:
                straight-through, reversed, with a part taken for constant
    nondeterministic  by how much, relatively, values and gradients may differ from one call to the
                next
    generator   of the random numbers that f draws, NumPy's, PyTorch's or one with get_state and
                set_state: it is put back to its state now before every call. Layouts are then
                left out, in whose order numbers may be drawn

    Before the numbers comes the contract: the same answer twice, inputs left alone, gradients of
    their inputs' shapes and dtypes, linear in the cotangent, the same for any layout in memory and
    for each input alone, there for zero-size inputs if these have a value. Of these parts skip
    leaves out "repeat", "in place" (f then writes into copies), "linear", "layouts", "alone" (each
    input by itself), "one object" (handed over twice), "ways" (to ask for the gradient),
    "zero-size", "curvature" (of second order), "float32", "float16", "bfloat16", and, where PyTorch
    or JAX has them for f, "forward mode" (against the reverse pass) and "vmap" (against a loop).

    Returns a Report. Raises GradientError (an AssertionError) if a gradient is wrong, or if
    nothing could be compared; ValueError if the arguments make no sense.
    """
    settings = Settings(directions, kinks, rtol, atol, max(accuracy, nondeterministic),
                        nondeterministic, skip, step, cotangent)
    if generator is not None:
        settings.skip += ("layouts",)  # random numbers may be drawn in the order of the memory
    unknown = [part for part in settings.skip if part not in PARTS]
    if unknown:
        raise ValueError(f"skip names parts of the check, {', '.join(PARTS)}, not "
                         f"{', '.join(map(repr, unknown))}")
    function, native = prepare(f, inputs, wrt, options, surrogate, generator,
                               copies="in place" in settings.skip)
    report = Report(name_of(f), seed)
    report.reproduce = partial(reproduction, f, function, native, dict(
        wrt=wrt, order=order, directions=directions, kinks=kinks, rtol=rtol, atol=atol,
        accuracy=accuracy, seed=seed, skip=skip, step=step, cotangent=cotangent,
        surrogate=surrogate, nondeterministic=nondeterministic, generator=generator))
    with np.errstate(all="ignore"), function.framework.context():
        _check_orders(function, native, order, settings, report)
    return report


def _check_orders(function: CheckedFunction, native: Point, order: int, settings: Settings,
                  report: Report) -> None:
    """One order after the other, as far as there are derivatives, then zero-size inputs."""
    why_once = ("a cotangent was given" if settings.cotangent is not None else
                "" if function.framework.differentiates_twice else
                "a NumPy function's vjp has no derivative of its own")
    if order > 1 and why_once:
        report.skip(f"second order: {why_once}")
        order = 1
    point = [x.astype(np.float64) for x in native]
    call_elsewhere(function, point)  # first: a function may keep what it saw then
    if function.surrogate is not None:
        _refuse_other_shapes(function, point)
    stage = Stage(function, point, settings, report, np.random.default_rng(report.seed))
    check_contract(stage)
    _check_first_order(stage, native)
    for n in range(2, order + 1):
        try:
            stage = stage.above()
            check_contract(stage)
        except GradientError as error:
            if not NOT_TWICE.search(str(error.__cause__)):
                raise
            report.skip(f"{ORDERS[n]}: {error.__cause__}")
            order, report.ok = n - 1, True
            break
        _check_higher_order(stage)
    if stage.wants("zero-size"):
        check_empty(function, report, order)


def _check_first_order(stage: Stage, native: Point) -> None:
    function, report = stage.function, stage.report
    if function.closes_over:
        report.skip(f"what the function closes over, {function.closes_over}: make it an input, or "
                    "say from_module or from_layer")
    report.op += f" ({function.operation})" * bool(function.operation)
    check_precision(stage, native)
    check_derivatives(stage)
    check_modes(stage)


def _check_higher_order(stage: Stage) -> None:
    """The derivatives; and the values' curvature. A gradient that is right at a point may be wrong
    beside it, as x is for the gradient of x²: what its first order is there says more."""
    check_derivatives(stage)
    try:
        if stage.wants("curvature"):
            check_curvature(stage)
    except GradientError:
        first = stage.first
        point = [x + stage.rng.uniform(0.5, 1, x.shape) for x in first.point]
        if np.isfinite(first.function.near_values(point, first.start)).all():
            check_derivatives(first.moved(point, "curvature"))
        raise


def _refuse_other_shapes(function: CheckedFunction, point: Point) -> None:
    """Raise GradientError if f and its surrogate do not return the same shapes."""
    of_f, of_surrogate = ([tuple(y.shape) for y in function.framework.outputs(
        g(*function.natives(point, copy=True)))] for g in (function.f, function.surrogate))
    if of_f != of_surrogate:
        raise GradientError(f"the surrogate returns the shapes {of_surrogate}, the function {of_f}")
