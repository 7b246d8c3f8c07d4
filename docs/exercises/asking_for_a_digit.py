"""Asking for a digit

Chapter: conditions. 4 minutes.

G gets its class joined to its noise. Complete `order`: of noise (n, k) and labels, n whole numbers
from 0 to `classes` − 1, it makes what G is given, (n, k + classes): each row the noise and then the
one-hot vector of its label.
"""
# %% start
import numpy as np


def order(noise, labels, classes=10):
    return ...


# %% solution
import numpy as np


def order(noise, labels, classes=10):
    one_hot = np.eye(classes)[labels]                 # row i of the unit matrix is the vector of i
    return np.concatenate([noise, one_hot], axis=1)


# %% check
rng = np.random.default_rng(0)
for n, k, classes in [(5, 3, 10), (10, 4, 10), (3, 2, 4)]:
    noise = rng.normal(size=(n, k))
    labels = np.array([2, 0, 3, 3, 1, 2, 0, 0, 3, 1])[:n]
    made = order(noise.copy(), labels, classes)
    assert made is not ..., "order still returns ...: first the one-hot vectors, then join"
    assert np.shape(made) == (n, k + classes), (
        f"noise {noise.shape} and {n} labels of {classes} classes make {np.shape(made)}, but "
        f"{(n, k + classes)} is wanted: is the class of a row joined to the row, or below it, or "
        "is it a single number?")
    made = np.asarray(made)
    assert np.allclose(made[:, :k], noise), f"the first {k} numbers of a row are its noise"
    ones = made[:, k:]
    assert set(np.unique(ones)) <= {0.0, 1.0} and (ones.sum(axis=1) == 1).all(), (
        f"after the noise a row has one 1 and otherwise zeros, but here is {ones[0]}")
    assert (ones.argmax(axis=1) == labels).all(), (
        f"the labels are {labels[:4]} and so on, but the ones stand at {ones.argmax(axis=1)[:4]}")
