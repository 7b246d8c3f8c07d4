"""Rows of length 1

Chapter: prove. 8 minutes.

`UnitRows` divides each row by its Euclidean length. The gradient below takes the length for a
constant. Take it from wrong to proven: right at first and second order, for one row, for several,
and for more than two axes.
"""
# %% start
import numpy as np
import minigan as mg


class UnitRows(mg.Function):
    """x / |x|, the length taken along the last axis."""

    def forward(self, x):
        return x / np.sqrt((x * x).sum(axis=-1, keepdims=True))

    def backward(self, grad):
        x, y = self.inputs[0], self.output
        length = mg.ops.sqrt((x * x).sum(axis=-1, keepdims=True))
        return grad / length


# %% solution
import numpy as np
import minigan as mg


class UnitRows(mg.Function):
    """x / |x|, the length taken along the last axis."""

    def forward(self, x):
        return x / np.sqrt((x * x).sum(axis=-1, keepdims=True))

    def backward(self, grad):
        x, y = self.inputs[0], self.output
        length = mg.ops.sqrt((x * x).sum(axis=-1, keepdims=True))
        # a nudge along y makes x longer and changes nothing: that part of grad is taken out
        return (grad - y * (grad * y).sum(axis=-1, keepdims=True)) / length


# %% check
import numpy as np

from minigan.testing import check_grads


def unit_rows(x):
    return UnitRows()(x)


rng = np.random.default_rng(0)
for shape in (3,), (2, 3), (2, 1, 2):
    x = rng.uniform(0.5, 1.5, shape) * rng.choice([-1, 1], shape)
    assert np.allclose((unit_rows(x).numpy() ** 2).sum(axis=-1), 1), "forward was right: leave it"
    check_grads(unit_rows, x)
