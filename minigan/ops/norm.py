"""Normalisation: mean 0 and variance 1, over the batch, each example, or each image's channels."""
from __future__ import annotations

import math
from typing import Any

from ..autodiff import Function, Tensor
from ..backend import array_module, is_half, kernels, plain
from ..backend.geometry import check_groups
from ..settings import NotNegative
from .elementwise import operands, sqrt


class BatchNorm(Function):
    """y = n · weight + bias, n = (x − mean) / √(var + eps), with x's mean and biased variance over
    all axes but the last (Ioffe & Szegedy 2015, algorithm 1).

    With G = grad and means over the same axes: ∂/∂x is (G − mean(G) − n · mean(G · n)) · weight
    / √(var + eps), ∂/∂weight the sum of G · n, and ∂/∂bias the sum of G. Mean and deviation are
    computed again in backward, from x: kept as arrays they would be constants when the gradient
    is differentiated.
    """

    def __init__(self, eps: float):
        self.eps = eps

    def forward(self, x, weight, bias):
        y, *self.statistics = kernels(x).batch_norm(x, weight, bias, self.eps)
        return y

    def take_statistics(self) -> tuple[Tensor, Tensor]:
        """The batch's mean and variance, as constants; once, and then the node has them no more."""
        mean, var = self.statistics
        del self.statistics
        return Tensor(mean), Tensor(var)

    def backward(self, grad):
        x, weight, _ = self.inputs
        if is_half(x):  # squares overflow
            grad, x, weight = [t.astype("float32") for t in (grad, x, weight)]
        axes, count = tuple(range(x.ndim - 1)), math.prod(x.shape[:-1])
        centred = x - x.mean(axes)
        inv_std = 1 / sqrt((centred * centred).mean(axes) + self.eps)
        normal = centred * inv_std
        by_weight, by_bias = (grad * normal).sum(axes), grad.sum(axes)
        if not self.needs[0]:
            return None, by_weight, by_bias
        along = by_bias * (1 / count) + normal * (by_weight * (1 / count))
        return (grad - along) * (weight * inv_std), by_weight, by_bias

    def fused_backward(self, grad):
        x, weight, _ = self.inputs
        return kernels(x.data).batch_norm_gradient(grad, x.data, weight.data, self.eps)


def batch_norm(x: Any, weight: Any, bias: Any, eps: NotNegative = 1e-5
               ) -> tuple[Tensor, Tensor, Tensor]:
    """(x − mean) / √(var + eps) · weight + bias with the batch's own mean and biased variance,
    over all axes but the last (Ioffe & Szegedy 2015): x (N, …, C), weight and bias (C,).

    Returns y, mean and var. Gradients flow through y, all of them, those by way of the mean and
    the variance included; the mean and the variance that come with it, (C,), are constants, for
    running statistics. To differentiate by them, take x.mean and x.var.
    """
    if 0 in x.shape[:-1]:
        raise ValueError(f"the mean of no elements is undefined (batch_norm of shape {x.shape})")
    x, weight, bias = _checked("batch_norm", "(N, …, C)", 2, x, weight, bias)
    node = BatchNorm(plain(eps))
    return node(x, weight, bias), *node.take_statistics()


class GroupNorm(Function):
    """y = n · weight + bias, n = (x − mean) / √(var + eps), with the mean and the biased variance
    of each example's each group of channels: x (N, R, G, C), over R and C; weight, bias (G, C).

    With g = grad · weight and means over the same axes: ∂/∂x is (g − mean(g) − n · mean(g · n))
    / √(var + eps), ∂/∂weight the sum of grad · n, and ∂/∂bias the sum of grad.
    """

    def __init__(self, eps: float):
        self.eps = eps

    def forward(self, x, weight, bias):
        return kernels(x).group_norm(x, weight, bias, self.eps)

    def backward(self, grad):
        x, weight, _ = self.inputs

        def mean(t):
            return t.mean((1, 3), keepdims=True)

        centred = x - mean(x)
        inv_std = 1 / sqrt(mean(centred * centred) + self.eps)
        normal, by_normal = centred * inv_std, grad * weight
        along = mean(by_normal) + normal * mean(by_normal * normal)
        return (by_normal - along) * inv_std, (grad * normal).sum((0, 1)), grad.sum((0, 1))

    def fused_backward(self, grad):
        x, weight, _ = self.inputs
        return kernels(x.data).group_norm_gradient(grad, x.data, weight.data, self.eps)


def layer_norm(x: Any, weight: Any, bias: Any, eps: NotNegative = 1e-5) -> Tensor:
    """(x − mean) / √(var + eps) · weight + bias with the mean and the biased variance of each
    example's last axis (Ba et al. 2016): x (…, C), weight and bias (C,)."""
    x, weight, bias = _checked("layer_norm", "(…, C)", 1, x, weight, bias)
    return _normalised(x, weight, bias, (math.prod(x.shape[:-1]), 1, 1, x.shape[-1]), eps)


def instance_norm(x: Any, weight: Any, bias: Any, eps: NotNegative = 1e-5) -> Tensor:
    """(x − mean) / √(var + eps) · weight + bias with the mean and the biased variance of each
    image's each channel (Ulyanov et al. 2016): x (N, H, W, C), or with any number of axes between
    the first and the last; weight and bias (C,)."""
    x, weight, bias = _checked("instance_norm", "(N, …, C)", 3, x, weight, bias)
    return _normalised(x, weight, bias,
                       (len(x), math.prod(x.shape[1:-1]), x.shape[-1], 1), eps)


def group_norm(x: Any, weight: Any, bias: Any, groups: int, eps: NotNegative = 1e-5) -> Tensor:
    """(x − mean) / √(var + eps) · weight + bias with the mean and the biased variance of each
    example's each group of C / groups channels that lie side by side (Wu & He 2018): x (N, …, C),
    weight and bias (C,)."""
    x, weight, bias = _checked("group_norm", "(N, …, C)", 2, x, weight, bias)
    check_groups(groups, {"the channels of x, ": x.shape[-1]})
    return _normalised(x, weight, bias, (len(x), math.prod(x.shape[1:-1]), groups,
                                         x.shape[-1] // groups), eps)


def _normalised(x: Tensor, weight: Tensor, bias: Tensor, form: tuple[int, ...],
                eps: float) -> Tensor:
    """x, taken as (N, R, G, C), with mean 0 and variance 1 over R and C, · weight + bias."""
    if math.prod(form[1::2]) == 0:
        raise ValueError(f"the mean of no elements is undefined (x of shape {x.shape})")
    if is_half(x):  # squares overflow
        dtype = array_module(x.data).result_type(*[t.dtype for t in (x, weight, bias)])
        return _normalised(x.astype("float32"), weight, bias, form, eps).astype(dtype)
    y = GroupNorm(plain(eps))(x.reshape(form), *[t.reshape(form[2:]) for t in (weight, bias)])
    return y.reshape(x.shape)


def _checked(name: str, form: str, ndim: int, x: Any, weight: Any,
             bias: Any) -> tuple[Tensor, Tensor, Tensor]:
    """The three as Tensors, if they fit: x of that form, so of at least `ndim` axes."""
    x, weight = operands(x, weight)
    x, bias = operands(x, bias)
    if x.ndim < ndim or weight.shape != x.shape[-1:] or bias.shape != x.shape[-1:]:
        raise ValueError(f"{name} needs x {form} and weight and bias (C,), got {x.shape}, "
                         f"{weight.shape} and {bias.shape}")
    return x, weight, bias
