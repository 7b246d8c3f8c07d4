"""Sums, extremes and softmax on the CPU: in blocks that stay in the cache, on all threads.

An array of which neighbouring axes are reduced is (A, R, K): so many arrays before them, so many
elements along them, so many numbers each. Work is cut by the shape alone, so the results are the
same bits for any number of threads.
"""
from __future__ import annotations

import math
from functools import partial, wraps

import numpy as np

from .. import reference, thresholds
from ..arrays import precise
from . import threads
from .outputs import into, made


def _sides(x, axes):
    """(A, R, K) and the axes, if x lies in order and the axes are neighbours; else None."""
    if not x.flags.c_contiguous or not precise(x):
        return None
    axes = range(x.ndim) if axes is None else (axes,) if isinstance(axes, int) else axes
    axes = sorted(axis % x.ndim for axis in axes)
    if not axes or axes != list(range(axes[0], axes[-1] + 1)):
        return None
    shape, (first, last) = x.shape, (axes[0], axes[-1] + 1)
    return (math.prod(shape[:first]), math.prod(shape[first:last]), math.prod(shape[last:])), axes


def _in_pieces(specification, reduce):
    """The reference's kernel over axes, by `reduce`, of (a, R, K) to (a, K): of much piece by piece
    along R, and then of the pieces' results."""
    @wraps(specification)
    def kernel(x, axes, keepdims, out=None):
        sides = _sides(x, axes) if x.size >= thresholds.SHARED_PASS else None
        if sides is None:
            return into(out, specification(x, axes, keepdims))
        (a, r, k), axes = sides
        x3, length = x.reshape(a, r, k), max(1, thresholds.PASS_BLOCK // k)
        pieces, some = -(-r // length), max(1, thresholds.PASS_BLOCK // (min(r, length) * k))
        parts = np.empty((a, pieces, k), x.dtype)

        def task(item):
            i, piece = item
            reduce(x3[i:i + some, piece * length:(piece + 1) * length], parts[i:i + some, piece])

        threads.share(task, [(i, piece) for i in range(0, a, some) for piece in range(pieces)])
        y = parts[:, 0] if pieces == 1 else np.empty((a, k), x.dtype)
        if pieces > 1:
            reduce(parts, y)
        kept = [1 if i in axes else n for i, n in enumerate(x.shape)]
        shape = kept if keepdims else [n for i, n in enumerate(x.shape) if i not in axes]
        return into(out, y.reshape(shape))

    return kernel


def _sum(x, y):
    """Sums of short rows, and of columns, are fastest as products with ones."""
    (a, r, k) = x.shape
    if k > 1:
        np.matmul(np.ones(r, x.dtype), x, out=y)
    elif r <= thresholds.SUMMED_BY_ONES:
        np.matmul(x[:, :, 0], np.ones(r, x.dtype), out=y[:, 0])
    elif r % thresholds.SUMMED_BY_ONES == 0:  # the sums of its parts pairwise
        parts = x.reshape(a, -1, thresholds.SUMMED_BY_ONES)
        np.matmul(parts, np.ones(parts.shape[2], x.dtype)).sum(axis=1, out=y[:, 0])
    else:
        x[:, :, 0].sum(axis=1, out=y[:, 0])


def _extreme(x, y, ufunc):
    """Of short rows column by column: NumPy takes longer to begin a row than for its elements."""
    (_, r, k) = x.shape
    if k > 1 or r > thresholds.SHORT_ROW:
        ufunc.reduce(x, axis=1, out=y)
        return
    y[:, 0] = x[:, 0, 0]
    for i in range(1, r):
        ufunc(y[:, 0], x[:, i, 0], out=y[:, 0])


total = _in_pieces(reference.total, _sum)
largest = _in_pieces(reference.largest, partial(_extreme, ufunc=np.maximum))
least = _in_pieces(reference.least, partial(_extreme, ufunc=np.minimum))


def cumsum(x, axis, out=None):
    """The running sums along an axis: row by row, or, where the numbers of an axis lie far from
    each other, all sums at once, element by element."""
    sides = _sides(x, axis) if x.size >= thresholds.SHARED_PASS else None
    if sides is None:
        return into(out, reference.cumsum(x, axis))
    (a, r, k), _ = sides
    y = np.empty_like(x) if out is None else out
    x3, y3 = x.reshape(a, r, k), y.reshape(a, r, k)
    step = max(1, thresholds.PASS_BLOCK // (r * k))

    def add_rows(i):
        np.add.accumulate(x3[i:i + step], axis=1, out=y3[i:i + step])

    def add_columns(item):
        i, some = item
        source, target = x3[i:i + step, :, some], y3[i:i + step, :, some]
        target[:, 0] = source[:, 0]
        for j in range(1, r):
            np.add(target[:, j - 1], source[:, j], out=target[:, j])

    if k < thresholds.SHORT_ROW:
        threads.share(add_rows, range(0, a, step))
    else:
        half = -(-k // 2) if a <= step else k
        threads.share(add_columns, [(i, slice(j, j + half)) for i in range(0, a, step)
                                    for j in range(0, k, half)])
    return y


# Softmax and its kin, a block of rows at a time

def _by_rows(specification, keeps=True):
    """The reference's kernel of arrays and an axis, of rows(target, *arrays) that writes what it
    gives for some rows. The result has the largest array's shape, or, if it `keeps` not, 1 along
    the axis."""
    def made_of(rows):
        @wraps(specification)
        def kernel(*args, out=None):
            *arrays, axis = args
            x = max(arrays, key=lambda a: a.size)
            sides = _sides(x, axis) if x.size >= thresholds.SIMPLE_PASSES else None
            if (sides is None or sides[0][2] != 1 or len({a.dtype for a in arrays}) > 1
                    or not all(a.flags.c_contiguous for a in arrays)):
                return into(out, specification(*args))
            (count, length, _), axes = sides
            shape = x.shape if keeps else [1 if i in axes else n for i, n in enumerate(x.shape)]
            y, step = made(out, shape, x), max(1, thresholds.PASS_BLOCK // length)
            flat = [a.reshape(count, -1) for a in (y, *arrays)]
            threads.share(lambda i: rows(*[a[i:i + step] for a in flat]), range(0, count, step))
            return y

        return kernel

    return made_of


def _shift(x):
    """The largest of each row, (rows, 1), and 0 where that is infinite: ∞ − ∞ would be NaN."""
    shift = np.empty((len(x), 1), x.dtype)
    _extreme(x[:, :, None], shift, np.maximum)
    shift[~np.isfinite(shift)] = 0
    return shift


def row_sums(x):
    """The sum of each row, (rows, 1)."""
    sums = np.empty((len(x), 1), x.dtype)
    _sum(x[:, :, None], sums)
    return sums


@_by_rows(reference.softmax)
def softmax(y, x):
    np.subtract(x, _shift(x), out=y)
    np.exp(y, out=y)
    y /= row_sums(y)


@_by_rows(reference.softmax_gradient)
def softmax_gradient(target, grad, y):
    np.multiply(grad, y, out=target)
    np.subtract(grad, row_sums(target), out=target)
    target *= y


@_by_rows(reference.log_softmax)
def log_softmax(y, x):
    np.subtract(x, _shift(x), out=y)
    y -= np.log(row_sums(np.exp(y)))


@_by_rows(reference.log_softmax_gradient)
def log_softmax_gradient(target, grad, y):
    np.exp(y, out=target)
    target *= -row_sums(grad)
    target += grad


@_by_rows(reference.logsumexp, keeps=False)
def logsumexp(y, x):
    shift = _shift(x)
    e = np.subtract(x, shift)
    y[...] = np.log(row_sums(np.exp(e, out=e))) + shift


@_by_rows(reference.logsumexp_gradient)
def logsumexp_gradient(target, grad, x, y):
    np.subtract(x, y, out=target)
    np.exp(target, out=target)
    target *= grad
