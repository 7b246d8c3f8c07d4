"""Normalisation within each example on the CPU: some examples at a time, which stay in the cache.

Two forms. Where an example is one group without pixels, as layer normalisation has it, it is a row.
Else it is (R, G · C), R pixels of G groups of C channels, and its sums over the pixels come first,
as products with ones; what remains is small.
"""
from __future__ import annotations

import numpy as np

from .. import reference, thresholds
from ..arrays import precise, same_floats
from . import threads
from .outputs import into

__all__ = ["group_norm", "group_norm_gradient"]


def group_norm(x, weight, bias, eps, out=None):
    """(x − mean) / √(var + eps) · weight + bias."""
    if not _is_ours(x, weight, bias):
        return into(out, reference.group_norm(x, weight, bias, eps))
    y = np.empty(x.shape, x.dtype) if out is None else out
    form = _Rows(x) if x.shape[1] == x.shape[2] == 1 else _Pixels(x)
    source, target = form.examples(x), form.examples(y)
    weight, bias = form.channels(weight), form.channels(bias)

    def task(some):
        inv_std = form.centre(source[some], target[some], eps)
        target[some] *= form.times(inv_std, weight)
        target[some] += bias

    threads.share(task, _blocks(source), x.size >= thresholds.SHARED_PASS)
    return y


def group_norm_gradient(grad, x, weight, eps, out=None):
    """The gradients of x, weight and bias."""
    if not _is_ours(x, grad, weight) or grad.shape != x.shape:
        return into(out, reference.group_norm_gradient(grad, x, weight, eps))
    by_x = np.empty(x.shape, x.dtype) if out is None else out[0]
    form = _Rows(x) if x.shape[1] == x.shape[2] == 1 else _Pixels(x)
    source, grads, target = form.examples(x), form.examples(grad), form.examples(by_x)
    blocks, weight = _blocks(source), form.channels(weight)
    parts = np.empty((2, len(blocks), weight.size), x.dtype)

    def task(i):
        grad, y = grads[blocks[i]], target[blocks[i]]
        normal = threads.scratch("centred", y.shape, y.dtype)
        inv_std = form.centre(source[blocks[i]], normal, eps)
        normal *= inv_std
        np.multiply(grad, normal, out=y)
        parts[0, i], along = form.sums(y, weight)
        parts[1, i], mean = form.sums(grad, weight)
        normal *= along * inv_std
        np.multiply(grad, form.times(inv_std, weight), out=y)
        y -= normal
        y -= mean * inv_std

    threads.share(task, range(len(blocks)), x.size >= thresholds.SHARED_PASS)
    return into(out, (by_x, *[form.unrepeated(p) for p in parts.sum(axis=1)]))


def _is_ours(x, *others) -> bool:
    return (x.size >= thresholds.SIMPLE_PASSES and same_floats(x, *others) and precise(x))


def _blocks(examples):
    step = max(1, thresholds.NORM_BLOCK // examples[0].size)
    return [slice(i, i + step) for i in range(0, len(examples), step)]


def _ones(n, like):
    return np.ones(n, like.dtype)


class _Rows:
    """Examples of one group without pixels: (N, C)."""

    def __init__(self, x):
        self.form = x.shape[2:]

    def examples(self, x):
        return np.ascontiguousarray(x).reshape(len(x), -1)

    def channels(self, weight):
        return weight.reshape(-1)

    def centre(self, x, target, eps):
        """target ← x less its mean; and 1 / √(var + eps), which broadcasts against it."""
        count = x.shape[1]
        mean = (x.sum(axis=1) if count > thresholds.SUMMED_BY_ONES else x @ _ones(count, x)) / count
        np.subtract(x, mean[:, None], out=target)
        var = np.einsum("nk,nk->n", target, target) / count
        return (1 / np.sqrt(var + eps))[:, None]

    def times(self, rows, weight):
        return rows * weight

    def sums(self, x, weight):
        """The sums over the examples, and the means of x · weight of each example."""
        return _ones(len(x), x) @ x, (x @ weight / x.shape[1])[:, None]

    def unrepeated(self, sums):
        return sums.reshape(self.form)


class _Pixels:
    """Examples of several pixels: (N, R / fold, fold · G · C), so many pixels in a row that NumPy
    is fast on it."""

    def __init__(self, x):
        (_, r, g, c), self.fold = x.shape, 1
        while 2 * self.fold * g * c <= thresholds.NORM_ROW and r % (2 * self.fold) == 0:
            self.fold *= 2
        self.form, self.count = (g, c), r * c

    def examples(self, x):
        return np.ascontiguousarray(x).reshape(len(x), x.shape[1] // self.fold, -1)

    def channels(self, weight):
        return np.tile(weight.reshape(-1), self.fold)

    def centre(self, x, target, eps):
        np.subtract(x, self._means(_ones(x.shape[1], x) @ x), out=target)
        var = self._means(np.einsum("nrk,nrk->nk", target, target))
        return 1 / np.sqrt(var + eps)

    def times(self, rows, weight):
        return rows * weight

    def sums(self, x, weight):
        columns = _ones(x.shape[1], x) @ x
        return columns.sum(axis=0), self._means(columns * weight)

    def unrepeated(self, sums):
        return sums.reshape(self.fold, -1).sum(axis=0).reshape(self.form)

    def _means(self, columns):
        """Sums over the rows as the means of their groups, repeated for all: (N, 1, columns)."""
        groups = columns.reshape(-1, self.fold, *self.form).sum(axis=(1, 3)) / self.count
        repeated = np.repeat(groups, self.form[1], axis=1)
        return np.tile(repeated, (1, self.fold))[:, None]
