"""The one table that binds + * @ [], len() and their kin, and methods to Tensor."""
from __future__ import annotations

from functools import wraps
from typing import Any, Callable, Iterator

from .. import backend
from ..autodiff import Tensor
from ..failures import explained
from . import accumulate, choice, elementwise, linalg, logic, reduce, shape
from .powers import power


def _reflected(op: Callable) -> Callable:
    """op with its operands exchanged, for `2 - x`."""
    return lambda self, other: op(other, self)


def _method(op: Callable) -> Callable:
    """op as a method of Tensors, without the tests of `ops`'s functions before each call."""
    def method(*args: Any, **options: Any) -> Any:
        try:
            return op(*args, **options)
        except Exception as error:
            raise explained(op, args, options, error) from error

    return wraps(op)(method)


def _comparison(name: str) -> Callable:
    """x > y and its kin: a boolean Tensor, which has no gradient. None equals nothing."""
    def compare(self: Tensor, other: Any) -> Tensor:
        if other is None or isinstance(other, str):
            return NotImplemented
        other = backend.plain(other)  # a whole number as it is: beside uint8 it may be −1
        y = other if isinstance(other, int) else elementwise.operands(self, other)[1].data
        return Tensor(getattr(self.data, name)(y))
    return compare


def _no_item_assignment(self: Tensor, index: Any, value: Any) -> None:
    raise TypeError("a tensor's elements cannot be assigned, because its gradient would be lost: "
                    "use mg.ops.where or concatenate, or build the array before the tensor")


def _deepcopy(self: Tensor, memo: dict) -> Tensor:
    if self.creator is not None:
        raise ValueError("only leaves can be copied with deepcopy; detach() this tensor first")
    memo[id(self)] = copy = type(self)(self.data.copy(), self.requires_grad)
    return copy


def to(self: Tensor, device: str) -> Tensor:
    """A new leaf with the data on "cpu" or "cuda" (or "numpy", "cupy"); no gradient flows from one
    device to another."""
    if self.creator is not None:
        raise ValueError("only leaves can be moved to another device; detach() this tensor first")
    return Tensor(backend.to_device(self.data, device), self.requires_grad)


def _len(self: Tensor) -> int:
    if not self.shape:
        raise TypeError("a 0-d tensor has no length")
    return self.shape[0]


def _iter(self: Tensor) -> Iterator[Tensor]:
    """Python would ask for self[0], and take the error of a 0-d tensor for the end."""
    return (self[i] for i in range(_len(self)))


def _repr(self: Tensor) -> str:
    values = repr(self.numpy()).removeprefix("array(").removesuffix(")")
    values = values.replace("\n      ", "\n       ")  # "tensor(" is one letter longer
    return f"tensor({values}{', requires_grad=True' if self.requires_grad else ''})"


BINARY = {"add": elementwise.add, "sub": elementwise.subtract, "mul": elementwise.multiply,
          "truediv": elementwise.divide, "pow": power, "matmul": linalg.matmul,
          "floordiv": logic.floor_divide, "mod": logic.remainder, "and": logic.bitwise_and,
          "or": logic.bitwise_or, "xor": logic.bitwise_xor}

for _name, _op in BINARY.items():
    setattr(Tensor, f"__{_name}__", _op)
    setattr(Tensor, f"__r{_name}__", _reflected(_op))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Tensor, f"__{_name}__", _comparison(f"__{_name}__"))

Tensor.__hash__ = object.__hash__  # by identity, in spite of the elementwise ==
Tensor.__deepcopy__, Tensor.__repr__ = _deepcopy, _repr
Tensor.__len__, Tensor.__iter__ = _len, _iter
Tensor.__neg__ = elementwise.negative
Tensor.__pos__ = lambda self: self
Tensor.__invert__ = logic.invert
Tensor.__abs__ = choice.abs
Tensor.__getitem__ = shape.getitem
Tensor.__setitem__ = _no_item_assignment
Tensor.tolist = lambda self: self.numpy().tolist()
Tensor.T = property(shape.transpose, doc="The axes in reversed order.")

for _op in (to, elementwise.astype, choice.clip, choice.abs, elementwise.exp, elementwise.log,
            elementwise.sqrt, reduce.sum, reduce.mean, reduce.var, reduce.max,
            reduce.min, shape.reshape, shape.transpose, shape.swapaxes, shape.squeeze,
            shape.broadcast_to, shape.flatten, accumulate.std, accumulate.prod, accumulate.cumsum,
            logic.any, logic.all, logic.argmax, logic.argmin):
    setattr(Tensor, _op.__name__, _method(_op))
    getattr(Tensor, _op.__name__).__qualname__ = f"Tensor.{_op.__name__}"  # where pickle finds it
    getattr(Tensor, _op.__name__).__module__ = Tensor.__module__
