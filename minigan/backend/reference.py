"""Every kernel in plain array code: the specification that the fast versions are tested against.

A kernel takes arrays and returns one or several of the same dtype. It works for NumPy and CuPy
alike.
"""
from __future__ import annotations

import math
from typing import Any, Callable, Sequence

from .arrays import HALF, in_single, is_half, repeats
from .arrays import xp_of as _xp
from .reference_images import (  # noqa: F401
    conv2d, conv2d_input_gradient, conv2d_weight_gradient, max_pool, max_pool_gradient,
    max_pool_mean, window_spread, window_sum)


def exp(x):
    """eˣ."""
    return _xp(x).exp(x)


def log(x):
    """ln x."""
    return _xp(x).log(x)


def sin(x):
    """The sine."""
    return _xp(x).sin(x)


def cos(x):
    """The cosine."""
    return _xp(x).cos(x)


def tanh(x):
    """The hyperbolic tangent."""
    return _xp(x).tanh(x)


def sigmoid(x):
    """1 / (1 + e⁻ˣ). e^−|x| never overflows; where x < 0 the fraction is e^x / (1 + e^x)."""
    xp = _xp(x)
    e = xp.exp(-xp.abs(x))
    return xp.where(x >= 0, 1, e) / (1 + e)


def sigmoid_gradient(grad, y):
    """grad · y · (1 − y), where y = σ(x)."""
    return grad * (y * (1 - y))


def tanh_gradient(grad, y):
    """grad · (1 − y²), where y = tanh x."""
    return grad * (1 - y * y)


def softplus(x):
    """ln(1 + eˣ) = max(x, 0) + ln(1 + e^−|x|), where nothing overflows."""
    xp = _xp(x)
    return xp.maximum(x, 0) + xp.log1p(xp.exp(-xp.abs(x)))


def softplus_gradient(grad, x):
    """grad · σ(x)."""
    return grad * sigmoid(x)


def relu(x):
    """max(x, 0)."""
    return _xp(x).maximum(x, 0)


def elu(x, alpha):
    """x where x > 0, else α (eˣ − 1)."""
    xp = _xp(x)
    return xp.where(x > 0, x, alpha * xp.expm1(xp.minimum(x, 0)))


def elu_gradient(grad, x, alpha):
    """grad where x > 0, else grad · α eˣ."""
    xp = _xp(x)
    return xp.where(x > 0, grad, grad * (alpha * xp.exp(xp.minimum(x, 0))))


def leaky_relu(x, slope):
    """x where x > 0, else slope · x."""
    return _xp(x).where(x > 0, x, slope * x)


def leaky_relu_gradient(grad, x, slope):
    """grad where x > 0 (numbers, or booleans), else slope · grad: nothing of it for a slope of 0,
    be grad infinite."""
    return _xp(grad).where(x > 0, grad, slope * grad if slope else 0)


def where(mask, x, y):
    """x where the mask, booleans, holds, else y; all three broadcast."""
    return _xp(x).where(mask, x, y)


def keep(x, mask):
    """x where the mask, booleans, holds, else 0; they have one shape. x · mask would be NaN where
    an infinite x is masked."""
    return _xp(x).where(mask, x, 0)


def bce_with_logits(x, t):
    """−t ln σ(x) − (1 − t) ln(1 − σ(x)) = (max(x, 0) − t x) + ln(1 + e^−|x|)."""
    xp = _xp(x)
    # in this order: for t = 1 and a large x the bracket is exactly 0, and the small rest is kept
    return (xp.maximum(x, 0) - t * x) + xp.log1p(xp.exp(-xp.abs(x)))


def total(x, axes, keepdims):
    """The sum over the axes; float16 is added up in float32."""
    if x.dtype != HALF:
        return x.sum(axis=axes, keepdims=keepdims)
    return x.sum(axis=axes, keepdims=keepdims, dtype="float32").astype(x.dtype)


def largest(x, axes, keepdims):
    """The largest element along the axes."""
    return x.max(axis=axes, keepdims=keepdims)


def least(x, axes, keepdims):
    """The smallest element along the axes."""
    return x.min(axis=axes, keepdims=keepdims)


def cumsum(x, axis):
    """The running sums along an axis."""
    return x.cumsum(axis=axis)


def softmax(x, axis):
    """eˣ / Σ eˣ along the axis or axes, without overflow."""
    e = _xp(x).exp(x - _shift(x, axis))
    return e / e.sum(axis=axis, keepdims=True)


def softmax_gradient(grad, y, axis):
    """(grad − Σ grad · y) · y, where y = softmax(x)."""
    return (grad - (grad * y).sum(axis=axis, keepdims=True)) * y


def log_softmax(x, axis):
    """x − ln Σ eˣ along the axis or axes."""
    shifted = x - _shift(x, axis)
    return shifted - _xp(x).log(_xp(x).exp(shifted).sum(axis=axis, keepdims=True))


def log_softmax_gradient(grad, y, axis):
    """grad − eʸ · Σ grad, where y = log_softmax(x)."""
    return grad - _xp(y).exp(y) * grad.sum(axis=axis, keepdims=True)


def logsumexp(x, axis):
    """ln Σ eˣ along the axis or axes, which stay, with length 1."""
    shift = _shift(x, axis)
    return _xp(x).log(_xp(x).exp(x - shift).sum(axis=axis, keepdims=True)) + shift


def logsumexp_gradient(grad, x, y, axis):
    """grad · e^(x − y), where y = logsumexp(x, axis)."""
    return grad * _xp(x).exp(x - y)


def _shift(x, axis):
    """The largest element along the axis: e^(x − shift) cannot overflow. Where it is infinite 0,
    for ∞ − ∞ would be NaN."""
    shift = x.max(axis=axis, keepdims=True)
    return _xp(x).where(_xp(x).isfinite(shift), shift, 0)


def matmul(x, w):
    """x @ w for (…, n, k) and (…, k, m)."""
    return x @ w


def banded_matmul(matrix, x, most):
    """matrix @ x for (m, n) and (…, n, k), where of each row of the matrix no more than `most`
    elements, side by side, are not 0. The others are not read: 0 · ∞ is NaN."""
    xp, (m, n) = _xp(x), matrix.shape
    first, rows, y = (matrix != 0).argmax(axis=1), xp.arange(m), 0
    for i in range(most):
        place = xp.minimum(first + i, n - 1)
        weight = (matrix[rows, place] * (first + i < n)).astype(x.dtype).reshape(m, 1)
        y = y + weight * xp.where(weight != 0, x[..., place, :], 0)
    return y


@in_single
def batch_norm(x, weight, bias, eps):
    """(x − mean) / √(var + eps) · weight + bias, the mean and the biased variance of x (…, C)
    over all axes but the last. Returns y, mean and var; the latter two (C,)."""
    centred, mean, var = _centred(x, tuple(range(x.ndim - 1)))
    y = centred * (weight / _xp(x).sqrt(var + eps)) + bias
    return y, mean.reshape(-1), var.reshape(-1)


@in_single
def batch_norm_gradient(grad, x, weight, eps):
    """The gradients of batch_norm's x, weight and bias. With n = (x − mean) / √(var + eps), the
    first is (grad − mean(grad) − n · mean(grad · n)) · weight / √(var + eps)."""
    axes, count = tuple(range(x.ndim - 1)), math.prod(x.shape[:-1])
    centred, _, var = _centred(x, axes)
    inv_std = 1 / _xp(x).sqrt(var + eps)
    normal = centred * inv_std
    by_weight, by_bias = (grad * normal).sum(axis=axes), grad.sum(axis=axes)
    by_x = (grad - by_bias / count - normal * (by_weight / count)) * (weight * inv_std)
    return by_x, by_weight, by_bias


def group_norm(x, weight, bias, eps):
    """(x − mean) / √(var + eps) · weight + bias, the mean and the biased variance of each example's
    each group, x (N, R, G, C): over R and C. weight and bias are (G, C)."""
    centred, _, var = _centred(x, (1, 3))
    return centred / _xp(x).sqrt(var + eps) * weight + bias


def group_norm_gradient(grad, x, weight, eps):
    """The gradients of group_norm's x, weight and bias. With n = (x − mean) / √(var + eps) and
    g = grad · weight, the first is (g − mean(g) − n · mean(g · n)) / √(var + eps)."""
    centred, _, var = _centred(x, (1, 3))
    inv_std = 1 / _xp(x).sqrt(var + eps)
    normal, by_normal = centred * inv_std, grad * weight
    along = (by_normal.mean(axis=(1, 3), keepdims=True)
             + normal * (by_normal * normal).mean(axis=(1, 3), keepdims=True))
    return ((by_normal - along) * inv_std, (grad * normal).sum(axis=(0, 1)),
            grad.sum(axis=(0, 1)))


def move_statistics(running_mean, running_var, mean, var, momentum, count):
    """Running statistics, moved in place by `momentum` towards the mean and the unbiased variance
    of `count` values, whose biased variance is `var`; all (C,)."""
    running_mean *= 1 - momentum
    running_mean += momentum * mean
    running_var *= 1 - momentum
    running_var += momentum * (var * (count / (count - 1)))


def _centred(x, axes):
    """x − mean, mean and var, the axes kept. In two passes: E[x²] − E[x]² would cancel where
    |mean| ≫ std."""
    mean = x.mean(axis=axes, keepdims=True)
    centred = x - mean
    return centred, mean, (centred * centred).mean(axis=axes, keepdims=True)


def add_at(shape, index, x):
    """Zeros of the shape with x added at the index, again for every time the index repeats;
    float16 is added up in float32."""
    xp = _xp(x)
    if is_half(x) and repeats(index):
        return add_at(shape, index, x.astype("float32")).astype(x.dtype)
    y = xp.zeros(shape, x.dtype)
    if repeats(index):
        xp.add.at(y, index, x)
    else:
        y[index] = x
    return y


def update(rule: Callable, param: Any, grads: Sequence[Any], *state: Any) -> None:
    """Apply an optimiser's rule(param, grad, *state), which changes the parameters and the state
    in place, elementwise, on flat arrays; `grads` are the pieces of the gradient, in order."""
    grad, start = _xp(param).empty_like(param), 0
    for g in grads:  # CuPy's concatenate would upload the addresses of more than 8 arrays
        grad[start:start + g.size] = g.reshape(-1)
        start += g.size
    rule(param, grad, *state)


def ema(average: Any, x: Any, decay: float, updates: Any) -> None:
    """average ← average + rate · (x − average), in place, on flat arrays. The rate is 1 − decay,
    but at least 9 / (10 + updates). On a device `updates` is a 0-d array, which may
    change between the replays of a captured step."""
    rate = _xp(average).maximum(9 / (10 + updates), 1 - decay).astype(average.dtype)
    change = x - average
    change *= rate
    average += change


# every function here is a kernel, but for those that begin with _
__all__ = sorted([name for name, f in globals().items() if name[0] != "_"
                  and getattr(f, "__module__", "").startswith(__name__)])
