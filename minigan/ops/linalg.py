"""Matrix products."""
from __future__ import annotations

import math
from typing import Any

from ..autodiff import Function, Tensor
from ..backend import kernels
from .elementwise import operands, sum_to
from .shape import Transpose


class MatMul(Function):
    """y = x @ w for the last two axes, (…, n, k) @ (…, k, m) → (…, n, m); the others broadcast.

    With G = grad: ∂/∂x is G @ wᵀ and ∂/∂w is xᵀ @ G, each summed over the axes that broadcast.
    """

    reads = "the other factor"

    def forward(self, x, w):
        return kernels(x).matmul(x, w)

    def backward(self, grad):
        x, w = self.inputs
        return (sum_to(grad @ _turned(w), x.shape) if self.needs[0] else None,
                sum_to(_turned(x) @ grad, w.shape) if self.needs[1] else None)


def matmul(x: Any, w: Any) -> Tensor:
    """The matrix product x @ w: vectors, matrices, and batches of matrices, as in NumPy."""
    x, w = operands(x, w)
    if x.ndim == 0 or w.ndim == 0 or x.shape[-1] != w.shape[max(w.ndim - 2, 0)]:
        raise ValueError(f"matmul of shapes {x.shape} and {w.shape}: the last axis of the first "
                         "must be as long as the last but one of the second")
    if x.ndim == 1:
        return matmul(x.reshape(1, x.size), w).squeeze(-2 if w.ndim > 1 else 0)
    if w.ndim == 1:
        return matmul(x, w.reshape(w.size, 1)).squeeze(-1)
    if w.ndim == 2 and x.ndim > 2:  # one product in place of a batch of small ones
        rows = math.prod(x.shape[:-1])
        return MatMul()(x.reshape(rows, x.shape[-1]), w).reshape(*x.shape[:-1], w.shape[-1])
    return MatMul()(x, w)


def _turned(x: Tensor) -> Tensor:
    """x with its last two axes exchanged."""
    return Transpose((*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))(x)


class Affine(Function):
    """y = x @ w + b for (n, k) @ (k, m) + (m,) in one pass, what a dense layer computes.

    With G = grad: ∂/∂x is G @ wᵀ, ∂/∂w is xᵀ @ G, and ∂/∂b the sum of G's rows.
    """

    reads = "the other factor"

    def forward(self, x, w, b):
        y = kernels(x).matmul(x, w)
        if y.dtype != b.dtype:
            return y + b
        y += b
        return y

    def backward(self, grad):
        x, w, _ = self.inputs
        return (grad @ w.T if self.needs[0] else None,
                x.T @ grad if self.needs[1] else None,
                grad.sum(axis=0) if self.needs[2] else None)

    def fused_backward(self, grad):
        x, w, _ = [t.data for t in self.inputs]
        product = kernels(grad).matmul
        return (product(grad, w.T) if self.needs[0] else None,
                product(x.T, grad) if self.needs[1] else None,
                kernels(grad).total(grad, (0,), False) if self.needs[2] else None)


def affine(x: Any, w: Any, b: Any) -> Tensor:
    """x @ w + b: x (…, k), w (k, m), b (m,) → (…, m)."""
    x, w = operands(x, w)
    _, b = operands(w, b)
    if x.ndim < 1 or w.ndim != 2 or x.shape[-1] != w.shape[0] or b.shape != w.shape[1:]:
        raise ValueError(f"affine needs x (…, k), w (k, m) and b (m,), got {x.shape}, {w.shape} "
                         f"and {b.shape}")
    if x.ndim == 2:
        return Affine()(x, w, b)
    rows = math.prod(x.shape[:-1])
    return Affine()(x.reshape(rows, x.shape[-1]), w, b).reshape(*x.shape[:-1], w.shape[1])
