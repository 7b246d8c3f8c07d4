"""What Python decided by when a step was recorded: the numbers, flags and objects that it reads.

A replay does what the recorded step did. If a penalty got another weight meanwhile, or a layer was
frozen or set to evaluate, that is another step, and it is recorded anew. So everything that the
step can reach is remembered as it was: the attributes of its objects, the elements of its lists,
what its functions refer to. What changes from one step to the next (a count, a rate that is read
when noise is drawn) is no decision, and left out.
"""
from __future__ import annotations

from functools import partial
from operator import is_
from types import FunctionType, MethodType
from typing import Any, Callable, Iterable, Iterator

from .. import backend
from ..autodiff import Tensor
from .draws import Draws
from .scalar import Scalar

MANY = 1000  # elements of a list that is data, and not looked through
PLAIN = (int, float, str, bool, type(None), complex, bytes)  # equal is the same
READ_ANEW = (Tensor, Scalar, Draws)  # by each replay

Read = Callable[[], Iterable[Any]]


class Decided:
    """All that a step reads in Python, as it is now. `scalars` are what it reads anew each time."""

    def __init__(self, step: Callable):
        self.scalars: list[Scalar] = []
        self.stores: list[tuple[Read, list]] = [
            (read, [*read()]) for read in _stores(step, self.scalars)]

    def settle(self) -> None:
        """Leave out what has changed since."""
        settled = []
        for read, values in self.stores:
            now = [*read()]
            kept = [k for k, pair in enumerate(zip(now, values)) if not _other(*pair)]
            if len(now) == len(values) == len(kept):
                settled.append((read, values))
            elif len(now) == len(values):
                settled.append((partial(_some, read, kept), [values[k] for k in kept]))
        self.stores = settled

    def is_changed(self) -> bool:
        """Whether anything else is in its place now."""
        for read, values in self.stores:
            now = [*read()]
            if not (len(now) == len(values) and all(map(is_, now, values))) and (
                    len(now) != len(values) or any(map(_other, now, values))):
                return True
        return False


def _other(x: Any, y: Any) -> bool:
    return x is not y and not (isinstance(x, PLAIN) and isinstance(y, PLAIN) and x == y)


def _some(read: Read, kept: list[int]) -> list:
    values = [*read()]
    return [values[k] for k in kept if k < len(values)]


def _stores(step: Callable, scalars: list[Scalar]) -> Iterator[Read]:
    """For everything that keeps what the step reaches, a function that reads it. Scalars on the way
    are added to those given."""
    seen: set = set()
    waiting = [step]
    while waiting:
        x = waiting.pop()
        # a bound method is another object each time
        key = (id(x.__func__), id(x.__self__)) if isinstance(x, MethodType) else id(x)
        if key in seen or isinstance(x, (*PLAIN, *READ_ANEW, type)) or backend.is_array(x):
            if isinstance(x, Scalar) and all(x is not s for s in scalars):
                scalars.append(x)
            continue
        seen.add(key)
        for read in _reads(x):
            waiting.extend(read())
            yield read


def _reads(x: Any) -> list[Read]:
    """What x refers to, by functions that read it."""
    if isinstance(x, MethodType):
        return _of_code(x.__func__, x.__self__)
    if isinstance(x, FunctionType):
        return _of_code(x, None)
    if isinstance(x, partial):
        return [lambda: (x.func, *x.args, *x.keywords.values())]
    if isinstance(x, dict):
        return [x.values] if len(x) < MANY else []
    if isinstance(x, (list, tuple, set)):
        return [x.__iter__] if len(x) < MANY else []
    if type(x).__module__.partition(".")[0] in ("builtins", "numpy", "cupy"):
        return []
    reads: list[Read] = [vars(x).values] if isinstance(getattr(x, "__dict__", None), dict) else []
    slots = [name for kind in type(x).__mro__ for name in getattr(kind, "__slots__", ())
             if not name.startswith("__") and hasattr(x, name)]
    return [*reads, lambda: [getattr(x, name, None) for name in slots]] if slots else reads


def _of_code(f: FunctionType, owner: Any) -> list[Read]:
    """What a function's code names: variables around it, and attributes of the object that it is a
    method of. minigan's own functions are as they are."""
    names = f.__code__.co_names
    cells = [cell for cell in f.__closure__ or ()]
    reads: list[Read] = [lambda: [_inside(cell) for cell in cells]] if cells else []
    if owner is not None:
        own = [name for name in names if name in getattr(owner, "__dict__", {})]
        methods = [getattr(owner, name) for name in names
                   if name not in own and isinstance(getattr(type(owner), name, None),
                                                     FunctionType)]
        reads += [lambda: [getattr(owner, name, None) for name in own], lambda: methods]
    if f.__module__.partition(".")[0] != "minigan":
        known = [name for name in names if name in f.__globals__]
        reads.append(lambda: [f.__globals__.get(name) for name in known])
    return reads


def _inside(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not yet
        return None
