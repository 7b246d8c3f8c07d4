"""An array on the pretended device."""
from __future__ import annotations

import operator
from typing import Any, Callable, NamedTuple

import numpy as np

from . import device, indexing
from .signatures import METHODS, bind

NUMBERS = (bool, int, float, complex, np.generic)


class Flags(NamedTuple):
    """What CuPy tells of an array's memory: `writeable`, for one, is not among it."""

    host: np.ndarray

    c_contiguous = property(lambda self: self.host.flags.c_contiguous)
    f_contiguous = property(lambda self: self.host.flags.f_contiguous)
    owndata = property(lambda self: self.host.base is None)


class StrictArray:
    """An array on a pretended device; `_host` is where its elements really are."""

    __slots__ = ("_host", "__weakref__")
    __array_ufunc__ = None  # `ndarray + strict` asks StrictArray, which refuses
    __hash__ = None

    def __init__(self, host: np.ndarray):
        self._host = host

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("implicit conversion to a NumPy array: move it with backend.to_numpy")

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        raise TypeError(f"numpy.{function.__name__} on a device's array: use array_module(x)")

    shape = property(lambda self: self._host.shape)
    strides = property(lambda self: self._host.strides)
    flags = property(lambda self: Flags(self._host))
    ndim = property(lambda self: self._host.ndim)
    size = property(lambda self: self._host.size)
    dtype = property(lambda self: self._host.dtype)
    itemsize = property(lambda self: self._host.itemsize)
    nbytes = property(lambda self: self._host.nbytes)
    base = property(lambda self: None if self._host.base is None else StrictArray(self._host.base))
    T = property(lambda self: StrictArray(self._host.T))
    data = property(lambda self: device.Pointer(self._host))

    def __len__(self) -> int:
        return len(self._host)

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    # What waits for the device

    def get(self) -> np.ndarray:
        """A copy in host memory."""
        device.synchronise("a copy to the host")
        return np.array(self._host, order="C")  # CuPy's default

    def item(self) -> Any:
        device.synchronise("a number was read")
        return self._host.item()

    def tolist(self) -> Any:
        device.synchronise("tolist")
        return self._host.tolist()

    def __bool__(self) -> bool:
        device.synchronise("bool")
        return bool(self._host)

    def __int__(self) -> int:
        return int(self.item())

    def __float__(self) -> float:
        return float(self.item())

    def __format__(self, spec: str) -> str:
        return format(self.item() if self.ndim == 0 else str(self), spec)

    def __repr__(self) -> str:
        device.synchronise("repr")
        return f"strict({self._host!r})"

    # Elements

    def __getitem__(self, index: Any) -> StrictArray:
        entries, advanced = indexing.parts(index, StrictArray)
        host = self._host
        if not advanced:
            return StrictArray(host[tuple(entries)])
        launches = indexing.cost(entries, "x[mask]")
        return StrictArray(device.run(
            "getitem", lambda: np.array(host[indexing.wrapped(entries, host.shape)], order="C"),
            launches, [host, *entries]))

    def __setitem__(self, index: Any, value: Any) -> None:
        # CuPy uploads a NumPy value here without a word: refused, for it is a hidden transfer
        value, (entries, advanced) = operand(value), indexing.parts(index, StrictArray)
        host = self._host
        if not advanced:
            view = host[tuple(entries)]
            if view.size and not same_memory(view, value):  # x[a:b] += 1 ends with such a copy
                device.run("setitem", lambda: np.copyto(view, value, casting="unsafe"),
                           moved=[view, value])
            return
        if isinstance(value, NUMBERS):
            device.upload("a number assigned at an array of indices")
        launches = indexing.cost(entries, "x[mask] = value")
        device.run("setitem", lambda: indexing.assign(
            host, indexing.wrapped(entries, host.shape), value), launches,
            [host, *entries, value])

    # Views, and copies where there is no view

    def reshape(self, *shape: Any, order: str = "C") -> StrictArray:
        host = self._host
        return view_or_copy("reshape", host, lambda: host.reshape(*shape, order=order))

    def transpose(self, *axes: Any) -> StrictArray:
        return StrictArray(self._host.transpose(*axes))

    def ravel(self, *args: Any, **kwargs: Any) -> StrictArray:
        host, options = self._host, bind("ravel", METHODS["ravel"], args, kwargs)
        return view_or_copy("ravel", host, lambda: host.ravel(**options))

    def swapaxes(self, axis1: int, axis2: int) -> StrictArray:
        return StrictArray(self._host.swapaxes(axis1, axis2))

    def squeeze(self, axis: Any = None) -> StrictArray:
        return StrictArray(self._host.squeeze(axis))

    def view(self) -> StrictArray:
        return StrictArray(self._host.view())

    def astype(self, *args: Any, **kwargs: Any) -> StrictArray:
        options, host = bind("astype", METHODS["astype"], args, kwargs), self._host
        if not options.get("copy", True) and host.dtype == options["dtype"]:
            return self
        return StrictArray(device.run(
            "astype", lambda: host.astype(**{**options, "copy": True}), moved=[host]))

    def copy(self, order: str = "C") -> StrictArray:
        host = self._host
        return StrictArray(device.run("copy", lambda: host.copy(order), moved=[host]))

    __copy__ = copy

    def __deepcopy__(self, memo: dict) -> StrictArray:
        return self.copy()

    def fill(self, value: Any) -> None:
        host, value = self._host, operand(value)
        device.run("fill", lambda: host.fill(value), moved=[host])


def operand(x: Any) -> Any:
    """What NumPy computes with: a device's array or a number, and nothing else."""
    if isinstance(x, StrictArray):
        return x._host
    if isinstance(x, np.ndarray):
        raise TypeError(f"a NumPy array of shape {x.shape} beside a device's array")
    if not isinstance(x, NUMBERS):
        raise TypeError(f"{type(x).__name__} beside a device's array")
    return x


def computed(name: str, function: Callable, args: tuple, options: dict[str, Any] | None = None,
             launches: int = 1) -> StrictArray:
    """function(*args, **options) as one launch; arrays in `options` (out=) are unwrapped."""
    hosts = [operand(x) for x in args]
    options = options or {}
    plain = {k: operand(v) if isinstance(v, (StrictArray, np.ndarray)) else v
             for k, v in options.items()}
    # CuPy's results lie in C order, whatever their operands' is; so NumPy's are made to
    result = device.run(name, lambda: np.asarray(function(*hosts, **plain), order="C"), launches,
                        hosts)
    out = options.get("out")
    return StrictArray(result) if out is None else out


def view_or_copy(name: str, host: np.ndarray, make: Callable[[], np.ndarray]) -> StrictArray:
    """What make() returns; a launch if it is no view of `host`."""
    result = make()
    return StrictArray(result if np.may_share_memory(result, host) or not result.size
                       else device.run(name, make, moved=[host]))


def same_memory(x: np.ndarray, y: Any) -> bool:
    return (isinstance(y, np.ndarray) and x.__array_interface__["data"] ==
            y.__array_interface__["data"] and x.shape == y.shape and x.strides == y.strides)


def _foreign(x: Any) -> bool:
    """Whether x computes with arrays itself, as a Tensor does: it is asked, then."""
    return (not isinstance(x, (StrictArray, np.ndarray))
            and getattr(x, "__array_ufunc__", 0) is None)


def _unary(name: str, function: Callable) -> Callable:
    return lambda self: computed(name, function, (self,))


def _binary(name: str, function: Callable, reflected: bool = False) -> Callable:
    def method(self: StrictArray, other: Any) -> Any:
        if _foreign(other):
            return NotImplemented
        pair = (other, self) if reflected else (self, other)
        return computed(name, function, pair, launches=_launches(name, *pair))
    return method


def _in_place(name: str, function: Callable) -> Callable:
    def method(self: StrictArray, other: Any) -> Any:
        return NotImplemented if _foreign(other) else computed(
            name, function, (self, other), {"out": self})
    return method


def _launches(name: str, *operands: Any) -> int:
    """A product of stacks of matrices copies those that do not lie in order."""
    if name != "matmul":
        return 1
    stacks = any(getattr(x, "ndim", 0) > 2 for x in operands)
    if stacks:  # by CuPy's own way into cuBLAS
        device.refuse_in_graph("a product of stacks of matrices (cuBLAS)")
    return 1 + sum(stacks and not x.flags.c_contiguous for x in operands)


def _method(name: str) -> Callable:
    function = getattr(np.ndarray, name)
    launches = {"var": 2, "std": 3}.get(name, 1)  # the mean first

    def method(self: StrictArray, *args: Any, **kwargs: Any) -> StrictArray:
        options = bind(name, METHODS[name], args, kwargs)
        if name in ("var", "std") and options.get("dtype") not in (None, self.dtype):
            raise TypeError(f"{name} of {self.dtype} with another dtype: CuPy rounds the mean to "
                            f"{self.dtype} before it subtracts it")
        if name == "clip" and self.dtype == bool and None in options.values():
            raise TypeError("clip of booleans with None: CuPy has none")
        if self.ndim == 0 and name != "clip" and options.get("axis") not in (None, ()):
            raise ValueError(f"axis {options['axis']} of an array without axes: NumPy takes 0 and "
                             "-1, CuPy does not")
        return computed(name, function, (self,), options, launches)
    return method


for _name in ("neg", "pos", "abs", "invert"):
    setattr(StrictArray, f"__{_name}__", _unary(_name, getattr(operator, _name)))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(StrictArray, f"__{_name}__", _binary(_name, getattr(operator, _name)))
for _name, _ufunc in {"add": np.add, "sub": np.subtract, "mul": np.multiply, "mod": np.remainder,
                      "truediv": np.divide, "floordiv": np.floor_divide, "pow": np.power,
                      "matmul": np.matmul, "and": np.bitwise_and, "or": np.bitwise_or,
                      "xor": np.bitwise_xor}.items():
    setattr(StrictArray, f"__{_name}__", _binary(_name, _ufunc))
    setattr(StrictArray, f"__r{_name}__", _binary(_name, _ufunc, reflected=True))
    setattr(StrictArray, f"__i{_name}__", _in_place(_name, _ufunc))
del StrictArray.__imatmul__  # CuPy has none: x @= y makes a new array
for _name in ("all", "any", "argmax", "argmin", "clip", "cumsum", "max", "mean", "min", "prod",
              "std", "sum", "var"):
    setattr(StrictArray, _name, _method(_name))
