"""What a step does with arrays, written down while it is done.

While a `Recorder` is active, a step computes with RecordedArrays (array.py). Everything that they
are asked for is computed at once, by NumPy or a kernel, and noted as an `Entry`: which function, of
which places, to where. A place is a stretch of a *buffer*, memory that the step asked for itself,
by number and offset: the list does not keep the memory alive, and another will stand in for it.
What was there before the step (parameters, inputs) stays where it is and is noted as the array.
"""
from __future__ import annotations

import operator
import sys
import threading
import weakref
from contextlib import contextmanager
from dataclasses import dataclass
from traceback import walk_stack
from typing import Any, Callable, Iterable, Iterator, NamedTuple

import numpy as np

from ...nested import leaves, mapped
from ...places import led_by

METADATA = {np.result_type, np.may_share_memory, np.shares_memory, np.can_cast, np.ndim, np.shape,
            np.size, np.iscomplexobj, np.isrealobj}  # ask for no element
_local = threading.local()


@dataclass(frozen=True)
class Place:
    """An array of the list: where in which buffer it begins, and how it lies there."""

    buffer: int
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: np.dtype


class Entry(NamedTuple):
    """A call of the list."""

    name: str
    function: Callable
    args: tuple
    options: dict[str, Any]
    out: tuple
    # "into": function(…, out=out); "copied": its result is copied there; "done": it changes arrays
    # or numbers in place, and returns nothing that is used
    how: str
    changed: frozenset[int]        # the numbers of the buffers that it writes to
    errors: dict[str, str] | None  # NumPy's for floating point, if others than around the step
    elementwise: bool = False


class Buffer:
    """Memory that the step asked for; `owner` is the array that has it, for as long as anybody
    needs it. number is None for memory from before the step."""

    __slots__ = ("number", "owner", "start", "__weakref__")

    def __init__(self, number: int | None, owner: np.ndarray):
        self.number, self.owner = number, owner
        self.start = np.lib.array_utils.byte_bounds(owner)[0]


class Recorded:
    """An array as the step sees it, without what it can do (array.py): `host` is where its elements
    are, `buffer` the memory that this is a part of."""

    __slots__ = ("host", "buffer", "__weakref__")

    def __init__(self, host: np.ndarray, buffer: Buffer):
        self.host, self.buffer = host, buffer


class Recorder:
    """The list of what a step does with arrays of a kind, as it grows."""

    def __init__(self, kind: type[Recorded]):
        self.kind = kind
        self.entries: list[Entry] = []
        self.sizes: list[int] = []  # of the buffers, in bytes
        self.states: list[Callable] = []  # of Python, see each_time
        self.restore: list[Callable[[], None]] = []
        self.given: dict[int, tuple[np.ndarray, Any]] = {}  # arrays from before, by id
        self.saved: dict[tuple, tuple[np.ndarray, np.ndarray]] = {}  # (written to, as it was)
        self.made: list[weakref.ref] = []
        self.errors = np.geterr()

    def wrap(self, array: np.ndarray) -> Any:
        """An array from before the step, as the step sees it: the same one each time."""
        if id(array) not in self.given:
            self.given[id(array)] = array, self.kind(array, Buffer(None, owner_of(array)))
        return self.given[id(array)][1]

    def new(self, array: np.ndarray) -> Any:
        """An array that the step made."""
        owner = owner_of(array)
        low, high = np.lib.array_utils.byte_bounds(owner)
        self.sizes.append(high - low)
        return self.part(array, Buffer(len(self.sizes) - 1, owner))

    def part(self, array: np.ndarray, buffer: Buffer) -> Any:
        """A view of a buffer."""
        made = self.kind(array, buffer)
        self.made.append(weakref.ref(made))
        return made

    def writing(self, arrays: Iterable) -> None:
        """Before they are written to: keep what those from before the step were."""
        for x in arrays:
            if x is not None and x.buffer.number is None:
                key = x.host.__array_interface__["data"], x.host.shape, x.host.strides, x.dtype
                self.saved.setdefault(key, (x.host, x.host.copy()))

    def take_back(self) -> None:
        """The step is not made: all from before it is as it was."""
        for array, was in reversed(self.saved.values()):
            array[...] = was
        for restore in reversed(self.restore):
            restore()

    def kept(self, left: Iterable) -> Any:
        """An array of the step that somebody still has, other than those; or None."""
        known = {id(x) for x in left}
        alive = [x for x in (ref() for ref in self.made) if x is not None and id(x) not in known]
        return alive[0] if alive else None

    def note(self, function: Callable, args: tuple, options: dict[str, Any], out: Iterable = (),
             how: str = "into", changed: Iterable = (), name: str = "",
             elementwise: bool = False) -> None:
        """Write a call down; its arrays, in args, options and out, as places."""
        out = tuple(out)
        numbers = frozenset([a.buffer.number for a in (*out, *changed)
                             if a is not None and a.buffer.number is not None])
        errors = np.geterr()
        self.entries.append(Entry(
            name or getattr(function, "__name__", "call"), function, mapped(place_of, args),
            mapped(place_of, options), mapped(place_of, out), how, numbers,
            None if errors == self.errors else errors, elementwise))

    def each_time(self, do: Callable[[], None], state: Callable[[], Callable[[], None]]) -> None:
        """Something that Python does now and in each replay; state() gives what puts back all that
        it changes."""
        self.states.append(state)
        self.restore.append(state())
        do()
        self.note(do, (), {}, how="done", name=getattr(do, "__name__", "call"))

    def ufunc(self, ufunc: np.ufunc, method: str, inputs: tuple, options: dict[str, Any]) -> Any:
        """What NumPy asks of an array that is among a ufunc's operands."""
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
        out = options.pop("out", ())
        out = out if isinstance(out, tuple) else (out,)
        hosts, named = mapped(host_of, inputs), mapped(host_of, options)
        if method == "at":
            self.writing(inputs[:1])
            function(*hosts, **named)
            return self.note(function, inputs, options, how="done", changed=inputs[:1], name=name)
        elementwise = method == "__call__" and ufunc.signature is None
        if any(o is not None for o in out):
            self.writing(out)
            function(*hosts, out=mapped(host_of, out), **named)
        else:
            results = function(*hosts, **named)
            out = [self.new(np.asarray(r)) for r in
                   (results if isinstance(results, tuple) else (results,))]
        self.note(function, inputs, options, out, name=name, elementwise=elementwise)
        return out[0] if len(out) == 1 else tuple(out)

    def call(self, function: Callable, args: tuple, options: dict[str, Any] | None = None,
             into: bool = False, name: str = "", pure: bool = False) -> Any:
        """function(*args, **options), computed and noted. What it returns may be an array, several,
        or views of arguments, which cost nothing; with None it changed its arguments. `into` says
        that it takes out=, `pure` that it changes no argument."""
        options = options or {}
        if function in METADATA:
            return function(*mapped(host_of, args), **mapped(host_of, options))
        operands = [x for x in leaves((args, options)) if isinstance(x, Recorded)]
        if not (into or pure) or options.get("out") is not None:
            self.writing(operands)
        result = function(*mapped(host_of, args), **mapped(host_of, options))
        if result is None or options.get("out") is not None:
            self.note(function, args, options, how="done", changed=operands, name=name)
            return options.get("out")
        several = isinstance(result, (tuple, list))
        results = list(result) if several else [result]
        if not all(isinstance(r, (np.ndarray, np.generic)) for r in results):
            raise refused(f"{function.__name__} of an array gives Python a number")
        owners = {id(x.buffer.owner): x.buffer for x in operands}
        arrays, made = [], []
        for array in map(np.asarray, results):
            buffer = owners.get(id(owner_of(array)))
            arrays.append(self.new(array) if buffer is None else self.part(array, buffer))
            made.append(arrays[-1] if buffer is None else None)
        if any(x is not None for x in made):
            whole = into and all(x is not None for x in made)
            self.note(function, args, options, made, "into" if whole else "copied", name=name)
        return arrays[0] if not several else type(result)(arrays)

    def copy(self, x: Any, dtype: Any = None, order: str = "C") -> Any:
        """x in memory of its own, of another dtype if it is given."""
        y = self.new(host_of(x).astype(dtype or x.dtype, order=order, copy=True))
        self.note(_cast, (x,), {}, (y,), name="copy" if x.dtype == y.dtype else "astype")
        return y

    def filled(self, array: np.ndarray, value: Any) -> Any:
        """A new array full of a value, or of another array's elements: array is full of it."""
        y = self.new(array)
        self.note(_cast, (value,), {}, (y,), name="fill")
        return y

    def assign(self, target: Any, value: Any) -> None:
        """target[...] = value."""
        host, new = target.host, host_of(value)
        if isinstance(new, np.ndarray) and _same_memory(host, new):
            return  # x[a:b] += 1 ends so
        self.writing((target,))
        host[...] = new
        self.note(operator.setitem, (target, ..., value), {}, how="done", changed=(target,),
                  name="assign")


def _cast(x: Any, out: np.ndarray) -> None:
    np.copyto(out, x, casting="unsafe")


def _same_memory(x: np.ndarray, y: np.ndarray) -> bool:
    return (x.__array_interface__["data"] == y.__array_interface__["data"]
            and (x.shape, x.strides, x.dtype) == (y.shape, y.strides, y.dtype))


def owner_of(array: np.ndarray) -> np.ndarray:
    """The array that has the memory which this one is a view of."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def host_of(x: Any) -> Any:
    """The NumPy array of a RecordedArray; numbers are what they are. Another array of NumPy's is
    refused: where it came from was not seen, and it would be the same in all replays."""
    if isinstance(x, Recorded):
        return x.host
    if isinstance(x, np.ndarray):
        raise refused(f"an array of shape {x.shape} that was made in the step, or is no Tensor's, "
                      "would be the same in all replays")
    return x


def place_of(x: Any) -> Any:
    """What an entry says of an argument."""
    if not isinstance(x, Recorded):
        return x
    if x.buffer.number is None:
        return x.host
    start = x.host.__array_interface__["data"][0] if x.host.size else x.buffer.start
    return Place(x.buffer.number, start - x.buffer.start, x.host.shape, x.host.strides,
                 x.host.dtype)


def active() -> Recorder | None:
    """The recorder of the step that is being recorded in this thread."""
    return getattr(_local, "recorder", None)


def recorder() -> Recorder:
    """The same, for an array of a recorded step."""
    if (current := active()) is None:
        raise refused("an array of a step that was recorded is used after it")
    return current


@contextmanager
def recording(kind: type[Recorded]) -> Iterator[Recorder]:
    """`with recording(kind) as recorder:` makes a new recorder the active one."""
    _local.recorder = Recorder(kind)
    try:
        yield _local.recorder
    finally:
        _local.recorder = None


def refused(what: str) -> Exception:
    """The error for what cannot be recorded, with the lines of minigan that asked for it."""
    from ... import BackendError  # the package imports this one first

    return BackendError(f"{what} (by {led_by(walk_stack(sys._getframe(1)), __package__, 'numpy')})")
