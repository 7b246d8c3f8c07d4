"""NumPy's functions of recorded arrays, where more is to be said than "call it": those that make
arrays, those that can be written in terms of others, those that take `out`."""
from __future__ import annotations

from typing import Any, Callable

import numpy as np

from .recorder import Recorded, host_of, recorder, refused

WITH_OUT = {np.clip, np.concatenate, np.stack, np.mean, np.var, np.std, np.sum, np.prod, np.max,
            np.min, np.amax, np.amin, np.any, np.all, np.argmax, np.argmin, np.cumsum, np.cumprod,
            np.take, np.dot, np.einsum, np.round, np.trace, np.outer, np.choose, np.median}


def empty_like(prototype: Any, dtype: Any = None, order: str = "K", subok: bool = True,
               shape: Any = None, **device: Any) -> Any:
    return recorder().new(np.empty_like(prototype.host, dtype, order, shape=shape))


def full_like(a: Any, fill_value: Any, dtype: Any = None, order: str = "K", subok: bool = True,
              shape: Any = None, **device: Any) -> Any:
    value = host_of(fill_value)
    array = np.full_like(host_of(a), value, dtype, order, shape=shape)
    return recorder().filled(array, fill_value)


def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    """In two copies, for NumPy's own has no out."""
    if x is None or y is None:
        raise refused("where(condition) alone finds another number of places each time")
    result = recorder().filled(np.where(host_of(condition), host_of(x), host_of(y)), y)
    recorder().note(_choose, (result, x, condition), {}, how="done", changed=(result,),
                              name="where")
    return result


def _choose(out: np.ndarray, x: Any, condition: Any) -> None:
    np.copyto(out, x, where=condition, casting="unsafe")


def copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    recorder().writing((dst,))
    np.copyto(host_of(dst), host_of(src), casting, where=host_of(where))
    recorder().note(np.copyto, (dst, src, casting, where), {}, how="done",
                              changed=(dst,))


def pad(array: Any, pad_width: Any, mode: str = "constant", *, constant_values: float = 0) -> Any:
    """With numbers around it: filled, and the inside assigned."""
    if mode != "constant" or not isinstance(constant_values, (int, float, np.generic)):
        return recorder().call(np.pad, (array, pad_width, mode),
                                         {"constant_values": constant_values})
    whole = np.pad(array.host, pad_width, mode, constant_values=constant_values)
    pairs = np.broadcast_to(pad_width, (array.ndim, 2)).tolist()
    inside = tuple([slice(before, before + n) for (before, _), n in zip(pairs, array.shape)])
    y = recorder().filled(whole, constant_values)
    recorder().assign(y[inside], array)
    return y


def broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:
    return array._part(np.broadcast_to(array.host, shape))


def clip(a: Any, a_min: Any, a_max: Any, out: Any = None) -> Any:
    if out is None:
        return recorder().call(np.clip, (a, a_min, a_max), into=True)
    recorder().writing((out,))
    np.clip(host_of(a), host_of(a_min), host_of(a_max), out=host_of(out))
    recorder().note(np.clip, (a, a_min, a_max), {}, (out,))  # which changes out alone
    return out


FUNCTIONS: dict[Callable, Callable] = {
    np.empty_like: empty_like, np.full_like: full_like, np.where: where, np.copyto: copyto,
    np.clip: clip,
    np.pad: pad, np.broadcast_to: broadcast_to,
    np.zeros_like: lambda a, *args, **options: full_like(a, 0, *args, **options),
    np.ones_like: lambda a, *args, **options: full_like(a, 1, *args, **options),
}


class Module:
    """NumPy for a step that is recorded: what it makes of shapes and numbers is recorded, too."""

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    @staticmethod
    def empty(shape: Any, dtype: Any = float, order: str = "C") -> Any:
        return recorder().new(np.empty(shape, dtype, order))

    @staticmethod
    def full(shape: Any, fill_value: Any, dtype: Any = None, order: str = "C") -> Any:
        array = np.full(shape, host_of(fill_value), dtype, order)
        return recorder().filled(array, fill_value)

    @staticmethod
    def asarray(a: Any, dtype: Any = None, **options: Any) -> Any:
        if not isinstance(a, Recorded):
            return _made(np.asarray)(host_of(a), dtype, **options)
        return a if dtype is None or a.dtype == dtype else a.astype(dtype)

    @staticmethod
    def array(a: Any, dtype: Any = None, copy: bool = True, **options: Any) -> Any:
        made = Module.asarray(a, dtype, **options)
        return made.copy() if copy and made is a else made

    @staticmethod
    def ascontiguousarray(a: Any, dtype: Any = None) -> Any:
        a = Module.asarray(a, dtype)
        return a if a.flags.c_contiguous else a.copy()


def _made(function: Callable) -> Callable:
    """An array that follows from numbers alone. It is made anew each time, for the step may write
    to it; where it does not, the list has it once."""
    def make(*args: Any, **options: Any) -> Any:
        array = function(*args, **options)
        return recorder().filled(array, array.copy())
    return staticmethod(make)


for _name in ("zeros", "ones", "arange", "eye", "identity", "linspace"):
    setattr(Module, _name, _made(getattr(np, _name)))
