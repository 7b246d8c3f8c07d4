"""Convolution, pooling and their kin from their definitions: loops over every output, slow and
plain. All arrays are NumPy's; pairs are (height, width)."""
from __future__ import annotations

import math
from itertools import product

import numpy as np


def each(value, axes):
    return value if isinstance(value, tuple) else (value,) * axes


def both(value):
    return each(value, 2)


def extents(w, dilation):
    return [d * (k - 1) + 1 for k, d in zip(w.shape, each(dilation, w.ndim - 2))]


def same(n, extent, stride):
    """The least padding with which ceil(n / stride) windows fit, and the odd pixel at the end."""
    total = 0
    while (n + total - extent) // stride + 1 < math.ceil(n / stride):
        total += 1
    return total // 2, total - total // 2


def sides(padding, image, extent, stride, axes=2):
    """((top, bottom), (left, right)), or a pair for each of so many axes."""
    if padding == "same":
        return [same(*numbers) for numbers in zip(image, extent, each(stride, axes))]
    return [both(p) for p in each(0 if padding == "valid" else padding, axes)]


def windows(w, stride, dilation, outputs, groups):
    """For each output pixel and channel: what its window reads of padded images, as an index, and
    where it is written, (all images, p, q, o)."""
    axes = w.ndim - 2
    for *place, o in product(*map(range, outputs), range(w.shape[-1])):
        first = o // (w.shape[-1] // groups) * w.shape[-2]
        read = [slice(p * s, p * s + k * d, d) for p, s, k, d in zip(
            place, each(stride, axes), w.shape, each(dilation, axes))]
        yield ((slice(None), *read, slice(first, first + w.shape[-2])), (slice(None), *place, o))


def conv2d(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """Along as many axes as w has between its first one and its channels."""
    extent, axes = extents(w, dilation), w.ndim - 2
    margins = sides(padding, x.shape[1:-1], extent, stride, axes)
    x = np.pad(x, [(0, 0), *margins, (0, 0)])
    outputs = [(n - e) // s + 1 for n, e, s in zip(x.shape[1:], extent, each(stride, axes))]
    y = np.zeros((x.shape[0], *outputs, w.shape[-1]))
    for read, written in windows(w, stride, dilation, outputs, groups):
        y[written] = (x[read] * w[..., written[-1]]).sum(axis=tuple(range(1, x.ndim)))
    return y if b is None else y + b


def conv2d_input_gradient(g, w, image, stride=1, padding=0, dilation=1, groups=1):
    margins = sides(padding, image, extents(w, dilation), stride, w.ndim - 2)
    padded = [n + sum(m) for n, m in zip(image, margins)]
    x = np.zeros((g.shape[0], *padded, w.shape[-2] * groups))
    for read, written in windows(w, stride, dilation, g.shape[1:-1], groups):
        x[read] += np.multiply.outer(g[written], w[..., written[-1]])
    inside = [slice(before, before + n) for n, (before, _) in zip(image, margins)]
    return x[(slice(None), *inside)]


def conv2d_weight_gradient(x, g, size, stride=1, padding=0, dilation=1, groups=1):
    w = np.zeros((*size, x.shape[3] // groups, g.shape[3]))
    x = np.pad(x, [(0, 0), *sides(padding, x.shape[1:3], extents(w, dilation), stride), (0, 0)])
    for read, written in windows(w, stride, dilation, g.shape[1:3], groups):
        w[..., written[3]] += (x[read] * g[written][:, None, None, None]).sum(axis=0)
    return w


def conv_transpose2d(x, w, b=None, stride=1, padding=0, output_padding=0, dilation=1, groups=1):
    """The input gradient for an image of the documented size."""
    extent, axes, lengths = extents(w, dilation), w.ndim - 2, x.shape[1:-1]
    if padding == "same":
        image = [n * s for n, s in zip(lengths, each(stride, axes))]
    else:
        image = [(n - 1) * s - sum(m) + e + extra for n, s, m, e, extra in zip(
            lengths, each(stride, axes), sides(padding, None, None, None, axes), extent,
            each(output_padding, axes))]
    y = conv2d_input_gradient(x, w, image, stride, padding, dilation, groups)
    return y if b is None else y + b


conv1d = conv3d = conv2d
conv_transpose1d = conv_transpose3d = conv_transpose2d


def max_pool2d(x, size, stride=None, padding=0):
    return pool2d(x, size, stride, np.max, padding, -np.inf)


def avg_pool2d(x, size, stride=None, padding=0):
    return pool2d(x, size, stride, np.mean, padding, 0)


def pool2d(x, size, stride, reduce, padding, value):
    (kh, kw), (down, right) = both(size), both(size if stride is None else stride)
    margins = sides(padding, x.shape[1:3], (kh, kw), (down, right))
    x = np.pad(x, [(0, 0), *margins, (0, 0)], constant_values=value)
    outputs = [(n - k) // s + 1 for n, k, s in zip(x.shape[1:3], (kh, kw), (down, right))]
    y = np.zeros((x.shape[0], *outputs, x.shape[3]))
    for p, q in product(*map(range, outputs)):
        y[:, p, q] = reduce(x[:, p * down:p * down + kh, q * right:q * right + kw], (1, 2))
    return y


def adaptive_avg_pool2d(x, size):
    """Output p is the mean of the pixels that overlap [p, p + 1) · H / OH, for each p."""
    (n, height, width, channels), (oh, ow) = x.shape, both(size)
    y = np.zeros((n, oh, ow, channels))
    for p, q in product(range(oh), range(ow)):
        lines = [i for i in range(height) if -oh < i * oh - p * height < height]
        columns = [j for j in range(width) if -ow < j * ow - q * width < width]
        y[:, p, q] = x[:, lines][:, :, columns].mean((1, 2))
    return y


def upsample_nearest(x, factor=None, size=None):
    height, width = x.shape[1:3]
    oh, ow = both(size) if factor is None else [n * f for n, f in zip(x.shape[1:3], both(factor))]
    y = np.zeros((len(x), oh, ow, x.shape[3]))
    for p, q in product(range(oh), range(ow)):
        y[:, p, q] = x[:, p * height // oh, q * width // ow]
    return y


def upsample_bilinear(x, factor=None, size=None):
    """Pixel by pixel: where it lies among the old ones, and their share in it."""
    n, height, width, channels = x.shape
    oh, ow = both(size) if factor is None else [n * f for n, f in zip(x.shape[1:3], both(factor))]
    y = np.zeros((n, oh, ow, channels))

    def shares(i, new, old):
        at = min(max((i + 0.5) * old / new - 0.5, 0), old - 1)
        low = math.floor(at)
        return [(low, 1 - (at - low)), (min(low + 1, old - 1), at - low)]

    for p, q in product(range(oh), range(ow)):
        for (i, a), (j, b) in product(shares(p, oh, height), shares(q, ow, width)):
            y[:, p, q] += a * b * x[:, i, j]
    return y


def pixel_shuffle(x, factor):
    (fh, fw), (n, height, width, channels) = both(factor), x.shape
    count = channels // (fh * fw)
    y = np.zeros((n, height * fh, width * fw, count))
    for h, w, i, j, c in product(range(height), range(width), range(fh), range(fw), range(count)):
        y[:, h * fh + i, w * fw + j, c] = x[:, h, w, (i * fw + j) * count + c]
    return y


def moved(x: np.ndarray, down: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Each pixel of x (N, H, W, C) put where it comes to lie, if that is inside."""
    y = np.zeros_like(x)
    for n, i, j in np.ndindex(*x.shape[:3]):
        line, column = i + down[n], j + right[n]
        if 0 <= line < x.shape[1] and 0 <= column < x.shape[2]:
            y[n, line, column] = x[n, i, j]
    return y
