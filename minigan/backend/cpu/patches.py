"""The patch matrix of a convolution on the CPU, a block at a time.

A window's pixels, written out as a row, turn a convolution into a product: the *patch matrix*
has a row for every output pixel and a column for every weight of one output channel. It is many
times larger than the image, so it is never built whole: each thread builds the rows of some
images in its scratch memory, and they are used while they are in the cache.

Where the window hangs over the border, the taps outside are left out rather than filled with
zeros: a 5 x 5 window of stride 2 on 14 x 14 pixels has a sixth of its taps there.
"""
from __future__ import annotations

import math
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .. import thresholds
from ..geometry import Pair, Window
from . import threads


WIDE = {8: np.float64, 16: np.complex128}  # types as long as two or four numbers, by their bytes


class Span(NamedTuple):
    """Consecutive outputs along one axis that all read the same taps."""

    outputs: slice
    taps: slice
    first: int  # the pixel that the first output reads by the first of these taps


def inner_spans(window: Window, axis: int, pixels: int, outputs: int) -> list[Span]:
    """The outputs of an axis, in spans of those that have the same taps inside the image."""
    k, s, d = window.size[axis], window.stride[axis], window.dilation[axis]
    spans: list[Span] = []
    for p in range(outputs):
        start = p * s - window.padding[axis][0]
        low = min(k, max(0, -(start // d)))                     # the first tap inside
        high = max(low, min(k, (pixels - 1 - start) // d + 1))  # past the last one
        if spans and spans[-1].taps == slice(low, high):
            spans[-1] = spans[-1]._replace(outputs=slice(spans[-1].outputs.start, p + 1))
        else:
            spans.append(Span(slice(p, p + 1), slice(low, high), start + low * d))
    return spans


def length(s: slice) -> int:
    return s.stop - s.start


class Block(NamedTuple):
    """Some images, and some of their outputs: what one thread gathers at a time."""

    images: slice
    lines: Span
    columns: Span


def blocks_of(x, window: Window, out: Pair, groups: int = 1) -> list[Block]:
    """The whole patch matrix of images x in blocks, the larger ones first: the threads that share
    them are then done at about the same time."""
    (n, *image, c) = x.shape
    total = n * math.prod(out) * math.prod(window.size) * c * x.itemsize
    if c // groups > thresholds.FEW_CHANNELS and total > 2 * thresholds.PATCH_BLOCK:
        spans, most = [inner_spans(window, i, image[i], out[i]) for i in (0, 1)], n
    else:  # to have all outputs read all taps, and fill in zeros, costs less than small products
        spans = [[Span(slice(0, out[i]), slice(0, window.size[i]), -window.padding[i][0])]
                 for i in (0, 1)]
        most = images_at_once(n, total)
    blocks = []
    for lines, columns in product(*spans):
        line = length(columns.outputs) * length(lines.taps) * length(columns.taps) * c * x.itemsize
        height = min(length(lines.outputs), max(1, thresholds.PATCH_BLOCK // max(1, line)))
        count = min(most, max(1, thresholds.PATCH_BLOCK // max(1, line * height)))
        for y in range(lines.outputs.start, lines.outputs.stop, height):
            first = lines.first + (y - lines.outputs.start) * window.stride[0]
            some = Span(slice(y, min(y + height, lines.outputs.stop)), lines.taps, first)
            for i in range(0, n, count):
                block = Block(slice(i, min(i + count, n)), some, columns)
                blocks.append((-line * length(some.outputs) * length(block.images), block))
    return [block for _, block in sorted(blocks, key=lambda pair: pair[0])]


def images_at_once(n: int, total: int) -> int:
    """How many of n images a block takes at most: all of them if their patches are small, else
    few enough that there is something to share among the threads."""
    return n if total <= thresholds.PATCH_BLOCK // 2 else -(-n // 8)


def gather(x, window: Window, block: Block, groups: int = 1) -> np.ndarray:
    """(groups, rows, columns): for each of the block's outputs the pixels that its taps read, in
    the order of w: kernel line, kernel column, channel; each group's channels apart. In scratch
    memory, most of the time."""
    x, lines, columns = x[block.images], block.lines, block.columns
    n, c, (sh, sw), (dh, dw) = len(x), x.shape[3], window.stride, window.dilation
    oh, ow, kh, kw = map(length, (lines.outputs, columns.outputs, lines.taps, columns.taps))
    if kh * kw == 0:
        return np.empty((groups, n * oh * ow, 0), x.dtype)
    x = cut(x, (lines.first, (oh - 1) * sh + (kh - 1) * dh + 1),
            (columns.first, (ow - 1) * sw + (kw - 1) * dw + 1))
    dtype, c = x.dtype, c // groups
    channels = c
    short = c <= thresholds.FEW_CHANNELS and c * kw * (groups == dw == 1) < thresholds.SHORT_RUN
    if short and c * x.itemsize in WIDE and x.strides[3] == x.itemsize:
        x, c, short = x.view(WIDE[c * x.itemsize]), 1, False  # so many numbers are moved as one
    ni, hi, wi, ci = x.strides
    view = as_strided(x, (n, oh, ow, groups, kh, kw, c),
                      (ni, hi * sh, wi * sw, ci * c, hi * dh, wi * dw, ci))
    if short:  # a column of patches at a time has longer runs
        matrix = threads.scratch("patches", (groups, kh, kw, c, n, oh, ow), x.dtype)
        matrix[...] = view.transpose(3, 4, 5, 6, 0, 1, 2)
        return matrix.reshape(groups, kh * kw * c, n * oh * ow).swapaxes(1, 2)
    if not view.flags.c_contiguous:  # as it is for a 1 x 1 kernel
        matrix = threads.scratch("patches", view.shape, x.dtype)
        matrix[...] = view
        view = matrix
    return view.view(dtype).reshape(n * oh * ow, groups, channels * kh * kw).swapaxes(0, 1)


def cut(x, lines: Pair, columns: Pair) -> np.ndarray:
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
