"""Batch normalisation on the CPU: in blocks that stay in the cache, shared among the threads.

Of many features a block is some columns, all that it needs. Of few it is some rows: the mean and
the variance of all rows are put together from those of the blocks, each of which subtracts its
own mean first (Chan, Golub & LeVeque 1983): one pass over x, and no cancellation.
"""
from __future__ import annotations

import numpy as np

from .. import reference, thresholds
from ..arrays import precise
from . import threads
from .outputs import into

__all__ = ["batch_norm", "batch_norm_gradient"]


def batch_norm(x, weight, bias, eps, out=None):
    """The reference's in two passes: the statistics, then the rest. To the three arrays `out`, in C
    order, if they are given."""
    if not is_large(x, weight, bias):
        return into(out, reference.batch_norm(x, weight, bias, eps))
    if x.shape[-1] >= 2 * thresholds.NORM_COLUMNS:
        return _by_columns(reference.batch_norm, (x, weight, bias), eps, out)
    rows, fold = _joined(x)
    mean, var = _statistics(rows, fold)
    scale = weight / np.sqrt(var + eps)
    times, plus = np.tile(scale, fold), np.tile(bias - mean * scale, fold)
    y = np.empty_like(rows) if out is None else out[0].reshape(rows.shape)

    def normalise(block):  # x · times cancels against plus by no more than x was rounded by
        out = np.multiply(rows[block], times, out=y[block])
        out += plus

    threads.share(normalise, _blocks(rows))
    return into(out, (y.reshape(x.shape) if out is None else out[0], mean, var))


def batch_norm_gradient(grad, x, weight, eps, out=None):
    """The reference's in two passes: the sums, of x and of grad, then the rest. `out` as above."""
    if not is_large(x, grad, weight) or grad.dtype != x.dtype:
        return into(out, reference.batch_norm_gradient(grad, x, weight, eps))
    if x.shape[-1] >= 2 * thresholds.NORM_COLUMNS:
        return _by_columns(reference.batch_norm_gradient, (grad, x, weight), eps, out)
    rows, fold = _joined(x)
    grads, count = np.ascontiguousarray(grad).reshape(rows.shape), x.size // x.shape[-1]
    mean, var, by_bias, by_centred = _statistics(rows, fold, grads)
    inv_std = 1 / np.sqrt(var + eps)
    by_weight = by_centred * inv_std
    along = -inv_std * by_weight / count
    times, plus, scale = [np.tile(v, fold) for v in (
        along, -along * mean - by_bias / count, weight * inv_std)]
    y = np.empty_like(rows) if out is None else out[0].reshape(rows.shape)

    def pull_back(block):
        out = np.multiply(rows[block], times, out=y[block])
        out += grads[block]
        out += plus
        out *= scale

    threads.share(pull_back, _blocks(rows))
    return into(out, (y.reshape(x.shape) if out is None else out[0], by_weight, by_bias))


def is_large(x, *others) -> bool:
    """Whether there is much to compute, all of it in x's dtype, which is precise enough."""
    return x.size >= thresholds.NORM_LARGE and precise(x) and np.result_type(x, *others) == x.dtype


def _by_columns(kernel, arrays, eps, out):
    """The kernel's three results, computed for NORM_COLUMNS features at a time."""
    features, step = arrays[0].shape[-1], thresholds.NORM_COLUMNS
    slabs = [slice(i, i + step) for i in range(0, features, step)]
    shape, dtype = max((a.shape for a in arrays), key=len), arrays[0].dtype
    results = out or (np.empty(shape, dtype), np.empty(features, dtype), np.empty(features, dtype))

    def task(slab):
        for result, part in zip(results, kernel(*[a[..., slab] for a in arrays], eps)):
            result[..., slab] = part

    threads.share(task, slabs)
    return results


def _joined(x):
    """x as a matrix of (rows, fold · C), and fold: how many rows of C stand in one."""
    channels, fold = x.shape[-1], 1
    rows = x.size // channels
    while 2 * fold * channels <= thresholds.NORM_ROW and rows % (2 * fold) == 0:
        fold *= 2
    return np.ascontiguousarray(x).reshape(rows // fold, fold * channels), fold


def _blocks(rows):
    step = max(1, thresholds.NORM_BLOCK // rows.shape[1])
    return [slice(i, i + step) for i in range(0, len(rows), step)]


def _statistics(rows, fold, grads=None):
    """The mean and the biased variance of the rows; and with grads their sum, and the sum of
    grads · (rows − mean). Each (C,)."""
    blocks = _blocks(rows)
    counts, sums = [0] * len(blocks), [()] * len(blocks)

    def add_up(i):
        block = rows[blocks[i]]
        counts[i] = len(block)
        ones = np.ones(len(block), block.dtype)
        mean = ones @ block  # the fastest sum of rows
        mean /= len(block)
        centred = threads.scratch("centred", block.shape, block.dtype)
        np.subtract(block, mean, out=centred)
        sums[i] = mean, _sum_of_products(centred, centred)
        if grads is not None:
            sums[i] += ones @ grads[blocks[i]], _sum_of_products(centred, grads[blocks[i]])

    threads.share(add_up, range(len(blocks)))
    # to (columns of rows, C) each, in float64, which costs nothing here
    counts = np.repeat(counts, fold)[:, None]
    means, squares, *rest = [np.stack(s).reshape(len(counts), -1).astype(float)
                             for s in zip(*sums)]
    mean = (counts * means).sum(axis=0) / counts.sum()
    off = means - mean
    results = [mean, (squares + counts * off * off).sum(axis=0) / counts.sum()]
    if grads is not None:
        by_bias, by_centred = rest
        results += [by_bias.sum(axis=0), (by_centred + by_bias * off).sum(axis=0)]
    return [r.astype(rows.dtype) for r in results]


def _sum_of_products(x, y):
    return np.einsum("ij,ij->j", x, y)
