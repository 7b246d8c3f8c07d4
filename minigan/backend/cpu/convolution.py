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
from itertools import product
from typing import NamedTuple

import numpy as np

from .. import reference, thresholds
from ..arrays import precise
from ..geometry import Window
from . import threads
from .outputs import into, made
from .patches import blocks_of, gather, images_at_once, length


def conv2d(x, w, window, groups, b=None, out=None):
    """The reference's, by patches, or by planes where few channels come out."""
    n, c, o, places = len(x), x.shape[3], w.shape[3], window.outputs(x.shape[1:3])
    if not is_ours(x, w) or min(places) < 1:
        return into(out, reference.conv2d(x, w, window, groups, b))
    if (groups == 1 and o <= thresholds.FEW_CHANNELS < c and _mirrored(window) is not None
            and _planes_fit(x, w)):
        return _planes(x, _turned(w), _mirrored(window), places, b, out)
    y = made(out, (n, *places, o), x, w)
    kernels = _of_groups(w, groups)

    def task(block):
        patches = gather(x, window, block, groups)
        kernel = kernels[:, block.lines.taps, block.columns.taps]
        target = y[block.images, block.lines.outputs, block.columns.outputs]
        _multiply(patches, kernel.reshape(groups, -1, o // groups), target, b)

    threads.share(task, blocks_of(x, window, places, groups), _worth(y, w))
    return y


def conv2d_input_gradient(grad, w, window, groups, image, b=None, out=None):
    """The reference's, by phases, or by planes where few channels come out."""
    if not is_ours(grad, w) or 0 in image:
        return into(out, reference.conv2d_input_gradient(grad, w, window, groups, image, b))
    if groups == 1 and w.shape[2] <= thresholds.FEW_CHANNELS and _planes_fit(grad, w):
        return _planes(grad, w, window, image, b, out)
    return _phases(grad, w, window, groups, image, b, out)


def conv2d_weight_gradient(x, grad, window, groups, out=None):
    """The reference's, by patches: the sum over the batch in PARTS pieces, added in their order."""
    (_, *places, o), c = grad.shape, x.shape[3] // groups
    if not is_ours(x, grad):
        return into(out, reference.conv2d_weight_gradient(x, grad, window, groups))
    if groups == 1 and o <= thresholds.FEW_CHANNELS < c and _mirrored(window) is not None:
        return into(out, _turned(conv2d_weight_gradient(grad, x, _mirrored(window), 1)))
    blocks = blocks_of(x, window, places, groups)
    parts = min(thresholds.PARTS, len(blocks))
    w = np.zeros((parts, groups, *window.size, c, o // groups), np.result_type(x, grad))

    def task(part):
        for block in blocks[part::parts]:
            patches = gather(x, window, block, groups)
            target = w[part, :, block.lines.taps, block.columns.taps]
            rows = threads.scratch("rows", (patches.shape[1], o), grad.dtype)
            some = grad[block.images, block.lines.outputs, block.columns.outputs]
            rows.reshape(some.shape)[...] = some
            product = threads.scratch("product", (groups, patches.shape[2], o // groups), w.dtype)
            np.matmul(patches.swapaxes(1, 2), _in_groups(rows, groups), out=product)
            target += product.reshape(target.shape)

    threads.share(task, range(parts), _worth(grad, w[0, 0]))
    total = w.sum(axis=0) if parts > 1 else w[0]
    return into(out, total.transpose(1, 2, 3, 0, 4).reshape(*window.size, c, o))


def _of_groups(w, groups):
    """A kernel (KH, KW, C, groups · O) as one for each group, (groups, KH, KW, C, O)."""
    kh, kw, c, o = w.shape
    return np.moveaxis(w.reshape(kh, kw, c, groups, o // groups), 3, 0)


def _in_groups(rows, groups):
    """(rows, groups · C) as (groups, rows, C), a view."""
    return rows.reshape(len(rows), groups, rows.shape[1] // groups).swapaxes(0, 1)


def is_ours(x, w) -> bool:
    """Whether the shapes leave anything to compute, in a dtype that the BLAS knows."""
    return x.size > 0 and w.size > 0 and precise(x, w)


def _worth(y, w) -> bool:
    """Whether there is enough to compute for several threads: y, of the convolution's outputs."""
    return 2 * y.size * math.prod(w.shape[:3]) >= thresholds.SHARED_CONVOLUTION


def _multiply(patches, kernels, target, b):
    """target ← patches @ kernels + b, (groups, rows, K) by (groups, K, C). The target, of groups ·
    C channels, may lack the last lines of the product."""
    groups, rows, channels = *patches.shape[:2], kernels.shape[2]
    shape = rows, groups * channels
    direct = target.flags.c_contiguous and target.size == math.prod(shape)
    y = target.reshape(shape) if direct else threads.scratch("product", shape, target.dtype)
    np.matmul(patches, kernels, out=_in_groups(y, groups))
    if b is not None:
        y += b
    if not direct:
        (n, lines, *rest) = target.shape
        target[...] = y.reshape(n, -1, *rest)[:, :lines] if target.size else 0


# Phases: the input gradient as convolutions

class Phase(NamedTuple):
    """The pixels y of an axis with y mod stride = phase: pixel a · stride + phase is reached by
    these taps of the kernel, the first of them from output a + first, the next from `gap` on."""

    phase: int
    first: int
    taps: list[int]
    gap: int


def phases_of(window: Window, axis: int) -> list[Phase]:
    """The phases of the lines (axis 0) or of the columns (axis 1)."""
    k, s, d = window.size[axis], window.stride[axis], window.dilation[axis]
    phases, before = [], window.padding[axis][0]
    for phase in range(s):
        taps = [t for t in range(k) if (phase + before - t * d) % s == 0][::-1]
        first = (phase + before - taps[0] * d) // s if taps else 0
        phases.append(Phase(phase, first, taps, d // math.gcd(s, d)))
    return phases


def _read_together(phases: list[Phase]) -> list[list[Phase]]:
    """Phases that read nearby lines: all, or, where the lines are not neighbours, each alone."""
    if phases[0].gap == 1:
        return [phases]
    first, *others = [[p] for p in phases if p.taps]
    return [first + [p for p in phases if not p.taps], *others]


def _phases(grad, w, window, groups, image, b, out):
    """The input gradient by phases: for each, a convolution of grad with some of the taps, turned
    round, without a stride. The phases of one column read the same columns of grad and nearby
    lines: their patches are gathered once, for all the lines that any of them reads.
    """
    c, o, (sh, sw) = w.shape[2], grad.shape[3], window.stride
    x = made(out, (len(grad), *image, groups * c), grad, w)
    kernel = _of_groups(w, groups).swapaxes(3, 4)  # (groups, KH, KW, O, C)

    def task(item):
        lines, column, kernels, top, source, block = item
        patches, taps = gather(grad, source, block, groups), block.lines.taps
        by_line = patches.reshape(groups, patches.shape[1], length(taps),
                                  length(block.columns.taps) * (o // groups))
        for p, kernel in zip(lines, kernels):
            start = p.first - top  # of this phase's taps among the lines that are read
            low = max(start, taps.start)
            high = max(low, min(start + len(p.taps), taps.stop))
            some = by_line[:, :, low - taps.start:high - taps.start]
            target = x[block.images, p.phase::sh, column.phase::sw]
            some = some.reshape(groups, patches.shape[1], math.prod(some.shape[2:]))
            _multiply(some, kernel[:, low - start:high - start, block.columns.taps].reshape(
                groups, some.shape[2], c), target[:, block.lines.outputs, block.columns.outputs], b)

    items = []
    for lines, column in product(_read_together(phases_of(window, 0)), phases_of(window, 1)):
        top = min(p.first for p in lines if p.taps)
        reach = max(p.first + len(p.taps) for p in lines if p.taps) - top
        kernels = [np.ascontiguousarray(kernel[:, p.taps][:, :, column.taps]) for p in lines]
        source = Window((reach, len(column.taps)), padding=((-top, 0), (-column.first, 0)),
                        dilation=(lines[0].gap, column.gap))
        places = -(-image[0] // sh), len(range(column.phase, image[1], sw))
        items += [(lines, column, kernels, top, source, block)
                  for block in blocks_of(grad, source, places, groups)]
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
    x = made(out, (n, *image, c), dtype)

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
