"""Convolutions of channels in groups, on the CPU: which way is taken for which."""
from __future__ import annotations

import numpy as np

from ..arrays import precise
from . import convolution, depthwise

__all__ = ["conv2d", "conv2d_input_gradient", "conv2d_weight_gradient"]


def conv2d(x, w, window, groups, b=None, out=None):
    """The reference's: one channel a group by depthwise.py, the others group by group."""
    places = window.outputs(x.shape[1:3])
    if not _is_depthwise(x.shape[3], groups) or not _is_ours(x, w) or min(places) < 1:
        return convolution.conv2d(x, w, window, groups, b, out=out)
    return depthwise.conv2d(x, w, window, b, _made((len(x), *places, w.shape[3]), x, w, out))


def conv2d_input_gradient(grad, w, window, groups, image, b=None, out=None):
    """The reference's, likewise."""
    if not _is_depthwise(w.shape[2] * groups, groups) or not _is_ours(grad, w) or 0 in image:
        return convolution.conv2d_input_gradient(grad, w, window, groups, image, b, out=out)
    return depthwise.conv2d_input_gradient(grad, w, window, b,
                                           _made((len(grad), *image, groups), grad, w, out))


def conv2d_weight_gradient(x, grad, window, groups, out=None):
    """The reference's, likewise."""
    if not _is_depthwise(x.shape[3], groups) or not _is_ours(x, grad):
        return convolution.conv2d_weight_gradient(x, grad, window, groups, out=out)
    return depthwise.conv2d_weight_gradient(
        x, grad, window, _made((*window.size, 1, grad.shape[3]), x, grad, out))


def _is_depthwise(channels: int, groups: int) -> bool:
    return groups > 1 and channels == groups


def _is_ours(x, w) -> bool:
    return x.size > 0 and w.size > 0 and precise(x, w)


def _made(shape, x, w, out):
    return np.empty(shape, np.result_type(x, w)) if out is None else out
