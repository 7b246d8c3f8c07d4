"""Public functions that say what is wrong with their arguments.

`checked` holds the arguments against the annotations before the call. `explained`, which costs
next to nothing, tells after a failure in minigan's or the array library's code how the function
was called. What minigan raised on purpose, or somebody else's code, is left as it is.
"""
from __future__ import annotations

import collections.abc as abc
import dis
import inspect
import types
import typing
from functools import cache, wraps
from numbers import Integral, Real
from typing import Any, Callable, Iterable, Mapping, TypeVar

import numpy as np

from .errors import UserError, did_you_mean
from .habits import usual_name

F = TypeVar("F", bound=Callable[..., Any])

_LIBRARIES = {"numpy", "cupy", "matplotlib", "PIL", "scipy"}  # what they raise is about our call


def checked(f: F) -> F:
    """A function, or a class and its `__init__`, that raises for an argument which its annotation
    does not allow: TypeError for another type, UserError for a value that is not of the Kind
    (settings.py). Any allows everything."""
    if isinstance(f, type):
        f.__init__ = checked(f.__init__)
        return f

    @wraps(f)
    def call(*args: Any, **options: Any) -> Any:
        try:
            given = inspect.signature(f).bind(*args, **options).arguments
        except TypeError as error:
            raise wrongly_called(f, options, error) from None
        for name, (hint, bare) in _hints(f).items():
            if name in given and not _fits(given[name], hint):
                error = UserError if _fits(given[name], bare) else TypeError
                raise error(f"{_name(f)}: {name} is {_words(hint)}, not {shown(given[name])}")
        return run(*args, **options)

    run = explained(f)
    return typing.cast(F, call)


def explained(f: F) -> F:
    """A function whose failures from inside are told in words, see `in_words`."""
    @wraps(f)
    def call(*args: Any, **options: Any) -> Any:
        try:
            return f(*args, **options)
        except Exception as error:
            if error.__traceback__.tb_next is None:
                raise wrongly_called(f, options, error) from None
            if is_from_inside(error):
                names = list(inspect.signature(f).parameters)
                raise in_words(_name(f), args[names[:1] == ["self"]:], options, error) from error
            raise

    return typing.cast(F, call)


def is_from_inside(error: Exception) -> bool:
    """Whether minigan did not raise it on purpose, nor anybody else's code, nor the system."""
    traceback = error.__traceback__
    while traceback.tb_next:
        traceback = traceback.tb_next
    code = traceback.tb_frame.f_code
    package = traceback.tb_frame.f_globals.get("__name__", "").partition(".")[0]
    on_purpose = code.co_code[traceback.tb_lasti] == dis.opmap["RAISE_VARARGS"]
    ours = package in _LIBRARIES or package == "minigan" and not on_purpose
    return ours and not isinstance(error, OSError)


def in_words(name: str, args: Iterable[Any], options: Mapping[str, Any], error: Exception
             ) -> Exception:
    """What failed, with which arguments, and why: an error that Python takes for one of the kind
    that it was."""
    call = [*map(shown, args), *[f"{k}={shown(v)}" for k, v in options.items()]]
    kinds = [k for k in (ValueError, TypeError, IndexError, MemoryError) if isinstance(error, k)]
    kind = [*kinds, TypeError if isinstance(error, AttributeError) else ValueError][0]
    return kind(f"{name}({', '.join(call)}): {str(error).strip() or type(error).__name__}")


def wrongly_called(f: Callable, options: Mapping[str, Any], error: TypeError) -> TypeError:
    """What is said of a call that f's signature does not allow."""
    parameters = inspect.signature(f).parameters
    names = [name for name in parameters if name != "self"]
    for name in options:
        if name not in names and f"argument '{name}'" in str(error):
            hint = usual_name("argument", name) or did_you_mean(name, names)
            return TypeError(f"{_name(f)} has no argument {name!r}{hint}")
    plain = [p.replace(annotation=p.empty) for p in parameters.values() if p.name != "self"]
    return TypeError(f"{_name(f)}{inspect.Signature(plain)}: {error}")


def shown(value: Any) -> str:
    """A value in a message, in a few words: an array by its type and shape."""
    if hasattr(value, "dtype") and getattr(value, "shape", None):
        what = "a tensor" if hasattr(value, "requires_grad") else "an array"
        return f"{what} of {value.dtype} {value.shape}"
    text = repr(value)
    return text if len(text) < 60 and "\n" not in text else f"a {type(value).__name__}"


def _name(f: Callable) -> str:
    """A function's name; of `__init__` the class's."""
    return f.__qualname__.removesuffix(".__init__").rpartition(".<locals>.")[2]


@cache
def _hints(f: Callable) -> dict[str, tuple[Any, Any]]:
    """The annotation of each argument, with and without its Kind."""
    several = {inspect.Parameter.VAR_POSITIONAL: tuple, inspect.Parameter.VAR_KEYWORD: dict}
    full, bare = typing.get_type_hints(f, include_extras=True), typing.get_type_hints(f)
    hints = {}
    for name, parameter in inspect.signature(f).parameters.items():
        if name in full:
            pair = full[name], bare[name]
            if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                pair = tuple(tuple[hint, ...] for hint in pair)
            elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
                pair = tuple(dict[str, hint] for hint in pair)
            hints[name] = pair
    return hints


def _fits(value: Any, hint: Any) -> bool:
    """Whether an annotation allows the value. NumPy's numbers are numbers, NaN is none."""
    origin, args = typing.get_origin(hint) or hint, typing.get_args(hint)
    if hint is Any or isinstance(hint, TypeVar):
        return True
    if origin is typing.Annotated:
        return args[1].fits(value)
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, arg) for arg in args)
    if origin in (int, float):
        number = Integral if origin is int else Real
        return isinstance(value, number) and not isinstance(value, bool) and value == value
    if origin is tuple and args:
        if args[-1] is not ...:
            return (isinstance(value, (tuple, list)) and len(value) == len(args)
                    and all(map(_fits, value, args)))
        return isinstance(value, (tuple, list)) and all(_fits(v, args[0]) for v in value)
    if origin is dict and args:
        return isinstance(value, dict) and all(_fits(v, args[1]) for v in value.values())
    if origin is bool:
        return isinstance(value, (bool, np.bool_))
    return isinstance(value, origin) and not (isinstance(value, str) and origin is not str)


def _words(hint: Any) -> str:
    """An annotation as a message says it."""
    origin, args = typing.get_origin(hint) or hint, typing.get_args(hint)
    if origin is typing.Annotated:
        return args[1].what
    if origin in (typing.Union, types.UnionType):
        return " or ".join(map(_words, args))
    if origin is tuple and args:
        inner = [_words(arg) for arg in args if arg is not ...]
        return f"a tuple of {inner[0]}" if args[-1] is ... else f"a tuple ({', '.join(inner)})"
    words = {int: "a whole number", float: "a number", bool: "True or False", str: "a string",
             type(None): "None", np.ndarray: "an array of NumPy", abc.Callable: "a function",
             np.random.Generator: "a numpy.random.Generator", abc.Iterable: "an iterable",
             abc.Sequence: "a list"}
    return words.get(origin) or f"a {getattr(origin, '__name__', origin)}"
