"""A slope that is learned

Chapter: prove. 6 minutes.

`PReLU` lets positive numbers through and multiplies the others by a slope, one for each column,
which is learned. It is a layer in NumPy, as many write them: `backward` returns the gradient by
`x`, and leaves that by `slope`, of shape `(k,)`, in `dslope`. Neither is right yet.
"""
# %% start
import numpy as np


class PReLU:
    def __init__(self, k):
        self.slope = np.full(k, 0.25)

    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, self.slope * x)

    def backward(self, grad):
        self.dslope = np.zeros_like(self.slope)
        return np.where(self.x > 0, grad, 0)


# %% solution
import numpy as np


class PReLU:
    def __init__(self, k):
        self.slope = np.full(k, 0.25)

    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, self.slope * x)

    def backward(self, grad):
        # slope acts where x is not positive, and on every row: the effects of all rows add up
        self.dslope = np.where(self.x > 0, 0, grad * self.x).sum(axis=0)
        return np.where(self.x > 0, grad, self.slope * grad)


# %% check
import numpy as np

from minigan.testing import check_grads, from_layer

for n in 4, 1:
    x = np.random.default_rng(n).normal(size=(n, 3))
    layer = PReLU(3)
    y = layer.forward(x)
    assert np.allclose(y, np.where(x > 0, x, 0.25 * x)), "forward was right: leave it as it is"
    dx = layer.backward(np.ones((n, 3)))
    assert isinstance(dx, np.ndarray), (
        f"backward returns {dx!r}, and is to return the gradient by x, an array")
    for name, found, like in ("what backward returns", dx, x), ("dslope", layer.dslope,
                                                                layer.slope):
        assert np.shape(found) == like.shape, (
            f"{name} has the shape {np.shape(found)}, and what it is the gradient by has "
            f"{like.shape}: {n} rows use the same slope")
    check_grads(from_layer(layer.forward, layer.backward, {"slope": "dslope"}), x)
