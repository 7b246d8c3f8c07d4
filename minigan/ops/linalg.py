"""Matrix products."""
from __future__ import annotations

from typing import Any

from ..autodiff import Function, Tensor
from .elementwise import operands, sum_to


class MatMul(Function):
    """y = x @ w for the last two axes, (…, n, k) @ (…, k, m) → (…, n, m); the others broadcast.

    With G = grad: ∂/∂x is G @ wᵀ and ∂/∂w is xᵀ @ G, each summed over the axes that broadcast.
    """

    bilinear = True

    def forward(self, x, w):
        return x @ w

    def backward(self, grad):
        x, w = self.inputs
        return (sum_to(grad @ w.swapaxes(-1, -2), x.shape) if self.needs[0] else None,
                sum_to(x.swapaxes(-1, -2) @ grad, w.shape) if self.needs[1] else None)


def matmul(x: Any, w: Any) -> Tensor:
    """The matrix product x @ w: vectors, matrices, and batches of matrices, as in NumPy."""
    x, w = operands(x, w)
    if x.ndim == 0 or w.ndim == 0 or x.shape[-1] != w.shape[max(w.ndim - 2, 0)]:
        raise ValueError(f"matmul of shapes {x.shape} and {w.shape}: the last axis of the first "
                         "must be as long as the last but one of the second")
    if x.ndim == 1:
        return matmul(x.reshape(1, -1), w).squeeze(-2 if w.ndim > 1 else 0)
    if w.ndim == 1:
        return matmul(x, w.reshape(-1, 1)).squeeze(-1)
    if w.ndim == 2 and x.ndim > 2:  # one product in place of a batch of small ones
        return MatMul()(x.reshape(-1, x.shape[-1]), w).reshape(*x.shape[:-1], w.shape[-1])
    return MatMul()(x, w)
