"""WHICH array library computes: NumPy, CuPy, or one that you register.

The rest of minigan never names NumPy when it touches a tensor's data. It asks this module for
three things: the array module of an array (`array_module(x).exp`), the kernels for an array
(`kernels(x).sigmoid`), and moves between the host and a device.
"""
from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any, Callable

import numpy

from ..checked import checked
from ..errors import UserError
from ..failures import LIBRARIES
from . import cpu
from .arrays import is_half
from .cpu.recording import array as _array, calls as _calls, functions as _functions
from .cpu.recording import kernels as _kernels, recorder as _recorder

__all__ = ["Backend", "BackendError", "array_module", "asarray", "called", "current", "each_time",
           "get", "is_array", "is_half", "is_host", "is_scalar", "kernels", "number", "of", "plain",
           "refuse_recording", "register", "result", "seen", "to_device", "to_numpy", "use"]

Array = Any  # a numpy.ndarray, a cupy.ndarray or a registered backend's array


class BackendError(UserError, RuntimeError):
    """The array library that was asked for cannot compute here; the message says what to do."""


@dataclass(frozen=True)
class Backend:
    """One array library, described by what the engine needs to know of it."""

    name: str
    xp: Any                                   # its module: xp.exp, xp.zeros, ...
    array_type: type
    kernels: ModuleType                       # reference.py's names, perhaps faster
    from_numpy: Callable[[numpy.ndarray], Array]
    to_numpy: Callable[[Array], numpy.ndarray]  # always a copy, in C order
    # (run, arrays) ↦ (value, outputs, replay). run(the arrays, as a recorded step sees them) makes
    # the step, and returns a value and the arrays that outlive it; replay() does the same work
    # again, and writes to the outputs. Raises BackendError for what cannot be recorded
    capture: Callable[[Callable, list], tuple[Any, list, Callable[[], None]]]


_NUMBERS = (int, float, numpy.integer, numpy.floating, numpy.bool_)
_ALIASES = {"cpu": "numpy", "cuda": "cupy"}
_backends: dict[str, Backend] = {}
_by_type: dict[type, Backend] = {}
_current: Backend


def register(backend: Backend) -> None:
    """Make a further array library known to `use` (the tests register a strict stand-in)."""
    _backends[backend.name] = backend
    _by_type[backend.array_type] = backend
    LIBRARIES.add(backend.array_type.__module__.partition(".")[0])


def get(name: str) -> Backend:
    """The backend of that name or device ("numpy", "cupy", "cpu", "cuda"), loaded if need be.

    Raises BackendError, in one line, for an unknown name, a missing CuPy or a missing GPU.
    """
    name = _ALIASES.get(name, name)
    if name == "cupy" and name not in _backends:
        from . import cuda  # an optional dependency: imported where it is asked for
        register(cuda.load())
    if name not in _backends:
        known = ", ".join(sorted({*_backends, "cupy"}))
        raise BackendError(f"there is no backend {name!r}; known are: {known}")
    return _backends[name]


@checked
def use(name: str) -> None:
    """Choose where new tensors, parameters and noise are made: "numpy" or "cupy"."""
    global _current
    _current = get(name)


def current() -> Backend:
    """The default backend, the one `use` chose last."""
    return _current


def of(x: Array) -> Backend:
    """The backend that an array belongs to. Raises TypeError for what is no array."""
    backend = _by_type.get(type(x))
    if backend is not None:
        return backend
    for array_type, backend in _by_type.items():
        if isinstance(x, array_type):
            return backend
    raise TypeError(f"expected an array of {' or '.join(_backends)}, got {type(x).__name__}: "
                    "make it a tensor with mg.tensor(...)")


def is_host(x: Array) -> bool:
    """Whether x lies in host memory, where Python can look at it without waiting for a device."""
    return of(x).array_type is numpy.ndarray


def is_array(x: object) -> bool:
    """Whether x is an array of a known backend."""
    return type(x) in _by_type or isinstance(x, tuple(_by_type))


def result(x: Any) -> Array:
    """What an operation computed, as an array: NumPy returns a scalar where others keep 0-d."""
    return x if type(x) in _by_type else numpy.asarray(x) if isinstance(x, numpy.generic) else x


def array_module(x: Array) -> Any:
    """The module whose functions work on x: numpy, cupy, ..."""
    return of(x).xp


def kernels(x: Array) -> ModuleType:
    """The kernels (see reference.py) for x's device."""
    return of(x).kernels


def asarray(data: Any, dtype: Any = None) -> Array:
    """data on the default backend, copied only if it has to be.

    Arrays and NumPy scalars keep their dtype, Python ints and bools become int64 and bool, and
    Python floats become float32, the dtype of parameters. Raises TypeError for what is no number.
    """
    there = is_array(data) and of(data).name == _current.name
    host = data if there else to_numpy(data) if is_array(data) else numpy.asarray(data)
    if host.dtype.kind not in "fiub":
        raise TypeError(f"expected numbers, got {type(data).__name__} of {host.dtype}")
    if there:
        return data if dtype is None or data.dtype == dtype else data.astype(dtype)
    if dtype is None and host.dtype == numpy.float64 and not _has_dtype(data):
        dtype = numpy.float32
    return _current.from_numpy(host if dtype is None else host.astype(dtype))


def is_scalar(data: object) -> bool:
    """Whether data is one number: Python's, NumPy's, or an array without axes."""
    return isinstance(data, _NUMBERS) or is_array(data) and data.ndim == 0


def plain(value: Any) -> Any:
    """A NumPy number, or NumPy's array of one, as Python's, which never promotes."""
    if isinstance(value, (numpy.generic, numpy.ndarray)) and value.ndim == 0:
        return value.item()
    return value


def number(value: Any, like: Array) -> Array:
    """A scalar as a 0-d array beside `like`: of its device, and of its dtype unless that could not
    hold it (a float beside integers is float64, an integer beside booleans int64). A device's
    array of one number takes the dtype of floats alone: to see whether it fits would be to wait."""
    value = plain(value)
    if is_array(value):
        return value.astype(like.dtype if like.dtype.kind == "f" else value.dtype)  # a copy
    holds = like.dtype.kind == "f" or like.dtype.kind in "iu" and isinstance(value, int)
    dtype = like.dtype if holds else None
    host = numpy.array(value, dtype)
    if is_host(like):
        return host
    return array_module(like).full((), value, host.dtype)  # a copy could not be captured


def _has_dtype(data: Any) -> bool:
    """Whether data says which precision it is in (a list of NumPy scalars does, in its first)."""
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    return hasattr(data, "dtype")


def to_numpy(x: Array) -> numpy.ndarray:
    """A copy of x in host memory."""
    return of(x).to_numpy(x)


def to_device(x: Array, device: str) -> Array:
    """x on the named backend or device; x itself if it is there already."""
    target = get(device)
    return x if of(x).name == target.name else target.from_numpy(to_numpy(x))


# A step that is recorded on the CPU (see cpu/recording)

def seen(x: Any) -> Any:
    """An array that lies where it lay before the step, or a list of them, as the step is to see it:
    while it is recorded on the CPU its own stand-in, else x."""
    if (recorder := _recorder.active()) is None:
        return x
    if isinstance(x, list):
        return [seen(array) for array in x]
    return recorder.wrap(x) if is_host(x) else x


def refuse_recording(why: str) -> None:
    """Raise if a step is being recorded on the CPU."""
    if _recorder.active() is not None:
        raise _recorder.refused(why)


def each_time(do: Callable[[], Any], state: Callable[[], Callable] = lambda: lambda: None) -> None:
    """do(), now and at each replay of a step that is recorded on the CPU. state() is to return a
    function that puts back what do() changes, as it is now; by default there is nothing to."""
    if (recorder := _recorder.active()) is None:
        do()
    else:
        recorder.each_time(do, state)


def called(function: Callable, *args: Any) -> Any:
    """function(*args), which takes arrays, also in lists, changes none of them, and returns a new
    one, or several. In a step that is recorded on the CPU it gets NumPy's, now and at each
    replay."""
    if (recorder := _recorder.active()) is None:
        return function(*args)
    return recorder.call(function, args, pure=True)


register(Backend("numpy", numpy, numpy.ndarray, cpu, numpy.asarray,
                 lambda x: numpy.array(x, order="C"),  # in its bare bytes, too, it is x
                 _calls.capture))
_by_type[_array.RecordedArray] = Backend(
    "numpy", _functions.Module(), _array.RecordedArray, _kernels, _recorder.host_of,
    lambda x: x.item(), _calls.capture)
use("numpy")
