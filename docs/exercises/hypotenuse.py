"""The slope of a hypotenuse

Chapter: graph. 4 minutes.

`Hypotenuse` computes √(x² + y²), number by number. Complete its `backward`: how much does
the output move per nudge of x, and per nudge of y? Inputs and output are at hand as Tensors,
`self.inputs` and `self.output`.
"""
# %% start
import minigan as mg


class Hypotenuse(mg.Function):
    """√(x² + y²)."""

    def forward(self, x, y):
        return (x * x + y * y) ** 0.5

    def backward(self, grad):
        x, y = self.inputs
        return ..., ...


# %% solution
import minigan as mg


class Hypotenuse(mg.Function):
    """√(x² + y²)."""

    def forward(self, x, y):
        return (x * x + y * y) ** 0.5

    def backward(self, grad):
        x, y = self.inputs
        # The root's slope is 1 / (2 · output), that of x² is 2x: the twos cancel. And what arrives
        # is multiplied in, or the chain would break here.
        return grad * x / self.output, grad * y / self.output


# %% check
import numpy as np

from minigan.testing import check_grads


def hypotenuse(x, y):
    return Hypotenuse()(x, y)


x, y = np.random.default_rng(0).uniform(1, 2, (2, 3)) * [[1, -1, 1], [1, 1, -1]]
check_grads(hypotenuse, x, y)
