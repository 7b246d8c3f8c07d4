"""Convolution along one axis and along three, made of the one along two.

A signal is an image of height 1. A solid is taken as its slices: the window's first axis reads KD
of them at a time, and these are put behind one another as KD times as many channels of one image,
so that all of a solid's places along the first axis are images of one call of conv2d. The
transposed convolution makes such channels, and adds each slice where the convolution would have
read it. Nothing here is differentiated by hand: slicing, joining, adding and the two-dimensional
convolution are, and so there are derivatives of every order.
"""
from __future__ import annotations

from functools import reduce
from operator import add
from typing import Any

from ..autodiff import Tensor
from ..backend.geometry import Padding, Sides, Window, conv_window, transposed_window
from .conv import Conv2d, Conv2dInputGradient, factors, finished
from .shape import AddAt, concatenate, expand_dims, pad, split, squeeze


def conv1d(x: Any, w: Any, b: Any = None, stride: Sides = 1, padding: Padding = 0,
           dilation: Sides = 1, groups: int = 1) -> Tensor:
    """The convolution of signals with a kernel: conv2d along one axis.

    x         (N, L, C)
    w         (K, C / groups, O)
    b         (O,), added at every place, or None
    padding   zeros around the signal: a number, ((start, end),), "valid" or "same"
    returns   (N, OL, O) with OL = ⌊(L + padding − dilation · (K − 1) − 1) / stride⌋ + 1

    The other arguments and the errors are conv2d's.
    """
    x, w, b = factors(x, w, b)
    window = conv_window(x, w, b, stride, padding, dilation, groups, axes=1)
    conv = Conv2d(_flat(window), groups, (1, *x.shape[1:-1]))
    return squeeze(conv(expand_dims(x, 1), expand_dims(w, 0), *([] if b is None else [b])), 1)


def conv_transpose1d(x: Any, w: Any, b: Any = None, stride: Sides = 1, padding: Padding = 0,
                     output_padding: Sides = 0, dilation: Sides = 1, groups: int = 1) -> Tensor:
    """The transposed convolution of signals, the adjoint of conv1d(·, w): conv_transpose2d along
    one axis.

    x         (N, L, O)
    w         (K, C / groups, O): conv1d's, not exchanged
    b         (C,), added at every place, or None
    returns   (N, L', C) with
              L' = (L − 1) · stride − padding + dilation · (K − 1) + 1 + output_padding

    The other arguments and the errors are conv_transpose2d's, with padding as conv1d's.
    """
    x, w, b = factors(x, w, b)
    window, signal, beyond = transposed_window(x, w, b, stride, padding, output_padding, dilation,
                                               groups, axes=1)
    conv = Conv2dInputGradient(_flat(window), groups, (1, *signal))
    return finished(squeeze(conv(expand_dims(x, 1), expand_dims(w, 0)), 1), b, beyond)


def conv3d(x: Any, w: Any, b: Any = None, stride: Sides = 1, padding: Padding = 0,
           dilation: Sides = 1, groups: int = 1) -> Tensor:
    """The convolution of solids with a kernel: conv2d along three axes.

    x         (N, D, H, W, C)
    w         (KD, KH, KW, C / groups, O)
    b         (O,), added to every voxel, or None
    padding   zeros around the solid: a number, a triple (depth, height, width), three pairs
              ((front, back), (top, bottom), (left, right)), "valid" or "same"
    returns   (N, OD, OH, OW, O) with OD = ⌊(D + padding − dilation · (KD − 1) − 1) / stride⌋ + 1

    Numbers stand for all three axes alike. The other arguments and the errors are conv2d's.
    """
    x, w, b = factors(x, w, b)
    window = conv_window(x, w, b, stride, padding, dilation, groups, axes=3)
    n, _, *image, c = x.shape
    depth = window.outputs(x.shape[1:-1])[0]
    if any(window.padding[0]):
        x = pad(x, ((0, 0), window.padding[0], (0, 0), (0, 0), (0, 0)))
    x = x.reshape(*x.shape[:4], groups, c // groups)
    read = concatenate([x[:, slices] for slices in _slices(window, depth)], axis=-1)
    conv = Conv2d(_flat(window), groups, tuple(image))
    y = conv(read.reshape(n * depth, *image, len(w) * c), _flat_kernel(w),
             *([] if b is None else [b]))
    return y.reshape(n, depth, *y.shape[1:])


def conv_transpose3d(x: Any, w: Any, b: Any = None, stride: Sides = 1, padding: Padding = 0,
                     output_padding: Sides = 0, dilation: Sides = 1, groups: int = 1) -> Tensor:
    """The transposed convolution of solids, the adjoint of conv3d(·, w): conv_transpose2d along
    three axes.

    x         (N, D, H, W, O)
    w         (KD, KH, KW, C / groups, O): conv3d's, not exchanged
    b         (C,), added to every voxel, or None
    returns   (N, D', H', W', C) with
              D' = (D − 1) · stride − padding + dilation · (KD − 1) + 1 + output_padding

    Numbers stand for all three axes alike. The other arguments and the errors are
    conv_transpose2d's, with padding as conv3d's.
    """
    x, w, b = factors(x, w, b)
    window, solid, beyond = transposed_window(x, w, b, stride, padding, output_padding, dilation,
                                              groups, axes=3)
    n, depth, *image, o = x.shape
    (front, back), channels = window.padding[0], groups * w.shape[3]
    conv = Conv2dInputGradient(_flat(window), groups, solid[1:])
    y = conv(x.reshape(n * depth, *image, o), _flat_kernel(w))
    made = split(y.reshape(n, depth, *solid[1:], groups, len(w) * w.shape[3]), len(w), axis=-1)
    padded = n, front + solid[0] + back, *solid[1:], groups, w.shape[3]
    y = reduce(add, [AddAt((slice(None), slices), padded)(part)
                     for slices, part in zip(_slices(window, depth), made)])
    return finished(y[:, front:front + solid[0]].reshape(n, *solid, channels), b, beyond)


def _flat(window: Window) -> Window:
    """The window along the last two axes; one that is missing has length 1."""
    return Window(*[(one, *sides)[-2:] for one, sides in zip((1, 1, (0, 0), 1), window)])


def _slices(window: Window, depth: int) -> list[slice]:
    """For each of the kernel's slices, those of the padded solid that it meets."""
    size, stride, _, dilation = (sides[0] for sides in window)
    return [slice(k * dilation, k * dilation + (depth - 1) * stride + 1, stride)
            for k in range(size)]


def _flat_kernel(w: Tensor) -> Tensor:
    """(KD, KH, KW, C, O) → (KH, KW, KD · C, O)."""
    return w.transpose(1, 2, 0, 3, 4).reshape(*w.shape[1:3], len(w) * w.shape[3], w.shape[4])
