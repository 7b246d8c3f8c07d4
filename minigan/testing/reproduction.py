"""Lines of Python to paste that make a check again."""
from __future__ import annotations

import ast
import inspect
import os
import re
import sys
import textwrap
from contextlib import suppress
from functools import partial
from importlib import import_module
from types import CodeType
from typing import Any, Callable

import numpy as np

from .differentiable import Differentiable
from .function import CheckedFunction, Point

LINES = 8  # of all inputs together; larger ones are left to the reader

Code = tuple[str, list[str]]  # an expression, and the lines that it needs


def reproduction(f: Callable[..., Any], function: CheckedFunction, native: Point,
                 options: dict[str, Any], checker: str = "check_grads",
                 module: str = "minigan.testing") -> str:
    """An import, the inputs and the call of the checker, indented. Where the function cannot be
    imported or written, or an input is large, a comment says what to put there."""
    inputs = function.filled(native)
    name, lines = _function(f)
    first = function.own  # parameters, which f brings with it
    args, keywords = function.f.written([_Name(f"x{i - first}") for i in range(len(inputs))])
    if isinstance(f, Differentiable) and f.parameters is not None:
        args = args[1:]
    defaults = inspect.signature(getattr(import_module(module), checker)).parameters
    given = {key: _value(value) or ("...", []) for key, value in options.items()
             if type(value) is not type(defaults[key].default) or value != defaults[key].default}
    lines += [line for _, more in given.values() for line in more]
    lines = [*dict.fromkeys(["import numpy as np", f"from {module} import {checker}", *lines])]
    left = LINES
    for i, x in enumerate(inputs[first:], first + 1):
        lines.append(f"x{i - first - 1} = {_written(x, max(1, left - len(inputs) + i))}")
        left -= lines[-1].count("\n") + 1
    arguments = [name, *map(repr, args), *[f"{key}={text}" for key, (text, _) in given.items()]]
    if keywords:
        arguments.append(f"options={keywords!r}")
    lines.append(f"{checker}({', '.join(arguments)})")
    return textwrap.indent("\n".join(lines), "    ")


class _Name(str):
    """A name, which is printed as one wherever it stands."""

    __repr__ = str.__str__


def place_of(f: Callable[..., Any]) -> str:
    """The function's name, file and line, as far as they are known."""
    f, owner = inspect.unwrap(f), getattr(f, "__self__", None)
    if isinstance(owner, type):  # a torch.autograd.Function's apply
        return f"{owner.__qualname__}.{f.__name__}{_in_file(owner)}"
    return f"{getattr(f, '__qualname__', type(f).__name__)}{_in_file(f)}"


def _in_file(f: Callable[..., Any]) -> str:
    f = inspect.unwrap(f)
    try:
        file, line = inspect.getsourcefile(f), inspect.getsourcelines(f)[1]
    except (OSError, TypeError):
        return ""
    if file is None:
        return ""
    below = os.path.relpath(file) if file.startswith(os.getcwd() + os.sep) else file
    return f" in {below}, line {line}"


# The function

def _function(f: Callable[..., Any]) -> Code:
    """What to call the function, and the lines that bring it."""
    code = _expression(f)
    if code is None:
        made, inner = isinstance(f, Differentiable), f
        while isinstance(inner, (partial, Differentiable)):
            inner = inner.func if isinstance(inner, partial) else inner.f
        return "f", [f"f = ...  # {f'{f.maker} of ' if made else ''}{place_of(inner)}"]
    text, lines = code
    plain = all(part.isidentifier() for part in text.split("."))
    return code if plain or text.startswith("partial(") else ("f", [*lines, f"f = {text}"])


def _expression(f: Any) -> Code | None:
    """Python that gives the function again; None where there is none."""
    owner = getattr(f, "__self__", None)
    if isinstance(f, Differentiable):
        if f.maker not in ("from_numpy", "from_torch", "from_jax"):
            return None
        vjp = [f.framework.pull_back] if f.maker == "from_numpy" else []
        complex_step = {"complex_step": True} if f.framework.complex_step else {}
        return _call(f.maker, f"from minigan.testing import {f.maker}", [f.f, *vjp], complex_step)
    if isinstance(f, partial):
        return _call("partial", "from functools import partial", [f.func, *f.args], f.keywords)
    if isinstance(owner, type):  # a torch.autograd.Function's apply
        found = _imported(owner)
        return found and (f"{found[0]}.{f.__name__}", found[1])
    return _imported(f) or _lambda(f)


def _call(name: str, line: str, args: list[Any], options: dict[str, Any]) -> Code | None:
    codes = [_value(x) for x in (*args, *options.values())]
    if None in codes:
        return None
    texts = [text for text, _ in codes]
    texts[len(args):] = [f"{key}={x}" for key, x in zip(options, texts[len(args):])]
    return f"{name}({', '.join(texts)})", [line, *[line for _, lines in codes for line in lines]]


def _value(x: Any) -> Code | None:
    if callable(x):
        return _expression(x)
    if isinstance(x, np.ndarray):
        return (_written(x, LINES), []) if x.size <= 4 * LINES else None
    return (repr(x), []) if isinstance(x, (int, float, str, bool, tuple, type(None))) else None


def _imported(f: Any) -> Code | None:
    """The function by the name under which its module has it."""
    module, name = getattr(f, "__module__", None), getattr(f, "__qualname__", "")
    if module == "__main__" and name.isidentifier():
        return name, [f"# {place_of(f)}"]
    names = vars(sys.modules[module]) if module in sys.modules else {name: f}
    found: Any = names.get(name.partition(".")[0])
    for part in name.split(".")[1:]:
        found = getattr(found, part, None)
    if found is not f:  # wrapped under another name, or shadowed
        name = next((key for key, value in names.items() if value is f), "")
    if not all(part.isidentifier() for part in name.split(".")):
        return None
    line = f"from {module} import {name.partition('.')[0]}"
    return name, [line + (_in_file(f) and f"  #{_in_file(f)}")]


def _lambda(f: Any) -> Code | None:
    """A lambda as it is written, with what it uses; None where that cannot be told."""
    if not inspect.isfunction(f) or f.__name__ != "<lambda>":  # JAX gives others that name, too
        return None
    try:
        texts = {text for text in _lambdas(f) if _same(f, text)}
    except OSError:  # no source
        return None
    if len(texts) != 1 or f.__defaults__ or f.__kwdefaults__:
        return None
    cells = dict(zip(f.__code__.co_freevars, f.__closure__ or ()))
    used = {name: cell.cell_contents for name, cell in cells.items()} | {
        name: f.__globals__[name] for name in f.__code__.co_names if name in f.__globals__}
    lines = []
    for name, x in used.items():
        if inspect.ismodule(x):
            lines.append(f"import {x.__name__} as {name}")
        elif name not in cells and f.__module__ != "__main__":
            lines.append(f"from {f.__module__} import {name}")
        elif (code := _value(x)) is not None:
            lines += [*code[1], *[f"{name} = {code[0]}"] * (code[0] != name)]
        else:
            return None
    return texts.pop(), [*lines, *([f"#{_in_file(f)}"] if _in_file(f) else [])]


def _lambdas(f: Any) -> set[str]:
    """The lambdas in the lines that f stands in, which may be a part of a call."""
    text = textwrap.dedent("".join(inspect.getsourcelines(f)[0])).strip()
    found = set()
    for begin in [match.start() for match in re.finditer(r"\blambda\b", text)]:
        for end in range(len(text), begin, -1):  # the longest that can be parsed
            with suppress(SyntaxError):
                node = ast.parse(text[begin:end], mode="eval").body
                node = node.elts[0] if isinstance(node, ast.Tuple) else node
                found |= {ast.unparse(node)} if isinstance(node, ast.Lambda) else set()
                break
    return found


def _same(f: Any, text: str) -> bool:
    """Whether the text has the function's names and numbers: its code may be compiled otherwise
    where it stands."""
    def parts(code: CodeType) -> tuple[Any, ...]:
        consts = [c for c in code.co_consts if c is not None and not isinstance(c, CodeType)]
        return code.co_names, code.co_varnames, code.co_freevars, repr(consts)

    cells = ", ".join(f.__code__.co_freevars)
    code = compile(f"def make({cells}):\n    return ({text})", "", "exec")
    for _ in range(2):  # the lambda in the function in the module
        code = next(c for c in code.co_consts if isinstance(c, CodeType))
    return parts(code) == parts(f.__code__)


# The inputs

def _number(value: Any) -> str:
    text = repr(float(value))
    return text.replace("inf", "np.inf").replace("nan", "np.nan")


def _written(x: np.ndarray, lines: int) -> str:
    """An array as NumPy code, or as a placeholder of its shape where that takes more lines."""
    if x.size == 0:
        return f"np.zeros({x.shape}, np.{x.dtype})"
    dtype = "" if x.dtype in (np.float64, np.int64, np.bool_) else f", np.{x.dtype}" if (
        x.dtype.kind != "V") else f", '{x.dtype}'"
    text = np.array2string(x, separator=", ", prefix="x0 = np.array(", max_line_width=95,
                           threshold=x.size + 1, formatter={"float_kind": _number}
                           ) if x.size <= 16 * lines else "\n" * lines
    if text.count("\n") >= lines:
        return f"...  # an array of shape {x.shape}, {x.dtype}"
    return f"np.array({text}{dtype})"
