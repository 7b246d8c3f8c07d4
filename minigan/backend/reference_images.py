"""The kernels of windows that slide over images, in plain array code: reference.py's other half."""
from __future__ import annotations

import math
from itertools import product

from numpy import iinfo

from .arrays import by_groups
from .arrays import xp_of as _xp
from .geometry import Pair, Window


@by_groups
def conv2d(x, w, window: Window, groups: int, b=None):
    """y[n, p, q] = b + Σᵢⱼ x[n, p · stride + i · dilation, …] @ w[i, j], x with its padding:
    (N, H, W, C) and (KH, KW, C / groups, O) → (N, OH, OW, O).

    The channels of x and of y lie in `groups` parts; each part of y sees one part of x.
    """
    outputs, x = window.outputs(x.shape[1:3]), _xp(x).pad(x, ((0, 0), *window.padding, (0, 0)))
    y = sum(_matrix(x[_tap(window, i, j, outputs)]) @ w[i, j] for i, j in _taps(window))
    y = y.reshape(x.shape[0], *outputs, w.shape[3])
    return y if b is None else y + b


@by_groups
def conv2d_input_gradient(grad, w, window: Window, groups: int, image: Pair, b=None):
    """The adjoint of x ↦ conv2d(x, w), where x is (N, *image, C), plus b: what each tap read
    gets its share of grad, wherever the taps meet it is added. (N, OH, OW, O) → (N, H, W, C)."""
    (top, bottom), (left, right) = window.padding
    (n, *outputs, _), (height, width), channels = grad.shape, image, w.shape[2]
    x = _xp(grad).zeros((n, top + height + bottom, left + width + right, channels),
                        _xp(grad).result_type(grad, w))
    for i, j in _taps(window):
        share = _matrix(grad) @ w[i, j].T
        x[_tap(window, i, j, outputs)] += share.reshape(n, *outputs, channels)
    x = x[:, top:top + height, left:left + width]
    return x if b is None else x + b


@by_groups
def conv2d_weight_gradient(x, grad, window: Window, groups: int):
    """The adjoint of w ↦ conv2d(x, w): for each tap, what it read times the grad of where it
    went. (N, H, W, C) and (N, OH, OW, O) → (KH, KW, C / groups, O)."""
    w = _xp(x).empty((*window.size, x.shape[3], grad.shape[3]), _xp(x).result_type(x, grad))
    x = _xp(x).pad(x, ((0, 0), *window.padding, (0, 0)))
    for i, j in _taps(window):
        w[i, j] = _matrix(x[_tap(window, i, j, grad.shape[1:3])]).T @ _matrix(grad)
    return w


def _taps(window):
    """The places (i, j) of the kernel."""
    return product(*map(range, window.size))


def _tap(window, i, j, outputs):
    """The index of the pixels of a padded image that the kernel's place (i, j) reads, one for
    each output."""
    starts = i * window.dilation[0], j * window.dilation[1]
    return (slice(None), *[slice(start, start + stride * n, stride)
                           for start, stride, n in zip(starts, window.stride, outputs)])


def _matrix(x):
    """(…, C) → (rows, C)."""
    return x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


def max_pool(x, window: Window):
    """The largest of each window and channel, (N, H, W, C) → (N, OH, OW, C). Padding is lower than
    all numbers."""
    outputs, x = window.outputs(x.shape[1:3]), _padded(x, window, _lowest(x.dtype))
    y = None
    for i, j in _taps(window):
        tap = x[_tap(window, i, j, outputs)]
        y = tap.copy() if y is None else _xp(x).maximum(y, tap)
    return y


def max_pool_gradient(grad, x, y, window: Window):
    """grad, where y = max_pool(x), given to the elements of x that are y, evenly if several are.
    Beside NaN all are."""
    wins, count = _winners(x, y, window)
    share, result = grad / count, _padded(_xp(x).zeros(x.shape, grad.dtype), window, 0)
    for (i, j), won in zip(_taps(window), wins):
        result[_tap(window, i, j, y.shape[1:3])] += _xp(x).where(won, share, 0).astype(grad.dtype)
    return _inside(result, window, x.shape[1:3])


def max_pool_mean(u, x, y, window: Window):
    """The adjoint of grad ↦ max_pool_gradient: of each window the mean of u over those elements
    where x is y = max_pool(x)."""
    wins, count = _winners(x, y, window)
    padded = _padded(u, window, 0)
    total = sum(_xp(x).where(won, padded[_tap(window, i, j, y.shape[1:3])], 0)
                for (i, j), won in zip(_taps(window), wins))
    return (total / count).astype(u.dtype)


def _winners(x, y, window):
    """For each tap where it is inside the image and not below y, and how many of them are."""
    padded, inside = _padded(x, window, 0), _padded(_xp(x).ones(x.shape, bool), window, 0)
    places = [_tap(window, i, j, y.shape[1:3]) for i, j in _taps(window)]
    wins = [~(padded[place] < y) & inside[place] for place in places]
    return wins, sum(won.astype("float32" if y.dtype.itemsize < 4 else y.dtype) for won in wins)


def window_sum(x, window: Window):
    """The sum of each window and channel, (N, H, W, C) → (N, OH, OW, C); padding is zeros."""
    padded = _padded(x, window, 0)
    return sum(padded[_tap(window, i, j, window.outputs(x.shape[1:3]))] for i, j in _taps(window))


def window_spread(grad, window: Window, image: Pair):
    """The adjoint of window_sum: each element of grad added to all that its window read."""
    n, *outputs, channels = grad.shape
    x = _padded(_xp(grad).zeros((n, *image, channels), grad.dtype), window, 0)
    for i, j in _taps(window):
        x[_tap(window, i, j, outputs)] += grad
    return _inside(x, window, image)


def _padded(x, window, value):
    return _xp(x).pad(x, ((0, 0), *window.padding, (0, 0)), constant_values=value)


def _inside(x, window, image):
    (top, _), (left, _) = window.padding
    return x[:, top:top + image[0], left:left + image[1]]


def _lowest(dtype):
    """What no number of the dtype is below."""
    return -math.inf if dtype.kind == "f" else False if dtype.kind == "b" else iinfo(dtype).min
