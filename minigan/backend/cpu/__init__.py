"""The kernels on the CPU: reference.py's names, faster where a profile asked for it."""
from __future__ import annotations

import numpy as np

from .. import reference, thresholds
from ..reference import (add_at, assign, bce_with_logits, ema, move_statistics,
                         sigmoid_gradient, softplus, tanh_gradient)
from . import threads
from .grouped import conv2d, conv2d_input_gradient, conv2d_weight_gradient
from .norm import batch_norm, batch_norm_gradient
from .outputs import into

# glibc returns freed memory to the system, and every 4 KB of it cost a page fault when they come
# back, unless it has seen a large block freed before. One that is never touched costs nothing.
np.empty(31 << 20, np.uint8)

__all__ = ["add_at", "assign", "banded_matmul", "batch_norm", "batch_norm_gradient",
           "bce_with_logits", "conv2d", "conv2d_input_gradient", "conv2d_weight_gradient", "ema",
           "keep", "leaky_relu", "leaky_relu_gradient", "matmul", "move_statistics", "sigmoid",
           "sigmoid_gradient", "softplus", "softplus_gradient", "tanh_gradient", "update"]


def matmul(x, w, out=None):
    """x @ w; a column times a row is no sum, and a product of elements is many times faster.
    Large products are cut into strips along the longer side of the result. To `out`, an array of
    the result's shape and dtype in C order, if it is given; so do the kernels below."""
    if x.shape[-1] == 1:
        return np.multiply(x, w, out=out)
    if x.ndim != 2 or w.ndim != 2 or 2 * x.size * w.shape[1] < thresholds.SHARED_PRODUCT:
        threads.count()  # holds the BLAS to one thread, also for small products
        return np.matmul(x, w, out=out)
    return _matmul_in_strips(x, w, out)


def banded_matmul(matrix, x, most):
    """The reference's; of numbers that are finite, as they mostly are, a product with all of the
    matrix, which is faster."""
    with np.errstate(over="ignore", invalid="ignore"):
        y = matmul(matrix, x)
        finite = np.isfinite((x if x.size < y.size else y).sum())
        return y if finite else reference.banded_matmul(matrix, x, most)


def _matmul_in_strips(x, w, out):
    n, m = x.shape[0], w.shape[1]
    y = np.empty((n, m), np.result_type(x, w)) if out is None else out
    if m >= n:
        threads.share(lambda strip: np.matmul(x, w[:, strip], out=y[:, strip]), _strips(m))
    else:
        threads.share(lambda strip: np.matmul(x[strip], w, out=y[strip]), _strips(n))
    return y


def _strips(n):
    """An even number of strips, at least STRIP wide if there are more than two."""
    count = 2
    while count < thresholds.STRIPS and n >= 2 * thresholds.STRIP * count:
        count *= 2
    edges = [n * i // count for i in range(count + 1)]
    return [slice(a, b) for a, b in zip(edges, edges[1:])]


def _in_blocks(f, out, *arrays):
    """f(out, *arrays) for an elementwise f that writes to out, block by block if there is much."""
    if out.size < thresholds.SHARED_PASS or not all(a.flags.c_contiguous for a in (out, *arrays)):
        f(out, *arrays)
        return out
    flat, step = [a.reshape(-1) for a in (out, *arrays)], thresholds.PASS_BLOCK
    threads.share(lambda i: f(*[a[i:i + step] for a in flat]), range(0, out.size, step))
    return out


# np.where branches element by element, which on signs that vary costs many times the arithmetic
# below, with answers that are 0.0 or 1.0.


def sigmoid(x):
    """1 / (1 + e⁻ˣ), with the reference's cases joined: the larger of e^−|x| and [x ≥ 0] is
    what stands above the line."""
    e = np.abs(x)
    e = np.exp(np.negative(e, out=_out(e)), out=_out(e))
    y = np.maximum((x >= 0).astype(x.dtype), e)
    y /= e + 1
    return y


def softplus_gradient(grad, x):
    """grad · σ(x)."""
    return grad * sigmoid(x)


def leaky_relu(x, slope, out=None):
    """x where x > 0, else slope · x: for a slope in (0, 1] that is the larger of the two."""
    if not 0 < slope <= 1 or x.dtype.kind != "f":
        return into(out, np.where(x > 0, x, slope * x))

    def larger(y, x):
        np.multiply(x, slope, out=y)
        np.maximum(x, y, out=y)

    return _in_blocks(larger, np.empty_like(x) if out is None else out, x)


def leaky_relu_gradient(grad, x, slope, out=None):
    """grad times 1 where x > 0, else times slope. For a slope in (0, 1] the factor is the answer,
    as 1.0 or 0.0, times 1 − slope, plus slope, which is exactly 1 where it should be."""
    if not 0 <= slope <= 1 or not _has_bits(grad):
        return into(out, reference.leaky_relu_gradient(grad, x, slope))

    def choose(y, grad, x):
        bits = _bits(y)
        np.greater(x, 0, out=bits)
        bits *= _bits(grad)

    def pull_back(y, grad, x):
        np.greater(x, 0, out=y)
        y *= 1 - slope
        y += slope
        y *= grad

    y = np.empty_like(grad) if out is None else out
    return _in_blocks(pull_back if slope else choose, y, grad, x)


def keep(x, mask, out=None):
    """x where the mask holds, else 0: the bits of x, taken for an integer, times 1 or 0. That has
    no branches and, unlike a product of floats, no 0 · ∞."""
    if not _has_bits(x):
        return into(out, reference.keep(x, mask))

    def choose(y, x, mask):
        np.multiply(mask, _bits(x), out=_bits(y))

    return _in_blocks(choose, np.empty_like(x, order="C") if out is None else out, x, mask)


def _has_bits(x):
    """Whether x is of floats as long as an integer."""
    return x.dtype.kind == "f" and x.itemsize <= 8


def _bits(x):
    """The same memory, taken for integers."""
    return x.view(f"i{x.itemsize}")


def _out(x):
    """x to be written over, or None where NumPy made it a scalar, which cannot be."""
    return x if x.ndim else None


def update(rule, param, grads, *state):
    """The reference's. Much of it goes block by block, on all threads."""
    pieces = [g.reshape(-1) for g in grads]
    if param.size >= thresholds.SHARED_PASS:
        return _update_in_blocks(rule, param, pieces, *state)
    rule(param, pieces[0] if len(pieces) == 1 else np.concatenate(pieces), *state)


def _update_in_blocks(rule, param, pieces, *state):
    """A block within one piece of the gradient reads it where it is; one that spans several has
    them joined first."""
    ends, step = np.cumsum([piece.size for piece in pieces]), thresholds.PASS_BLOCK

    def task(start):
        stop, parts = min(start + step, param.size), []
        i = int(np.searchsorted(ends, start, side="right"))  # the piece that the block starts in
        while start < stop:
            first = int(ends[i]) - pieces[i].size
            parts.append(pieces[i][start - first:stop - first])
            start, i = start + parts[-1].size, i + 1
        grad = parts[0] if len(parts) == 1 else np.concatenate(parts)
        block = slice(stop - grad.size, stop)
        rule(param[block], grad, *[array[block] for array in state])

    threads.share(task, range(0, param.size, step))
