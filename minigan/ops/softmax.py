"""Softmax and its kin: compositions, whose gradients are their parts'."""
from __future__ import annotations

from typing import Any

from ..autodiff import Tensor, no_grad
from ..backend import array_module
from .elementwise import as_floats, exp, in_single, log
from .reduce import max, sum
from .shape import Axis, normalize_axis


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


@in_single
def logsumexp(x: Any, axis: Axis = -1, keepdims: bool = False) -> Tensor:
    """ln Σ eˣ along the axis, without overflow. Its gradient is softmax."""
    x = as_floats(x)
    shift = _shift(x, axis)
    result = log(sum(exp(x - shift), axis, keepdims=True)) + shift
    if keepdims:
        return result
    axes = normalize_axis(axis, x.ndim)
    return result.reshape(tuple(n for i, n in enumerate(x.shape) if i not in axes))


@in_single
def softmax(x: Any, axis: Axis = -1) -> Tensor:
    """eˣ / Σ eˣ along the axis, without overflow."""
    x = as_floats(x)
    e = exp(x - _shift(x, axis))
    return e / sum(e, axis, keepdims=True)


@in_single
def log_softmax(x: Any, axis: Axis = -1) -> Tensor:
    """ln softmax(x), computed without leaving the logarithm, so that it is never ln 0."""
    x = as_floats(x)
    shifted = x - _shift(x, axis)
    return shifted - log(sum(exp(shifted), axis, keepdims=True))
