"""Depthwise convolution on the CPU: every output channel reads one channel of the image.

Nothing can be multiplied as matrices here, where each number meets KH · KW weights and no more.
Channels lie last, so a tap is a run of pixels times the tap's weights, repeated for every pixel;
np.einsum multiplies and adds in one pass. A block is some lines and columns of some images: what
it reads and what it writes stay in the cache while all the taps go over it.
"""
from __future__ import annotations

import math
from itertools import product
from typing import Any, Iterable, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .. import thresholds
from ..geometry import Pair, Window
from . import threads
from .convolution import phases_of
from .patches import cut, length


class Reads(NamedTuple):
    """What a correlation reads along one axis: its output p reads the pixels first + p · step +
    t · gap, for the taps t."""

    first: int
    step: int
    gap: int


class Block(NamedTuple):
    """Some lines and columns of the outputs of some images."""

    images: slice
    lines: slice
    columns: slice


def conv2d(x, w, window, b, y):
    """y ← the convolution of x (N, H, W, C) with w (KH, KW, 1, m · C), plus b."""
    for some in _multiples(x, w):
        _correlate(x, w[:, :, 0, some], _reads(window), y[..., some])
    if b is not None:
        y += b
    return y


def conv2d_input_gradient(grad, w, window, b, x):
    """x ← the input gradient, plus b. One correlation of grad for each phase of the image's pixels
    modulo the stride; see convolution.py."""
    for i, some in enumerate(_multiples(x, w)):
        y = x if i == 0 else np.empty(x.shape, x.dtype)
        some_grad, kernel = grad[..., some], w[:, :, 0, some]
        for lines, columns in product(phases_of(window, 0), phases_of(window, 1)):
            phase = y[:, lines.phase::window.stride[0], columns.phase::window.stride[1]]
            reads = Reads(lines.first, 1, lines.gap), Reads(columns.first, 1, columns.gap)
            if phase.size:
                _correlate(some_grad, kernel[lines.taps][:, columns.taps], reads, phase)
        if i:
            x += y
    if b is not None:
        x += b
    return x


def conv2d_weight_gradient(x, grad, window, w):
    """w (KH, KW, 1, m · C) ← the weight gradient, summed over the blocks in PARTS pieces."""
    for some in _multiples(x, w):
        w[:, :, 0, some] = _weights(x, grad[..., some], window)
    return w


def _multiples(x, w) -> Iterable[slice]:
    """Output channel c · m + i reads channel c: for each i, all such channels."""
    m = w.shape[3] // x.shape[3]
    return [slice(i, None, m) for i in range(m)]


def _reads(window: Window) -> tuple[Reads, Reads]:
    return tuple([Reads(-before, s, d) for (before, _), s, d in zip(
        window.padding, window.stride, window.dilation)])


def _correlate(x, taps, reads, y):
    """y[n, p, q, c] ← Σᵢⱼ x[n, p's pixel for i, q's for j, c] · taps[i, j, c], zeros outside x."""
    if 0 in taps.shape:
        y[...] = 0
        return
    size = taps.shape[:2]
    blocks, wide = _blocks_of(y)
    runs = np.repeat(taps.astype(y.dtype, copy=False)[:, :, None], wide, axis=2)
    x = x.astype(y.dtype, copy=False)

    def task(block):
        target, columns = y[block], length(block.columns)
        direct = target.strides[2:] == (y.shape[3] * y.itemsize, y.itemsize)
        to = target if direct else threads.scratch("product", target.shape, y.dtype)
        rows = _rows(to)
        for i, (some, reads_of) in enumerate(_runs_of(reads, size)):
            weights = runs[:, some, :columns]
            view = _view(x, weights.shape, reads_of, block)
            total = threads.scratch("runs", rows.shape, y.dtype) if i else rows
            np.einsum("ijnlx,ijx->nlx", view, weights.reshape(view.shape[:2] + (-1,)), out=total)
            if i:
                rows += total
        if not direct:
            target[...] = to

    threads.share(task, blocks, _worth(y, size))


def _weights(x, grad, window):
    """(KH, KW, C): for each tap what it read times the grad of where it went."""
    dtype, reads = np.result_type(x, grad), _reads(window)
    x, grad = x.astype(dtype, copy=False), grad.astype(dtype, copy=False)
    blocks, wide = _blocks_of(grad)
    parts = min(thresholds.PARTS, len(blocks))
    w = np.zeros((parts, *window.size, wide * x.shape[3]), dtype)

    def task(part):
        for block in blocks[part::parts]:
            rows = _rows(grad[block])
            for some, reads_of in _runs_of(reads, window.size):
                target = w[part, :, some, :rows.shape[2]]
                view = _view(x, target.shape, reads_of, block)
                total = threads.scratch("runs", target.shape[1:], dtype)
                for line, taps in zip(target, view):  # all lines at once take twice as long
                    line += np.einsum("jnlx,nlx->jx", taps, rows, out=total)

    threads.share(task, range(parts), _worth(grad, window.size))
    return w.reshape(parts, *window.size, wide, x.shape[3]).sum(axis=(0, 3))


def _rows(block):
    """(N, lines, columns, C) with the last two axes as one: a view, if they lie side by side."""
    return block.reshape(*block.shape[:2], -1)


def _runs_of(reads: Any, size: Pair) -> list[tuple[slice, tuple[Reads, Reads]]]:
    """The taps of a kernel's line in classes, and what each reads: with a step between the columns
    of the outputs, those of one class read the same columns of every `step`."""
    lines, (first, step, gap) = reads
    every = step // math.gcd(step, gap)
    return [(slice(j, None, every), (lines, Reads(first + j * gap, step, every * gap)))
            for j in range(min(every, size[1]))]


def _view(x, size: Any, reads: Any, block: Block) -> np.ndarray:
    """What the taps of one class read of x for the block, (KH, taps, N, lines, columns · C): a view
    of x, or of a copy where it hangs over the border or leaves columns out."""
    spans = [(r.first + outputs.start * r.step,
              (length(outputs) - 1) * r.step + (taps - 1) * r.gap + 1)
             for taps, r, outputs in zip(size, reads, block[1:])]
    lines, columns = reads
    x, c = cut(x[block.images], *spans)[:, :, ::columns.step], x.shape[3]
    if x.strides[2:] != (c * x.itemsize, x.itemsize):
        x = np.ascontiguousarray(x)
    n, h, w, e = x.strides
    return as_strided(x, (*size[:2], len(x), length(block.lines), length(block.columns) * c),
                      (h * lines.gap, w * columns.gap // columns.step, n, h * lines.step, e))


def _blocks_of(y) -> tuple[list[Block], int]:
    """The outputs y in blocks, and how many columns one has at most."""
    n, height, width, c = y.shape
    left, sides = thresholds.DEPTHWISE_BLOCK, []
    wide = min(width, max(1, thresholds.DEPTHWISE_ROW // c))
    high = min(height, max(1, left // (wide * c)))
    some = min(n, max(1, left // (wide * c * high)))
    for count, step in ((n, some), (height, high), (width, wide)):
        sides.append([slice(i, min(i + step, count)) for i in range(0, count, step)])
    return [Block(*block) for block in product(*sides)], wide


def _worth(y, size: Pair) -> bool:
    return 2 * y.size * math.prod(size) >= thresholds.SHARED_DEPTHWISE
