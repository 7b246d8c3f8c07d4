"""What is made of sums and products along axes: deviations, products, running sums."""
from __future__ import annotations

import math
from typing import Any

from ..autodiff import Function, Tensor, as_tensor
from ..backend import kernels
from .choice import choose
from .elementwise import in_single, sqrt
from .reduce import var
from .shape import Axis, flatten, flip, normalize_axis, pad


@in_single
def std(x: Any, axis: Axis = None, keepdims: bool = False, ddof: int = 0) -> Tensor:
    """The standard deviation, √var: of all elements (ddof 0), or estimated from a sample (1).

    Where all elements are equal the deviation is 0, and has a kink: the gradient there is 0, and
    not √'s ∞ · 0. So it is in PyTorch.
    """
    variance = var(x, axis, keepdims, ddof)
    zero = variance.data == 0
    return choose(zero, 0, sqrt(choose(zero, 1, variance)))


@in_single
def prod(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The product over an axis, several, or all; 1 of no elements.

    Neighbours are multiplied until one number is left, so the gradient by an element is the
    product of the others, to every order, and however many of them are 0.
    """
    x = as_tensor(x)
    axes = normalize_axis(axis, x.ndim)
    if x.dtype.kind != "f":
        return Tensor(x.data.prod(axis=axes, keepdims=keepdims))
    rest = [i for i in range(x.ndim) if i not in axes]
    count, lengths = math.prod(x.shape[i] for i in axes), [x.shape[i] for i in rest]
    y = x.transpose((*axes, *rest)).reshape(count, *lengths)
    missing = (1 << max(count - 1, 0).bit_length()) - count  # to the next power of 2
    y = pad(y, [(0, missing)] + [(0, 0)] * len(rest), 1) if missing else y
    while len(y) > 1:
        y = y[::2] * y[1::2]
    kept = [1 if i in axes else n for i, n in enumerate(x.shape)]
    return y.reshape(kept if keepdims else lengths)


class CumSum(Function):
    """yₖ = x₀ + … + xₖ along an axis. Gradient: the running sums of grad, from the end."""

    reads = "nothing"

    def __init__(self, axis: int):
        self.axis = axis

    def forward(self, x):
        return kernels(x).cumsum(x, self.axis)

    def backward(self, grad):
        return flip(CumSum(self.axis)(flip(grad, self.axis)), self.axis)


@in_single
def cumsum(x: Any, axis: int | None = None) -> Tensor:
    """The running sums along an axis; None: of x read row by row, with one axis."""
    x = flatten(x) if axis is None else as_tensor(x)
    (axis,) = normalize_axis(0 if axis is None else axis, x.ndim)
    return CumSum(axis)(x)
