"""Every kernel in plain array code: the specification that the fast versions are tested against.

A kernel takes arrays and returns an array of the same dtype. It works for NumPy and CuPy alike.
"""
from __future__ import annotations

from typing import Any, Callable, Sequence


def _xp(x: Any) -> Any:
    from . import array_module  # the package imports this module first

    return array_module(x)


def sigmoid(x):
    """1 / (1 + e⁻ˣ). e^−|x| never overflows; where x < 0 the fraction is e^x / (1 + e^x)."""
    xp = _xp(x)
    e = xp.exp(-xp.abs(x))
    return xp.where(x >= 0, 1, e) / (1 + e)


def softplus(x):
    """ln(1 + eˣ) = max(x, 0) + ln(1 + e^−|x|), where nothing overflows."""
    xp = _xp(x)
    return xp.maximum(x, 0) + xp.log1p(xp.exp(-xp.abs(x)))


def leaky_relu(x, slope):
    """x where x > 0, else slope · x."""
    return _xp(x).where(x > 0, x, slope * x)


def leaky_relu_gradient(grad, positive, slope):
    """grad where positive (booleans), else slope · grad."""
    return _xp(grad).where(positive, grad, slope * grad)


def bce_with_logits(x, t):
    """−t ln σ(x) − (1 − t) ln(1 − σ(x)) = (max(x, 0) − t x) + ln(1 + e^−|x|)."""
    xp = _xp(x)
    # in this order: for t = 1 and a large x the bracket is exactly 0, and the small rest is kept
    return (xp.maximum(x, 0) - t * x) + xp.log1p(xp.exp(-xp.abs(x)))


def matmul(x, w):
    """x @ w for (…, n, k) and (…, k, m)."""
    return x @ w


def add_at(shape, index, x):
    """Zeros of the shape with x added at the index, again for every time the index repeats."""
    xp = _xp(x)
    y = xp.zeros(shape, x.dtype)
    if all(isinstance(i, (int, slice, type(None), type(...))) for i in index):
        y[index] = x  # slices and integers never repeat
    else:
        xp.add.at(y, index, x)
    return y


def update(rule: Callable, param: Any, grads: Sequence[Any], *state: Any) -> None:
    """Apply an optimiser's rule(param, grad, *state), which changes the parameters and the state
    in place, elementwise, on flat arrays; `grads` are the pieces of the gradient, in order."""
    grad = _xp(param).concatenate([g.reshape(-1) for g in grads])
    rule(param, grad, *state)
