"""Images made smaller and larger: pooling, upsampling, pixel shuffle. Images are (N, H, W, C).

Each is a composition of other ops, whose gradients are its own. Sizes, strides and factors are
numbers, or pairs (height, width).
"""
from __future__ import annotations

from itertools import product
from typing import Any

from ..autodiff import Tensor, as_tensor
from ..backend import array_module
from ..backend.geometry import Pair, check_images, pair, pool_window
from .linalg import matmul
from .shape import stack


def max_pool2d(x: Any, size: int | Pair, stride: int | Pair | None = None) -> Tensor:
    """The largest element of each window and channel; elements that tie share the gradient
    evenly. stride None: windows side by side. What is left at the end of the image is not read.

    Returns (N, ⌊(H − size) / stride⌋ + 1, …, C). Raises ValueError for a window that is larger
    than the image.
    """
    return _windows("max_pool2d", x, size, stride).max(axis=0)


def avg_pool2d(x: Any, size: int | Pair, stride: int | Pair | None = None) -> Tensor:
    """The mean of each window and channel. Shapes, stride and errors are max_pool2d's."""
    return _windows("avg_pool2d", x, size, stride).mean(axis=0)


def _windows(name: str, x: Any, size: int | Pair, stride: int | Pair | None) -> Tensor:
    """What the windows read, (KH · KW, N, OH, OW, C): for each of their pixels one image, which
    is x in steps of the stride."""
    x = as_tensor(x)
    window = pool_window(name, x, size, stride)
    (height, width), (down, right) = window.outputs(x.shape[1:3]), window.stride
    if window.stride == window.size:  # no pixel is in two windows: x is cut into them
        tiles = x[:, :height * down, :width * right].reshape(
            len(x), height, down, width, right, x.shape[3])
        return tiles.transpose((2, 4, 0, 1, 3, 5)).reshape(
            down * right, len(x), height, width, x.shape[3])
    return stack([x[:, i:i + height * down:down, j:j + width * right:right]
                  for i, j in product(*map(range, window.size))])


def upsample_nearest(x: Any, factor: int | Pair) -> Tensor:
    """Every pixel repeated `factor` times down and to the right: (N, H · factor, W · factor, C)."""
    x, (down, right) = _images("upsample_nearest", x), pair("factor", factor)
    n, height, width, channels = x.shape
    y = x.reshape(n, height, 1, width, 1, channels).broadcast_to(
        (n, height, down, width, right, channels))
    return y.reshape(n, height * down, width * right, channels)


def upsample_bilinear(x: Any, factor: int | Pair) -> Tensor:
    """Pixels as points at the centres of squares, and straight lines between them in each
    direction: (N, H · factor, W · factor, C). PyTorch's mode="bilinear", align_corners=False."""
    x, (down, right) = _images("upsample_bilinear", x), pair("factor", factor)
    if x.dtype.kind != "f":
        raise TypeError(f"upsample_bilinear interpolates floats, not {x.dtype}")
    n, height, width, channels = x.shape
    y = matmul(_between(width, right, x), x)
    y = matmul(_between(height, down, x), y.reshape(n, height, width * right * channels))
    return y.reshape(n, height * down, width * right, channels)


def _between(length: int, factor: int, like: Tensor) -> Tensor:
    """The matrix (length · factor, length) that interpolates along an axis. Row i stands at
    (i + ½) / factor − ½ on the scale of the old pixels, of which those nearer than 1 count; before
    the first and behind the last it is as far as they are."""
    xp = array_module(like.data)
    at = xp.clip((xp.arange(length * factor) + 0.5) / factor - 0.5, 0, length - 1)
    distance = xp.abs(at.reshape(length * factor, 1) - xp.arange(length))
    return Tensor(xp.maximum(1 - distance, 0).astype(like.dtype))


def pixel_shuffle(x: Any, factor: int | Pair) -> Tensor:
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


def _images(name: str, x: Any) -> Tensor:
    x = as_tensor(x)
    check_images(name, x)
    return x
