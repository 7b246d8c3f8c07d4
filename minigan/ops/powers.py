"""Powers, to a number and to a tensor."""
from __future__ import annotations

from typing import Any

from ..autodiff import Tensor
from ..backend import array_module, is_array, plain
from .choice import choose, keep
from .elementwise import Elementwise, log, operands


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


class TensorPower(Elementwise):
    """xᵖ for a Tensor p. Gradients: by x grad · p · xᵖ⁻¹, 0 for p = 0 also where x = 0; by p
    grad · xᵖ ln x, 0 where x = 0 and p ≥ 0, and NaN where x < 0, since beside a whole p there is
    no real power. So it is in PyTorch."""

    def forward(self, x, p):
        return array_module(x).power(x, p)

    def backward(self, grad):
        x, p = (t if t.dtype.kind == "f" else t.astype(grad.dtype) for t in self.inputs)
        zero, constant = x.data == 0, p.data == 0
        by_x = by_p = None
        if self.needs[0]:  # 0 · 0⁻¹ would be NaN, so for p = 0 it is p xᵖ / x; and again 0 · x⁻²
            power = x ** choose(constant, p, p - 1)
            by_x = grad * (p * power / choose(constant & ~zero, x, 1))
        if self.needs[1]:  # and so would 0 · ln 0
            flat = zero & (p.data >= 0)
            by_p = keep(grad * (self.output * log(choose(flat, 1, x))), ~flat)
        return by_x, by_p


def power(x: Any, p: Any) -> Tensor:
    """xᵖ, for a number p, or a Tensor, of which the gradient is 0 at x = 0 and NaN for x < 0. The
    values are NumPy's: NaN for x < 0 unless p is whole."""
    p = plain(p)
    if isinstance(p, Tensor) or is_array(p):
        return TensorPower()(*operands(x, p))
    return Power(p if isinstance(p, int) else float(p))(x)
