"""Convolution on a GPU: one product of two matrices, and a gather before it or after it.

  gather, then multiply: the windows' pixels, written out as rows, times the weights
  multiply, then gather: every pixel times every tap's weights, and each output adds what its taps
                         hold; nothing is scattered, so nothing is atomic

Either computes a convolution or its adjoint, the input gradient: they differ in where the pixels
lie that a tap joins (`Axis`). With a stride s the adjoint's pixels fall into s · s phases, each
reached by its own taps of the kernel; here a pixel finds them itself, so that all phases are one
launch, and `multiply, then gather` multiplies nothing in vain.
"""
from __future__ import annotations

import math
from functools import reduce
from typing import Any, Iterator, NamedTuple

from .. import reference, thresholds
from ..arrays import by_groups, same_floats, xp_of
from ..geometry import Pair, Window
from .launch import gemm, kernel


class Axis(NamedTuple):
    """How the pixels of two images meet along an axis: source · divisor = pixel · scale + start
    + tap · step. The kernels gather and gather_and_add take these four numbers."""

    scale: int
    start: int
    step: int
    divisor: int


def _forward(window: Window) -> tuple[Axis, Axis]:
    """From an output's pixel to those that it reads."""
    return tuple([Axis(s, -before, d, 1) for s, (before, _), d
                  in zip(window.stride, window.padding, window.dilation)])


def _backward(window: Window) -> tuple[Axis, Axis]:
    """From an input's pixel to the outputs that read it."""
    return tuple([Axis(1, before, -d, s) for s, (before, _), d
                  in zip(window.stride, window.padding, window.dilation)])


@by_groups
def conv2d(x, w, window: Window, groups: int, b=None):
    """The reference's. Multiplies first where few channels come out."""
    out = window.outputs(x.shape[1:3])
    if not _is_ours(x, w, b, window, x.shape[1:3], out):
        return reference.conv2d(x, w, window, 1, b)
    rows, products = math.prod(out) * x.shape[3], math.prod(x.shape[1:3]) * w.shape[3]
    order = _multiply_first if thresholds.GPU_LARGER * products <= rows else _gather_first
    return order(x, w, b, _forward(window), out)


@by_groups
def conv2d_input_gradient(grad, w, window: Window, groups: int, image: Pair, b=None):
    """The reference's. Gathers first where few channels come in."""
    if not _is_ours(grad, w, b, window, image, grad.shape[1:3]):
        return reference.conv2d_input_gradient(grad, w, window, 1, image, b)
    rows, products = math.prod(image) * grad.shape[3], math.prod(grad.shape[1:3]) * w.shape[2]
    order = _gather_first if thresholds.GPU_LARGER * rows <= products else _multiply_first
    return order(grad, w.swapaxes(2, 3), b, _backward(window), image)


@by_groups
def conv2d_weight_gradient(x, grad, window: Window, groups: int):
    """The reference's. Gathers x, or grad where that has few channels and x many."""
    image, out = x.shape[1:3], grad.shape[1:3]
    if not _is_ours(x, grad, None, window, image, out):
        return reference.conv2d_weight_gradient(x, grad, window, 1)
    if thresholds.GPU_LARGER * math.prod(image) * grad.shape[3] <= math.prod(out) * x.shape[3]:
        w = _correlate(grad, x, _backward(window), window.size)  # (KH, KW, O, C)
        return xp_of(x).ascontiguousarray(w.swapaxes(2, 3))
    return _correlate(x, grad, _forward(window), window.size)


def _is_ours(x, w, b, window: Window, image: Pair, out: Pair) -> bool:
    """Whether there is anything to compute, in one floating dtype, an image's worth of which can
    be counted in 32 bits."""
    places = max(math.prod(image), math.prod(out)) * math.prod(window.size)
    return (x.size > 0 and w.size > 0 and min(*image, *out) > 0 and same_floats(x, w, b)
            and places * max(x.shape[3], *w.shape[2:]) < 1 << 31)


def _gather_first(x, w, b, axes: tuple[Axis, Axis], shape: Pair):
    """y[n, p] = b + Σ x[n, the pixel that meets p at tap t] @ w[t]: (N, H, W, C) and
    (KH, KW, C, O) → (N, *shape, O)."""
    matrix, size = w.reshape(-1, w.shape[3]), w.shape[:2]
    y = _in_blocks(x, math.prod(shape) * len(matrix),
                   lambda some: gemm(_rows(some, axes, size, shape), matrix))
    y = y.reshape(len(x), *shape, w.shape[3])
    if b is not None:
        y += b
    return y


def _multiply_first(x, w, b, axes: tuple[Axis, Axis], shape: Pair):
    """The same: all the products x[n, pixel] @ w[t], and then their sums."""
    (*size, c, o), (lines, columns) = w.shape, x.shape[1:3]
    matrix = w.swapaxes(2, 3).reshape(-1, c)  # of an adjoint this is its own array again

    def some_images(some):
        products = gemm(some.reshape(-1, c), matrix.T)
        y = xp_of(x).empty((len(some), *shape, o), x.dtype)
        return kernel(xp_of(x), "gather_and_add")(
            products, 0 if b is None else b, lines, columns, o, *shape, *size, *axes[0], *axes[1],
            y)

    return _in_blocks(x, max(lines * columns * len(matrix), math.prod(shape) * o), some_images)


def _correlate(x, other, axes: tuple[Axis, Axis], size: Pair):
    """w[t] = Σ x[n, the pixel that meets p at tap t]ᵀ @ other[n, p]: (N, H, W, C) and
    (N, *shape, O) → (KH, KW, C, O)."""
    shape, (c, o) = other.shape[1:3], (x.shape[3], other.shape[3])
    parts = [gemm(_rows(x[s], axes, size, shape).T, other[s].reshape(-1, o))
             for s in _blocks(len(x), math.prod(shape) * math.prod(size) * c)]
    return reduce(lambda total, part: total + part, parts).reshape(*size, c, o)


def _rows(x, axes: tuple[Axis, Axis], size: Pair, shape: Pair):
    """What each pixel of an image of `shape` meets in x at every tap: (N, H, W, C) →
    (N · shape, KH · KW · C), with zeros where a tap meets nothing."""
    xp, (n, lines, columns, c) = xp_of(x), x.shape
    rows = xp.empty((n * math.prod(shape), math.prod(size) * c), x.dtype)
    return kernel(xp, "gather")(xp.ascontiguousarray(x), lines, columns, c, *shape, *size,
                                *axes[0], *axes[1], rows)


def _blocks(n: int, each: int) -> Iterator[slice]:
    """Images that together need at most GPU_ELEMENTS, if each needs so many."""
    step = max(1, thresholds.GPU_ELEMENTS // each)
    return (slice(i, i + step) for i in range(0, n, step))


def _in_blocks(x, each: int, compute) -> Any:
    """compute(x), some images at a time if there are many."""
    parts = [compute(x[s]) for s in _blocks(len(x), each)]
    return parts[0] if len(parts) == 1 else xp_of(x).concatenate(parts)
