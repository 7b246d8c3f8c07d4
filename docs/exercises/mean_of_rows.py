"""Right for squares only

Chapter: mismatch. 4 minutes.

The mean over the last axis, with a backward that is right for some shapes and wrong for others.
Find out for which, by checks alone, before you look at the line; then mend it.
"""
# %% start
import numpy as np
import minigan as mg


class RowMean(mg.Function):
    """The mean of each row, (n, k) to (n, 1)."""

    def forward(self, x):
        return x.mean(axis=-1, keepdims=True)

    def backward(self, grad):
        x, = self.inputs
        return mg.ops.broadcast_to(grad, x.shape) / float(x.shape[0])


# %% solution
import numpy as np
import minigan as mg


class RowMean(mg.Function):
    """The mean of each row, (n, k) to (n, 1)."""

    def forward(self, x):
        return x.mean(axis=-1, keepdims=True)

    def backward(self, grad):
        x, = self.inputs
        # (2, 2) is right, (2, 3) off by 3/2 everywhere, (1, 3) by 3: the wrong length divides
        return mg.ops.broadcast_to(grad, x.shape) / float(x.shape[-1])


# %% check
import numpy as np

from minigan.testing import check_grads


def row_mean(x):
    return RowMean()(x)


for shape in (2, 2), (2, 3), (1, 3), (3, 1):
    check_grads(row_mean, np.random.default_rng(0).normal(size=shape))
