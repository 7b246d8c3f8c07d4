"""Matrix products on the CPU: cut into strips, on all threads."""
from __future__ import annotations

import numpy as np

from .. import reference, thresholds
from . import threads
from .outputs import made


def matmul(x, w, out=None):
    """x @ w; a column times a row is no sum, and a product of elements is many times faster.
    Large products are cut into strips along the longer side of the result."""
    if x.shape[-1] == 1:
        return np.multiply(x, w, out=out)
    if not is_large(x, w):
        threads.count()  # holds the BLAS to one thread, also for small products
        return np.matmul(x, w, out=out)
    return (_matmul_in_strips if x.ndim == w.ndim == 2 else _matmul_of_batches)(x, w, out)


def is_large(x, w) -> bool:
    """Whether there is enough to compute for several threads."""
    return 2 * x.size * w.shape[-1] >= thresholds.SHARED_PRODUCT


def banded_matmul(matrix, x, most):
    """The reference's; of numbers that are finite, as they mostly are, a product with all of the
    matrix, which is faster."""
    with np.errstate(over="ignore", invalid="ignore"):
        y = matmul(matrix, x)
        finite = np.isfinite((x if x.size < y.size else y).sum())
        return y if finite else reference.banded_matmul(matrix, x, most)


def _matmul_in_strips(x, w, out):
    n, m = x.shape[0], w.shape[1]
    y = made(out, (n, m), x, w)
    if m >= n:
        threads.share(lambda strip: np.matmul(x, w[:, strip], out=y[:, strip]), _strips(m))
    else:
        threads.share(lambda strip: np.matmul(x[strip], w, out=y[strip]), _strips(n))
    return y


def _matmul_of_batches(x, w, out):
    """Some of the products of a batch after the other, cut along the longest axis of it."""
    batch = np.broadcast_shapes(x.shape[:-2], w.shape[:-2])
    y = made(out, (*batch, x.shape[-2], w.shape[-1]), x, w)
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
