"""Operations that choose, element by element: which input, or which side of a kink.

What is not chosen gets no gradient, however large that is: a mask selects (`keep`), and does not
multiply, for 0 · ∞ is NaN.
"""
from __future__ import annotations

import operator
from typing import Any

from ..autodiff import Tensor, as_tensor
from ..backend import array_module, is_array, is_host, kernels, plain
from .elementwise import Elementwise, operands


class Keep(Elementwise):
    """x where the mask holds, else 0, be x infinite: x · mask would be NaN there, and a gradient
    that was cut off would come back. Gradient: grad where the mask holds, else 0."""

    reads = "nothing"

    def __init__(self, mask: Any):
        self.mask = mask

    def forward(self, x):
        return kernels(x).keep(x, self.mask)

    def backward(self, grad):
        return keep(grad, self.mask)


def keep(x: Tensor, mask: Any) -> Tensor:
    """x where the mask, an array of booleans of x's shape, holds, else 0."""
    return Keep(mask)(x)


class Abs(Elementwise):
    """|x|. Gradient: grad · sign(x). At the kink, x = 0, it is 0."""

    def forward(self, x):
        return array_module(x).abs(x)

    def backward(self, grad):
        x = self.inputs[0].data
        return keep(grad * Tensor(array_module(x).sign(x)), x != 0)


def abs(x: Any) -> Tensor:  # noqa: A001 (NumPy's name)
    """The absolute value; its gradient at 0 is 0."""
    return Abs()(x)


class Maximum(Elementwise):
    """max(x, y). The gradient goes to the larger; at a tie half to each, the mean of the
    one-sided derivatives."""

    loses = operator.lt  # where x is not the result, unless it is beside NaN: then both are

    def forward(self, x, y):
        return array_module(x).maximum(x, y)

    def backward(self, grad):
        x, y = (t.data for t in self.inputs)
        grad = grad * Tensor(1 - 0.5 * (x == y).astype(grad.dtype))
        return (keep(grad, ~self.loses(x, y)) if self.needs[0] else None,
                keep(grad, ~self.loses(y, x)) if self.needs[1] else None)


def maximum(x: Any, y: Any) -> Tensor:
    """The larger of x and y, element by element; at a tie each gets half of the gradient."""
    return Maximum()(*operands(x, y))


class Minimum(Maximum):
    """min(x, y). The gradient goes to the smaller; at a tie half to each."""

    loses = operator.gt

    def forward(self, x, y):
        return array_module(x).minimum(x, y)


def minimum(x: Any, y: Any) -> Tensor:
    """The smaller of x and y, element by element; at a tie each gets half of the gradient."""
    return Minimum()(*operands(x, y))


class Clip(Elementwise):
    """x limited to [low, high] (None: no limit). Gradient: grad where low ≤ x ≤ high, else 0."""

    def __init__(self, low: float | None, high: float | None):
        self.low, self.high = low, high

    def forward(self, x):
        return array_module(x).clip(x, self.low, self.high)

    def backward(self, grad):
        return keep(grad, self.output.data == self.inputs[0].data)


def clip(x: Any, low: Any, high: Any) -> Tensor:
    """x limited to [low, high], constants; None is no limit. The gradient passes where
    low ≤ x ≤ high."""
    if isinstance(low, Tensor) or isinstance(high, Tensor):
        raise TypeError("clip's limits are constants, numbers or arrays; for Tensors, which get "
                        "gradients of their own, write minimum(maximum(x, low), high)")
    return Clip(plain(low), plain(high))(x)


class Where(Elementwise):
    """x where the condition holds, y elsewhere. Each gradient is grad there and 0 elsewhere."""

    reads = "nothing"

    def __init__(self, condition: Any):
        self.condition = condition

    def forward(self, x, y):
        return kernels(x).where(self.condition, x, y)

    def backward(self, grad):
        mask = array_module(grad.data).broadcast_to(self.condition, grad.shape)
        return (keep(grad, mask) if self.needs[0] else None,
                keep(grad, ~mask) if self.needs[1] else None)


def where(condition: Any, x: Any, y: Any) -> Tensor:
    """x where condition (a boolean array or Tensor) holds, else y; all three broadcast."""
    condition = condition.data if isinstance(condition, Tensor) else condition
    mask = condition if is_array(condition) else as_tensor(condition).data
    return choose(mask.astype(bool), x, y)  # a copy: the caller's may change before backward


def choose(mask: Any, x: Any, y: Any) -> Tensor:
    """where, for a mask of booleans that nobody else has."""
    return Where(mask)(*operands(x, y))


def label_masks(labels: Any, classes: int, ignored: int | None) -> tuple[Any, Any, Tensor | None]:
    """Of an array of labels: which class each is (…, classes), whether it is known, and whether it
    counts (None: all do). Raises ValueError for an unknown one, where that can be seen."""
    chosen = labels[..., None] == array_module(labels).arange(classes)
    known, counted = chosen.any(axis=-1), None
    if ignored is not None:
        counted = Tensor(labels != ignored)
        chosen, known = chosen & counted.data[..., None], known | ~counted.data
    if is_host(labels) and not known.all():
        raise ValueError(f"cross_entropy got {classes} logits for each example and labels from "
                         f"{labels.min()} to {labels.max()}")
    return chosen, known, counted
