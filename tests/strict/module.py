"""The array module: the functions that minigan uses and CuPy has, and no others."""
from __future__ import annotations

from typing import Any, Callable

import numpy as np

from . import device, indexing
from .array import StrictArray, _launches, computed, operand, view_or_copy
from .random import RandomModule
from .signatures import FREE, FUNCTIONS, UFUNC_KEYWORDS, UFUNCS, bind


class Ufunc:
    """An elementwise function: arrays of the device and Python numbers, no where=."""

    def __init__(self, ufunc: np.ufunc):
        self.ufunc, self.__name__ = ufunc, ufunc.__name__

    def __call__(self, *args: Any, **kwargs: Any) -> StrictArray:
        name = self.__name__
        if not set(kwargs) <= UFUNC_KEYWORDS:
            raise TypeError(f"CuPy's {name} takes no {', '.join(set(kwargs) - UFUNC_KEYWORDS)}=")
        if not any(isinstance(x, StrictArray) for x in args):
            raise TypeError(f"CuPy's {name} needs an array, got {args}")
        if len(args) > self.ufunc.nin:
            args, kwargs = args[:self.ufunc.nin], {**kwargs, "out": args[self.ufunc.nin]}
        return computed(name, self.ufunc, args, kwargs)

    def at(self, x: StrictArray, index: Any, values: Any) -> None:
        """In place, again for every time that an index repeats; with atomics, in any order."""
        entries, _ = indexing.parts(index, StrictArray)
        if self.__name__ != "add" or x.dtype not in indexing.ADDABLE:
            raise TypeError(f"CuPy has no {self.__name__}.at for {x.dtype}")
        host, values = x._host, operand(values)
        launches = indexing.cost(entries, "add.at with a mask")
        device.run("add.at", lambda: self.ufunc.at(
            host, indexing.wrapped(entries, host.shape), values), launches,
            [host, *entries, values])
        device.atomic()


class Module:
    """The stand-in's cupy."""

    ndarray, dtype, finfo, newaxis, pi, inf = (StrictArray, np.dtype, np.finfo, None, np.pi, np.inf)
    float16, float32, float64, int32, int64, bool_ = (np.float16, np.float32, np.float64, np.int32,
                                                      np.int64, np.bool_)
    random = RandomModule()

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the strict stand-in for CuPy has no {name}; if CuPy has it, add it "
                             "to tests/strict/")


def asarray(a: Any, dtype: Any = None, order: Any = None) -> StrictArray:
    """a on the device: numbers, lists, and (an upload that is asked for) NumPy arrays."""
    if isinstance(a, StrictArray):
        return a if dtype in (None, a.dtype) else a.astype(dtype)
    device.upload("asarray")
    return StrictArray(np.array(a, dtype, order=order))


def array(obj: Any, dtype: Any = None, copy: bool = True, order: str = "K") -> StrictArray:
    made = asarray(obj, dtype)
    return made.copy(order) if copy and made is obj else made


def empty(shape: Any, dtype: Any = float, order: str = "C") -> StrictArray:
    """Memory as it comes: here always full of what nobody wants to read."""
    host = np.empty(shape, dtype, order)
    if host.dtype.kind in "fiu":
        host.fill(np.nan if host.dtype.kind == "f" else np.iinfo(host.dtype).max)
    return StrictArray(host)


def empty_like(prototype: StrictArray, dtype: Any = None, order: str = "K") -> StrictArray:
    made = empty(prototype.shape, dtype or prototype.dtype)
    made._host = np.array(made._host, order="F" if prototype.flags.f_contiguous
                          and not prototype.flags.c_contiguous and order == "K" else "C")
    return made


def ascontiguousarray(a: StrictArray, dtype: Any = None) -> StrictArray:
    host = operand(a)
    return view_or_copy("ascontiguousarray", host, lambda: np.ascontiguousarray(host, dtype))


def broadcast_to(array: StrictArray, shape: Any) -> StrictArray:
    host = operand(array)
    if host.shape == tuple(np.broadcast_to(host, shape).shape):
        return StrictArray(host.view())  # which may be written to; stretched ones had better not
    return StrictArray(np.broadcast_to(host, shape))


def moveaxis(a: StrictArray, source: Any, destination: Any) -> StrictArray:
    return StrictArray(np.moveaxis(operand(a), source, destination))


def clip(a: StrictArray, a_min: Any, a_max: Any, out: Any = None) -> StrictArray:
    limits = [x if x is None else operand(x) for x in (a_min, a_max)]
    return computed("clip", lambda host, **o: np.clip(host, *limits, **o), (a,), {"out": out})


def concatenate(tup: Any, axis: int = 0, out: Any = None) -> StrictArray:
    """A copy for each array; from nine on one kernel, for which their addresses are uploaded."""
    hosts = [operand(x) for x in tup]
    launches = len(hosts)
    if launches > 8 and len({h.dtype for h in hosts}) == 1 and (
            sum(h.nbytes for h in hosts) < 2 ** 21 * launches):
        device.upload("the addresses of more than 8 arrays to concatenate")
        launches = 1
    return StrictArray(device.run("concatenate", lambda: np.asarray(np.concatenate(
        hosts, axis, out if out is None else operand(out)), order="C"), launches, hosts))


def copyto(dst: StrictArray, src: Any, casting: str = "same_kind", where: Any = None) -> None:
    host, src = operand(dst), operand(src)
    mask = True if where is None else operand(where)
    device.run("copyto", lambda: np.copyto(host, src, casting, mask), moved=[host, src, mask])


def argsort(a: StrictArray, axis: int = -1, kind: Any = None) -> StrictArray:
    """CuPy sorts by Thrust, stably whatever kind is asked for: about four launches. It sorts along
    the last axis, and gives a view of that with the axes moved back."""
    host = operand(a) if axis is None else np.moveaxis(operand(a), axis, -1)
    order = device.run("argsort", lambda: np.ascontiguousarray(np.argsort(
        host, None if axis is None else -1, "stable")), launches=4, moved=[host])
    return StrictArray(order if axis is None else np.moveaxis(order, -1, axis))


def argpartition(a: StrictArray, kth: int, axis: int = -1) -> StrictArray:
    """CuPy sorts all, as it does for partition."""
    return argsort(a, axis)


def sort(a: StrictArray, axis: int = -1, kind: Any = None) -> StrictArray:
    host = operand(a)
    return StrictArray(device.run(
        "sort", lambda: np.asarray(np.sort(host, axis, "stable"), order="C"), launches=4,
        moved=[host]))


def partition(a: StrictArray, kth: int, axis: int = -1) -> StrictArray:
    return sort(a, axis)


def take(a: StrictArray, indices: Any, axis: Any = None, out: Any = None) -> StrictArray:
    return computed("take", lambda host, i: np.take(host, i, axis, mode="wrap"), (a, indices))


def where(condition: Any, x: Any = None, y: Any = None) -> StrictArray:
    if x is None or y is None:
        raise TypeError("where(condition) alone waits for the device to count: give x and y")
    return computed("where", np.where, (condition, x, y))


def matmul(x1: Any, x2: Any, out: Any = None) -> StrictArray:
    return computed("matmul", np.matmul, (x1, x2), {"out": out}, _launches("matmul", x1, x2))


def pad(array: StrictArray, pad_width: Any, mode: str = "constant", *,
        constant_values: float = 0) -> StrictArray:
    """Zeros and a copy; with another value a copy and a fill for each margin."""
    host = operand(array)
    pairs = np.broadcast_to(pad_width, (host.ndim, 2))
    launches = 2 if constant_values == 0 else 1 + int((pairs > 0).sum())
    return StrictArray(device.run("pad", lambda: np.pad(
        host, pad_width, mode, constant_values=constant_values), launches, [host]))


def result_type(*arrays_and_dtypes: Any) -> np.dtype:
    return np.result_type(*[operand(x) if isinstance(x, StrictArray) else x
                            for x in arrays_and_dtypes])


def may_share_memory(a: StrictArray, b: StrictArray, max_work: Any = None) -> bool:
    return np.may_share_memory(operand(a), operand(b))


def shares_memory(a: StrictArray, b: StrictArray, max_work: Any = None) -> bool:
    if not (a.ndim and b.ndim):
        raise TypeError("shares_memory of an array without axes: CuPy compares the addresses of "
                        "copies of its element. Take x.reshape(1)")
    return np.shares_memory(operand(a), operand(b))


def _filled(name: str, like: bool = False, launches: int = 1) -> Callable:
    """zeros, ones_like and their kin: arrays made on the device, from shapes and numbers."""
    function = getattr(np, name)

    def make(*args: Any, **kwargs: Any) -> StrictArray:
        options = bind(name, FUNCTIONS[name], args, kwargs)
        first, *rest = [operand(v) if like and isinstance(v, StrictArray) else v
                        for v in options.values()]
        named = dict(zip(list(options)[1:], rest))
        for value in named.values():
            if isinstance(value, (StrictArray, np.ndarray)):
                raise TypeError(f"CuPy's {name} takes numbers, not an array")
        return StrictArray(device.run(name, lambda: function(first, **named), launches))
    return make


def _reduction(name: str) -> Callable:
    """sum(a, ...) is a.sum(...)."""
    def reduce(*args: Any, **kwargs: Any) -> StrictArray:
        options = bind(name, FUNCTIONS[name], args, kwargs)
        return getattr(options.pop("a"), name)(**options)
    return reduce


def _product(name: str) -> Callable:
    def multiply(*args: Any, **kwargs: Any) -> StrictArray:
        options = bind(name, FUNCTIONS[name], args, kwargs)
        pair = options.pop("a"), options.pop("b")
        return computed(name, getattr(np, name), pair, options)
    return multiply


for _name in UFUNCS:
    setattr(Module, _name, Ufunc(getattr(np, _name)))
for _name in ("all", "any", "argmax", "max", "mean", "min", "sum"):
    setattr(Module, _name, staticmethod(_reduction(_name)))
for _name in ("dot", "tensordot"):
    setattr(Module, _name, staticmethod(_product(_name)))
for _name in ("arange", "eye", "full", "ones", "zeros"):
    setattr(Module, _name, staticmethod(_filled(_name, launches=2 if _name == "eye" else 1)))
for _name in ("full_like", "ones_like", "zeros_like"):
    setattr(Module, _name, staticmethod(_filled(_name, like=True)))
for _name in {*FUNCTIONS, *FREE}:
    if _name in globals():
        setattr(Module, _name, staticmethod(globals()[_name]))
