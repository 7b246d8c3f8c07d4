"""Two lines of eight

Chapter: mismatch. 7 minutes.

A network of two layers in plain NumPy, with a backward by hand. Two of its lines are wrong. Grade
it, let the message say which gradient is off and by what, and mend one line at a time.
"""
# %% start
import numpy as np


class Network:
    def __init__(self, rng):
        self.w1, self.b1 = rng.normal(size=(2, 3)), rng.normal(size=3)
        self.w2, self.b2 = rng.normal(size=(3, 1)), rng.normal(size=1)

    def forward(self, x):
        self.x = x
        self.h = np.tanh(x @ self.w1 + self.b1)
        return self.h @ self.w2 + self.b2

    def backward(self, grad):
        self.dw2 = self.h.T @ grad
        self.db2 = grad.mean(axis=0)
        dh = grad @ self.w2.T
        da = dh * (1 - self.h)
        self.dw1 = self.x.T @ da
        self.db1 = da.sum(axis=0)
        return da @ self.w1.T


# %% solution
import numpy as np


class Network:
    def __init__(self, rng):
        self.w1, self.b1 = rng.normal(size=(2, 3)), rng.normal(size=3)
        self.w2, self.b2 = rng.normal(size=(3, 1)), rng.normal(size=1)

    def forward(self, x):
        self.x = x
        self.h = np.tanh(x @ self.w1 + self.b1)
        return self.h @ self.w2 + self.b2

    def backward(self, grad):
        self.dw2 = self.h.T @ grad
        self.db2 = grad.sum(axis=0)            # the ratio was 1/n, and b2 alone was wrong by it
        dh = grad @ self.w2.T
        da = dh * (1 - self.h ** 2)            # all before this line was wrong, all after it right
        self.dw1 = self.x.T @ da
        self.db1 = da.sum(axis=0)
        return da @ self.w1.T


# %% check
import numpy as np

from minigan.testing import check_grads, from_layer

rng = np.random.default_rng(0)
network, x = Network(rng), rng.normal(size=(2, 2))
assert np.allclose(network.forward(x), np.tanh(x @ network.w1 + network.b1) @ network.w2
                   + network.b2), "forward was right: leave it as it is"
assert isinstance(network.backward(np.ones((2, 1))), np.ndarray), (
    "backward is to return the gradient by x, an array")
names = "w2", "b2", "w1", "b1"                  # in the order in which backward comes to them
layer = from_layer(network.forward, network.backward, {name: f"d{name}" for name in names})
check_grads(layer, x)
