"""Normalisation within each example on the CPU. Where an example is one group without pixels, as
layer normalisation has it, it is a row, and some rows at a time stay in the cache. Where it has
pixels, norm.py computes it."""
from __future__ import annotations

import numpy as np

from .. import reference, thresholds
from ..arrays import precise, same_floats
from . import threads
from .norm import pixel_norm, pixel_norm_gradient
from .outputs import into, made
from .reduce import row_sums


def group_norm(x, weight, bias, eps, out=None):
    """(x − mean) / √(var + eps) · weight + bias."""
    if not _is_ours(x, weight, bias):
        return into(out, reference.group_norm(x, weight, bias, eps))
    y = made(out, x.shape, x)
    if x.shape[1] > 1:
        pixel_norm(x, weight, bias, eps, y)
        return y
    rows, target = _rows(x), _rows(y)
    weight, bias = weight.reshape(-1), bias.reshape(-1)

    def task(some):
        y = target[some]
        y *= _centre(rows[some], y, eps)
        y *= weight
        y += bias

    threads.share(task, _blocks(rows), x.size >= thresholds.SHARED_PASS)
    return y


def group_norm_gradient(grad, x, weight, eps, out=None):
    """The gradients of x, weight and bias."""
    if not _is_ours(x, grad, weight) or grad.shape != x.shape:
        return into(out, reference.group_norm_gradient(grad, x, weight, eps))
    by_x = made(out and out[0], x.shape, x)
    if x.shape[1] > 1:
        return into(out, (by_x, *pixel_norm_gradient(grad, x, weight, eps, by_x)))
    rows, grads, target, form = _rows(x), _rows(grad), _rows(by_x), weight.shape
    blocks, weight = _blocks(rows), weight.reshape(-1)
    parts = np.empty((2, len(blocks), weight.size), x.dtype)

    def task(i):
        grad, y = grads[blocks[i]], target[blocks[i]]
        centred = threads.scratch("centred", y.shape, y.dtype)
        inv_std = _centre(rows[blocks[i]], centred, eps)
        product, count = np.multiply(grad, centred, out=y), y.shape[1]
        np.matmul(inv_std[:, 0], product, out=parts[0, i])
        np.matmul(np.ones(len(y), y.dtype), grad, out=parts[1, i])
        centred *= inv_std * inv_std * (product @ weight / count)[:, None]
        mean = (grad @ weight / count)[:, None]
        np.multiply(grad, weight, out=y)
        y -= centred
        y -= mean
        y *= inv_std

    threads.share(task, range(len(blocks)), x.size >= thresholds.SHARED_PASS)
    return into(out, (by_x, *parts.sum(axis=1).reshape(2, *form)))


def _is_ours(x, *others) -> bool:
    """Whether there is something to gain: not of several groups without pixels."""
    return (x.size >= thresholds.SIMPLE_PASSES and same_floats(x, *others) and precise(x)
            and (x.shape[1] > 1 or x.shape[2] == 1))


def _rows(x):
    return np.ascontiguousarray(x).reshape(len(x), -1)


def _blocks(rows):
    step = max(1, thresholds.NORM_BLOCK // rows.shape[1])
    return [slice(i, i + step) for i in range(0, len(rows), step)]


def _centre(x, target, eps):
    """target ← x less its mean; and 1 / √(var + eps), (rows, 1)."""
    count = x.shape[1]
    np.subtract(x, row_sums(x) / count, out=target)
    return 1 / np.sqrt(np.vecdot(target, target)[:, None] / count + eps)
