"""Normalisation over pixels on the CPU: two passes in blocks that stay in the cache, shared among
the threads. The first adds x, x² and the gradient up for each channel, as products with ones; the
second is y = x · times + plus, whose factors are small.

E[x²] − E[x]² cancels where the mean is many deviations; there the mean is subtracted first.
"""
from __future__ import annotations

import numpy as np

from .. import reference, thresholds
from ..arrays import precise
from . import threads
from .outputs import into, made

FAR = 16  # variances: a mean whose square is more costs too many bits


def batch_norm(x, weight, bias, eps, out=None):
    """The reference's, and as one example whose groups are the features. To the three arrays `out`,
    in C order, if they are given."""
    if not is_large(x, weight, bias):
        return into(out, reference.batch_norm(x, weight, bias, eps))
    form = (1, -1, x.shape[-1], 1)
    y = made(out and out[0], x.shape, x)
    mean, var = pixel_norm(x.reshape(form), weight[:, None], bias[:, None], eps, y.reshape(form))
    return into(out, (y, mean.astype(x.dtype).reshape(-1), var.astype(x.dtype).reshape(-1)))


def batch_norm_gradient(grad, x, weight, eps, out=None):
    """The reference's. `out` as above."""
    if not is_large(x, grad, weight) or grad.dtype != x.dtype:
        return into(out, reference.batch_norm_gradient(grad, x, weight, eps))
    form = (1, -1, x.shape[-1], 1)
    y = made(out and out[0], x.shape, x)
    rest = pixel_norm_gradient(grad.reshape(form), x.reshape(form), weight[:, None], eps,
                               y.reshape(form))
    return into(out, (y, *[r.reshape(-1) for r in rest]))


def is_large(x, *others) -> bool:
    """Whether there is much to compute, all of it in x's dtype, which is precise enough. A row
    costs plain array code as much as 64 elements more."""
    return (x.size + 64 * (x.size // max(1, x.shape[-1])) >= thresholds.NORM_LARGE and precise(x)
            and np.result_type(x, *others) == x.dtype)


def pixel_norm(x, weight, bias, eps, out):
    """reference.group_norm to `out`; returns the means and the variances, (N, G, 1)."""
    fold = Fold(x)
    rows, target = fold.rows(x), fold.rows(out)
    rows, shift, (mean, var), _ = _moments(fold, rows)
    times = weight / np.sqrt(var + eps)
    times, plus = fold.tiled(times), fold.tiled(bias - mean * times)

    def normalise(block):  # x · times cancels against plus by no more than x was rounded by
        y = np.multiply(rows[block], times[block[0]], out=target[block])
        y += plus[block[0]]

    threads.share(normalise, fold.blocks, fold.worth)
    return mean + shift, var


def pixel_norm_gradient(grad, x, weight, eps, out):
    """reference.group_norm_gradient, the first to `out`; returns the other two."""
    fold = Fold(x)
    rows, grads, target = fold.rows(x), fold.rows(grad), fold.rows(out)
    rows, _, (mean, var), (by_bias, along) = _moments(fold, rows, grads)
    inv_std = 1 / np.sqrt(var + eps)
    along = along - mean * by_bias  # Σ grad · (x − mean)
    by_x = inv_std ** 3 * fold.means(weight * along)
    if not (abs(by_x) < np.finfo(x.dtype).max).all():  # of numbers so small that 1 / var is none
        out[...], *rest = reference.group_norm_gradient(grad, x, weight, eps)
        return rest
    scale, times, plus = map(fold.tiled, (
        inv_std * weight, by_x, by_x * mean - inv_std * fold.means(weight * by_bias)))

    def pull_back(block):
        y = np.multiply(grads[block], scale[block[0]], out=target[block])
        some = threads.scratch("product", y.shape, y.dtype)
        y -= np.multiply(rows[block], times[block[0]], out=some)
        y += plus[block[0]]

    threads.share(pull_back, fold.blocks, fold.worth)
    return [r.sum(axis=0).astype(x.dtype) for r in (inv_std * along, by_bias)]


def _moments(fold, x, grad=None):
    """x or x less its means; what was subtracted; the means and the variances that it has now,
    (N, G, 1); and the sums of grad and of grad · x, (N, G, C)."""
    sums, shift = _sums(fold, x, grad), 0
    mean, square = map(fold.means, sums[:2])
    var = square - mean * mean
    if not ((mean * mean <= FAR * var) & (var < np.inf)).all():  # or x² has overflowed
        x, shift = x - fold.tiled(mean), mean
        sums = _sums(fold, x, grad)
        mean, square = map(fold.means, sums[:2])
    return x, shift, (mean, np.maximum(square - mean * mean, 0)), sums[2:]


def _sums(fold, x, grad):
    """Over the pixels of each example, of x, x² and, if it is given, grad and grad · x, each
    (N, G, C). Of each block they are added up alone, and then in float64, which costs nothing
    here."""
    parts = np.empty((2 if grad is None else 4, len(x), -(-x.shape[1] // fold.step), x.shape[2]),
                     x.dtype)

    def add_up(block):
        some, rows = block
        y, to = x[block], parts[:, some, rows.start // fold.step]
        product = threads.scratch("product", y.shape, y.dtype)
        ones = np.ones(y.shape[1], y.dtype)
        np.matmul(ones, y, out=to[0])  # the fastest sum of rows
        np.matmul(ones, np.square(y, out=product), out=to[1])
        if grad is not None:
            np.matmul(ones, grad[block], out=to[2])
            np.matmul(ones, np.multiply(grad[block], y, out=product), out=to[3])

    threads.share(add_up, fold.blocks, fold.worth)
    return parts.reshape(len(parts), len(x), -1, *fold.channels).sum(axis=2, dtype=float)


class Fold:
    """How x (N, R, G, C) lies as (N, R / fold, fold · G · C), so many pixels in a row that NumPy is
    fast on it, and its blocks: of several examples, or of `step` rows of one."""

    def __init__(self, x):
        (n, r, *self.channels), self.fold, self.dtype = x.shape, 1, x.dtype
        self.count = r * self.channels[1]  # of a group's numbers
        width = self.channels[0] * self.channels[1]
        while (2 * self.fold * width <= thresholds.NORM_ROW and r % (2 * self.fold) == 0
               and 8 * self.fold < r):  # rows are left, so that their sums are few
            self.fold *= 2
        self.shape = n, r // self.fold, width * self.fold
        self.step = max(1, thresholds.NORM_BLOCK // self.shape[2])
        some = max(1, self.step // self.shape[1])
        self.blocks = [(slice(i, i + some), slice(j, j + self.step))
                       for i in range(0, n, some) for j in range(0, self.shape[1], self.step)]
        self.worth = x.size >= thresholds.SHARED_PASS

    def rows(self, x):
        return np.ascontiguousarray(x).reshape(self.shape)

    def tiled(self, v):
        """Numbers of each channel, (N, G, C) or (N, G, 1), for a whole row: (N, 1, row)."""
        rows = np.empty((len(v), self.fold, *self.channels), self.dtype)
        rows[...] = v[:, None]
        return rows.reshape(len(v), 1, -1)

    def means(self, sums):
        """Of each group: (N, G, C) → (N, G, 1)."""
        return sums.sum(axis=2, keepdims=True) / self.count
