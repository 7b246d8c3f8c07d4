"""Lines of Python to paste that make a check again."""
from __future__ import annotations

import inspect
from functools import partial
from typing import Any, Callable

import numpy as np

from .differences import STEP
from .differentiable import Differentiable
from .function import CheckedFunction, Point

DEFAULTS = dict(wrt=None, order=2, directions=8, kinks="subgradient", rtol=1e-7, atol=0.0,
                accuracy=0.0, seed=0, keeps_dtype=True, skip=(), step=STEP, cotangent=None,
               surrogate=None, nondeterministic=0.0, generator=None)
SHOWN = 100  # elements; larger inputs are left to the reader


def reproduction(f: Callable[..., Any], function: CheckedFunction, native: Point,
                 options: dict[str, Any], checker: str = "check_grads",
                 module: str = "minigan.testing") -> str:
    """An import, the inputs and the call of the checker, indented. Where the function has no name
    to import, or an input is large, a comment says what to put there."""
    inputs = list(function.inputs)
    for i, x in zip(function.variables, native):
        inputs[i] = x
    name, imported = _imported(f)
    first = function.own  # parameters, which f brings with it
    args, keywords = function.f.written([_Code(f"x{i - first}") for i in range(len(inputs))])
    if isinstance(f, Differentiable) and f.parameters is not None:
        args = args[1:]
    lines = ["import numpy as np", f"from {module} import {checker}", imported]
    lines += [f"x{i} = {_written(x)}" for i, x in enumerate(inputs[first:])]
    given = [f"{key}={_value(value)}" for key, value in options.items()
             if type(value) is not type(DEFAULTS[key]) or value != DEFAULTS[key]]
    arguments = [name, *map(repr, args), *given]
    if keywords:
        arguments.append(f"options={keywords!r}")
    lines.append(f"{checker}({', '.join(arguments)})")
    return "\n".join("    " + line for line in "\n".join(lines).split("\n"))


class _Code(str):
    """A name, which is printed as one wherever it stands."""

    __repr__ = str.__str__


def _value(x: Any) -> str:
    """An option as code; what cannot be written is left to the reader."""
    return _written(x) if isinstance(x, np.ndarray) else "..." if "<" in repr(x) else repr(x)


def _imported(f: Callable[..., Any]) -> tuple[str, str]:
    """What to call the function, and the lines that bring it."""
    if isinstance(f, Differentiable):
        return "f", f"f = ...  # {f.maker} of {place_of(f.f)}"
    if isinstance(f, partial) and not f.args:
        name, lines = _imported(f.func)
        options = ", ".join(f"{key}={value!r}" for key, value in f.keywords.items())
        return (f"partial({name}, {options})" if options else name,
                f"from functools import partial\n{lines}")
    name, module = getattr(f, "__qualname__", ""), getattr(f, "__module__", None)
    if not name.isidentifier():
        return "f", f"f = ...  # {place_of(f)}"
    if module in (None, "__main__"):
        return name, f"# {place_of(f)}"
    return name, f"from {module} import {name}"


def place_of(f: Callable[..., Any]) -> str:
    """The function's name, file and line, as far as they are known."""
    owner = getattr(f, "__self__", None)
    # of a torch.autograd.Function's apply, the class
    f = inspect.unwrap(owner if isinstance(owner, type) else f)
    if isinstance(f, partial):
        return f"{place_of(f.func)}, with {f.keywords}"
    name = getattr(f, "__qualname__", type(f).__name__)
    try:
        return f"{name} in {inspect.getsourcefile(f)}, line {inspect.getsourcelines(f)[1]}"
    except (OSError, TypeError):
        return name


def _number(value: Any) -> str:
    text = repr(float(value))
    return text.replace("inf", "np.inf").replace("nan", "np.nan")


def _written(x: np.ndarray) -> str:
    """An array as NumPy code, or as a placeholder of its shape where that would fill the screen."""
    if x.size > SHOWN:
        return f"...  # an array of shape {x.shape}, {x.dtype}"
    if x.size == 0:
        return f"np.zeros({x.shape}, np.{x.dtype})"
    dtype = "" if x.dtype in (np.float64, np.int64, np.bool_) else f", np.{x.dtype}" if (
        x.dtype.kind != "V") else f", '{x.dtype}'"
    text = np.array2string(x, separator=", ", prefix="x0 = np.array(", max_line_width=95,
                           threshold=SHOWN + 1, formatter={"float_kind": _number})
    return f"np.array({text}{dtype})"
