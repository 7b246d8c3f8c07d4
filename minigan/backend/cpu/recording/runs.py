"""Elementwise calls of the list that follow each other, done strip by strip.

One after the other, each of them reads and writes whole arrays, which are gone from the cache when
the next one wants them, and on one core. Element by element nothing depends on another row: so a
*run* of such calls is done for some rows, then for the next ones, by all threads, who are called
once for the whole run.
"""
from __future__ import annotations

import math
from typing import Any, Sequence

import numpy as np

from ... import thresholds
from .recorder import Entry, Place

ROWS_OF = (np.ndarray, Place)


def runs_of(entries: Sequence[Entry]) -> list[range]:
    """The list in pieces: runs, and single calls."""
    runs: list[range] = []
    start = 0
    while start < len(entries):
        stop, layouts = start, _Layouts()
        while stop < len(entries) and layouts.fits(entries[stop]):
            stop += 1
        stop = max(stop, start + 1)
        runs.append(range(start, stop))
        start = stop
    return runs


class _Layouts:
    """Of the buffers that a run writes to, how their rows lie: whoever reads one in the run has to
    read the same rows. How many rows there are, and which buffers are read by all of them."""

    def __init__(self) -> None:
        self.rows: int | None = None
        self.written: dict[int, tuple] = {}
        self.read: dict[int, set] = {}
        self.whole: set[int] = set()

    def fits(self, entry: Entry) -> bool:
        """Add the entry, if it fits to those before."""
        if not _is_elementwise(entry) or self.rows not in (None, entry.out[0].shape[0]):
            return False
        out = entry.out[0]
        operands = [x for x in entry.args if isinstance(x, ROWS_OF)]
        parts = [x for x in operands if _has_rows(x, out)]
        layouts = [(x.buffer, _rows(x)) for x in parts if type(x) is Place]
        whole = {x.buffer for x in operands if type(x) is Place and not _has_rows(x, out)}
        if (out.buffer in self.whole | whole or whole & self.written.keys()
                or any(self.written.get(b, rows) != rows for b, rows in layouts)
                or {*self.read.get(out.buffer, ()), _rows(out),
                    *[rows for b, rows in layouts if b == out.buffer]} != {_rows(out)}
                or self.written.get(out.buffer, _rows(out)) != _rows(out)):
            return False
        self.rows = out.shape[0]
        self.written[out.buffer] = _rows(out)
        self.whole |= whole
        for buffer, rows in layouts:
            self.read.setdefault(buffer, set()).add(rows)
        return True


def _is_elementwise(entry: Entry) -> bool:
    """Whether a call writes one array of many rows, each from the same rows of what it reads."""
    return (entry.elementwise and entry.errors is None and not entry.options
            and len(entry.out) == 1 and type(entry.out[0]) is Place
            and len(entry.out[0].shape) > 0 and entry.out[0].shape[0] > 1
            and math.prod(entry.out[0].shape) >= thresholds.RUN_ARRAY)


def _has_rows(x: Any, out: Place) -> bool:
    """Whether x has a row for each of out's; else it is repeated for all."""
    return len(x.shape) == len(out.shape) and x.shape[0] == out.shape[0]


def _rows(x: Any) -> tuple:
    """Where in its buffer the rows are."""
    return x.offset, x.shape[0], x.strides[0], math.prod(x.shape[1:]) * x.dtype.itemsize


def strips_of(entries: Sequence[Entry]) -> list[slice]:
    """The rows of a run in strips of about RUN_STRIP elements, two at least."""
    rows = entries[0].out[0].shape[0]
    size = max(math.prod(entry.out[0].shape) for entry in entries)
    count = min(rows, max(2, size // thresholds.RUN_STRIP))
    edges = [rows * i // count for i in range(count + 1)]
    return [slice(a, b) for a, b in zip(edges, edges[1:])]


def is_worth(entries: Sequence[Entry]) -> bool:
    """Whether other threads are called: there is enough to do."""
    return sum(math.prod(entry.out[0].shape) for entry in entries) >= thresholds.SHARED_RUN


def cut(x: Any, strip: slice, out: np.ndarray) -> Any:
    """What a call reads, or writes, of x for some rows of out."""
    has_rows = isinstance(x, np.ndarray) and x.ndim == out.ndim and len(x) == len(out)
    return x[strip] if has_rows else x
