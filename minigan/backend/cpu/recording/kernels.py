"""The CPU's kernels for a step that is recorded. Those that share their work among threads, or
decide by what the elements are, are one call of the list; the others are traced through: what they
ask of NumPy are its calls."""
from __future__ import annotations

from functools import wraps
from typing import Any, Callable

import numpy as np

from ... import reference, thresholds
from .. import (add_at, assign, bce_with_logits, ema, move_statistics, sigmoid, sigmoid_gradient,
                softplus, softplus_gradient, tanh_gradient)
from .. import banded_matmul as _banded_matmul
from .. import batch_norm as _batch_norm
from .. import batch_norm_gradient as _batch_norm_gradient
from .. import conv2d as _conv2d
from .. import conv2d_input_gradient as _conv2d_input_gradient
from .. import conv2d_weight_gradient as _conv2d_weight_gradient
from .. import keep as _keep
from .. import leaky_relu as _leaky_relu
from .. import leaky_relu_gradient as _leaky_relu_gradient
from .. import matmul as _matmul
from .. import norm, threads
from .. import update as _update
from .recorder import host_of, mapped, recorder

__all__ = ["add_at", "assign", "banded_matmul", "batch_norm", "batch_norm_gradient",
           "bce_with_logits", "conv2d", "conv2d_input_gradient", "conv2d_weight_gradient", "ema",
           "keep", "leaky_relu", "leaky_relu_gradient", "matmul", "move_statistics", "sigmoid",
           "sigmoid_gradient", "softplus", "softplus_gradient", "tanh_gradient", "update"]


def _one_call(kernel: Callable, into: bool = True) -> Callable:
    @wraps(kernel)
    def recorded(*args: Any) -> Any:
        return recorder().call(kernel, args, into=into, pure=True)
    return recorded


banded_matmul = _one_call(_banded_matmul, into=False)
conv2d = _one_call(_conv2d)
conv2d_input_gradient = _one_call(_conv2d_input_gradient)
conv2d_weight_gradient = _one_call(_conv2d_weight_gradient)


def _by_size(kernel: Callable) -> Callable:
    """One call where it goes in blocks."""
    @wraps(kernel)
    def recorded(x: Any, *args: Any) -> Any:
        if x.size < thresholds.SHARED_PASS:
            return kernel(x, *args)
        return recorder().call(kernel, (x, *args), into=True)
    return recorded


keep, leaky_relu = _by_size(_keep), _by_size(_leaky_relu)
leaky_relu_gradient = _by_size(_leaky_relu_gradient)


def matmul(x, w):
    if x.shape[-1] == 1:
        return x * w
    if x.ndim != 2 or w.ndim != 2 or 2 * x.size * w.shape[1] < thresholds.SHARED_PRODUCT:
        threads.count()  # holds the BLAS to one thread
        return np.matmul(x, w)
    return recorder().call(_matmul, (x, w), into=True)


def batch_norm(x, weight, bias, eps):
    if not norm.is_large(x, weight, bias):
        return reference.batch_norm(x, weight, bias, eps)
    return recorder().call(_batch_norm, (x, weight, bias, eps), into=True)


def batch_norm_gradient(grad, x, weight, eps):
    if not norm.is_large(x, grad, weight) or grad.dtype != x.dtype:
        return reference.batch_norm_gradient(grad, x, weight, eps)
    return recorder().call(_batch_norm_gradient, (grad, x, weight, eps), into=True)


def update(rule, param, grads, *state):
    """One call: the rule reads its numbers anew each time."""
    args = rule, param, list(grads), *state
    recorder().writing((param, *state))
    _update(*mapped(host_of, args))
    recorder().note(_update, args, {}, how="done", changed=(param, *state))
