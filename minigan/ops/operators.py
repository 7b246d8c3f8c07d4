"""The one table that binds + * @ [] and methods to Tensor."""
from __future__ import annotations

from typing import Any, Callable

from ..autodiff import Tensor, as_tensor
from . import elementwise, linalg, reduce, shape


def _reflected(op: Callable) -> Callable:
    """op with its operands exchanged, for `2 - x`."""
    return lambda self, other: op(other, self)


def _comparison(name: str) -> Callable:
    """x > y and its kin: a boolean Tensor, which has no gradient."""
    def compare(self: Tensor, other: Any) -> Tensor:
        x, y = elementwise.operands(self, other)
        return as_tensor(getattr(x.data, name)(y.data))
    return compare


def _no_item_assignment(self: Tensor, index: Any, value: Any) -> None:
    raise TypeError("a tensor's elements cannot be assigned, because its gradient would be lost: "
                    "use mg.ops.where or concatenate, or build the array before the tensor")


BINARY = {"add": elementwise.add, "sub": elementwise.subtract, "mul": elementwise.multiply,
          "truediv": elementwise.divide, "pow": elementwise.power, "matmul": linalg.matmul}

for _name, _op in BINARY.items():
    setattr(Tensor, f"__{_name}__", _op)
    setattr(Tensor, f"__r{_name}__", _reflected(_op))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Tensor, f"__{_name}__", _comparison(f"__{_name}__"))

Tensor.__hash__ = object.__hash__  # by identity, in spite of the elementwise ==
Tensor.__neg__ = elementwise.negative
Tensor.__abs__ = elementwise.abs
Tensor.__getitem__ = shape.getitem
Tensor.__setitem__ = _no_item_assignment
Tensor.T = property(shape.transpose, doc="The axes in reversed order.")

for _op in (elementwise.astype, elementwise.clip, elementwise.abs, elementwise.exp, elementwise.log,
            elementwise.sqrt, reduce.sum, reduce.mean, reduce.var, reduce.max, reduce.min,
            shape.reshape, shape.transpose, shape.swapaxes, shape.squeeze, shape.broadcast_to):
    setattr(Tensor, _op.__name__, _op)
