"""The kernels on the CPU: reference.py's names, faster where a profile asked for it."""
from __future__ import annotations

import numpy as np

from .. import reference, thresholds
from . import elementwise, grouped, indexing, layer_norm, norm, pool, reduce, threads

__all__ = list(reference.__all__)

# glibc returns freed memory to the system, and every 4 KB of it cost a page fault when they come
# back, unless it has seen a large block freed before. One that is never touched costs nothing.
np.empty(31 << 20, np.uint8)

globals().update({  # what is not faster here is the reference's
    name: getattr(module, name)
    for module in (reference, elementwise, grouped, indexing, layer_norm, norm, pool, reduce)
    for name in module.__all__})


def matmul(x, w, out=None):
    """x @ w; a column times a row is no sum, and a product of elements is many times faster.
    Large products are cut into strips along the longer side of the result. To `out`, an array of
    the result's shape and dtype in C order, if it is given; so do the kernels below."""
    if x.shape[-1] == 1:
        return np.multiply(x, w, out=out)
    if 2 * x.size * w.shape[-1] < thresholds.SHARED_PRODUCT:
        threads.count()  # holds the BLAS to one thread, also for small products
        return np.matmul(x, w, out=out)
    return (_matmul_in_strips if x.ndim == w.ndim == 2 else _matmul_of_batches)(x, w, out)


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


def _matmul_of_batches(x, w, out):
    """Some of the products of a batch after the other, cut along the longest axis of it."""
    batch = np.broadcast_shapes(x.shape[:-2], w.shape[:-2])
    shape = (*batch, x.shape[-2], w.shape[-1])
    y = np.empty(shape, np.result_type(x, w)) if out is None else out
    axis = batch.index(max(batch))
    x, w = [np.broadcast_to(a, batch + a.shape[-2:]) for a in (x, w)]

    def task(strip):
        some = (slice(None),) * axis + (strip,)
        np.matmul(x[some], w[some], out=y[some])

    threads.share(task, _strips(batch[axis]) if batch[axis] > 1 else [slice(None)])
    return y


def _strips(n):
    """An even number of strips, at least STRIP wide if there are more than two."""
    count = 2
    while count < thresholds.STRIPS and n >= 2 * thresholds.STRIP * count:
        count *= 2
    edges = [n * i // count for i in range(count + 1)]
    return [slice(a, b) for a, b in zip(edges, edges[1:])]


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
