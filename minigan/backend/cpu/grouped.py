"""Convolutions of channels in groups, on the CPU: which way is taken for which."""
from __future__ import annotations

from . import convolution, depthwise
from .outputs import made


def conv2d(x, w, window, groups, b=None, out=None):
    """The reference's: one channel a group by depthwise.py, the others group by group."""
    places = window.outputs(x.shape[1:3])
    if not _is_depthwise(x, w, x.shape[3], groups) or min(places) < 1:
        return convolution.conv2d(x, w, window, groups, b, out=out)
    return depthwise.conv2d(x, w, window, b, made(out, (len(x), *places, w.shape[3]), x, w))


def conv2d_input_gradient(grad, w, window, groups, image, b=None, out=None):
    """The reference's, likewise."""
    if not _is_depthwise(grad, w, w.shape[2] * groups, groups) or 0 in image:
        return convolution.conv2d_input_gradient(grad, w, window, groups, image, b, out=out)
    return depthwise.conv2d_input_gradient(grad, w, window, b,
                                           made(out, (len(grad), *image, groups), grad, w))


def conv2d_weight_gradient(x, grad, window, groups, out=None):
    """The reference's, likewise."""
    if not _is_depthwise(x, grad, x.shape[3], groups):
        return convolution.conv2d_weight_gradient(x, grad, window, groups, out=out)
    return depthwise.conv2d_weight_gradient(
        x, grad, window, made(out, (*window.size, 1, grad.shape[3]), x, grad))


def _is_depthwise(x, w, channels: int, groups: int) -> bool:
    """Whether each channel of the image is a group of its own, and there is anything to compute."""
    return 1 < groups == channels and convolution.is_ours(x, w)
