"""Where a kernel's result goes: to a new array, or to one that the caller has."""
from __future__ import annotations


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
