"""Pooling on the CPU: a few images at a time, so that what the taps of a window read and write
stays in the cache; the maximum and the sum of a window first along its lines, then its columns."""
from __future__ import annotations

import math
from functools import wraps

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .. import reference, thresholds
from ..arrays import precise
from ..geometry import Pair, Window
from . import threads
from .elementwise import bits_of
from .outputs import into, made


def _folding(specification, ufunc, start):
    """The reference's kernel: all that a window reads joined by the ufunc, padding is `start`."""
    @wraps(specification)
    def kernel(x, window, out=None):
        if not _is_ours(x):
            return into(out, specification(x, window))
        places, c = window.outputs(x.shape[1:3]), x.shape[3]
        y = made(out, (len(x), *places, c), x)

        def task(images):
            padded = _padded(x[images], window, start)
            n, height = padded.shape[:2]
            columns = threads.scratch("lines", (n, height, places[1], c), x.dtype)
            _fold(ufunc, [padded[:, :, place] for place in _places(window, 1, places)], columns)
            _fold(ufunc, [columns[:, place] for place in _places(window, 0, places)], y[images])

        threads.share(task, _some_images(x), x.size >= thresholds.SHARED_PASS)
        return y

    return kernel


max_pool = _folding(reference.max_pool, np.maximum, -np.inf)
window_sum = _folding(reference.window_sum, np.add, 0)


def window_spread(grad, window, image, out=None):
    """Each element added to all that its window read: along the columns, then along the lines."""
    if not _is_ours(grad):
        return into(out, reference.window_spread(grad, window, image))
    places, (height, width) = grad.shape[1:3], _padded_size(window, image)
    x = made(out, (len(grad), *image, grad.shape[3]), grad)

    def task(images):
        some = grad[images]
        lines = threads.scratch("lines", (len(some), height, *some.shape[2:]), grad.dtype)
        lines[...] = 0
        for place in _places(window, 0, places):
            lines[:, place] += some
        whole = threads.scratch("padded", (len(some), height, width, some.shape[3]), grad.dtype)
        whole[...] = 0
        for place in _places(window, 1, places):
            whole[:, :, place] += lines
        x[images] = whole[_inside(window, image)]

    threads.share(task, _some_images(x), x.size >= thresholds.SHARED_PASS)
    return x


def max_pool_gradient(grad, x, y, window, out=None):
    """grad given to the elements of x that are y, evenly if several are. First to the largest of
    each line of a window, as many shares as the line has winners, then to these."""
    if not _is_ours(grad, x, y) or not y.min() > -np.inf:  # padding would win as well; or NaN
        return into(out, reference.max_pool_gradient(grad, x, y, window))
    result, places = made(out, x.shape, grad), y.shape[1:3]
    if window.stride == window.size and window.padding == ((0, 0), (0, 0)):
        return _gradient_of_tiles(grad, x, y, window, result)

    def task(images):
        padded = _padded(x[images], window, -np.inf)
        parts = [padded[:, :, place] for place in _places(window, 1, places)]
        lines = threads.scratch("lines", parts[0].shape, x.dtype)
        _fold(np.maximum, parts, lines)
        winners = _winning(parts, lines, "winners")
        count = _count(winners, window)
        line_places = _places(window, 0, places)
        winning_lines = _winning([lines[:, place] for place in line_places], y[images], "lines won")
        counts = _count([won * count[:, place] for won, place in zip(winning_lines, line_places)],
                        window)
        _share_out(_shares(grad[images], counts), winning_lines, lines, line_places, 1, window)
        whole = result[images]
        if padded.shape != whole.shape:
            whole = threads.scratch("padded", padded.shape, x.dtype)
        _share_out(lines, winners, whole, _places(window, 1, places), 2, window)
        if padded.shape != x[images].shape:
            result[images] = whole[_inside(window, x.shape[1:3])]

    threads.share(task, _some_images(x, window), x.size >= thresholds.SHARED_PASS)
    return result


def _gradient_of_tiles(grad, x, y, window, result):
    """max_pool_gradient of windows side by side: the images are cut into them, (N, OH, KH, OW,
    KW · C), and y and the shares are repeated KW times, so that all lines are long."""
    (_, oh, ow, c), (kh, kw) = y.shape, window.size

    def tiles(a):
        a = a[:, :oh * kh, :ow * kw]
        strides = a.strides[0], kh * a.strides[1], a.strides[1], kw * a.strides[2], a.strides[3]
        return as_strided(a, (len(a), oh, kh, ow, kw * c), strides)

    def repeated(a):
        return np.repeat(a[:, :, :, None], kw, axis=3).reshape(len(a), oh, ow, kw * c)

    def task(images):
        parts, targets = [tiles(a[images]).swapaxes(0, 2).swapaxes(1, 2) for a in (x, result)]
        wins = _winning(parts, repeated(y[images]), "winners")
        count = _count(wins, window).reshape(-1, kw, c)
        count = _count([count[:, j] for j in range(kw)], window).reshape(-1, oh, ow, c)
        share = bits_of(repeated(_shares(grad[images], count)))
        if oh * kh < x.shape[1] or ow * kw < x.shape[2]:
            result[images] = 0
        for target, won in zip(targets, wins):
            np.multiply(share, won, out=bits_of(target))

    x = np.ascontiguousarray(x)
    threads.share(task, _some_images(x, window), x.size >= thresholds.SHARED_PASS)
    return result


def _winning(parts, largest, name):
    """Which elements of each part are the largest."""
    wins = threads.scratch(name, (len(parts), *largest.shape), bool)
    for part, won in zip(parts, wins):
        np.greater_equal(part, largest, out=won)
    return wins


def _count(wins, window):
    """How many are won, in the smallest integers that hold it."""
    total = np.zeros(wins[0].shape, np.min_scalar_type(math.prod(window.size)))
    for won in wins:
        total += won
    return total


def _shares(grad, count):
    """grad / count in grad's dtype, whose bits they are: beside large integers float32 widens."""
    return np.divide(grad, count, dtype=grad.dtype)


def _share_out(share, wins, target, places, axis, window):
    """target ← for each tap the share where it is won; of windows that overlap, added."""
    bits, some, before = bits_of(share), np.empty_like(share), (slice(None),) * axis
    target[...] = 0
    for place, won in zip(places, wins):
        np.multiply(bits, won, out=bits_of(some))  # a product of floats would make 0 · ∞
        if window.size[axis - 1] > window.stride[axis - 1]:
            target[before + (place,)] += some
        else:
            target[before + (place,)] = some


def _fold(ufunc, parts, target):
    if len(parts) == 1:
        target[...] = parts[0]
        return
    ufunc(parts[0], parts[1], out=target)
    for part in parts[2:]:
        ufunc(target, part, out=target)


def _is_ours(*arrays) -> bool:
    """Whether they are of one precise dtype, with something to compute."""
    return (len({a.dtype for a in arrays}) == 1 and precise(arrays[0])
            and all(a.size for a in arrays))


def _places(window: Window, axis: int, places: Pair) -> list[slice]:
    """For each tap of an axis, what it reads of a padded image."""
    n, s = places[axis], window.stride[axis]
    return [slice(i, i + s * (n - 1) + 1, s) for i in range(window.size[axis])]


def _padded_size(window: Window, image: Pair) -> Pair:
    return tuple([n + sum(p) for n, p in zip(image, window.padding)])


def _inside(window: Window, image: Pair) -> tuple:
    """Where the image lies in its padding."""
    return (slice(None), *[slice(p, p + n) for (p, _), n in zip(window.padding, image)])


def _padded(x, window: Window, value: float) -> np.ndarray:
    """x with its padding, in scratch memory, or x itself if it has none."""
    if window.padding == ((0, 0), (0, 0)):
        return x
    shape = len(x), *_padded_size(window, x.shape[1:3]), x.shape[3]
    padded = threads.scratch("padded", shape, x.dtype)
    padded[...] = value
    padded[_inside(window, x.shape[1:3])] = x
    return padded


def _some_images(x, window: Window | None = None) -> list[slice]:
    """Images that are handled at a time: of few elements, and fewer if each tap is kept."""
    each = max(1, math.prod(x.shape[1:])) * (1 if window is None else 2)
    step = max(1, thresholds.POOL_BLOCK // each)
    return [slice(i, i + step) for i in range(0, len(x), step)]
