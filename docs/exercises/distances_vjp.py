"""All distances at once

Chapter: prove. 7 minutes.

`squared_distances(a, b)` has, for each row of `a` (n, k) and each row of `b` (m, k), the square of
their distance: a table (n, m). Write its vjp: from the gradient that arrives, `grad` (n, m), the
gradient by `a` and that by `b`. No engine and no loop are needed.
"""
# %% start
import numpy as np


def squared_distances(a, b):
    apart = a[:, None, :] - b[None, :, :]          # (n, m, k)
    return (apart ** 2).sum(axis=2)


def vjp(a, b, grad):
    apart = a[:, None, :] - b[None, :, :]
    return np.zeros_like(a), np.zeros_like(b)


# %% solution
import numpy as np


def squared_distances(a, b):
    apart = a[:, None, :] - b[None, :, :]          # (n, m, k)
    return (apart ** 2).sum(axis=2)


def vjp(a, b, grad):
    apart = a[:, None, :] - b[None, :, :]
    slopes = 2 * apart * grad[:, :, None]          # by apart, whose every entry is used once
    # a row of a is used m times and a row of b n times: effects add up. And b stands behind a minus
    return slopes.sum(axis=1), -slopes.sum(axis=0)


# %% check
import numpy as np

from minigan.testing import check_grads, from_numpy

for n, m in (4, 2), (3, 3), (1, 5):
    rng = np.random.default_rng(n)
    a, b = rng.normal(size=(n, 2)), rng.normal(size=(m, 2))
    both = vjp(a.copy(), b.copy(), rng.normal(size=(n, m)))
    assert isinstance(both, tuple) and len(both) == 2, "vjp returns two gradients: by a, and by b"
    for name, found, like in ("a", both[0], a), ("b", both[1], b):
        assert np.shape(found) == like.shape, (
            f"the gradient by {name} has the shape {np.shape(found)}, and {name} has {like.shape}: "
            "over which axis of the (n, m, k) slopes is it used again and again?")
    check_grads(from_numpy(squared_distances, vjp), a, b)
