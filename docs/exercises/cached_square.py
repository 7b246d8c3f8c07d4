"""A cache that knows an input by its shape

Chapter: prove_torch. 4 minutes.

This square passes every test that calls it once. In a network that uses it twice it is wrong. Let
the check say why, and mend it with fewer lines than it has.
"""
# %% start
import minigan as mg


class Square(mg.Function):
    kept = {}

    def forward(self, x):
        self.kept[x.shape] = 2 * x
        return x * x

    def backward(self, grad):
        return grad * self.kept[grad.shape]


# %% solution
import minigan as mg


class Square(mg.Function):
    def forward(self, x):
        return x * x

    def backward(self, grad):
        # self.inputs belongs to this call; kept belonged to the class, and the last call wrote it
        return grad * 2 * self.inputs[0]


# %% check
import numpy as np
import minigan as mg
from minigan.testing import check_grads


def square(x):
    return Square()(x)


x, other = mg.tensor([1.0, 2.0], requires_grad=True), mg.tensor([10.0, 20.0])
y = square(x)
square(other)
y.sum().backward()
assert not np.allclose(x.grad.numpy(), [20, 40]), (
    "the gradient of square at [1, 2] is [2, 4]. After a call of square at [10, 20] in between it "
    "is [20, 40]: what was saved has been overwritten")
check_grads(square, np.array([0.5, -1.0, 2.0]))
