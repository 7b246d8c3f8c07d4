"""Convolutions of channels in groups, on the CPU: which way is taken for which."""
from __future__ import annotations

from ..arrays import precise
from . import convolution, depthwise
from .outputs import made


def conv2d(x, w, window, groups, b=None, out=None):
    """The reference's: one channel a group by depthwise.py, the others group by group."""
    places = window.outputs(x.shape[1:3])
    if not _is_depthwise(x.shape[3], groups) or not _is_ours(x, w) or min(places) < 1:
        return convolution.conv2d(x, w, window, groups, b, out=out)
    return depthwise.conv2d(x, w, window, b, made(out, (len(x), *places, w.shape[3]), x, w))


def conv2d_input_gradient(grad, w, window, groups, image, b=None, out=None):
    """The reference's, likewise."""
    if not _is_depthwise(w.shape[2] * groups, groups) or not _is_ours(grad, w) or 0 in image:
        return convolution.conv2d_input_gradient(grad, w, window, groups, image, b, out=out)
    return depthwise.conv2d_input_gradient(grad, w, window, b,
                                           made(out, (len(grad), *image, groups), grad, w))


def conv2d_weight_gradient(x, grad, window, groups, out=None):
    """The reference's, likewise."""
    if not _is_depthwise(x.shape[3], groups) or not _is_ours(x, grad):
        return convolution.conv2d_weight_gradient(x, grad, window, groups, out=out)
    return depthwise.conv2d_weight_gradient(
        x, grad, window, made(out, (*window.size, 1, grad.shape[3]), x, grad))


def _is_depthwise(channels: int, groups: int) -> bool:
    return groups > 1 and channels == groups


def _is_ours(x, w) -> bool:
    return x.size > 0 and w.size > 0 and precise(x, w)
