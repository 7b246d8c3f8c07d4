"""The missing axis

Chapter: prove_jax. 4 minutes.

`norms` takes the length of each row, along the last axis. Its vjp is right for a vector, raises for
two rows of three, and is silently wrong for three rows of three. Mend it for any number of axes.
"""
# %% start
import numpy as np


def norms(x):
    return np.sqrt((x * x).sum(axis=-1))


def vjp(x, grad):
    return grad * x / norms(x)


# %% solution
import numpy as np


def norms(x):
    return np.sqrt((x * x).sum(axis=-1))


def vjp(x, grad):
    # the sum took the last axis away; both of its results need it back to fit the rows of x
    return grad[..., None] * x / norms(x)[..., None]


# %% check
import numpy as np

from minigan.testing import check_grads, from_numpy

for shape in (3,), (3, 3), (2, 3), (2, 1, 3):
    x = np.random.default_rng(1).normal(size=shape)
    try:
        found = vjp(x, np.ones(shape[:-1]))
    except ValueError as error:
        raise AssertionError(f"for x of shape {shape}, grad has the shape {shape[:-1]}, and NumPy "
                             f"says: {error}") from None
    assert np.shape(found) == shape, (f"for x of shape {shape} the vjp has the shape "
                                      f"{np.shape(found)}")
    check_grads(from_numpy(norms, vjp), x)
