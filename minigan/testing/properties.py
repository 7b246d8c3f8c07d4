"""`gradtest`: one decorator that makes a complete Hypothesis test of an operation.

`prove` does a single example of it: values against a reference, gradients against differences, and
both in lower precisions.
"""
from __future__ import annotations

import inspect
from functools import partial
from typing import Any, Callable, Sequence

import numpy as np
from hypothesis import strategies as st

from .call import Call
from .decorator import drawing, raise_at
from .differentiable import Differentiable, named_partial
from .gradcheck import check_grads, name_of, prepare
from .precision import check_precision, largest_number
from .report import Report
from .reproduction import place_of, reproduction
from .stage import Settings, Stage, index
from .trees import is_numbers, leaves, mapped

__tracebackhide__ = True  # pytest: the message says what is wrong

EXACT = 1e-12  # how far values may be from the reference's, measured in the largest of them


def gradtest(op: Callable[..., Any], args: Any, reference: Callable[..., Any] | None = None,
             order: int = 2, max_examples: int = 25, seed: int | None = None,
             keeps_dtype: bool = True, **checks: Any
             ) -> Callable[[Callable[..., Any]], Callable[..., None]]:
    """A decorator that makes a test of op's values, gradients and dtypes over random inputs.

    op            Tensors (and keyword options) in, a Tensor or several out; or what from_numpy,
                  from_torch and from_jax make of other functions
    args          for each input a strategy or a constant array; or one strategy that draws an
                  array, a tuple of them or, with options that depend on them, a Call
    reference     the same on NumPy arrays; None: values are not compared
    order         up to which order derivatives are checked
    max_examples  how many examples Hypothesis draws
    seed          of the check's random directions; None: pytest's --grad-seed, 0 elsewhere
    keeps_dtype   whether float32 in means float32 out; gradients are of the input's dtype always
    checks        further options of check_grads, such as kinks= and rtol=

    What the decorated function does is up to you: it may be empty, with a docstring that says what
    is tested. Its last parameters by position, as many as args has entries, are handed the inputs
    of each example, for further assertions; those before them, and those behind a `*`, are
    pytest's: self, fixtures, parametrize. If args is one strategy, whose number of inputs is not
    known before, all by position are inputs, or options of its Call.

    Marks, @example, @seed and @settings may stand above or below. An @example takes the inputs, or
    a Call. What @settings says holds, max_examples too; but there is no deadline unless it names
    one, and fixtures of a single test are shared by all of its examples.

    Each example is checked by `prove`, which says what is demanded.

    >>> from minigan import ops
    >>> from minigan.testing.strategies import arrays, shapes
    >>> @gradtest(ops.tanh, args=(arrays(shapes()),), reference=np.tanh)
    ... def test_tanh(x):
    ...     assert np.all(abs(np.tanh(x)) <= 1)
    >>> test_tanh()
    """
    unknown = checks.keys() - inspect.signature(check_grads).parameters.keys()
    if unknown:
        raise TypeError(f"gradtest and check_grads have no option {', '.join(sorted(unknown))}")
    calls = _calls(args)
    count = None if isinstance(args, st.SearchStrategy) else len(args)

    def decorate(test: Callable[..., Any]) -> Callable[..., None]:
        def check(call: Call) -> None:
            try:
                prove(op, call, reference, order, made.grad_seed or 0, keeps_dtype, **checks)
            except AssertionError as error:
                error.args = (f"{error}\ndrawn by {place_of(test)}", *error.args[1:])
                raise_at(test, error.with_traceback(None))

        made = drawing(test, calls, count, check, max_examples)
        made.grad_seed = seed  # the pytest plugin sets what was left open
        return made

    return decorate


def prove(op: Callable[..., Any], call: Call, reference: Callable[..., Any] | None = None,
          order: int = 2, seed: int = 0, keeps_dtype: bool = True, **checks: Any) -> Report:
    """Check one call of an operation, and return check_grads' report.

    - Its values are the reference's, to 1e-12 of the largest.
    - Its derivatives up to the given order pass `check_grads` in float64.
    - Called in float32 (and, for an operation of minigan, float16), its values and derivatives are
      of that dtype, and those of float64 as far as rounding explains. An input that is float32
      or float16 from the beginning leaves this to check_grads.

    checks are further options of check_grads.

    Raises AssertionError, and GradientError, which is one.
    """
    f = _bound(op, call.options)
    _, native = prepare(f, call.args, None)
    float64 = all(x.dtype == np.float64 for x in native)
    if reference is not None and float64:
        check_values(op, call, reference)
    report = check_grads(f, *call.args, order=order, seed=seed, **checks)
    if float64:
        # half precision is for those who meant it: few NumPy functions know it
        for dtype in [np.float32] if isinstance(op, Differentiable) else [np.float32, np.float16]:
            check_dtype(f, *in_dtype(call.args, dtype), order=order, seed=seed,
                        keeps_dtype=keeps_dtype, **checks)
    return report


def check_values(op: Callable[..., Any], call: Call, reference: Callable[..., Any]) -> None:
    """Op's values in float64 are the reference's, to 1e-12 of the largest value or input.

    Raises AssertionError with the element, both values and the call.
    """
    f = _bound(op, call.options)
    function, native = prepare(f, call.args, None)
    framework = function.framework
    with np.errstate(all="ignore"), framework.context():
        results = function.f(*function.natives(native, copy=True))
        framework.outputs(results)  # raises where they are not arrays
        values = [framework.numpy(y) for y in _arrays(results)]  # those that are no floats too
        expected = [np.asarray(e) for e in _arrays(call.of(reference))]
    if len(values) != len(expected):
        raise AssertionError(f"{name_of(f)} gives {len(values)} results, the reference "
                             f"{len(expected)}: {call}")
    inputs = max(map(largest_number, native))
    for k, (y, e) in enumerate(zip(values, expected)):
        which = f"result {k} of {name_of(f)}" if len(values) > 1 else name_of(f)
        if y.shape != e.shape:
            raise AssertionError(f"{which} has the shape {y.shape}, the reference's {e.shape}: "
                                 f"{call}")
        tolerance = EXACT * max(inputs, largest_number(e))
        off = np.where((y == e) | (np.isnan(y) & np.isnan(e)), 0, abs(y - e))
        if not np.all(off <= tolerance):
            at = index(int(np.argmax(np.nan_to_num(off, nan=np.inf))), y.shape)
            raise AssertionError(f"{which}: the value at element {at} is {y[at]:.17g}, the "
                                 f"reference says {e[at]:.17g}, off by {off[at]:.3g} where "
                                 f"{tolerance:.2g} is allowed: {call}")


def in_dtype(args: Sequence[Any], dtype: Any) -> list[Any]:
    """The arguments with their arrays of floats, and floats, in another dtype."""
    def converted(name: str, x: Any) -> Any:
        is_float = hasattr(x, "__array__") or isinstance(x, (float, list, tuple))
        array = np.asarray(x) if is_float else None
        return array.astype(dtype) if is_float and array.dtype.kind == "f" else x

    return mapped(converted, list(args), is_leaf=is_numbers)


def check_dtype(f: Callable[..., Any], *args: Any, order: int = 2, seed: int = 0,
                keeps_dtype: bool = True, skip: Sequence[str] = (), wrt: Any = None,
                options: Any = None, generator: Any = None, accuracy: float = 0.0,
                cotangent: Any = None, **others: Any) -> None:
    """f's values and derivatives for floats of a lower precision are of their dtype, and those of
    float64 as far as rounding explains. Where the values need not be, gradients to first order are
    looked at. The other options are those of check_grads. Raises GradientError."""
    function, native = prepare(f, args, wrt, options, None, generator, "in place" in skip)
    report = Report(name_of(f), seed)
    report.reproduce = partial(
        reproduction, f, function, native, dict(order=order, seed=seed, keeps_dtype=keeps_dtype),
        "check_dtype", "minigan.testing.properties")
    twice = function.framework.differentiates_twice and keeps_dtype and cotangent is None
    settings = Settings(1, "subgradient", 0, 0, accuracy, skip=skip, cotangent=cotangent)
    with np.errstate(all="ignore"), function.framework.context():
        stage = Stage(function, [x.astype(np.float64) for x in native], settings, report,
                      np.random.default_rng(seed))
        check_precision(stage, native, keeps_dtype)
        for _ in range(1, order if twice else 1):
            stage = stage.above()
            native += [x.astype(native[0].dtype) for x in stage.point[len(native):]]
            check_precision(stage, native, keeps_dtype)


def _calls(args: Any) -> st.SearchStrategy[Call]:
    if isinstance(args, st.SearchStrategy):
        def as_call(drawn: Any) -> Call:
            return drawn if isinstance(drawn, Call) else Call(
                tuple(drawn) if isinstance(drawn, (tuple, list)) else (drawn,))
        return args.map(as_call)
    if not isinstance(args, (tuple, list)):
        raise TypeError("args is a tuple with a strategy or an array for each input, or one "
                        f"strategy, not a {type(args).__name__}")
    return st.tuples(*[x if isinstance(x, st.SearchStrategy) else st.just(x)
                       for x in args]).map(Call)


def _bound(op: Callable[..., Any], options: dict[str, Any]) -> Callable[..., Any]:
    if not options:
        return op
    return op.bind(**options) if isinstance(op, Differentiable) else named_partial(op, options)


def _arrays(results: Any) -> list[Any]:
    return [y for _, y in leaves(results) if y is not None and not isinstance(y, str)]
