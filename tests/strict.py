"""A strict stand-in for CuPy: what would fail on a GPU fails here, on any machine.

An array of this backend holds a NumPy array and lets nothing reach it by accident: no implicit
conversion, no operand that is a NumPy array, no function but those that CuPy has. It is a wrapper
and not a subclass, because NumPy's functions accept their subclasses without asking.
"""
from __future__ import annotations

import operator
from typing import Any

import numpy as np

from minigan.backend import Backend, reference


class StrictArray:
    """An array on a pretended device."""

    __slots__ = ("_host",)
    __array_ufunc__ = None  # `ndarray + strict` asks StrictArray, which refuses

    def __init__(self, host: np.ndarray):
        self._host = host

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("implicit conversion to a NumPy array: move it with backend.to_numpy")

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        raise TypeError(f"numpy.{function.__name__} on a device's array: use array_module(x)")

    def __index__(self) -> int:
        raise TypeError("a device's array is no index: say int(x), which waits for the device")

    shape = property(lambda self: self._host.shape)
    ndim = property(lambda self: self._host.ndim)
    size = property(lambda self: self._host.size)
    dtype = property(lambda self: self._host.dtype)
    nbytes = property(lambda self: self._host.nbytes)
    base = property(lambda self: None if self._host.base is None else wrap(self._host.base))
    T = property(lambda self: wrap(self._host.T))

    def __len__(self) -> int:
        return len(self._host)

    def __bool__(self) -> bool:
        return bool(self._host)

    def __int__(self) -> int:
        return int(self._host)

    def __float__(self) -> float:
        return float(self._host)

    def item(self) -> Any:
        return self._host.item()

    def tolist(self) -> Any:
        return self._host.tolist()

    def __repr__(self) -> str:
        return f"strict({self._host!r})"

    def __getitem__(self, index: Any) -> StrictArray:
        return wrap(self._host[unwrap(index)])

    def __setitem__(self, index: Any, value: Any) -> None:
        # CuPy uploads a NumPy value here without a word: refused, for it is a hidden transfer
        self._host[unwrap(index)] = unwrap(value)


def unwrap(x: Any) -> Any:
    """What NumPy computes with; NumPy arrays are refused, in lists and tuples too."""
    if isinstance(x, StrictArray):
        return x._host
    if isinstance(x, np.ndarray):
        raise TypeError(f"a NumPy array of shape {x.shape} beside a device's array")
    if isinstance(x, (list, tuple)):
        return type(x)([unwrap(v) for v in x])
    return x


def wrap(x: Any) -> Any:
    """Arrays as StrictArrays; reductions give 0-d arrays, never NumPy's scalars."""
    if isinstance(x, (list, tuple)):
        return type(x)([wrap(v) for v in x])
    return StrictArray(np.asarray(x)) if isinstance(x, (np.ndarray, np.generic)) else x


def _operator(function: Any) -> Any:
    def method(self: StrictArray, *others: Any) -> StrictArray:
        return wrap(function(self._host, *[unwrap(x) for x in others]))
    return method


def _reflected(function: Any) -> Any:
    return lambda self, other: wrap(function(unwrap(other), self._host))


def _in_place(function: Any) -> Any:
    def method(self: StrictArray, other: Any) -> StrictArray:
        function(self._host, unwrap(other), out=self._host)
        return self
    return method


def _method(name: str) -> Any:
    def method(self: StrictArray, *args: Any, **kwargs: Any) -> Any:
        if "where" in kwargs or "initial" in kwargs:
            raise TypeError(f"CuPy's {name} takes no where= and no initial=")
        kwargs = {key: unwrap(value) for key, value in kwargs.items()}
        return wrap(getattr(self._host, name)(*[unwrap(x) for x in args], **kwargs))
    return method


for _name in ("neg", "pos", "abs", "invert", "lt", "le", "gt", "ge", "eq", "ne"):
    setattr(StrictArray, f"__{_name}__", _operator(getattr(operator, _name)))
StrictArray.__hash__ = None  # as every array
for _name, _ufunc in {"add": np.add, "sub": np.subtract, "mul": np.multiply, "mod": np.remainder,
                      "truediv": np.divide, "floordiv": np.floor_divide, "pow": np.power,
                      "matmul": np.matmul, "and": np.bitwise_and, "or": np.bitwise_or}.items():
    setattr(StrictArray, f"__{_name}__", _operator(_ufunc))
    setattr(StrictArray, f"__r{_name}__", _reflected(_ufunc))
    setattr(StrictArray, f"__i{_name}__", _in_place(_ufunc))
for _name in ("all", "any", "argmax", "argmin", "astype", "clip", "copy", "fill", "max", "mean",
              "min", "ravel", "reshape", "squeeze", "sum", "swapaxes", "transpose", "var"):
    setattr(StrictArray, _name, _method(_name))


class Ufunc:
    """An elementwise function: arrays of the device and Python numbers, no where=."""

    def __init__(self, ufunc: np.ufunc):
        self.ufunc, self.__name__ = ufunc, ufunc.__name__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not set(kwargs) <= {"out", "dtype", "casting"}:
            raise TypeError(f"CuPy's {self.__name__} takes no {', '.join(kwargs)}")
        if not any(isinstance(x, StrictArray) for x in args):
            raise TypeError(f"CuPy's {self.__name__} needs an array, got {args}")
        kwargs = {key: unwrap(value) for key, value in kwargs.items()}
        return wrap(self.ufunc(*unwrap(args), **kwargs))

    def at(self, x: StrictArray, index: Any, values: Any) -> None:
        self.ufunc.at(unwrap(x), unwrap(index), unwrap(values))


class Module:
    """The array module: the functions that minigan uses and CuPy has, and no others."""

    ndarray, dtype, finfo, newaxis, pi, inf = (StrictArray, np.dtype, np.finfo, None, np.pi, np.inf)
    float16, float32, float64, int32, int64, bool_ = (np.float16, np.float32, np.float64, np.int32,
                                                      np.int64, np.bool_)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the strict stand-in for CuPy has no {name}; if CuPy has it, add it "
                             "to tests/strict.py")


def _function(name: str) -> Any:
    def function(*args: Any, **kwargs: Any) -> Any:
        if "where" in kwargs:
            raise TypeError(f"CuPy's {name} takes no where=")
        kwargs = {key: unwrap(value) for key, value in kwargs.items()}
        return wrap(getattr(np, name)(*unwrap(args), **kwargs))
    return staticmethod(function)


for _name in ("abs", "add", "cos", "divide", "equal", "exp", "expm1", "floor_divide", "greater",
              "isfinite", "isnan", "log", "log1p", "logical_and", "matmul", "maximum", "minimum",
              "multiply", "negative", "power", "sign", "sin", "sqrt", "square", "subtract", "tanh"):
    setattr(Module, _name, Ufunc(getattr(np, _name)))
for _name in ("all", "any", "arange", "argmax", "ascontiguousarray", "broadcast_to", "clip",
              "concatenate", "copyto", "dot", "einsum", "empty", "empty_like", "eye",
              "full", "full_like", "may_share_memory", "max", "mean", "min", "moveaxis", "ones",
              "ones_like", "pad", "result_type", "sum", "take", "tensordot", "where", "zeros",
              "zeros_like"):
    setattr(Module, _name, _function(_name))


def asarray(x: Any, dtype: Any = None) -> StrictArray:
    """x on the device: numbers, lists, and (an upload that is asked for) NumPy arrays."""
    return x if isinstance(x, StrictArray) and dtype in (None, x.dtype) else StrictArray(
        np.array(x._host if isinstance(x, StrictArray) else x, dtype))


Module.asarray = Module.array = staticmethod(asarray)

STRICT = Backend("strict", Module(), StrictArray, reference, asarray,
                 lambda x: np.array(x._host))
