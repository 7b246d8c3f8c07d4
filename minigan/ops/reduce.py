"""Sums, means and extremes over any axes."""
from __future__ import annotations

import math
from typing import Any

from ..autodiff import Function, Tensor, as_tensor, no_grad
from ..backend import array_module
from .elementwise import exp, log

Axis = int | tuple[int, ...] | None


def normalize_axis(axis: Axis, ndim: int) -> tuple[int, ...]:
    """The axes as a tuple of numbers in 0 … ndim − 1; None means all of them."""
    if axis is None:
        return tuple(range(ndim))
    axes = tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
    for a in axes:
        if not -ndim <= a < ndim:
            raise ValueError(f"axis {a} does not exist in a tensor of {ndim} axes")
    normal = tuple(a % ndim for a in axes)
    if len(set(normal)) != len(normal):
        raise ValueError(f"an axis is named twice in {axes}")
    return normal


def keepdims_shape(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    """`shape` with the reduced axes kept at length 1."""
    return tuple(1 if i in axes else n for i, n in enumerate(shape))


class Reduction(Function):
    """Base of the reductions over `axes`: where the reduced axes are, and how to put them back."""

    def __init__(self, axes: tuple[int, ...], keepdims: bool):
        self.axes, self.keepdims = axes, keepdims

    def expand(self, reduced: Tensor) -> Tensor:
        """The reduced axes again, at length 1, so that it broadcasts against the input."""
        return reduced.reshape(keepdims_shape(self.inputs[0].shape, self.axes))


class Sum(Reduction):
    """Σ x over the axes. Gradient: grad, repeated along them."""

    reads = "nothing"

    def forward(self, x):
        return x.sum(axis=self.axes, keepdims=self.keepdims)

    def backward(self, grad):
        return Spread(self.axes, self.keepdims, self.inputs[0].shape)(grad)


def sum(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:  # noqa: A001 (NumPy's name)
    """The sum over an axis, several, or all (None)."""
    x = as_tensor(x)
    return Sum(normalize_axis(axis, x.ndim), keepdims)(x)


def mean(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The mean over an axis, several, or all. The mean of no elements is refused."""
    x = as_tensor(x)
    count = math.prod(x.shape[a] for a in normalize_axis(axis, x.ndim))
    if count == 0:
        raise ValueError(f"the mean of no elements is undefined (shape {x.shape}, axis {axis})")
    return sum(x, axis, keepdims) * (1 / count)


def var(x: Any, axis: Axis = None, keepdims: bool = False, ddof: int = 0) -> Tensor:
    """The variance, divided by n − ddof: ddof 0 is the mean squared deviation, 1 is unbiased."""
    x = as_tensor(x)
    count = math.prod(x.shape[a] for a in normalize_axis(axis, x.ndim))
    if count <= ddof:
        raise ValueError(f"the variance of {count} elements with ddof={ddof} is undefined")
    return sum((x - mean(x, axis, keepdims=True)) ** 2, axis, keepdims) * (1 / (count - ddof))


class Spread(Function):
    """What a sum over the axes leaves, repeated along them to `shape`. Gradient: summed again."""

    reads, view = "nothing", True

    def __init__(self, axes: tuple[int, ...], keepdims: bool, shape: tuple[int, ...]):
        self.axes, self.keepdims, self.shape = axes, keepdims, shape

    def forward(self, x):
        x = x.reshape(keepdims_shape(self.shape, self.axes))
        return array_module(x).broadcast_to(x, self.shape)

    def backward(self, grad):
        return Sum(self.axes, self.keepdims)(grad)


class Max(Reduction):
    """The largest element along the axes. The gradient goes to where it is; elements that tie
    share it evenly, the mean of the one-sided derivatives."""

    def forward(self, x):
        return x.max(axis=self.axes, keepdims=self.keepdims)

    def backward(self, grad):
        x, largest = self.inputs[0].data, self.expand(self.output.detach()).data
        share = (x == largest).astype(grad.dtype)
        share /= share.sum(axis=self.axes, keepdims=True)
        return self.expand(grad) * Tensor(share)


def max(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:  # noqa: A001
    """The largest element over an axis, several, or all; ties share the gradient evenly."""
    x = as_tensor(x)
    axes = normalize_axis(axis, x.ndim)
    if 0 in (x.shape[a] for a in axes):
        raise ValueError(f"no elements have no maximum or minimum (shape {x.shape}, axis {axis})")
    return Max(axes, keepdims)(x)


def min(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:  # noqa: A001
    """The smallest element over an axis, several, or all; ties share the gradient evenly."""
    return -max(-as_tensor(x), axis, keepdims)


def _shift(x: Tensor, axis: Axis) -> Tensor:
    """The largest element along the axis, as a constant: e^(x − shift) cannot overflow.

    Softmax and its kin do not depend on the shift, so it needs no gradient.
    """
    with no_grad():
        return clip_infinite(max(x, axis, keepdims=True))


def clip_infinite(x: Tensor) -> Tensor:
    """x with ±∞ set to 0: −∞ − (−∞) would be NaN."""
    xp = array_module(x.data)
    return Tensor(xp.where(xp.isfinite(x.data), x.data, xp.zeros_like(x.data)))


def logsumexp(x: Any, axis: Axis = -1, keepdims: bool = False) -> Tensor:
    """ln Σ eˣ along the axis, without overflow. Its gradient is softmax."""
    x = as_tensor(x)
    shift = _shift(x, axis)
    result = log(sum(exp(x - shift), axis, keepdims=True)) + shift
    if keepdims:
        return result
    axes = normalize_axis(axis, x.ndim)
    return result.reshape(tuple(n for i, n in enumerate(x.shape) if i not in axes))


def softmax(x: Any, axis: Axis = -1) -> Tensor:
    """eˣ / Σ eˣ along the axis, without overflow."""
    x = as_tensor(x)
    e = exp(x - _shift(x, axis))
    return e / sum(e, axis, keepdims=True)


def log_softmax(x: Any, axis: Axis = -1) -> Tensor:
    """ln softmax(x), computed without leaving the logarithm, so that it is never ln 0."""
    x = as_tensor(x)
    shifted = x - _shift(x, axis)
    return shifted - log(sum(exp(shifted), axis, keepdims=True))
