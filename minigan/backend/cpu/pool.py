"""Pooling on the CPU: a few images at a time, so that what the taps of a window read and write
stays in the cache; the maximum and the sum of a window first along its lines, then its columns."""
from __future__ import annotations

import math
from itertools import product

import numpy as np

from .. import reference, thresholds
from ..arrays import precise
from ..geometry import Pair, Window
from . import threads
from .outputs import into

__all__ = ["max_pool", "max_pool_gradient", "max_pool_mean", "window_spread", "window_sum"]


def max_pool(x, window, out=None):
    """The largest of each window and channel."""
    if not _is_ours(x):
        return into(out, reference.max_pool(x, window))
    return _folded(x, window, np.maximum, -np.inf, out)


def window_sum(x, window, out=None):
    """The sum of each window and channel."""
    if not _is_ours(x):
        return into(out, reference.window_sum(x, window))
    return _folded(x, window, np.add, 0, out)


def window_spread(grad, window, image, out=None):
    """Each element added to all that its window read: along the columns, then along the lines."""
    if not _is_ours(grad):
        return into(out, reference.window_spread(grad, window, image))
    places, (height, width) = grad.shape[1:3], _padded_size(window, image)
    x = _made((len(grad), *image, grad.shape[3]), grad, out)

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
    """grad given to the elements of x that are y, evenly if several are."""
    if not _is_ours(grad, x, y):
        return into(out, reference.max_pool_gradient(grad, x, y, window))
    result = _made(x.shape, grad, out)
    taps = _taps(window, y.shape[1:3])

    def task(images):
        wins, count = _winners(x[images], y[images], window, taps)
        share = np.divide(grad[images], count)
        bits, some = _bits(share), np.empty_like(share)
        whole = threads.scratch("padded", _padded_shape(x[images], window), x.dtype)
        whole[...] = 0
        for tap, won in zip(taps, wins):
            np.multiply(bits, won, out=_bits(some))  # a product of floats would make 0 · ∞
            whole[tap] += some
        result[images] = whole[_inside(window, x.shape[1:3])]

    threads.share(task, _some_images(x, window), x.size >= thresholds.SHARED_PASS)
    return result


def max_pool_mean(u, x, y, window, out=None):
    """Of each window the mean of u over the elements where x is y."""
    if not _is_ours(u, x, y):
        return into(out, reference.max_pool_mean(u, x, y, window))
    result = _made(y.shape, u, out)
    taps = _taps(window, y.shape[1:3])

    def task(images):
        wins, count = _winners(x[images], y[images], window, taps)
        padded, total = _padded(u[images], window, 0, "padded"), result[images]
        total[...] = 0
        some = np.empty_like(total)
        for tap, won in zip(taps, wins):
            some[...] = padded[tap]
            _bits(some)[...] *= won
            total += some
        total /= count

    threads.share(task, _some_images(x, window), x.size >= thresholds.SHARED_PASS)
    return result


def _winners(x, y, window, taps):
    """Which taps are inside the image and not below y, and how many of them are."""
    padded = _padded(x, window, 0, "padded")
    inside = _padded(np.ones((1, *x.shape[1:3], 1), bool), window, 0, "inside")
    wins = threads.scratch("wins", (len(taps), *y.shape), bool)
    count = threads.scratch("count", y.shape, np.uint16)
    count[...] = 0
    for tap, won in zip(taps, wins):
        np.less(padded[tap], y, out=won)
        np.logical_not(won, out=won)
        if padded.shape[1:3] != x.shape[1:3]:
            won &= inside[tap]
        count += won
    return wins, count.astype(y.dtype)


def _folded(x, window, ufunc, start, out):
    """All that a window reads joined by the ufunc, where padding is `start`."""
    places, c = window.outputs(x.shape[1:3]), x.shape[3]
    y = _made((len(x), *places, c), x, out)

    def task(images):
        padded = _padded(x[images], window, start, "padded")
        n, height = padded.shape[:2]
        columns = threads.scratch("lines", (n, height, places[1], c), x.dtype)
        _fold(ufunc, [padded[:, :, place] for place in _places(window, 1, places)], columns)
        _fold(ufunc, [columns[:, place] for place in _places(window, 0, places)], y[images])

    threads.share(task, _some_images(x), x.size >= thresholds.SHARED_PASS)
    return y


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


def _bits(x):
    return x.view(f"i{x.itemsize}")


def _made(shape, like, out):
    return np.empty(shape, like.dtype) if out is None else out


def _places(window: Window, axis: int, places: Pair) -> list[slice]:
    """For each tap of an axis, what it reads of a padded image."""
    n, s = places[axis], window.stride[axis]
    return [slice(i, i + s * (n - 1) + 1, s) for i in range(window.size[axis])]


def _taps(window: Window, places: Pair) -> list[tuple]:
    return [(slice(None), *tap) for tap in product(*[_places(window, i, places) for i in (0, 1)])]


def _padded_size(window: Window, image: Pair) -> Pair:
    return tuple([n + sum(p) for n, p in zip(image, window.padding)])


def _padded_shape(x, window: Window):
    return len(x), *_padded_size(window, x.shape[1:3]), x.shape[3]


def _inside(window: Window, image: Pair) -> tuple:
    """Where the image lies in its padding."""
    return (slice(None), *[slice(p, p + n) for (p, _), n in zip(window.padding, image)])


def _padded(x, window: Window, value: float, name: str) -> np.ndarray:
    """x with its padding, in scratch memory, or x itself if it has none."""
    if window.padding == ((0, 0), (0, 0)):
        return x
    padded = threads.scratch(name, _padded_shape(x, window), x.dtype)
    padded[...] = value
    padded[_inside(window, x.shape[1:3])] = x
    return padded


def _some_images(x, window: Window | None = None) -> list[slice]:
    """Images that are handled at a time: of few elements, and fewer if each tap is kept."""
    each = math.prod(x.shape[1:]) * (1 if window is None else 2)
    step = max(1, thresholds.POOL_BLOCK // each)
    return [slice(i, i + step) for i in range(0, len(x), step)]
