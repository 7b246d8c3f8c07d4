"""Powers, to a number and to a tensor."""
from __future__ import annotations

from typing import Any

from ..autodiff import Tensor
from ..backend import array_module, is_array, plain
from .choice import keep
from .elementwise import Elementwise, exp, log, operands


class Power(Elementwise):
    """xᵖ for a constant number p. Gradient: grad · p · xᵖ⁻¹, and 0 for p = 0 also where x = 0."""

    def __init__(self, p: float):
        self.p = p

    def forward(self, x):
        return x ** self.p

    def backward(self, grad):
        if self.p == 0:
            return keep(grad, array_module(grad.data).zeros(grad.shape, bool))
        return grad * (self.p * self.inputs[0] ** (self.p - 1))


def power(x: Any, p: Any) -> Tensor:
    """xᵖ. For a number p any x that NumPy allows; for a Tensor p only x > 0, as exp(p · ln x)."""
    p = plain(p)
    if isinstance(p, Tensor) or is_array(p):
        x, p = operands(x, p)
        return exp(p * log(x))
    return Power(p if isinstance(p, int) else float(p))(x)
