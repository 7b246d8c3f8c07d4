"""A staircase with a slope

Chapter: prove. 6 minutes.

`Quantise` cuts off at −1 and 1 and rounds to quarters. Its true slope is 0 almost everywhere, so
nothing before it would learn. It is to have the slope of the cutting alone: 1 between −1 and 1, and
0 beyond. Write that as `backward`, and write `surrogate`, the function whose slope this is, so that
`check_grads(quantise, x, surrogate=surrogate)` can say that it is right.
"""
# %% start
import numpy as np
import minigan as mg


class Quantise(mg.Function):
    def forward(self, x):
        return np.round(4 * np.clip(x, -1, 1)) / 4

    def backward(self, grad):
        return grad


def surrogate(x):
    return x * 1.0


# %% solution
import numpy as np
import minigan as mg


class Quantise(mg.Function):
    def forward(self, x):
        return np.round(4 * np.clip(x, -1, 1)) / 4

    def backward(self, grad):
        inside = abs(self.inputs[0].numpy()) < 1
        return grad * inside           # beyond, no nudge of x reaches the result


def surrogate(x):
    return mg.ops.clip(x, -1, 1)       # the same without the stairs


# %% check
import numpy as np
import minigan as mg
from minigan.testing import check_grads


def quantise(x):
    return Quantise()(x)


x = np.array([[-1.7, -0.4, 0.1], [0.3, 0.9, 1.4]])
assert np.allclose(quantise(x).numpy(), [[-1, -0.5, 0], [0.25, 1, 1]]), (
    f"the values were right, and are {quantise(x).numpy().tolist()} now: leave forward as it is")
found = surrogate(mg.tensor(x))
assert isinstance(found, mg.Tensor), (
    f"surrogate returns {type(found).__name__}: it is differentiated, so make it of mg.ops")
assert np.allclose(found.numpy(), np.clip(x, -1, 1)), (
    f"at x = {x.tolist()} your surrogate is {found.numpy().tolist()}: it is to be what Quantise is "
    "without the rounding")
slopes = mg.value_and_grad(lambda x: surrogate(x).sum())(mg.tensor(x))[1].numpy()
assert np.allclose(slopes, abs(x) < 1), (
    f"at x = {x.tolist()} your surrogate has the slopes {slopes.tolist()}: it is to have 1 between "
    "-1 and 1, and 0 beyond")
check_grads(quantise, x, surrogate=surrogate)
