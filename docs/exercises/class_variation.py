"""Shares of classes

Chapter: quality. 4 minutes.

A judge has named the class of each sample and of each real image. `variation(samples, real,
classes)` takes both lists of labels, 0 to `classes` − 1, and returns how far apart the shares of
the classes are: half the sum of their absolute differences, from 0 (the same shares) to 1 (no
class in common).
"""
# %% start
import numpy as np


def variation(samples, real, classes):
    counts = np.bincount(samples), np.bincount(real)
    return ...


# %% solution
import numpy as np


def variation(samples, real, classes):
    # minlength: a class that nobody has, the last one too, has a share, and it is 0
    p, q = (np.bincount(labels, minlength=classes) / len(labels) for labels in (samples, real))
    return abs(p - q).sum() / 2


# %% check
import numpy as np

from minigan.user_code import said

CASES = [
    ([0, 0, 1, 1], [0, 0, 1, 1], 2, 0.0, "the same labels"),
    ([0, 1], [0, 0, 0, 1, 1, 1], 2, 0.0, "equal shares of different numbers: shares, not counts"),
    ([0, 1, 1, 2], [0, 1, 2, 3], 4, 0.25, "a class that the samples lack has the share 0"),
    ([0, 0, 0], [1, 1, 1], 2, 1.0, "no class in common: what one has too much the other has too "
     "little, so each difference is in the sum twice"),
    ([2, 2, 0, 1], [0, 1, 2, 2], 5, 0.0, "class 1 may be small, classes 3 and 4 empty in both"),
]
for samples, real, classes, expected, hint in CASES:
    try:
        found = variation(np.array(samples), np.array(real), classes)
    except Exception as error:
        raise AssertionError(f"variation({samples}, {real}, {classes}) raised {said(error)}: "
                             f"{hint}") from None
    assert isinstance(found, (float, np.floating)), (
        f"variation returns {found!r}: it is to be one number")
    assert abs(found - expected) < 1e-12, (
        f"variation({samples}, {real}, {classes}) is {found:g} and should be {expected:g}: {hint}")
