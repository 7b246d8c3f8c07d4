"""Public functions whose annotations are what their arguments are held against.

A failure inside is told by failures.py.
"""
from __future__ import annotations

import collections.abc as abc
import inspect
import types
import typing
from functools import cache, wraps
from numbers import Integral, Real
from typing import Any, Callable, TypeVar

import numpy as np

from .errors import UserError
from .failures import explained, name_of, shown

__tracebackhide__ = True  # pytest: the frames of the functions say what went wrong
F = TypeVar("F", bound=Callable[..., Any])
Test = Callable[[Any], bool]
_WORDS = {int: "a whole number", float: "a number", bool: "True or False", str: "a string",
          type(None): "None", np.ndarray: "an array of NumPy or a list", abc.Sequence: "a list",
          abc.Callable: "a function", abc.Iterable: "an iterable",
          np.random.Generator: "a numpy.random.Generator"}


def checked(f: F) -> F:
    """A function, or a class and its `__init__`, that raises for an argument which its annotation
    does not allow: TypeError for another type, UserError for a value that is not of the Kind
    (settings.py). Any allows everything."""
    if isinstance(f, type):
        f.__init__ = checked(_init(f))
        return f

    tests: list[tuple[str, int, Any, Test]] | None = None  # made at the first call

    @wraps(f)
    def call(*args: Any, **options: Any) -> Any:
        nonlocal tests
        if tests is None:
            tests = _tests(f)
        for name, first, where, test in tests:
            if first < len(args):
                value = args[where]
            elif name in options:
                value = options[name]
            else:
                continue
            if not test(value):
                raise refused(f, name, value)
        try:
            return f(*args, **options)
        except Exception as error:
            if (told := explained(f, args, options, error)) is not error:
                raise told from error
            raise

    return typing.cast(F, call)


def _init(of: type) -> Callable:
    """The `__init__` of a class; one that it inherits is copied, for messages to say its name."""
    init = of.__init__
    if "__init__" not in vars(of):
        init = types.FunctionType(init.__code__, init.__globals__, init.__name__,
                                  init.__defaults__, init.__closure__)
        init.__annotations__ = of.__init__.__annotations__
        init.__qualname__ = f"{of.__qualname__}.__init__"
    return init


def refused(f: Callable, name: str, value: Any) -> Exception:
    """What is said of an argument that its annotation does not allow."""
    hint, bare = (typing.get_type_hints(f, include_extras=extras)[name] for extras in (True, False))
    is_nan = isinstance(value, Real) and value != value
    is_word = typing.get_origin(hint) is typing.Literal and isinstance(value, str)
    kind = UserError if is_nan or is_word or _test(bare)(value) else TypeError
    for part in (hint, *typing.get_args(hint)):
        if typing.get_origin(part) is typing.Annotated and part.__metadata__[0].wrong:
            if kind is UserError and not is_nan:
                return UserError(part.__metadata__[0].wrong(value))
    return kind(f"{name_of(f)}: {name} is {_words(hint)}, not {shown(value)}")


# Annotations
def _tests(f: Callable) -> list[tuple[str, int, int | slice, Test]]:
    """What is to be tested of a call: an argument's name, its first place, where it stands among
    the positional ones, and the test."""
    hints = typing.get_type_hints(f, include_extras=True)
    tests = []
    for i, (name, parameter) in enumerate(inspect.signature(f).parameters.items()):
        hint = hints.get(name, Any)
        if hint is Any or parameter.kind is parameter.VAR_KEYWORD:
            continue
        if parameter.kind is parameter.VAR_POSITIONAL:
            tests.append((name, i, slice(i, None), _test(tuple[hint, ...])))
        else:
            only_named = parameter.kind is parameter.KEYWORD_ONLY
            tests.append((name, 10 ** 6 if only_named else i, i, _test(hint)))
    return tests


@cache
def _test(hint: Any) -> Test:
    """Whether an annotation allows a value. NumPy's numbers are numbers, NaN is none."""
    origin, args = typing.get_origin(hint) or hint, typing.get_args(hint)
    if hint is Any or isinstance(hint, TypeVar):
        return lambda value: True
    if origin is typing.Annotated:
        return lambda value: args[1].fits(_plain(value))
    if origin is typing.Literal:
        return lambda value: isinstance(value, str) and value in args
    if origin in (typing.Union, types.UnionType):
        tests = [_test(arg) for arg in args]
        return lambda value: any(test(value) for test in tests)
    if origin in (int, float):
        number = Integral if origin is int else Real
        return lambda x: isinstance(x := _plain(x), number) and not isinstance(x, bool) and x == x
    if origin is tuple and args:
        tests = [_test(arg) for arg in args if arg is not ...]
        several = args[-1] is ...
        return lambda value: (isinstance(value, (tuple, list, np.ndarray))
                              and (several or len(value) == len(tests))
                              and all(t(v) for t, v in zip(tests * len(value), value)))
    if origin is bool:
        return lambda value: isinstance(value, (bool, np.bool_)) or type(value) is int and (
            value in (0, 1))
    if getattr(origin, "__name__", "") == "Tensor":  # arrays are taken for tensors,
        return lambda value: hasattr(value, "__array__")
    if origin is np.ndarray:  # and tensors for arrays, and lists
        return lambda value: hasattr(value, "__array__") or isinstance(value, (list, tuple))
    types_ = (abc.Sequence, np.ndarray) if origin is abc.Sequence else origin
    return lambda value: isinstance(value, types_) and (origin is str or type(value) is not str)


def _plain(value: Any) -> Any:
    """NumPy's array of one number as that number."""
    return value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value


def _words(hint: Any) -> str:
    """An annotation as a message says it."""
    origin, args = typing.get_origin(hint) or hint, typing.get_args(hint)
    if origin is typing.Annotated:
        return args[1].what
    if origin is typing.Literal:
        return f"one of {', '.join(args)}"
    if origin in (typing.Union, types.UnionType):
        return " or ".join(map(_words, args))
    if origin is tuple and args:
        inner = [_words(arg) for arg in args if arg is not ...]
        return f"a tuple of {inner[0]}" if args[-1] is ... else f"a tuple ({', '.join(inner)})"
    name = getattr(origin, "__name__", str(origin))
    return _WORDS.get(origin) or f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"
