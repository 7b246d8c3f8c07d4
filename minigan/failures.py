"""What is said of a call that failed inside: how it was called, and why it failed.

What minigan raised on purpose, and what went wrong in somebody else's code, are left as they are.
"""
from __future__ import annotations

import dis
import inspect
import re
import sys
from typing import Any, Callable, Iterable, Mapping

from .errors import did_you_mean
from .habits import usual_name

LIBRARIES = {"numpy", "matplotlib", "PIL", "scipy"}  # what they raise is about our call
_OF_ARGUMENTS = (TypeError, ValueError, LookupError, AttributeError, OverflowError,
                 ZeroDivisionError, MemoryError)
_RAISE = dis.opmap["RAISE_VARARGS"]  # the instruction of a `raise` that was written


def explained(f: Callable, args: tuple, options: Mapping[str, Any], error: Exception) -> Exception:
    """The error that a call of f is to end in, where it ended in this one."""
    if isinstance(error, TypeError) and str(error).startswith(f"{f.__qualname__}()"):
        return wrongly_called(f, options, error)
    if not is_from_inside(error):
        return error
    method = "self" in inspect.signature(f).parameters
    return in_words(name_of(f), args[method:], options, error)


def wrongly_called(f: Callable, options: Mapping[str, Any], error: TypeError) -> TypeError:
    """What is said of a call that f's signature does not allow."""
    parameters = [p for p in inspect.signature(f).parameters.values() if p.name != "self"]
    names = [p.name for p in parameters]
    for name in options:
        if name not in names and f"argument '{name}'" in str(error):
            hint = usual_name("argument", name) or did_you_mean(name, names)
            return TypeError(f"{name_of(f)} has no argument {name!r}{hint}")
    plain = inspect.Signature([p.replace(annotation=p.empty) for p in parameters])
    call = re.sub(r"<function (\S+) at \w+>", r"\1", str(plain))  # defaults by their names
    return TypeError(f"{name_of(f)}{call}: {error}")


def in_words(name: str, args: Iterable[Any], options: Mapping[str, Any], error: Exception
             ) -> Exception:
    """What failed, with which arguments, and why: an error that Python takes for one of the kind
    that it was."""
    call = [*map(shown, args), *[f"{k}={shown(v)}" for k, v in options.items()]]
    kinds = [k for k in (ValueError, TypeError, IndexError, MemoryError) if isinstance(error, k)]
    kind = [*kinds, TypeError if isinstance(error, AttributeError) else ValueError][0]
    why = str(error).strip() or type(error).__name__
    if "object has no attribute" in why and any(isinstance(arg, (list, tuple)) for arg in args):
        why += ": mg.tensor makes a tensor of a list"
    return kind(f"{name}({', '.join(call)}): {why}")


def is_from_inside(error: Exception) -> bool:
    """Whether it is about arguments, and neither minigan raised it on purpose nor anybody else."""
    traceback, ours, on_purpose = error.__traceback__, False, False
    while traceback:
        package = traceback.tb_frame.f_globals.get("__name__", "").partition(".")[0]
        code = traceback.tb_frame.f_code.co_code
        if package not in LIBRARIES and package not in sys.stdlib_module_names:
            ours = package == "minigan"  # they do what the frame before asks for
        on_purpose = package == "minigan" and code[traceback.tb_lasti] == _RAISE
        traceback = traceback.tb_next
    return ours and not on_purpose and isinstance(error, _OF_ARGUMENTS)


def shown(value: Any) -> str:
    """A value in a message, in a few words: an array by its type and shape."""
    if hasattr(value, "dtype") and isinstance(getattr(value, "shape", None), tuple) and value.shape:
        what = "a tensor" if hasattr(value, "requires_grad") else "an array"
        return f"{what} of {value.dtype} {value.shape}"
    text = repr(value)
    return text if len(text) < 60 and "\n" not in text else f"a {type(value).__name__}"


def name_of(f: Callable) -> str:
    """A function's name; of `__init__` the class's."""
    return f.__qualname__.removesuffix(".__init__").rpartition(".<locals>.")[2]
