"""What an error makes of a gradient: functions of the gradient and the tensor that it belongs to,
written with the library's own operations where the result is to be differentiable."""
from __future__ import annotations

from itertools import count
from typing import Any, Callable, Sequence

import numpy as np

from minigan import ops
from minigan.autodiff import Function, Tensor

from .tamper import floats, on_input


def times(grad: Tensor, factor: np.ndarray) -> Tensor:
    return grad * Tensor(np.asarray(factor, grad.dtype))


def where(condition: Callable[[np.ndarray], Any], factor: float):
    """The gradient times the factor where the condition on x holds, element by element."""
    return lambda g, x: times(g, np.where(condition(x.data), factor, 1))


def when(condition: Callable[[np.ndarray], bool], factor: float = 2.0):
    """The whole gradient times the factor if x is so."""
    return lambda g, x: g * factor if condition(x.data) else g


def transposed(g, x):
    return g.transpose().reshape(g.shape) if g.ndim > 1 else g


def shifted(g, x):
    flat = g.reshape(g.size)
    return ops.concatenate([flat[1:], flat[:1]]).reshape(g.shape)


def reversed_(g, x):
    return ops.flip(g, -1) if g.ndim else g


def one_element(at: int):
    def wrong(g, x):
        factor = np.ones(g.size)
        factor[at % max(g.size, 1):][:1] = 1.1
        return times(g, factor.reshape(g.shape))
    return wrong


def averaged(g, x):
    return ops.broadcast_to(g.mean(), g.shape) if g.size else g


def has_equals(x):
    return np.unique(x).size < x.size


def refuse_empty(g, x):
    if not g.size:
        raise RuntimeError("cannot differentiate an array without elements")
    return g


class Undifferentiable(Function):
    """x. It has no backward."""

    view = True

    def forward(self, x):
        return x


def change_in_place(g, x):
    x.data[...] += 1
    return g


def change_cotangent(g, x):
    copy = g * 1
    g.data[...] += 1
    return copy


def unrepeatable(plant: Callable) -> Callable:
    """A counter for each mutant: every use is off by a little more."""
    def planted(f, i):
        uses = count(1)
        return plant(lambda: 1 + 1e-7 * next(uses))(f, i)
    return planted


def option(name: str, holds: Callable[[Any], bool]):
    """The gradient doubled where an option is so."""
    return on_input(lambda g, x: 2 * g, when=lambda tensors, o: name in o and holds(o[name]))


def any_strided(tensors: Sequence[Tensor]) -> bool:
    return any(not tensors[i].data.flags.c_contiguous for i in floats(tensors))


def is_fortran(x: np.ndarray) -> bool:
    return x.flags.f_contiguous and not x.flags.c_contiguous


def is_backwards(x: np.ndarray) -> bool:
    return any(s < 0 and n > 1 for s, n in zip(x.strides, x.shape))


def exchanged(gradients, needs):
    if len(gradients) < 2 or gradients[0].shape != gradients[1].shape:
        return gradients
    return [gradients[1], gradients[0], *gradients[2:]]


def doubled_when_alone(gradients, needs):
    return [g if all(needs) else 2 * g for g in gradients]


# A broadcast, made explicit and wrongly undone

class Broadcast(Function):
    """x repeated to `shape`. Gradient: for each element not the sum of its uses' gradients."""

    def __init__(self, shape: tuple[int, ...], mean: bool):
        self.shape, self.mean = shape, mean

    def forward(self, x):
        return np.broadcast_to(x, self.shape).copy()

    def backward(self, grad):
        shape, added = self.inputs[0].shape, grad.ndim - self.inputs[0].ndim
        axes = tuple(i for i in range(grad.ndim)
                     if i < added or (shape[i - added] == 1 and grad.shape[i] != 1))
        if not grad.size or not axes:
            return ops.sum(grad, axes, keepdims=True).reshape(shape)
        if self.mean:
            return grad.mean(axes, keepdims=True).reshape(shape)
        first = tuple(slice(0, 1) if i in axes else slice(None) for i in range(grad.ndim))
        return grad[first].reshape(shape)


def broadcast(mean: bool, keep: int):
    """Plants it on an input that broadcasts against the others, but for its last `keep` axes."""
    def plant(f, i):
        def mutant(*tensors, **options):
            places, tensors = floats(tensors), list(tensors)
            if i < len(places) and min(t.ndim for t in tensors) >= keep:
                x = tensors[places[i]]
                lead = np.broadcast_shapes(*[t.shape[:t.ndim - keep] for t in tensors])
                tensors[places[i]] = Broadcast(lead + x.shape[x.ndim - keep:], mean)(x)
            return f(*tensors, **options)
        return mutant
    return plant
