"""Indices as CuPy takes them: out of range they wrap, and nobody wins among duplicates."""
from __future__ import annotations

from typing import Any

import numpy as np

from . import device

# scatter_add is made of atomicAdd, which is there for these only
ADDABLE = {np.dtype(t) for t in ("int32", "float16", "float32", "float64", "uint32", "uint64")}


def parts(index: Any, array_type: type) -> tuple[list, bool]:
    """The index as a list with host arrays in it, and whether there are any."""
    entries = list(index) if isinstance(index, tuple) else [index]
    advanced = False
    for i, entry in enumerate(entries):
        if isinstance(entry, array_type):
            entries[i], advanced = entry._host, True
        elif isinstance(entry, list):
            device.upload("a list as an index")
            entries[i], advanced = np.array(entry, None if entry else np.int32), True
        elif not (entry is None or entry is Ellipsis or isinstance(entry, (slice, int, np.integer))
                  ) or isinstance(entry, bool):
            raise TypeError(f"{type(entry).__name__} as an index of a device's array: CuPy would "
                            "copy it there without a word")
    if not any(entry is Ellipsis for entry in entries):
        entries.append(Ellipsis)  # with it NumPy gives a 0-d view, as CuPy does, and no scalar
    return entries, advanced


def wrapped(entries: list, shape: tuple[int, ...]) -> tuple:
    """The index with its integer arrays modulo the lengths of their axes."""
    used = [0 if e is None or e is Ellipsis else e.ndim if _is_mask(e) else 1 for e in entries]
    axis, result = 0, []
    for entry, n in zip(entries, used):
        if entry is Ellipsis:
            axis += len(shape) - sum(used)
        if isinstance(entry, np.ndarray) and not _is_mask(entry) and axis < len(shape):
            entry = entry % max(shape[axis], 1)
        result.append(entry)
        axis += n
    return tuple(result)


def cost(entries: list, what: str) -> int:
    """How many launches it takes to look these up; for a mask Python waits for its count."""
    arrays = [e for e in entries if isinstance(e, np.ndarray)]
    for mask in filter(_is_mask, arrays):
        if mask.size:
            device.synchronise(what)
    return 1 if len(arrays) == 1 and not _is_mask(arrays[0]) else 2 + len(arrays)


def assign(host: np.ndarray, index: tuple, value: Any) -> None:
    """host[index] = value, in an order that is not that of the indices."""
    targets = np.arange(host.size).reshape(host.shape)[index]
    value = np.asarray(value)
    while value.ndim > targets.ndim and value.shape[0] == 1:
        value = value[0]
    values = np.broadcast_to(value, targets.shape).reshape(-1)
    order = np.random.default_rng(targets.size).permutation(targets.size)
    host[np.unravel_index(targets.reshape(-1)[order], host.shape)] = values[order]


def _is_mask(entry: Any) -> bool:
    return isinstance(entry, np.ndarray) and entry.dtype == bool
