"""Softmax and its kin, whose gradients are written with their own results."""
from __future__ import annotations

from typing import Any

from ..autodiff import Function, Tensor
from ..backend import kernels
from .elementwise import as_floats, exp, in_single
from .shape import Axis, normalize_axis


class AlongAxes(Function):
    """Base of the three: over which axes, all other elements apart from each other."""

    def __init__(self, axes: tuple[int, ...]):
        self.axes = axes


class LogSumExp(AlongAxes):
    """y = ln Σ eˣ, the axes kept at length 1. Gradient: grad · e^(x − y), which is softmax."""

    def forward(self, x):
        return kernels(x).logsumexp(x, self.axes)

    def backward(self, grad):
        return grad * exp(self.inputs[0] - self.output)

    def fused_backward(self, grad):
        x, y = self.inputs[0].data, self.output.data
        return (kernels(x).logsumexp_gradient(grad, x, y, self.axes),)


@in_single
def logsumexp(x: Any, axis: Axis = -1, keepdims: bool = False) -> Tensor:
    """ln Σ eˣ along the axis, without overflow. Its gradient is softmax."""
    x = as_floats(x)
    axes = normalize_axis(axis, x.ndim)
    result = LogSumExp(axes)(x)
    if keepdims:
        return result
    return result.reshape(tuple(n for i, n in enumerate(x.shape) if i not in axes))


class Softmax(AlongAxes):
    """y = eˣ / Σ eˣ. Gradient: (grad − Σ grad · y) · y."""

    def forward(self, x):
        return kernels(x).softmax(x, self.axes)

    def backward(self, grad):
        y = self.output
        return (grad - (grad * y).sum(self.axes, keepdims=True)) * y

    def fused_backward(self, grad):
        return (kernels(grad).softmax_gradient(grad, self.output.data, self.axes),)


@in_single
def softmax(x: Any, axis: Axis = -1) -> Tensor:
    """eˣ / Σ eˣ along the axis, without overflow."""
    x = as_floats(x)
    return Softmax(normalize_axis(axis, x.ndim))(x)


class LogSoftmax(AlongAxes):
    """y = x − ln Σ eˣ. Gradient: grad − eʸ · Σ grad."""

    def forward(self, x):
        return kernels(x).log_softmax(x, self.axes)

    def backward(self, grad):
        return grad - exp(self.output) * grad.sum(self.axes, keepdims=True)

    def fused_backward(self, grad):
        return (kernels(grad).log_softmax_gradient(grad, self.output.data, self.axes),)


@in_single
def log_softmax(x: Any, axis: Axis = -1) -> Tensor:
    """ln softmax(x), computed without leaving the logarithm, so that it is never ln 0."""
    x = as_floats(x)
    return LogSoftmax(normalize_axis(axis, x.ndim))(x)
