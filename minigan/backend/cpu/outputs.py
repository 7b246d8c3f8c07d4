"""Where a kernel's result goes: to a new array, or to one that the caller has."""
from __future__ import annotations

import numpy as np


def made(out, shape, *factors):
    """`out`, or a new array of the shape, for what follows from the factors."""
    return np.empty(shape, np.result_type(*factors)) if out is None else out


def into(out, result):
    """The result, or `out` with the result in it: arrays, or tuples of as many. What is there
    already stays."""
    if out is None:
        return result
    if isinstance(out, tuple):
        return tuple([into(*pair) for pair in zip(out, result)])
    if out is not result:
        out[...] = result
    return out
