"""Convolution on the CPU: as matrix products of blocks that stay in the cache.

A window's pixels, written out as a row, turn a convolution into a product: the *patch matrix*
has a row for every output pixel and a column for every weight of one output channel. It is many
times larger than the image, so it is never built whole: each thread builds the rows of some
images in its scratch memory and multiplies them at once.

Three ways, chosen by shape:
  patches       gather rows of patches, then multiply: the forward pass and the weight gradient
  phases        the input gradient of a stride s is s · s convolutions without a stride, one for
                each phase (y mod s, x mod s) of the image, interleaved: gathers again, no scatter
  planes        multiply first, then shift and add the results: where few channels come out, the
                patches would be large and the product thin
Where the window hangs over the border, the taps outside are left out rather than multiplied by
zeros: a 5 x 5 window of stride 2 on 14 x 14 pixels has a sixth of its taps there.
"""
from __future__ import annotations

import math
from itertools import product
from typing import Callable, Iterator, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from . import reference, threads
from .window import Pair, Window

__all__ = ["conv2d", "conv2d_input_gradient", "conv2d_weight_gradient"]

BLOCK = 2 << 20  # bytes of patches in one block: measured, flat between 1 and 4 MB
FEW = 8          # channels: up to here a row of patches is mostly overhead
PARTS = 8        # pieces into which the sum over the batch is cut in the weight gradient


def conv2d(x, w, window, groups, b=None):
    """The reference's, by patches, or by planes where few channels come out."""
    (n, *image, c), o, out = x.shape, w.shape[3], window.outputs(x.shape[1:3])
    if not _is_ours(x, w) or min(out) < 1:
        return reference.conv2d(x, w, window, groups, b)
    y = np.empty((n, *out, o), _dtype(x, w))
    if groups > 1:
        for xs, os in _groups(c, o, groups):
            y[..., os] = conv2d(x[..., xs], w[..., os], window, 1, None if b is None else b[os])
        return y
    if o <= FEW < c and _mirrored(window) is not None:
        return _planes(x, _turned(w), _mirrored(window), image=out, b=b)

    def multiply(images, lines, columns, patches):
        kernel = w[lines.taps, columns.taps].reshape(-1, o)
        _multiply(patches, kernel, y[images, lines.outputs, columns.outputs], b)

    _over_patches(x, window, out, multiply)
    return y


def conv2d_input_gradient(grad, w, window, groups, image, b=None):
    """The reference's, by phases, or by planes where few channels come out."""
    o, c = grad.shape[3], w.shape[2]
    if not _is_ours(grad, w) or 0 in image or groups == 1 and window.dilation != (1, 1) and c > FEW:
        return reference.conv2d_input_gradient(grad, w, window, groups, image, b)
    if groups > 1:
        x = np.empty((len(grad), *image, c * groups), _dtype(grad, w))
        for xs, os in _groups(c * groups, o, groups):
            x[..., xs] = conv2d_input_gradient(grad[..., os], w[..., os], window, 1, image,
                                               None if b is None else b[xs])
        return x
    return (_planes if c <= FEW else _phases)(grad, w, window, image, b)


def conv2d_weight_gradient(x, grad, window, groups):
    """The reference's, by patches: the sum over the batch in PARTS pieces, added in their order."""
    (_, *out, o), c = grad.shape, x.shape[3]
    if not _is_ours(x, grad):
        return reference.conv2d_weight_gradient(x, grad, window, groups)
    if groups > 1:
        w = np.empty((*window.size, c // groups, o), _dtype(x, grad))
        for xs, os in _groups(c, o, groups):
            w[..., os] = conv2d_weight_gradient(x[..., xs], grad[..., os], window, 1)
        return w
    if o <= FEW < c and _mirrored(window) is not None:
        return _turned(conv2d_weight_gradient(grad, x, _mirrored(window), 1))
    w = np.zeros((PARTS, *window.size, c, o), _dtype(x, grad))

    def add(images, lines, columns, patches, part):
        rows = grad[images, lines.outputs, columns.outputs].reshape(-1, o)
        target = w[part, lines.taps, columns.taps]
        target += (patches.T @ rows).reshape(target.shape)

    _over_patches(x, window, out, add, PARTS)
    return w.sum(axis=0)


def _is_ours(x, w) -> bool:
    """Whether the shapes leave anything to compute, in a dtype that the BLAS knows."""
    return x.size > 0 and w.size > 0 and _dtype(x, w).kind == "f" and _dtype(x, w).itemsize > 2


def _dtype(x, w):
    return np.result_type(x, w)


def _groups(c: int, o: int, groups: int) -> Iterator[tuple[slice, slice]]:
    """The input and the output channels of each group."""
    for i in range(groups):
        yield (slice(i * c // groups, (i + 1) * c // groups),
               slice(i * o // groups, (i + 1) * o // groups))


def _multiply(patches, kernel, target, b):
    """target ← patches @ kernel + b. The target may lack the last lines of the product."""
    rows = len(patches), kernel.shape[1]
    direct = target.flags.c_contiguous and target.size == math.prod(rows)
    y = target.reshape(rows) if direct else threads.scratch("product", rows, target.dtype)
    np.matmul(patches, kernel, out=y)
    if b is not None:
        y += b
    if not direct:
        (n, lines, *rest) = target.shape
        target[...] = y.reshape(n, -1, *rest)[:, :lines] if target.size else 0


# Patches: which outputs read which taps, and gathering them

class Span(NamedTuple):
    """Consecutive outputs along one axis that all read the same taps inside the image."""

    outputs: slice
    taps: slice
    first: int  # the pixel that the first output reads by the first of these taps


def _spans(window: Window, axis: int, pixels: int, outputs: int) -> list[Span]:
    """The outputs of an axis in spans: at most one for each tap, and one in a small window."""
    k, s, d, before = (window.size[axis], window.stride[axis], window.dilation[axis],
                       window.padding[axis][0])
    spans: list[Span] = []
    for p in range(outputs):
        start = p * s - before
        low = min(k, max(0, -(start // d)))                # the first tap with start + low d >= 0
        high = max(low, min(k, (pixels - 1 - start) // d + 1))  # past the last one inside
        if spans and spans[-1].taps == slice(low, high):
            last = spans[-1]
            spans[-1] = last._replace(outputs=slice(last.outputs.start, p + 1))
        else:
            spans.append(Span(slice(p, p + 1), slice(low, high), start + low * d))
    return spans


def _length(s: slice) -> int:
    return s.stop - s.start


def _over_patches(x, window: Window, out: Pair, use: Callable, parts: int = 0) -> None:
    """use(images, lines, columns, patches) for blocks of the patch matrix, shared among threads.
    With `parts` the blocks are dealt out in so many pieces, and use is told which: the blocks of
    one piece follow each other."""
    (n, *image, c), size = x.shape, math.prod(window.size) * x.shape[3] * x.itemsize
    spans = [_spans(window, axis, image[axis], out[axis]) for axis in (0, 1)]
    if c <= FEW or n * math.prod(out) * size <= 2 * BLOCK:  # not worth it: pad with zeros instead
        spans = [[Span(slice(0, out[axis]), slice(0, window.size[axis]), -window.padding[axis][0])]
                 for axis in (0, 1)]
    blocks = []
    for lines, columns in product(*spans):
        line = (_length(columns.outputs) * _length(lines.taps) * _length(columns.taps)
                * c * x.itemsize) or 1
        height = min(_length(lines.outputs), max(1, BLOCK // line))
        count = max(1, BLOCK // (line * height))
        for start in range(lines.outputs.start, lines.outputs.stop, height):
            first = lines.first + (start - lines.outputs.start) * window.stride[0]
            some = Span(slice(start, min(start + height, lines.outputs.stop)), lines.taps, first)
            blocks += [(slice(i, min(i + count, n)), some, columns) for i in range(0, n, count)]

    def task(part):
        for images, lines, columns in blocks[part * size:(part + 1) * size]:
            patches = _patches(x[images], window, lines, columns)
            use(images, lines, columns, patches, *([part] if parts else []))

    size = -(-len(blocks) // parts) if parts else 1
    threads.share(task, range(-(-len(blocks) // size)))


def _patches(x, window: Window, lines: Span, columns: Span) -> np.ndarray:
    """(rows, columns): for each of these outputs the pixels that its taps read, in the order of
    w: kernel line, kernel column, channel."""
    spans = (lines, columns)
    n, c, (sh, sw), (dh, dw) = len(x), x.shape[3], window.stride, window.dilation
    (oh, ow), (kh, kw) = [[_length(s.outputs) for s in spans], [_length(s.taps) for s in spans]]
    if kh * kw == 0:
        return np.empty((n * oh * ow, 0), x.dtype)
    x = _cut(x, *[(span.first, (o - 1) * s + (k - 1) * d + 1) for span, o, s, k, d in
                  zip(spans, (oh, ow), window.stride, (kh, kw), window.dilation)])
    ni, hi, wi, ci = x.strides
    view = as_strided(x, (n, oh, ow, kh, kw, c), (ni, hi * sh, wi * sw, hi * dh, wi * dw, ci))
    if c <= FEW:  # runs of c floats are short: a column at a time has longer ones
        matrix = threads.scratch("patches", (kh, kw, c, n, oh, ow), x.dtype)
        matrix[...] = view.transpose(3, 4, 5, 0, 1, 2)
        return matrix.reshape(kh * kw * c, n * oh * ow).T
    if view.flags.c_contiguous:  # a 1 x 1 kernel, say
        return view.reshape(n * oh * ow, kh * kw * c)
    matrix = threads.scratch("patches", view.shape, x.dtype)
    matrix[...] = view
    return matrix.reshape(n * oh * ow, kh * kw * c)


def _cut(x, lines: Pair, columns: Pair) -> np.ndarray:
    """x from a line on, so many lines, and so many columns: a view where the image has them all,
    else a copy with zeros around it."""
    (top, height), (left, width), (n, h, w, c) = lines, columns, x.shape
    if top >= 0 and left >= 0 and top + height <= h and left + width <= w:
        return x[:, top:top + height, left:left + width]
    y0, y1 = min(max(-top, 0), height), max(min(h - top, height), 0)
    x0, x1 = min(max(-left, 0), width), max(min(w - left, width), 0)
    padded = threads.scratch("padded", (n, height, width, c), x.dtype)
    padded[:, :y0] = padded[:, y1:] = 0
    padded[:, y0:y1, :x0] = padded[:, y0:y1, x1:] = 0
    padded[:, y0:y1, x0:x1] = x[:, top + y0:top + y1, left + x0:left + x1]
    return padded


# Phases: the input gradient as convolutions

class Phase(NamedTuple):
    """The pixels y of an axis with y mod stride = phase: pixel a · stride + phase is reached by
    these taps of the kernel, the first of them from output a + first, the next from the next."""

    phase: int
    first: int
    taps: list[int]


def _phases_of(window: Window, axis: int) -> list[Phase]:
    """The phases of the lines (axis 0) or of the columns (axis 1)."""
    k, s, before = window.size[axis], window.stride[axis], window.padding[axis][0]
    phases = []
    for phase in range(s):
        taps = list(range((phase + before) % s, k, s))[::-1]
        phases.append(Phase(phase, (phase + before - taps[0]) // s if taps else 0, taps))
    return phases


def _phases(grad, w, window, image, b):
    """The input gradient by phases: for each, a convolution of grad with some of the taps, turned
    round, without a stride. The phases of one column read the same columns of grad and nearby
    lines: their patches are gathered once, for all the lines that any of them reads.
    """
    c, (sh, sw), lines_of = w.shape[2], window.stride, _phases_of(window, 0)
    x = np.empty((len(grad), *image, c), _dtype(grad, w))
    top = min(p.first for p in lines_of if p.taps)
    reach = max(p.first + len(p.taps) for p in lines_of if p.taps) - top
    for column in _phases_of(window, 1):
        kernels = [np.ascontiguousarray(w[p.taps][:, column.taps].swapaxes(2, 3))
                   for p in lines_of]

        def multiply(images, lines, columns, patches):
            tap = _length(columns.taps) * grad.shape[3]  # columns of patches for one line of taps
            for p, kernel in zip(lines_of, kernels):
                low = max(p.first - top, lines.taps.start)
                high = max(low, min(p.first - top + len(p.taps), lines.taps.stop))
                _multiply(patches[:, (low - lines.taps.start) * tap:(high - lines.taps.start) * tap],
                          kernel[low - p.first + top:high - p.first + top, columns.taps].reshape(-1, c),
                          x[images, p.phase::sh, column.phase::sw][:, lines.outputs, columns.outputs], b)

        source = Window((reach, len(column.taps)), padding=((-top, 0), (-column.first, 0)))
        out = -(-image[0] // sh), len(range(column.phase, image[1], sw))
        _over_patches(grad, source, out, multiply)
    return x


# Planes: multiply, then shift and add

def _planes(grad, w, window, image, b):
    """The input gradient where few channels come out: grad times every tap's weights gives one
    plane for each tap and channel, and the planes are added where their taps fall."""
    (n, *out, o), (kh, kw, c, _) = grad.shape, w.shape
    (sh, sw), (dh, dw), ((top, _), (left, _)) = window.stride, window.dilation, window.padding
    dtype, matrix = _dtype(grad, w), w.reshape(-1, o)
    height = max((out[0] - 1) * sh + window.extent[0], top + image[0])
    width = max((out[1] - 1) * sw + window.extent[1], left + image[1])
    x = np.empty((n, *image, c), dtype)

    def task(images):
        rows = grad[images].reshape(-1, o)
        count = len(rows) // math.prod(out)
        planes = threads.scratch("product", (len(matrix), len(rows)), dtype)
        np.matmul(matrix, rows.T, out=planes)
        planes = planes.reshape(kh, kw, c, count, *out)
        total = threads.scratch("padded", (c, count, height, width), dtype)
        total[...] = 0 if b is None else b[:, None, None, None]
        for i in range(kh):
            for j in range(kw):
                y0, x0 = i * dh, j * dw
                target = total[:, :, y0:y0 + (out[0] - 1) * sh + 1:sh,
                               x0:x0 + (out[1] - 1) * sw + 1:sw]
                target += planes[i, j]
        x[images] = total[:, :, top:top + image[0], left:left + image[1]].transpose(1, 2, 3, 0)

    step = max(1, BLOCK // (len(matrix) * math.prod(out) * np.dtype(dtype).itemsize))
    threads.share(task, [slice(i, i + step) for i in range(0, n, step)])
    return x


def _mirrored(window: Window) -> Window | None:
    """The window of the same convolution seen from its output, where grad plays the image: what
    is seen 2 to the right of an output pixel sees it 2 to its left. None with a stride."""
    padding = tuple([(e - 1 - before, e - 1 - after)
                     for e, (before, after) in zip(window.extent, window.padding)])
    if window.stride != (1, 1) or min(padding[0] + padding[1]) < 0:
        return None
    return window._replace(padding=padding)


def _turned(w):
    """The kernel for `_mirrored`: turned by 180 degrees, inputs and outputs exchanged."""
    return np.ascontiguousarray(w[::-1, ::-1].swapaxes(2, 3))
