"""A pair and its cache

Chapter: prove_torch. 6 minutes.

Two functions in NumPy, as `torch.autograd.Function` has them: `forward` returns the values and
what it saves for `backward`, which returns a gradient for each input. The function is x · σ(βx),
*swish*, with a number β of shape `(1,)` for all elements. Write `backward`.
"""
# %% start
import numpy as np


def forward(x, beta):
    s = 1 / (1 + np.exp(-beta * x))
    return x * s, (x, beta, s)


def backward(grad, saved):
    x, beta, s = saved
    return grad * s, np.zeros(1)


# %% solution
import numpy as np


def forward(x, beta):
    s = 1 / (1 + np.exp(-beta * x))
    return x * s, (x, beta, s)


def backward(grad, saved):
    x, beta, s = saved
    slope = s * (1 - s)                                  # of the sigmoid, by βx
    dx = grad * (s + x * slope * beta)                   # x acts twice: as a factor, and within
    dbeta = (grad * x * slope * x).sum(keepdims=True)    # β acts on every element
    return dx, dbeta.reshape(1)


# %% check
import numpy as np

from minigan.testing import check_grads, from_layer

for shape in (4,), (2, 3):
    x, beta = np.random.default_rng(0).normal(size=shape), np.array([1.7])
    y, saved = forward(x, beta)
    assert np.allclose(y, x / (1 + np.exp(-1.7 * x))), "forward was right: leave its values"
    both = backward(np.ones(shape), saved)
    assert isinstance(both, tuple) and len(both) == 2, (
        "backward returns a gradient for each input of forward: by x, and by beta")
    for name, found, like in ("x", both[0], x), ("beta", both[1], beta):
        assert np.shape(found) == like.shape, (
            f"the gradient by {name} has the shape {np.shape(found)}, and {name} has {like.shape}")
    check_grads(from_layer(forward, backward), x, beta)
