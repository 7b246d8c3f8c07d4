"""From ReLU to LeakyReLU

Chapter: learning. 4 minutes.

Here is ReLU, forward and backward. A unit that is off gives 0 and passes on no gradient. Make it
LeakyReLU with the slope 0.2: where `x` is not above 0, a fifth of it gets through, in both
directions. `forward` gets NumPy arrays, `backward` gets tensors; `mg.ops.where` is `np.where` for
tensors.
"""
# %% start
import numpy as np

import minigan as mg


class LeakyReLU(mg.Function):
    """x where x > 0, else 0.2 · x."""

    def forward(self, x):
        return np.where(x > 0, x, 0.0)

    def backward(self, grad):
        x, = self.inputs
        return mg.ops.where(x > 0, grad, 0.0)


# %% solution
import numpy as np

import minigan as mg


class LeakyReLU(mg.Function):
    """x where x > 0, else 0.2 · x."""

    def forward(self, x):
        return np.where(x > 0, x, 0.2 * x)

    def backward(self, grad):
        x, = self.inputs
        return mg.ops.where(x > 0, grad, 0.2 * grad)    # the slope, 1 or 0.2, times what arrives


# %% check
import numpy as np

import minigan as mg
from minigan.testing import check_grads


def leaky_relu(x):
    return LeakyReLU()(x)


values = np.array([-3.0, -0.5, 0.5, 2.0])
made = LeakyReLU().forward(values)
assert made is not None, "forward returns nothing: it is to return the array that it makes"
assert isinstance(made, np.ndarray), (
    f"forward gives {type(made).__name__}: it computes on bare arrays, so use np.where here and "
    "mg.ops.where in backward")
assert made[0] != 0, "at x = −3 your forward gives 0: that is ReLU still. What of −3 leaks through?"
assert not np.allclose(made[:2], -0.2 * values[:2]), (
    f"at x = −3 your forward gives {made[0]:g}: with that sign it rises to the left, like |x|")
assert np.allclose(made, [-0.6, -0.1, 0.5, 2.0]), (
    f"your forward makes {made} of {values}. Above 0 nothing changes; else it is a fifth")
x = mg.tensor(values, requires_grad=True)
got, = mg.grad(leaky_relu(x).sum(), x)
assert got.numpy()[:2].any(), (
    "forward leaks, backward does not: at −3 and −0.5 no gradient gets through, and the unit is as "
    "dead as before. What is the slope there?")
for arriving in [3.0, -2.0]:
    on, = mg.grad((arriving * leaky_relu(x)).sum(), x)
    assert not np.allclose(on.numpy()[:2], 0.2), (
        f"at −3 you hand on 0.2 whatever arrives, and here {arriving:g} does: the gradient that "
        "comes must be multiplied by the slope, not replaced by it")
    assert not np.allclose(on.numpy()[2:], 1.0), (
        f"at 2 you hand on 1 whatever arrives, and here {arriving:g} does: the gradient that comes "
        "must be multiplied by the slope, not replaced by it")
assert not np.allclose(got.numpy()[:2], 0.2 * values[:2]), (
    f"the gradient at −3 is {got.numpy()[0]:g}, a fifth of x. It has to be a fifth of what "
    "arrives, of grad")
check_grads(leaky_relu, np.random.default_rng(0).normal(size=(4, 3)))
