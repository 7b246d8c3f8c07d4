"""Images made smaller and larger: pooling, upsampling, pixel shuffle. Images are (N, H, W, C).

Most are compositions of other ops, whose gradients are theirs. Sizes, strides and factors are
numbers, or pairs (height, width).
"""
from __future__ import annotations

import math
from typing import Any, Callable

from ..autodiff import Function, Tensor, as_tensor
from ..backend import Array, array_module, kernels
from ..backend.geometry import Padding, Pair, Sides, Window, check_images, pair, pool_window
from .elementwise import as_floats, in_single


class Windowed(Function):
    """Base of what a window slides over images for."""

    def __init__(self, window: Window):
        self.window = window


class MaxPool(Windowed):
    """The largest of each window and channel. The gradient goes to where it is; elements that tie
    share it evenly."""

    def forward(self, x):
        return kernels(x).max_pool(x, self.window)

    def backward(self, grad):
        return MaxPoolGradient(self.window)(grad, self.inputs[0].detach(), self.output.detach())


class MaxPoolGradient(Windowed):
    """grad given to the elements of x that are y = max_pool(x): linear in grad, and the others do
    not change where x moves a little. Gradient: of each window the mean over these elements."""

    def forward(self, grad, x, y):
        return kernels(x).max_pool_gradient(grad, x, y, self.window)

    def backward(self, grad):
        return MaxPoolMean(self.window)(grad, *self.inputs[1:]), None, None


class MaxPoolMean(Windowed):
    """Of each window the mean of u over the elements where x is y = max_pool(x): the adjoint of
    MaxPoolGradient, which is its gradient. Linear in u."""

    def forward(self, u, x, y):
        return kernels(x).max_pool_mean(u, x, y, self.window)

    def backward(self, grad):
        return MaxPoolGradient(self.window)(grad, *self.inputs[1:]), None, None


def max_pool2d(x: Any, size: Sides, stride: Sides | None = None,
               padding: Padding = 0) -> Tensor:
    """The largest element of each window and channel; elements that tie share the gradient
    evenly. stride None: windows side by side. What is left at the end of the image is not read.
    padding is conv2d's, but at most half of the size; it is lower than all numbers and never the
    largest.

    Returns (N, ⌊(H + padding − size) / stride⌋ + 1, …, C). Raises ValueError for a window that is
    larger than the padded image.
    """
    x = as_tensor(x)
    return MaxPool(pool_window("max_pool2d", x, size, stride, padding))(x)


class WindowSum(Windowed):
    """The sum of each window and channel. Gradient: grad, spread over the windows."""

    reads = "nothing"

    def forward(self, x):
        return kernels(x).window_sum(x, self.window)

    def backward(self, grad):
        return WindowSpread(self.window, self.inputs[0].shape[1:3])(grad)


class WindowSpread(Function):
    """Each element added to all that its window reads, the adjoint of WindowSum, which is its
    gradient."""

    reads = "nothing"

    def __init__(self, window: Window, image: Pair):
        self.window, self.image = window, image

    def forward(self, grad):
        return kernels(grad).window_spread(grad, self.window, self.image)

    def backward(self, grad):
        return WindowSum(self.window)(grad)


@in_single
def avg_pool2d(x: Any, size: Sides, stride: Sides | None = None,
               padding: Padding = 0) -> Tensor:
    """The mean of each window and channel; padding is zeros, and counts (PyTorch's
    count_include_pad=True). Otherwise as max_pool2d."""
    x = as_floats(x)
    window = pool_window("avg_pool2d", x, size, stride, padding)
    return WindowSum(window)(x) * (1 / math.prod(window.size))


@in_single
def adaptive_avg_pool2d(x: Any, size: Sides) -> Tensor:
    """The mean of each of size windows that cover the image, whatever its own size: (N, *size, C).
    They begin at ⌊i · H / size⌋ and end before ⌈(i + 1) · H / size⌉, as in PyTorch, and overlap
    where H / size is not whole. size 1 is global pooling, x.mean((1, 2), keepdims=True)."""
    x = as_floats(_images("adaptive_avg_pool2d", x, least=1))
    new_height, new_width = pair("size", size)
    for n, count in zip(x.shape[1:3], (new_height, new_width)):
        if count > 2 ** 16:
            raise ValueError(f"adaptive_avg_pool2d cannot cut an axis of {n} into {count} parts: "
                             f"{2 ** 16} are the most")
    if (new_height, new_width) == (1, 1):
        return x.mean((1, 2), keepdims=True)
    return _resampled(x, new_height, new_width, _means)


def upsample_nearest(x: Any, factor: Sides | None = None, size: Sides | None = None
                     ) -> Tensor:
    """Every pixel repeated `factor` times down and to the right: (N, H · factor, W · factor, C).
    Or, to a size of any (height, width), (N, *size, C): pixel i is the old one ⌊i · H / height⌋."""
    x, (new_height, new_width) = _sizes("upsample_nearest", x, factor, size)
    n, height, width, channels = x.shape
    if new_height % height or new_width % width:
        arange = array_module(x.data).arange
        return x[:, (arange(new_height) * height // new_height)[:, None],
                 arange(new_width) * width // new_width]
    down, right = new_height // height, new_width // width
    y = x.reshape(n, height, 1, width, 1, channels).broadcast_to(
        (n, height, down, width, right, channels))
    return y.reshape(n, new_height, new_width, channels)


class Resample(Function):
    """An axis in other steps, (B, old, C) → (B, new, C), by the matrix (new, old) that `weights`
    makes; or the adjoint of that, which leads back. Gradient: the other one of the two."""

    reads = "nothing"

    def __init__(self, old: int, new: int, weights: Callable, back: bool = False):
        self.old, self.new, self.weights, self.back = old, new, weights, back

    def forward(self, x):
        matrix = self.weights(self.old, self.new, x)
        if self.back:  # an old pixel is read by the new ones that are nearer than 1 on its scale
            return kernels(x).banded_matmul(matrix.T, x, 2 * self.new // self.old + 2)
        return kernels(x).banded_matmul(matrix, x, self.old // self.new + 2)

    def backward(self, grad):
        return Resample(self.old, self.new, self.weights, not self.back)(grad)


def _resampled(x: Tensor, new_height: int, new_width: int, weights: Callable) -> Tensor:
    """Images of another size: first their columns, then their lines."""
    n, height, width, channels = x.shape
    y = Resample(width, new_width, weights)(x.reshape(n * height, width, channels))
    y = Resample(height, new_height, weights)(y.reshape(n, height, new_width * channels))
    return y.reshape(n, new_height, new_width, channels)


def upsample_bilinear(x: Any, factor: Sides | None = None, size: Sides | None = None
                      ) -> Tensor:
    """Pixels as points at the centres of squares, and straight lines between them in each
    direction: (N, H · factor, W · factor, C), or to a size of any (height, width), (N, *size, C).
    PyTorch's mode="bilinear", align_corners=False."""
    x, (new_height, new_width) = _sizes("upsample_bilinear", x, factor, size)
    if x.dtype.kind != "f":
        raise TypeError(f"upsample_bilinear interpolates floats, not {x.dtype}")
    return _resampled(x, new_height, new_width, _between)


def _between(old: int, new: int, like: Array) -> Array:
    """The matrix (new, old) that interpolates along an axis. Row i stands at (i + ½) · old / new
    − ½ on the scale of the old pixels, of which those nearer than 1 count; before the first and
    behind the last it is as far as they are."""
    xp = array_module(like)
    at = xp.clip((2 * xp.arange(new) + 1) * old / (2 * new) - 0.5, 0, old - 1)
    distance = xp.abs(at.reshape(new, 1) - xp.arange(old))
    return xp.maximum(1 - distance, 0).astype(like.dtype)


def _means(old: int, new: int, like: Array) -> Array:
    """The matrix (new, old) that takes the means of `new` windows which cover the axis."""
    xp = array_module(like)
    i, places = xp.arange(new).reshape(new, 1), xp.arange(old)
    inside = (places >= i * old // new) & (places < -(-(i + 1) * old // new))
    return (inside / inside.sum(axis=1, keepdims=True)).astype(like.dtype)


def _sizes(name: str, x: Any, factor: Any, size: Any) -> tuple[Tensor, Pair]:
    """x, and the height and the width that it is to have."""
    x = _images(name, x, least=1)
    if (factor is None) == (size is None):
        raise ValueError(f"{name} needs either a factor or a size, got factor {factor!r} and "
                         f"size {size!r}")
    if factor is None:
        return x, pair("size", size)
    down, right = pair("factor", factor)
    return x, (x.shape[1] * down, x.shape[2] * right)


def pixel_shuffle(x: Any, factor: Sides) -> Tensor:
    """Channels become pixels (Shi et al. 2016): (N, H, W, f · f · C) → (N, H · f, W · f, C).

        y[n, h · f + i, w · f + j, c] = x[n, h, w, (i · f + j) · C + c]

    The channels of one pixel of y lie side by side in x, as they do in y, so that they are moved
    as one; it is TensorFlow's depth_to_space. In PyTorch channel c · f · f + i · f + j goes there:
    what is in that order, (…, C, f · f), comes into this one with its last two axes exchanged.
    Raises ValueError if f · f does not divide the channels.
    """
    x, (down, right) = _images("pixel_shuffle", x), pair("factor", factor)
    n, height, width, channels = x.shape
    if channels % (down * right):
        raise ValueError(f"pixel_shuffle of x {x.shape}: its {channels} channels cannot become "
                         f"{down} x {right} pixels, factor {factor!r}")
    channels //= down * right
    y = x.reshape(n, height, width, down, right, channels).transpose(0, 1, 3, 2, 4, 5)
    return y.reshape(n, height * down, width * right, channels)


def _images(name: str, x: Any, least: int = 0) -> Tensor:
    """x, if it is a batch of images with so many lines and columns."""
    x = as_tensor(x)
    check_images(name, x)
    if min(x.shape[1:3]) < least:
        raise ValueError(f"{name} of x {x.shape}: an image has a height and a width of at least "
                         f"{least}")
    return x
