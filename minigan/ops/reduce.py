"""Sums, means and extremes over any axes."""
from __future__ import annotations

import math
import operator
from typing import Any

from ..autodiff import Function, Tensor, as_tensor
from ..backend import array_module, is_half, kernels
from .choice import keep
from .elementwise import in_single
from .shape import Axis, normalize_axis


class Reduction(Function):
    """Base of the reductions over `axes`: where the reduced axes are, and how to put them back."""

    def __init__(self, axes: tuple[int, ...], keepdims: bool):
        self.axes, self.keepdims = axes, keepdims

    def expand(self, reduced: Tensor) -> Tensor:
        """The reduced axes again, at length 1, so that it broadcasts against the input."""
        lengths = enumerate(self.inputs[0].shape)
        return reduced.reshape(tuple(1 if i in self.axes else n for i, n in lengths))


class Sum(Reduction):
    """Σ x over the axes. Gradient: grad, repeated along them."""

    reads = "nothing"

    def forward(self, x):
        return kernels(x).total(x, self.axes, self.keepdims)

    def backward(self, grad):
        return Spread(self.axes, self.keepdims, self.inputs[0].shape)(grad)


def sum(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:  # noqa: A001 (NumPy's name)
    """The sum over an axis, several, or all (None)."""
    x = as_tensor(x)
    return Sum(normalize_axis(axis, x.ndim), keepdims)(x)


@in_single
def mean(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The mean over an axis, several, or all. The mean of no elements is refused."""
    x = as_tensor(x)
    count = math.prod(x.shape[a] for a in normalize_axis(axis, x.ndim))
    if count == 0:
        raise ValueError(f"the mean of no elements is undefined (shape {x.shape}, axis {axis})")
    return _divided(sum(x, axis, keepdims), count)


@in_single
def var(x: Any, axis: Axis = None, keepdims: bool = False, ddof: int = 0) -> Tensor:
    """The variance, divided by n − ddof: ddof 0 is the mean squared deviation, 1 is unbiased."""
    x = as_tensor(x)
    count = math.prod(x.shape[a] for a in normalize_axis(axis, x.ndim))
    if count <= ddof:
        raise ValueError(f"the variance of {count} elements with ddof={ddof} is undefined")
    return _divided(sum((x - mean(x, axis, keepdims=True)) ** 2, axis, keepdims), count - ddof)


def _divided(total: Tensor, count: int) -> Tensor:
    """total / count. Of floats by a product, which is faster; that of all True would not be 1."""
    return total * (1 / count) if total.dtype.kind == "f" else total / count


class Spread(Function):
    """What a sum over the axes leaves, repeated along them to `shape`. Gradient: summed again."""

    reads, view = "nothing", True

    def __init__(self, axes: tuple[int, ...], keepdims: bool, shape: tuple[int, ...]):
        self.axes, self.keepdims, self.shape = axes, keepdims, shape

    def forward(self, x):
        kept = tuple(1 if i in self.axes else n for i, n in enumerate(self.shape))
        return array_module(x).broadcast_to(x.reshape(kept), self.shape)

    def backward(self, grad):
        return Sum(self.axes, self.keepdims)(grad)


class Max(Reduction):
    """The largest element along the axes. The gradient goes to where it is; elements that tie
    share it evenly, the mean of the one-sided derivatives."""

    loses = operator.lt  # where x is not the result; a NaN is as large as anything

    def forward(self, x):
        return kernels(x).largest(x, self.axes, self.keepdims)

    def backward(self, grad):
        x = self.inputs[0].data
        mask = ~self.loses(x, self.expand(self.output.detach()).data)
        dtype = "float32" if is_half(grad) else grad.dtype
        count = mask.astype(dtype).sum(axis=self.axes, keepdims=True)
        share = self.expand(grad) * Tensor((1 / count).astype(grad.dtype))
        return keep(share.broadcast_to(x.shape), mask)


def max(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:  # noqa: A001
    """The largest element over an axis, several, or all; ties share the gradient evenly."""
    return _extreme(Max, x, axis, keepdims)


class Min(Max):
    """The smallest element along the axes. The gradient goes to where it is; elements that tie
    share it evenly."""

    loses = operator.gt

    def forward(self, x):
        return kernels(x).least(x, self.axes, self.keepdims)


def min(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:  # noqa: A001
    """The smallest element over an axis, several, or all; ties share the gradient evenly."""
    return _extreme(Min, x, axis, keepdims)


def _extreme(function: type[Max], x: Any, axis: Axis, keepdims: bool) -> Tensor:
    x = as_tensor(x)
    axes = normalize_axis(axis, x.ndim)
    if 0 in (x.shape[a] for a in axes):
        raise ValueError(f"no elements have no maximum or minimum (shape {x.shape}, axis {axis})")
    return function(axes, keepdims)(x)
