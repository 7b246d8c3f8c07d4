"""Elementwise kernels on the CPU: block by block on all threads, and without branches.

np.where branches element by element, which on signs that vary costs many times the arithmetic
below, with answers that are 0.0 or 1.0. And without AVX-512 NumPy computes log1p and expm1 one
number at a time, several times slower than exp, log and tanh.
"""
from __future__ import annotations

from functools import wraps

import numpy as np

from .. import reference, thresholds
from ..arrays import precise, same_floats
from . import threads
from .outputs import into


def _in_blocks(f, out, arrays, numbers=()):
    """f(out, *arrays, *numbers) for an elementwise f that writes to out, block by block if there is
    much."""
    if out.size < thresholds.SHARED_PASS or not all(a.flags.c_contiguous for a in (out, *arrays)):
        f(out, *arrays, *numbers)
        return out
    flat, step = [a.reshape(-1) for a in (out, *arrays)], thresholds.PASS_BLOCK
    threads.share(lambda i: f(*[a[i:i + step] for a in flat], *numbers), range(0, out.size, step))
    return out


def _is_large(x, *others):
    """Whether NumPy's own functions take longer than several simple passes; of precise floats, all
    of one type and one shape."""
    return (x.size >= thresholds.SIMPLE_PASSES and same_floats(x, *others) and precise(x)
            and all(other.shape == x.shape for other in others))


def _place(x, out):
    """What is written to: out, or a new array like x."""
    return np.empty_like(x) if out is None else out


def _shared(function):
    """NumPy's function of one array, on all threads."""
    def kernel(x, out=None):
        if x.size < thresholds.SHARED_PASS or x.dtype.kind != "f":
            return function(x, out=out)
        return _in_blocks(lambda y, x: function(x, out=y), _place(x, out), (x,))

    return kernel


exp, log, sin, cos, tanh = map(_shared, (np.exp, np.log, np.sin, np.cos, np.tanh))


def _for_large(specification, is_ours=_is_large, numbers=0):
    """The reference's kernel of arrays of one shape, and of so many numbers behind them; of much it
    is computed block by block, by f(target, *arrays, *numbers)."""
    def made_of(f):
        @wraps(specification)
        def kernel(*args, out=None):
            if not is_ours(*args):
                return into(out, specification(*args))
            count = len(args) - numbers
            return _in_blocks(f, _place(args[0], out), args[:count], args[count:])

        return kernel

    return made_of


def _decay(x):
    """e^−|x|; two passes, for NumPy takes longer for copysign(x, −1)."""
    e = np.abs(x)
    e = np.negative(e, out=_out(e))
    return np.exp(e, out=_out(e))


def _sigmoid(y, x):
    """The larger of e^−|x| and [x ≥ 0] is what stands above the line."""
    e = _decay(x)
    np.greater_equal(x, 0, out=y)
    np.maximum(y, e, out=y)
    e += 1
    y /= e


sigmoid = _for_large(reference.sigmoid, lambda x: x.dtype.kind == "f")(_sigmoid)


@_for_large(reference.sigmoid_gradient)
def sigmoid_gradient(target, grad, y):
    np.subtract(1, y, out=target)
    target *= y
    target *= grad


@_for_large(reference.tanh_gradient)
def tanh_gradient(target, grad, y):
    np.multiply(y, y, out=target)
    np.subtract(1, target, out=target)
    target *= grad


@_for_large(reference.softplus_gradient)
def softplus_gradient(target, grad, x):
    _sigmoid(target, x)
    target *= grad


def _log1p(e):
    """ln(1 + e) for e in [0, 1], as ln u for u, which is 1 + e rounded, plus what was rounded off
    over u."""
    u = e + 1
    e -= u - 1
    e /= u
    e += np.log(u, out=u)
    return e


@_for_large(reference.softplus)
def softplus(y, x):
    e = _log1p(_decay(x))
    np.clip(x, 0, np.inf, out=y)
    y += e


@_for_large(reference.bce_with_logits)
def bce_with_logits(y, x, t):
    e = _log1p(_decay(x))
    np.clip(x, 0, np.inf, out=y)
    y -= t * x
    y += e


def relu(x, out=None):
    """max(x, 0). NumPy's maximum of an array and a number is slower than its clip."""
    if not _is_large(x):
        return np.maximum(x, 0, out=out)
    return _in_blocks(lambda y, x: np.clip(x, 0, np.inf, out=y), _place(x, out), (x,))


@_for_large(reference.elu, lambda x, alpha: _is_large(x) and abs(alpha) < np.inf, numbers=1)
def elu(y, x, alpha):
    """max(x, 0) + α (e^min(x, 0) − 1): where x is positive, the second is 0. Of float32, e^x − 1 is
    tanh(x / 2) · (e^x + 1), where nothing cancels."""
    np.clip(x, -np.inf, 0, out=y)
    if x.dtype == np.float32:
        e = np.exp(y)
        e += 1
        y *= x.dtype.type(0.5)
        np.tanh(y, out=y)
        y *= e
    else:
        np.expm1(y, out=y)
    y *= alpha
    y += np.clip(x, 0, np.inf)


@_for_large(reference.elu_gradient,
            lambda grad, x, alpha: alpha == 1 and _is_large(grad, x), numbers=1)
def elu_gradient(y, grad, x, alpha):
    """For α = 1: where x > 0 as elsewhere it is grad · e^min(x, 0)."""
    np.clip(x, -np.inf, 0, out=y)
    np.exp(y, out=y)
    y *= grad


@_for_large(reference.leaky_relu,
            lambda x, slope: 0 < slope <= 1 and x.dtype.kind == "f", numbers=1)
def leaky_relu(y, x, slope):
    """For a slope in (0, 1] it is the larger of x and slope · x."""
    np.multiply(x, slope, out=y)
    np.maximum(x, y, out=y)


@_for_large(reference.leaky_relu_gradient,
            lambda grad, x, slope: 0 <= slope <= 1 and _has_bits(grad), numbers=1)
def leaky_relu_gradient(y, grad, x, slope):
    """For a slope in (0, 1] grad's factor is the answer to x > 0, as 1.0 or 0.0, times 1 − slope,
    plus slope, which is exactly 1 where it should be."""
    if slope:
        np.greater(x, 0, out=y)
        y *= 1 - slope
        y += slope
        y *= grad
    else:  # as in `keep`
        bits = bits_of(y)
        np.greater(x, 0, out=bits)
        bits *= bits_of(grad)


def keep(x, mask, out=None):
    """x where the mask holds, else 0: the bits of x, taken for an integer, times 1 or 0. That has
    no branches and, unlike a product of floats, no 0 · ∞."""
    if not _has_bits(x):
        return into(out, reference.keep(x, mask))

    def choose(y, x, mask):
        np.multiply(mask, bits_of(x), out=bits_of(y))

    return _in_blocks(choose, np.empty_like(x, order="C") if out is None else out, (x, mask))


def where(mask, x, y, out=None):
    """x where the mask holds, else y: the bits of y, and of those that x has otherwise the mask
    times."""
    like = x if x.shape == mask.shape else y
    if (like.size < thresholds.SIMPLE_PASSES or like.shape != mask.shape or x.dtype != y.dtype
            or not _has_bits(x) or max(x.ndim, y.ndim) > mask.ndim):
        return into(out, np.where(mask, x, y))
    if x.shape != y.shape:  # one of them is repeated
        x, y = np.broadcast_arrays(x, y)
        x, y = [a if a.shape == mask.shape else np.broadcast_to(a, mask.shape) for a in (x, y)]

    def choose(z, mask, x, y):
        bits, others = bits_of(z), bits_of(y)
        np.bitwise_xor(bits_of(x), others, out=bits)
        bits *= mask
        bits ^= others

    return _in_blocks(choose, np.empty(mask.shape, x.dtype) if out is None else out, (mask, x, y))


def _has_bits(x):
    """Whether x is of floats as long as an integer."""
    return x.dtype.kind == "f" and x.itemsize <= 8


def bits_of(x):
    """The same memory, taken for integers."""
    return x.view(f"i{x.itemsize}")


def _out(x):
    """x to be written over, or None where NumPy made it a scalar, which cannot be."""
    return x if x.ndim else None
