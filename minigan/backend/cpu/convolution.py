"""Convolution on the CPU: as matrix products of blocks that stay in the cache.

Three ways, chosen by shape:
  patches       gather rows of patches, then multiply: the forward pass and the weight gradient
  phases        the input gradient of a stride s is s · s convolutions without a stride, one for
                each phase (y mod s, x mod s) of the image, interleaved: gathers again, no scatter
  planes        multiply first, then shift and add the results: where few channels come out, the
                patches would be large and the product thin

All of them write to `out`, an array of the result's shape and dtype in C order, if it is given.
"""
from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .. import reference, thresholds
from ..arrays import by_groups, precise
from ..geometry import Window
from . import threads
from .outputs import into
from .patches import blocks_of, gather, images_at_once, length

__all__ = ["conv2d", "conv2d_input_gradient", "conv2d_weight_gradient"]


@by_groups
def conv2d(x, w, window, groups, b=None, out=None):
    """The reference's, by patches, or by planes where few channels come out."""
    n, c, o, places = len(x), x.shape[3], w.shape[3], window.outputs(x.shape[1:3])
    if not _is_ours(x, w) or min(places) < 1:
        return into(out, reference.conv2d(x, w, window, 1, b))
    if o <= thresholds.FEW_CHANNELS < c and _mirrored(window) is not None and _planes_fit(x, w):
        return _planes(x, _turned(w), _mirrored(window), places, b, out)
    y = np.empty((n, *places, o), np.result_type(x, w)) if out is None else out

    def task(block):
        kernel = w[block.lines.taps, block.columns.taps].reshape(-1, o)
        target = y[block.images, block.lines.outputs, block.columns.outputs]
        _multiply(gather(x, window, block), kernel, target, b)

    threads.share(task, blocks_of(x, window, places), _worth(y, w))
    return y


@by_groups
def conv2d_input_gradient(grad, w, window, groups, image, b=None, out=None):
    """The reference's, by phases, or by planes where few channels come out."""
    planes = w.shape[2] <= thresholds.FEW_CHANNELS and _planes_fit(grad, w)
    if not _is_ours(grad, w) or 0 in image or window.dilation != (1, 1) and not planes:
        return into(out, reference.conv2d_input_gradient(grad, w, window, 1, image, b))
    return (_planes if planes else _phases)(grad, w, window, image, b, out)


@by_groups
def conv2d_weight_gradient(x, grad, window, groups, out=None):
    """The reference's, by patches: the sum over the batch in PARTS pieces, added in their order."""
    (_, *places, o), c = grad.shape, x.shape[3]
    if not _is_ours(x, grad):
        return into(out, reference.conv2d_weight_gradient(x, grad, window, 1))
    if o <= thresholds.FEW_CHANNELS < c and _mirrored(window) is not None:
        return into(out, _turned(conv2d_weight_gradient(grad, x, _mirrored(window), 1)))
    blocks = blocks_of(x, window, places)
    parts = min(thresholds.PARTS, len(blocks))
    w = np.zeros((parts, *window.size, c, o), np.result_type(x, grad))

    def task(part):
        for block in blocks[part::parts]:
            patches = gather(x, window, block)
            target = w[part, block.lines.taps, block.columns.taps]
            rows = threads.scratch("rows", (len(patches), o), grad.dtype)
            some = grad[block.images, block.lines.outputs, block.columns.outputs]
            rows.reshape(some.shape)[...] = some
            product = threads.scratch("product", (patches.shape[1], o), w.dtype)
            target += np.matmul(patches.T, rows, out=product).reshape(target.shape)

    threads.share(task, range(parts), _worth(grad, w[0]))
    return w.sum(axis=0, out=out) if parts > 1 else into(out, w[0])


def _is_ours(x, w) -> bool:
    """Whether the shapes leave anything to compute, in a dtype that the BLAS knows."""
    return x.size > 0 and w.size > 0 and precise(x, w)


def _worth(y, w) -> bool:
    """Whether there is enough to compute for several threads: y, of the convolution's outputs."""
    return 2 * y.size * math.prod(w.shape[:3]) >= thresholds.SHARED_CONVOLUTION


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


def _phases(grad, w, window, image, b, out):
    """The input gradient by phases: for each, a convolution of grad with some of the taps, turned
    round, without a stride. The phases of one column read the same columns of grad and nearby
    lines: their patches are gathered once, for all the lines that any of them reads.
    """
    c, o, (sh, sw), line_phases = w.shape[2], grad.shape[3], window.stride, _phases_of(window, 0)
    x = np.empty((len(grad), *image, c), np.result_type(grad, w)) if out is None else out
    top = min(p.first for p in line_phases if p.taps)
    reach = max(p.first + len(p.taps) for p in line_phases if p.taps) - top

    def task(item):
        column, kernels, source, block = item
        patches = gather(grad, source, block)
        width = length(block.columns.taps) * o  # of the patches of one line of taps
        for p, kernel in zip(line_phases, kernels):
            start = p.first - top  # of this phase's taps among the lines that are read
            low = max(start, block.lines.taps.start)
            high = max(low, min(start + len(p.taps), block.lines.taps.stop))
            read = block.lines.taps.start
            target = x[block.images, p.phase::sh, column.phase::sw]
            _multiply(patches[:, (low - read) * width:(high - read) * width],
                      kernel[low - start:high - start, block.columns.taps].reshape(-1, c),
                      target[:, block.lines.outputs, block.columns.outputs], b)

    items = []
    for column in _phases_of(window, 1):
        kernels = [np.ascontiguousarray(w[p.taps][:, column.taps].swapaxes(2, 3))
                   for p in line_phases]
        source = Window((reach, len(column.taps)), padding=((-top, 0), (-column.first, 0)))
        places = -(-image[0] // sh), len(range(column.phase, image[1], sw))
        items += [(column, kernels, source, block) for block in blocks_of(grad, source, places)]
    threads.share(task, items, _worth(grad, w))
    return x


# Planes: multiply, then shift and add

def _planes(grad, w, window, image, b, out):
    """The input gradient where few channels come out: grad times every tap's weights gives one
    plane for each tap and channel, and the planes are added where their taps fall."""
    (n, *places, o), (kh, kw, c, _) = grad.shape, w.shape
    (sh, sw), (dh, dw), ((top, _), (left, _)) = window.stride, window.dilation, window.padding
    dtype, matrix = np.result_type(grad, w), w.reshape(-1, o)
    height = max((places[0] - 1) * sh + window.extent[0], top + image[0])
    width = max((places[1] - 1) * sw + window.extent[1], left + image[1])
    x = np.empty((n, *image, c), dtype) if out is None else out

    def task(images):
        rows = grad[images].reshape(-1, o)
        count = len(rows) // math.prod(places)
        planes = threads.scratch("product", (len(matrix), len(rows)), dtype)
        np.matmul(matrix, rows.T, out=planes)
        planes = planes.reshape(kh, kw, c, count, *places)
        total = threads.scratch("padded", (c, count, height, width), dtype)
        total[...] = 0 if b is None else b[:, None, None, None]
        for i in range(kh):
            for j in range(kw):
                y0, x0 = i * dh, j * dw
                target = total[:, :, y0:y0 + (places[0] - 1) * sh + 1:sh,
                               x0:x0 + (places[1] - 1) * sw + 1:sw]
                target += planes[i, j]
        x[images] = total[:, :, top:top + image[0], left:left + image[1]].transpose(1, 2, 3, 0)

    size = n * len(matrix) * math.prod(places) * np.dtype(dtype).itemsize
    step = min(images_at_once(n, size), max(1, thresholds.PATCH_BLOCK * n // size))
    threads.share(task, [slice(i, i + step) for i in range(0, n, step)], _worth(grad, w))
    return x


def _planes_fit(x, w) -> bool:
    """Whether the planes of one image of x are small enough to be made at a time."""
    (kh, kw, c, o), (_, height, width, _) = w.shape, x.shape
    return kh * kw * min(c, o) * height * width * x.itemsize <= 16 * thresholds.PATCH_BLOCK


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
