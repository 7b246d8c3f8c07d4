"""Calls with one wrong argument, and how they end."""
from __future__ import annotations

import ast
import contextlib
import dis
import inspect
import io
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple

import numpy as np

import minigan as mg
from minigan import nn
from tests.strict import STRICT

from . import calls

PACKAGE = str(Path(mg.__file__).parent)
NAMES = {**{name: getattr(mg, name) for name in mg.__all__}, **vars(calls)}
NOT_THERE = object()  # what cannot be made wrong in this way


def of_data(change: Callable, other: Any = NOT_THERE) -> Callable[[Any], Any]:
    """A change of the data of a Tensor or an array; another right argument becomes `other`."""
    def changed(right: Any) -> Any:
        if isinstance(right, mg.Tensor):
            return mg.tensor(change(right.numpy()))
        return change(right) if isinstance(right, np.ndarray) else other
    return changed


def elsewhere(right: Any) -> Any:
    array = right.data if isinstance(right, mg.Tensor) else right
    if not isinstance(array, np.ndarray):
        return NOT_THERE
    there = STRICT.from_numpy(array)
    return mg.Tensor(there) if isinstance(right, mg.Tensor) else there


# what a right argument is exchanged for
WRONG: dict[str, Callable[[Any], Any]] = {
    "None": lambda right: None,
    "a string": lambda right: "banana",
    "a list": lambda right: [1.0, 2.0],
    "another rank": of_data(lambda array: array[None]),
    "another dtype": of_data(lambda array: array > 0),
    "NaN": of_data(lambda array: array * np.float32(np.nan), float("nan")),
    "empty": of_data(lambda array: array[..., :0] if array.ndim else array, ()),
    "2.5": lambda right: 2.5,
    "-1": lambda right: -1,
    "2 ** 62": lambda right: 2 ** 62,
    "another device's": elsewhere,
    "a module": lambda right: nn.ReLU(),
}


class End(NamedTuple):
    """How a call with a wrong argument ended: in a "sentence", a "value", or an error from
    "inside"."""

    name: str
    argument: int | str
    kind: str
    how: str
    said: str = ""


def ends(row: str) -> Iterator[End]:
    """Every argument of a right call exchanged for every wrong one, in turn."""
    node = ast.parse(row, mode="eval").body
    name = ast.unparse(node.func)
    f, args, options = parts(node)
    for place in [*range(len(args)), *options]:
        for kind, make in WRONG.items():
            f, args, options = parts(node)
            given = args if isinstance(place, int) else options
            wrong = make(given[place])
            if wrong is not NOT_THERE and not (wrong is None and is_optional(f, place)):
                given[place] = wrong
                yield End(name, place, kind, *outcome(f, args, options))


@cache  # each is evaluated anew for every wrong argument of its row
def code(part: ast.expr) -> CodeType:
    return compile(ast.Expression(part), "<call>", "eval")


def parts(node: ast.Call) -> tuple[Callable, list[Any], dict[str, Any]]:
    """The function of a call and its arguments, all made anew."""
    def value(part: ast.expr) -> Any:
        return eval(code(part), NAMES)

    args: list[Any] = []
    for part in node.args:
        args.extend(value(part.value) if isinstance(part, ast.Starred) else [value(part)])
    return value(node.func), args, {k.arg: value(k.value) for k in node.keywords}


def is_optional(f: Callable, place: int | str) -> bool:
    """Whether None is what the argument is by default."""
    parameters = inspect.signature(f).parameters
    if isinstance(place, int):
        place = [*parameters, *[""] * place][place]
    return place in parameters and parameters[place].default is None


def outcome(f: Callable, args: list[Any], options: dict[str, Any]) -> tuple[str, str]:
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            f(*args, **options)
        except Exception as error:
            how = "sentence" if is_a_sentence(error) else "inside"
            return how, f"{type(error).__name__}: {error}"
    return "value", ""


def is_a_sentence(error: Exception) -> bool:
    """Whether minigan raised it, on purpose; or the system, of a missing file or package."""
    traceback = error.__traceback__
    while traceback.tb_next:
        traceback = traceback.tb_next
    code = traceback.tb_frame.f_code
    raised = code.co_code[traceback.tb_lasti] == dis.opmap["RAISE_VARARGS"]
    return raised and code.co_filename.startswith(PACKAGE) or isinstance(
        error, (OSError, ImportError))
