"""The three gradients of a layer

Chapter: matmul. 5 minutes.

`Dense` is a whole layer in one operation, `x @ w + b`, for x of shape (n, k), w of shape (k, m)
and b of shape (m,). Complete its `backward`. Let the shapes lead you; one of the three gradients
is a sum.
"""
# %% start
import minigan as mg


class Dense(mg.Function):
    """x @ w + b."""

    def forward(self, x, w, b):
        return x @ w + b

    def backward(self, grad):
        x, w, b = self.inputs
        return grad, grad, grad


# %% solution
import minigan as mg


class Dense(mg.Function):
    """x @ w + b."""

    def forward(self, x, w, b):
        return x @ w + b

    def backward(self, grad):
        x, w, b = self.inputs
        # (n, m) by (m, k); (k, n) by (n, m); and b was used by each of the n examples.
        return grad @ w.T, x.T @ grad, grad.sum(axis=0)


# %% check
import numpy as np

from minigan.testing import check_grads


def dense(x, w, b):
    return Dense()(x, w, b)


rng = np.random.default_rng(0)
for n, k, m in (4, 3, 2), (3, 3, 3):            # in a square anything fits
    check_grads(dense, rng.normal(size=(n, k)), rng.normal(size=(k, m)), rng.normal(size=m))
