"""The kernels on the CPU: reference.py's names, faster where a profile asked for it."""
from __future__ import annotations

import numpy as np

from .reference import add_at, bce_with_logits, softplus

# glibc returns freed memory to the system, and every 4 KB of it cost a page fault when they come
# back, unless it has seen a large block freed before. One that is never touched costs nothing.
np.empty(31 << 20, np.uint8)

__all__ = ["add_at", "bce_with_logits", "leaky_relu", "leaky_relu_gradient", "matmul", "sigmoid",
           "softplus", "update"]

# np.where branches element by element, which on signs that vary costs six times the arithmetic
# below: a mask converted to 0.0 and 1.0, and a maximum.


def matmul(x, w):
    """x @ w; a column times a row is no sum, and a product of elements is many times faster."""
    return x * w if x.shape[-1] == 1 else x @ w


def sigmoid(x):
    """1 / (1 + e⁻ˣ), with the reference's cases joined: the larger of e^−|x| and [x ≥ 0] is
    what stands above the line."""
    e = np.abs(x)
    e = np.exp(np.negative(e, out=_out(e)), out=_out(e))
    y = np.maximum((x >= 0).astype(x.dtype), e)
    y /= e + 1
    return y


def leaky_relu(x, slope):
    """x where x > 0, else slope · x: for a slope in (0, 1] that is the larger of the two."""
    y = slope * x
    return np.maximum(x, y, out=_out(y)) if 0 < slope <= 1 else np.where(x > 0, x, y)


def leaky_relu_gradient(grad, positive, slope):
    """grad times 1 where positive, else times slope: for a slope in [0, 1] the larger of the
    mask, as 0.0 and 1.0, and the slope."""
    if not 0 <= slope <= 1:
        return np.where(positive, grad, slope * grad)
    y = positive.astype(grad.dtype)
    y = np.maximum(y, slope, out=_out(y))
    y *= grad
    return y


def _out(x):
    """x to be written over, or None where NumPy made it a scalar, which cannot be."""
    return x if x.ndim else None


BLOCK = 1 << 15  # elements: the four arrays of an Adam step are 512 KB and stay in the L2 cache


def update(rule, param, grads, *state):
    """The reference's, block by block. A block within one piece of the gradient reads it where
    it is; one that spans several has them joined first."""
    pieces = [g.reshape(-1) for g in grads]
    ends = np.cumsum([piece.size for piece in pieces]).tolist()
    i = 0  # the piece that the block starts in
    for start in range(0, param.size, BLOCK):
        stop, parts = min(start + BLOCK, param.size), []
        while ends[i] <= start:
            i += 1
        for piece, end in zip(pieces[i:], ends[i:]):
            first = end - piece.size
            if first >= stop:
                break
            parts.append(piece[max(start - first, 0):stop - first])
        grad = parts[0] if len(parts) == 1 else np.concatenate(parts)
        rule(param[start:stop], grad, *[array[start:stop] for array in state])
