"""The CPU's kernels for a step that is recorded. Those that share their work among threads, or
decide by what the elements are, are one call of the list; the others are traced through: what they
ask of NumPy are its calls."""
from __future__ import annotations

from functools import wraps
from typing import Any, Callable

from ... import cpu, reference, thresholds
from ...nested import mapped
from .. import norm, products
from .recorder import Recorded, host_of, recorder

__all__ = cpu.__all__


def _one_call(kernel: Callable, when: Callable[..., bool] = lambda *args: True,
              into: bool = True) -> Callable:
    """One call of the list, or traced through where the arguments are not so. `into` says that the
    kernel takes out=."""
    @wraps(kernel)
    def recorded(*args: Any) -> Any:
        return recorder().call(kernel, args, into=into, pure=True) if when(*args) else kernel(*args)
    return recorded


def _has(threshold: str) -> Callable[..., bool]:
    """Whether an array has as many elements as the threshold of that name."""
    return lambda *args: any(isinstance(x, Recorded) and x.size >= getattr(thresholds, threshold)
                             for x in args)


TRACED = "ema", "max_pool_mean", "move_statistics"
WHOLE = ("conv2d", "conv2d_input_gradient", "conv2d_weight_gradient", "group_norm",
         "group_norm_gradient", "max_pool", "max_pool_gradient", "window_spread", "window_sum")
OF_ROWS = ("log_softmax", "log_softmax_gradient", "logsumexp", "logsumexp_gradient", "softmax",
           "softmax_gradient")
for _name in __all__:
    _kernel = getattr(cpu, _name)
    globals()[_name] = (
        _kernel if _name in TRACED else _one_call(_kernel) if _name in WHOLE else
        _one_call(_kernel, _has("SIMPLE_PASSES" if _name in OF_ROWS else "SHARED_PASS")))
banded_matmul = _one_call(cpu.banded_matmul, into=False)
matmul = _one_call(cpu.matmul, lambda x, w: x.shape[-1] > 1 and products.is_large(x, w))
batch_norm = _one_call(cpu.batch_norm, lambda x, w, b, eps: norm.is_large(x, w, b))
batch_norm_gradient = _one_call(
    cpu.batch_norm_gradient,
    lambda grad, x, w, eps: norm.is_large(x, grad, w) and grad.dtype == x.dtype)


def add_at(shape, index, x):
    if not any(isinstance(i, (Recorded, list)) for i in index):  # slices and numbers never repeat
        return reference.add_at(shape, index, x)
    return recorder().call(cpu.add_at, (shape, index, x), pure=True)


def update(rule, param, grads, *state):
    """One call: the rule reads its numbers anew each time."""
    args = rule, param, list(grads), *state
    recorder().writing((param, *state))
    cpu.update(*mapped(host_of, args))
    recorder().note(cpu.update, args, {}, how="done", changed=(param, *state))
