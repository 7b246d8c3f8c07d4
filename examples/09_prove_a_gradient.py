"""Three operations of one's own, each with an error in its gradient, and then without.

You learn how check_grads is called for minigan, for NumPy and for PyTorch, and what it says: where
the gradient is wrong, by how much, the likely cause, and the lines to see it again.

    python examples/09_prove_a_gradient.py

PyTorch is not needed; without it, its part is left out.
"""
from __future__ import annotations

from importlib.util import find_spec

import numpy as np

import minigan as mg
from minigan.testing import GradientError, check_grads, from_numpy, from_torch

rng = np.random.default_rng(0)


def show(title: str, wrong, right, *inputs) -> None:
    """Check both, and print what is said of them."""
    print(f"--- {title}\n")
    try:
        check_grads(wrong, *inputs)
    except GradientError as error:
        print(f"{error}\n")
    print(f"{check_grads(right, *inputs)}\n")


# minigan: a Function. The error: what was computed on the way is kept as an array, and so a
# constant to the second derivative. The first one is right.

class KeptSwish(mg.Function):
    """x · sigmoid(x), wrong at second order."""

    def forward(self, x):
        self.s = 1 / (1 + np.exp(-x))
        return x * self.s

    def backward(self, grad):
        return grad * (self.s + self.output * (1 - self.s))


class Swish(mg.Function):
    """x · sigmoid(x). Gradient: grad · (s + y (1 − s)) with s = sigmoid(x)."""

    def forward(self, x):
        return x / (1 + np.exp(-x))

    def backward(self, grad):
        s = mg.ops.sigmoid(self.inputs[0])
        return grad * (s + self.output * (1 - s))


def kept_swish(x):
    return KeptSwish()(x)


def swish(x):
    return Swish()(x)


# NumPy: a function, and its vjp, which takes the inputs and the gradient that arrives. The error:
# the bias was added to every row, but only the first one's gradient comes back.

def affine(x, w, b):
    return x @ w + b


def affine_vjp_first_row(x, w, b, grad):
    return grad @ w.T, x.T @ grad, grad[0]


def affine_vjp(x, w, b, grad):
    return grad @ w.T, x.T @ grad, grad.sum(axis=0)


# PyTorch: a torch.autograd.Function, of which `apply` is checked. The error: the gradient of a sum
# in place of a mean's.

def torch_row_means():
    """The wrong one and the right one."""
    import torch

    class WrongRowMean(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.shape = x.shape
            return x.mean(dim=1)

        @staticmethod
        def backward(ctx, grad):
            return grad[:, None].expand(ctx.shape)

    class RowMean(WrongRowMean):
        @staticmethod
        def backward(ctx, grad):
            return grad[:, None].expand(ctx.shape) / ctx.shape[1]

    return from_torch(WrongRowMean.apply), from_torch(RowMean.apply)


show("minigan: x · sigmoid(x)", kept_swish, swish, rng.standard_normal(4).round(2))
show("NumPy: x @ w + b", from_numpy(affine, affine_vjp_first_row), from_numpy(affine, affine_vjp),
     *[rng.standard_normal(shape).round(2) for shape in [(3, 2), (2, 4), (4,)]])
if find_spec("torch"):
    show("PyTorch: the mean of each row", *torch_row_means(), rng.standard_normal((2, 3)).round(2))
else:
    print("--- PyTorch is not installed: its operation is left out")
