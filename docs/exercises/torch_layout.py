"""Axes exchanged

Chapter: pytorch. 5 minutes.

PyTorch keeps the weight of a `Linear` as (out, in) and that of a `Conv2d` as (out, in, KH, KW);
minigan has (in, out) and (KH, KW, in, out). Biases and scales are the same. `turned(array)` takes
an array of the former kind, of one, two or four axes, and returns it as the latter.
"""
# %% start
import numpy as np


def turned(array):
    return array


# %% solution
import numpy as np


def turned(array):
    # where each of our axes stands in theirs: KH is axis 2 there, KW 3, in 1, out 0
    axes = {1: (0,), 2: (1, 0), 4: (2, 3, 1, 0)}[array.ndim]
    return array.transpose(axes)


# %% check
import numpy as np
from minigan import ops
from minigan.user_code import said


def made(array):
    try:
        return np.asarray(turned(array.copy()))
    except Exception as error:
        raise AssertionError(f"turned raised {said(error)} for an array of shape {array.shape}"
                             ) from None


rng = np.random.default_rng(0)
bias = rng.normal(size=5)
assert np.array_equal(made(bias), bias), "a bias has one axis, and stays as it is"
for n_out, n_in in (4, 3), (3, 3):
    weight, x = rng.normal(size=(n_out, n_in)), rng.normal(size=(2, n_in))
    found = made(weight)
    assert found.shape == (n_in, n_out), (f"a Linear's weight {weight.shape} became {found.shape}, "
                                          f"and is to become (in, out), {(n_in, n_out)}")
    assert np.allclose(x @ found, np.einsum("ni,oi->no", x, weight)), (
        f"a Linear's weight {weight.shape} has the right shape now, and the wrong numbers in it: "
        "was it reshaped, or is it square and was left as it is?")
for kernel in (2, 3), (3, 3):
    weight, x = rng.normal(size=(4, 3, *kernel)), rng.normal(size=(2, 5, 6, 3))
    found = made(weight)
    assert found.shape == (*kernel, 3, 4), (
        f"a Conv2d's weight {weight.shape} became {found.shape}, and is to become (KH, KW, in, "
        f"out), {(*kernel, 3, 4)}: a transposition, no reshape")
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel, axis=(1, 2))
    assert np.allclose(ops.conv2d(x, found).numpy(),
                       np.einsum("nhwikl,oikl->nhwo", windows, weight)), (
        f"a Conv2d's weight {weight.shape} has the right shape, and its images come out otherwise. "
        "Were the numbers reshaped, or KH and KW exchanged?")
