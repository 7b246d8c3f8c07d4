"""Logic and whole numbers. What they give is constant, piece by piece: it has no graph, and so no
gradient. The remainder alone has one."""
from __future__ import annotations

import operator
from typing import Any, Callable

from ..autodiff import Tensor, as_tensor
from .choice import keep
from .elementwise import Elementwise, operands
from .shape import Axis, normalize_axis


def bitwise_and(x: Any, y: Any) -> Tensor:
    """x & y of booleans, or of the bits of integers. Raises TypeError for floats."""
    return _logic("&", operator.and_, x, y)


def bitwise_or(x: Any, y: Any) -> Tensor:
    """x | y of booleans, or of the bits of integers. Raises TypeError for floats."""
    return _logic("|", operator.or_, x, y)


def bitwise_xor(x: Any, y: Any) -> Tensor:
    """x ^ y of booleans, or of the bits of integers. Raises TypeError for floats."""
    return _logic("^", operator.xor, x, y)


def invert(x: Any) -> Tensor:
    """~x: not x of booleans, −x − 1 of signed integers. Raises TypeError for floats."""
    x = as_tensor(x)
    if x.dtype.kind == "f":
        raise TypeError(f"~ is for booleans and integers, not {x.dtype}: compare first, as in "
                        "~(x > 0)")
    return Tensor(~x.data)


def _logic(sign: str, function: Callable, x: Any, y: Any) -> Tensor:
    x, y = operands(x, y)
    if "f" in (x.dtype.kind, y.dtype.kind):
        raise TypeError(f"{sign} is for booleans and integers, not {x.dtype} and {y.dtype}: "
                        f"compare first, in parentheses, as in (x > 0) {sign} (y > 0)")
    return Tensor(function(x.data, y.data))


def any(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:  # noqa: A001 (NumPy's name)
    """Whether an element is True, or not 0, over an axis, several, or all."""
    x = as_tensor(x)
    return Tensor(x.data.any(axis=normalize_axis(axis, x.ndim), keepdims=keepdims))


def all(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:  # noqa: A001
    """Whether all elements are True, or not 0, over an axis, several, or all."""
    x = as_tensor(x)
    return Tensor(x.data.all(axis=normalize_axis(axis, x.ndim), keepdims=keepdims))


def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Where along the axis the largest element is, the first of those that tie; None: in x read
    row by row. Integers."""
    return _place("argmax", x, axis, keepdims)


def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Where along the axis the smallest element is, as `argmax`."""
    return _place("argmin", x, axis, keepdims)


def _place(name: str, x: Any, axis: int | None, keepdims: bool) -> Tensor:
    x = as_tensor(x)
    if axis is not None:
        (axis,) = normalize_axis(axis, x.ndim)
    if 0 in (x.shape if axis is None else x.shape[axis:axis + 1]):
        raise ValueError(f"{name}: no elements have no extreme (shape {x.shape}, axis {axis})")
    return Tensor(getattr(x.data, name)(axis=axis, keepdims=keepdims))


def floor_divide(x: Any, y: Any) -> Tensor:
    """⌊x / y⌋. A constant: its slope is 0 wherever it has one."""
    x, y = operands(x, y)
    return Tensor(x.data // y.data)


class Remainder(Elementwise):
    """x − y · ⌊x / y⌋. Gradients: grad, −grad · ⌊x / y⌋; at a jump, where x / y is whole, that of
    the side to which the value belongs."""

    def forward(self, x, y):
        return x % y

    def backward(self, grad):
        if not self.needs[1]:
            return grad, None
        quotient = floor_divide(*self.inputs)
        return grad, keep(-grad * quotient, quotient.data != 0)


def remainder(x: Any, y: Any) -> Tensor:
    """x % y, which has the sign of y, as in Python."""
    return Remainder()(*operands(x, y))
