"""An error that passes once

Chapter: checking. 4 minutes.

Be the forger. This `Cube` is right. Change its `backward` so that the gradient stays right, in
every digit, while the gradient of the gradient is wrong: `check_grads` with `order=1` shall find
nothing, and `check_grads` as it is shall refuse it.
"""
# %% start
import minigan as mg


class Cube(mg.Function):
    """x³, element by element."""

    def forward(self, x):
        return x ** 3

    def backward(self, grad):
        x, = self.inputs
        return 3 * grad * x * x


# %% solution
import minigan as mg


class Cube(mg.Function):
    """x³, element by element."""

    def forward(self, x):
        return x ** 3

    def backward(self, grad):
        x = self.inputs[0].numpy()     # the same numbers, without their history: a constant
        return 3 * grad * x * x


# %% check
import numpy as np

from minigan.testing import GradientError, check_grads


def cube(x):
    return Cube()(x)


x = np.array([0.5, -1.0, 2.0])
assert np.allclose(cube(x).numpy(), x ** 3), "forward is to stay x³: the error belongs in backward"
try:
    check_grads(cube, x, order=1)
except GradientError as error:
    raise AssertionError("that is found at first order, where nothing should be wrong. The numbers "
                         f"have to stay; what else can a number lose?\n{error}") from None
try:
    check_grads(cube, x)
except GradientError:
    pass
else:
    raise AssertionError("right at second order too: your backward is still made of Tensors alone, "
                         "which know where they come from")
