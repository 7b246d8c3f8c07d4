"""What indexing an array does in reverse, on the CPU: elements added where an index takes them."""
from __future__ import annotations

import math

import numpy as np

from ..arrays import is_half, repeats

FEW = 16  # rows: so few are better added one after the other than all at once


def add_at(shape, index, x):
    """Zeros of the shape with x added at the index. Where integers in arrays name rows, the first
    of each row are added all at once, then the second of each, and so on; np.add.at adds one by
    one."""
    y = np.zeros(shape, x.dtype)
    if not repeats(index):
        y[index] = x
        return y
    if is_half(x):  # 2048 + 1 would be 2048
        return add_at(shape, index, x.astype(np.float32)).astype(x.dtype)
    rows = _rows(shape, index)
    if rows is None:
        np.add.at(y, index, x)
        return y
    position, (before, count, after) = rows
    if before * after == 1:
        np.add.at(y.reshape(-1), position, x.reshape(-1))
    elif position.size and before * after:
        x = x.reshape(before, position.size, after)
        _add_rows(y.reshape(before, count, after), position, x)
    return y


def _rows(shape, index):
    """The index as a position in the middle one of three axes, and their lengths, if it is full
    slices around arrays of integers side by side."""
    index = list(index)
    if index[-1] is ...:
        del index[-1]
    plain = [isinstance(i, slice) and i == slice(None) for i in index]
    start = plain.index(False)
    stop = len(index) - plain[::-1].index(False)
    arrays = index[start:stop]
    if not all(isinstance(i, np.ndarray) and i.dtype.kind in "iu" for i in arrays):
        return None
    position = 0
    for i, length in zip(arrays, shape[start:stop]):
        position = position * length + i.astype(np.intp, copy=False) % max(length, 1)  # no uint8
    lengths = [math.prod(part) for part in (shape[:start], shape[start:stop], shape[stop:])]
    return np.asarray(position).reshape(-1), lengths


def _add_rows(y, position, x):
    """y[:, position] += x, for y of zeros."""
    small = position.astype(np.uint16) if y.shape[1] <= 1 << 16 else position  # sorted faster
    order = np.argsort(small, kind="stable")
    position = position[order]
    first = np.flatnonzero(np.concatenate([[True], position[1:] != position[:-1]]))
    counts = np.diff(np.concatenate([first, [len(position)]]))
    most = np.argsort(-counts, kind="stable")  # the rows that are named most often first
    first, counts = first[most], counts[most]
    sums, done = np.take(x, order[first], axis=1), 1
    while (left := int(np.searchsorted(-counts, -done))) > FEW:  # rows named more often than that
        sums[:, :left] += np.take(x, order[first[:left] + done], axis=1)
        done += 1
    for i in range(left):
        sums[:, i] += np.take(x, order[first[i] + done:first[i] + counts[i]], axis=1).sum(axis=1)
    y[:, position[first]] = sums
