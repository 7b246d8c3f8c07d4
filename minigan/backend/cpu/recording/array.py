"""An array as a step sees it while it is recorded."""
from __future__ import annotations

import operator
from typing import Any, Callable

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from ...nested import mapped
from .functions import FUNCTIONS, WITH_OUT
from .recorder import Recorded, host_of, recorder, refused

VIEWS = "transpose", "swapaxes", "squeeze", "view", "diagonal"
REDUCTIONS = {"sum": np.add, "prod": np.multiply, "max": np.maximum, "min": np.minimum,
              "any": np.logical_or, "all": np.logical_and}
FAST_POWERS = {2: np.square, 0.5: np.sqrt, 1: np.positive, -1: np.reciprocal}


class RecordedArray(NDArrayOperatorsMixin, Recorded):
    """A wrapper of an array, and no subclass of NumPy's, whose methods would be called without a
    word. Its operators are ufuncs."""

    __slots__ = ()
    __hash__ = None

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if any(map(_foreign, inputs)):
            return NotImplemented
        return recorder().ufunc(ufunc, method, inputs, options)

    def __array_function__(self, function: Callable, types: Any, args: Any, options: Any) -> Any:
        special = FUNCTIONS.get(function)
        if special is not None:
            return special(*args, **options)
        return recorder().call(function, args, options, function in WITH_OUT)

    def __getattr__(self, name: str) -> Any:
        method = getattr(np.ndarray, name, None)
        if not callable(method) or name.startswith("__"):
            raise AttributeError(f"an array of a step that is recorded has no {name}")
        into = name in METHODS_WITH_OUT
        return lambda *args, **options: recorder().call(
            method, (self, *args), options, into)

    shape = property(lambda self: self.host.shape)
    strides = property(lambda self: self.host.strides)
    flags = property(lambda self: self.host.flags)
    ndim = property(lambda self: self.host.ndim)
    size = property(lambda self: self.host.size)
    dtype = property(lambda self: self.host.dtype)
    itemsize = property(lambda self: self.host.itemsize)
    nbytes = property(lambda self: self.host.nbytes)
    base = property(lambda self: self.host.base)  # asked for None
    T = property(lambda self: self.transpose())

    def __len__(self) -> int:
        return len(self.host)

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"recorded({self.dtype} {self.shape})"

    # What a list of calls cannot have: Python would decide by it once, for all replays

    def _number(self, *args: Any, **options: Any) -> Any:
        raise refused("a number is read, or an array turned into NumPy's: what Python "
                                "does by it would stay decided")

    __bool__ = __int__ = __float__ = __index__ = __complex__ = __array__ = __format__ = _number
    item = tolist = tobytes = tofile = dump = dumps = nonzero = __contains__ = _number

    # Elements

    def __getitem__(self, index: Any) -> RecordedArray:
        hosts = _index(index)
        if hosts is None:
            return recorder().call(operator.getitem, (self, index), pure=True)
        element = self.host[hosts]
        if isinstance(element, np.generic):  # a copy, and not a view as below
            hosts = hosts if isinstance(hosts, tuple) else (hosts,)
            return recorder().copy(self._part(self.host[(*hosts, ...)]))
        return self._part(element)

    def __setitem__(self, index: Any, value: Any) -> None:
        hosts = _index(index)
        if hosts is None:
            host = self.host
            recorder().writing((self,))
            host[mapped(host_of, index)] = host_of(value)
            recorder().note(operator.setitem, (self, index, value), {}, how="done",
                                      changed=(self,), name="assign")
        else:
            whole = hosts if isinstance(hosts, tuple) else (hosts,)
            if Ellipsis not in whole:
                whole = (*whole, ...)
            recorder().assign(self._part(self.host[whole]), value)

    def _part(self, host: np.ndarray) -> RecordedArray:
        return recorder().part(host, self.buffer)

    # Memory

    def reshape(self, *shape: Any) -> RecordedArray:
        y = self.host.reshape(*shape)
        if y.size and not np.may_share_memory(y, self.host):
            return self.copy().reshape(*shape)
        return self._part(y)

    def ravel(self) -> RecordedArray:
        return self.reshape(-1)

    def flatten(self) -> RecordedArray:
        return self.copy().reshape(-1)

    def astype(self, dtype: Any, order: str = "K", casting: str = "unsafe", subok: bool = True,
               copy: bool = True) -> RecordedArray:
        if not copy and self.dtype == dtype:
            return self
        return recorder().copy(self, dtype, order)

    def copy(self, order: str = "C") -> RecordedArray:
        return recorder().copy(self, order=order)

    __copy__ = copy

    def __deepcopy__(self, memo: dict) -> RecordedArray:
        return self.copy()

    def fill(self, value: Any) -> None:
        recorder().assign(self, value)

    # Arithmetic

    def __pow__(self, p: Any) -> Any:
        if _foreign(p):
            return NotImplemented
        fast = FAST_POWERS.get(p) if isinstance(p, (int, float)) else None
        for ufunc, args in ((fast, (self.host,)), (np.power, (self.host, p))):
            if ufunc is not None and isinstance(p, (int, float)) and (
                    ufunc(*args).tobytes() == (self.host ** p).tobytes()):
                return ufunc(self) if ufunc is fast else ufunc(self, p)
        return recorder().call(operator.pow, (self, p), pure=True)

    def __ipow__(self, p: Any) -> Any:
        self[...] = self ** p
        return self


def _index(index: Any) -> Any:
    """An index of slices and numbers; None for one with arrays in it."""
    parts = index if isinstance(index, tuple) else (index,)
    for part in parts:
        if isinstance(part, RecordedArray):
            if part.dtype == bool:
                raise refused("how many elements a mask chooses is another number in "
                                        "each replay (mg.ops.where keeps the shape)")
        elif isinstance(part, np.ndarray):
            host_of(part)
    arrays = any(isinstance(part, (RecordedArray, list)) or isinstance(part, bool)
                 for part in parts)
    return None if arrays else index


def _foreign(x: Any) -> bool:
    """Whether x computes with arrays itself, as a Tensor does: it is asked, then."""
    return not isinstance(x, RecordedArray) and getattr(x, "__array_ufunc__", 0) is None


def _view(name: str) -> Callable:
    def method(self: RecordedArray, *args: Any, **options: Any) -> RecordedArray:
        return self._part(getattr(self.host, name)(*args, **options))
    return method


def _reduction(ufunc: np.ufunc) -> Callable:
    def method(self: RecordedArray, axis: Any = None, dtype: Any = None, out: Any = None,
               keepdims: bool = False) -> Any:
        options = {"axis": axis, "keepdims": keepdims}
        options.update({} if dtype is None else {"dtype": dtype})
        options.update({} if out is None else {"out": (out,)})
        return recorder().ufunc(ufunc, "reduce", (self,), options)
    return method


METHODS_WITH_OUT = {"mean", "var", "std", "argmax", "argmin", "cumsum", "cumprod", "clip", "take",
                    "dot", "round", "trace", "compress", "choose"}

for _name in VIEWS:
    setattr(RecordedArray, _name, _view(_name))
for _name, _ufunc in REDUCTIONS.items():
    setattr(RecordedArray, _name, _reduction(_ufunc))
