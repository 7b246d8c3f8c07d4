"""The layer that breaks on a bad day

Chapter: diagnostics. 5 minutes.

`spread` tells D how far each example is from the mean of its batch. On the day when all examples
of a batch are the same its gradient is NaN, and all weights after it. Mend it: finite gradients
always, and the same values as now, up to 0.001.
"""
# %% start
import minigan as mg


def spread(x):
    """(n, k) to (n, 1)"""
    centred = x - x.mean(axis=0)
    return mg.ops.sqrt((centred * centred).sum(axis=1, keepdims=True))


# %% solution
import minigan as mg


def spread(x):
    """(n, k) to (n, 1)"""
    centred = x - x.mean(axis=0)
    # under the root: there the slope 1 / (2 √s) is at most 1 / (2 √1e-8), and 0 times that is 0
    return mg.ops.sqrt((centred * centred).sum(axis=1, keepdims=True) + 1e-8)


# %% check
import numpy as np
import minigan as mg
from minigan.testing import check_grads

rng = np.random.default_rng(0)
x = rng.normal(size=(4, 2))
same = np.ones((8, 2), np.float32)
for batch in x, same, 0.01 * x:
    y = spread(mg.tensor(batch))
    assert isinstance(y, mg.Tensor) and y.shape == (len(batch), 1), (
        f"of {batch.shape} spread makes {getattr(y, 'shape', y)!r}, and is to make "
        f"({len(batch)}, 1)")
    right = np.linalg.norm(batch - batch.mean(axis=0), axis=1, keepdims=True)
    off = abs(y.numpy() - right).max()
    assert off < 1e-3, (f"the values are off by {off:.2g}, for distances from {right.min():.2g} to "
                        f"{right.max():.2g}: take a smaller number, or another place for it")
with np.errstate(all="ignore"):
    gradient = mg.value_and_grad(lambda x: spread(x).mean())(mg.tensor(same))[1].numpy()
assert np.isfinite(gradient).all(), (
    f"of eight equal examples the gradient is {gradient[0].tolist()} in each row: the slope of a "
    "root is infinite at 0, whatever is added to its result. Where has something to be added?")
check_grads(spread, x)
