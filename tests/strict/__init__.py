"""A strict stand-in for CuPy: what would fail on a GPU fails here, on any machine.

An array of this backend holds a NumPy array and lets nothing reach it by accident: no implicit
conversion, no operand that is a NumPy array, no function and no keyword but those that CuPy has
(`signatures`). It is a wrapper and not a subclass, because NumPy's functions accept their
subclasses without asking. What CuPy does otherwise than NumPy is done CuPy's way: indices out of
range wrap, duplicate indices have no defined winner, `empty` holds garbage, streams of random
numbers are others.

`counted()` counts what a GPU would be asked for: launches and the bytes that they move, uploads,
and moments at which Python waits for the device, with the place in minigan that caused each.
"""
from __future__ import annotations

from typing import Any, Callable

from minigan.backend import Backend, BackendError, cuda, reference
from tests.compiled import COMPILER, install

from .array import StrictArray
from .device import Counts, NotRecorded, counted, recorded
from .module import Module, asarray

install(Module)

__all__ = ["STRICT", "Counts", "StrictArray", "counted", "recorded"]


def capture(run: Callable[[list], tuple[Any, list]], arrays: list
            ) -> tuple[Any, list, Callable[[], None]]:
    """What a CUDA graph does, on a tape: run's launches, recorded and made once, or none of them
    where it fails."""
    before = [array._host.copy() for array in arrays]
    try:
        with recorded() as tape:
            value, left = run(arrays)
    except BaseException as error:
        for array, was in zip(arrays, before):
            array._host[...] = was
        if isinstance(error, NotRecorded):
            raise BackendError(str(error)) from error
        raise
    return value, left, tape.replay


# without a compiler for the kernels' bodies it is the reference that runs
STRICT = Backend("strict", Module(), StrictArray, cuda if COMPILER else reference, asarray,
                 StrictArray.get, capture)
