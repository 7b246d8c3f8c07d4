"""The second derivative of Swish

Chapter: second_order. 6 minutes.

Swish is x · σ(x), and its slope is σ + x σ (1 − σ). This one keeps σ from its forward pass. Every
ordinary check of its gradient is green, and a gradient penalty through it goes wrong. Mend it; the
first derivative is not to change.
"""
# %% start
import numpy as np

import minigan as mg


class Swish(mg.Function):
    """x · σ(x)."""

    def forward(self, x):
        self.sigma = 1 / (1 + np.exp(-x))
        return x * self.sigma

    def backward(self, grad):
        x, sigma = self.inputs[0], mg.tensor(self.sigma)
        return grad * (sigma + x * sigma * (1 - sigma))


# %% solution
import numpy as np

import minigan as mg


class Swish(mg.Function):
    """x · σ(x)."""

    def forward(self, x):
        return x / (1 + np.exp(-x))

    def backward(self, grad):
        x = self.inputs[0]
        sigma = mg.ops.sigmoid(x)       # once more, as a Tensor: it leads back to x
        return grad * (sigma + x * sigma * (1 - sigma))


# %% check
from minigan.testing import check_grads


def swish(x):
    return Swish()(x)


x = np.linspace(-3.0, 3.0, 5)
made = Swish().forward(x)
assert isinstance(made, np.ndarray), (
    f"forward gives {type(made).__name__}: it computes on bare arrays, and returns one")
check_grads(swish, x, order=2)
kept = [name for name, value in vars(Swish()(mg.tensor(x, requires_grad=True)).creator).items()
        if isinstance(value, np.ndarray)]
assert not kept, f"it is right, and still keeps an array that nobody needs: self.{kept[0]}"
