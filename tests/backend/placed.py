"""Arrays on the device under test, which is the strict stand-in or CuPy."""
from __future__ import annotations

from typing import Any

import numpy as np

from minigan import backend
from tests import compiled
from tests.strict import STRICT, StrictArray
from tests.strict.module import Module

_library = STRICT


def use(name: str) -> None:
    """Place arrays there from now on. The stand-in's kernels are made by a C++ compiler."""
    global _library
    if name == "strict":
        compiled.install(Module)
        backend.register(STRICT)
    _library = backend.get(name)


def library() -> backend.Backend:
    return _library


def on_device(x: Any) -> Any:
    """Arrays moved to the device with their strides, anything else as it is."""
    if not isinstance(x, np.ndarray):
        return x
    if _library is STRICT:
        return StrictArray(x)
    xp, steps = _library.xp, [(n - 1) * s for n, s in zip(x.shape, x.strides)]
    if x.size == 0:
        return xp.empty(x.shape, x.dtype)
    before = -sum(s for s in steps if s < 0)  # bytes from the first in memory to x[0, 0, ...]
    memory = xp.zeros(before + sum(s for s in steps if s > 0) + x.itemsize, "u1")
    y = xp.ndarray(x.shape, x.dtype, memory.data + before, x.strides)
    y[...] = xp.asarray(np.ascontiguousarray(x).reshape(x.shape))
    return y


def host(x: Any) -> np.ndarray:
    """What an array of the device holds."""
    assert type(x) is _library.array_type
    return x._host if _library is STRICT else _library.to_numpy(x)
