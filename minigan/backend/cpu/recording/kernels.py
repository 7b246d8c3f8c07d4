"""The CPU's kernels for a step that is recorded. Those that share their work among threads, or
decide by what the elements are, are one call of the list; the others are traced through: what they
ask of NumPy are its calls."""
from __future__ import annotations

from functools import wraps
from typing import Any, Callable

import numpy as np

from ... import cpu, reference, thresholds
from ...nested import mapped
from .. import norm, threads
from .recorder import Recorded, host_of, recorder

__all__ = cpu.__all__


def _one_call(kernel: Callable, into: bool = True, threshold: str | None = None) -> Callable:
    """One call of the list, if an array has as many elements as a threshold has. `into` says that
    the kernel takes out=."""
    @wraps(kernel)
    def recorded(*args: Any) -> Any:
        least = 0 if threshold is None else getattr(thresholds, threshold)
        if max([x.size for x in args if isinstance(x, Recorded)], default=least) < least:
            return kernel(*args)
        return recorder().call(kernel, args, into=into, pure=True)
    return recorded


TRACED = "ema", "max_pool_mean", "move_statistics"
WHOLE = ("conv2d", "conv2d_input_gradient", "conv2d_weight_gradient", "group_norm",
         "group_norm_gradient", "max_pool", "max_pool_gradient", "window_spread", "window_sum")
OF_ROWS = ("log_softmax", "log_softmax_gradient", "logsumexp", "logsumexp_gradient", "softmax",
           "softmax_gradient")
for _name in __all__:
    _least = None if _name in WHOLE else "SIMPLE_PASSES" if _name in OF_ROWS else "SHARED_PASS"
    globals()[_name] = getattr(cpu, _name) if _name in TRACED else (
        _one_call(getattr(cpu, _name), threshold=_least))
banded_matmul = _one_call(cpu.banded_matmul, into=False)


def add_at(shape, index, x):
    if not any(isinstance(i, (Recorded, list)) for i in index):  # slices and numbers never repeat
        return reference.add_at(shape, index, x)
    return recorder().call(cpu.add_at, (shape, index, x), pure=True)


def matmul(x, w):
    if x.shape[-1] == 1:
        return x * w
    if 2 * x.size * w.shape[-1] < thresholds.SHARED_PRODUCT:
        threads.count()  # holds the BLAS to one thread
        return np.matmul(x, w)
    return recorder().call(cpu.matmul, (x, w), into=True)


def batch_norm(x, weight, bias, eps):
    if not norm.is_large(x, weight, bias):
        return reference.batch_norm(x, weight, bias, eps)
    return recorder().call(cpu.batch_norm, (x, weight, bias, eps), into=True)


def batch_norm_gradient(grad, x, weight, eps):
    if not norm.is_large(x, grad, weight) or grad.dtype != x.dtype:
        return reference.batch_norm_gradient(grad, x, weight, eps)
    return recorder().call(cpu.batch_norm_gradient, (grad, x, weight, eps), into=True)


def update(rule, param, grads, *state):
    """One call: the rule reads its numbers anew each time."""
    args = rule, param, list(grads), *state
    recorder().writing((param, *state))
    cpu.update(*mapped(host_of, args))
    recorder().note(cpu.update, args, {}, how="done", changed=(param, *state))
