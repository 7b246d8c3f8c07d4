"""Where each buffer of a recorded step lies in one stretch of memory: by lifetime.

A buffer is needed from the first call that names it to the last one. Two that are never needed at
once may have the same memory. What a step returns, or leaves as a gradient, is needed to the end.
"""
from __future__ import annotations

from typing import Any, Iterable, Sequence

import numpy as np

from ...nested import leaves
from .recorder import Entry, Place

ALIGNED = 64      # bytes: a line of the cache
CONSTANT = 4096   # bytes: so much that is always the same is made once, and not in each replay


def places_in(value: Any) -> list[Place]:
    """The places among the arguments of an entry."""
    return [x for x in leaves(value) if type(x) is Place]


def constants(entries: Sequence[Entry], sizes: Sequence[int], kept: Iterable[int]) -> set[int]:
    """The entries that fill a small buffer with what is the same each time, where nobody else
    writes to it."""
    writers: dict[int, list[int]] = {}
    for i, entry in enumerate(entries):
        for buffer in entry.changed:
            writers.setdefault(buffer, []).append(i)
    return {i for buffer, (i, *others) in writers.items()
            if not others and buffer not in kept and sizes[buffer] <= CONSTANT
            and entries[i].name == "fill" and not places_in(entries[i].args)}


class Plan:
    """The offsets of the buffers, by number, and how long they live."""

    def __init__(self, entries: Sequence[Entry], sizes: Sequence[int], kept: Iterable[int],
                 always: Iterable[int] = ()):
        count, end = len(sizes), len(entries)
        self.sizes = [-(-max(size, 1) // ALIGNED) * ALIGNED for size in sizes]
        self.first, self.last = [end] * count, [-1] * count  # the entries that each is named by
        uses = [places_in((entry.args, entry.options, entry.out)) for entry in entries]
        for i, places in enumerate(uses):
            for place in places:
                self.first[place.buffer] = min(self.first[place.buffer], i)
                self.last[place.buffer] = i
        for buffer in kept:
            self.last[buffer] = end
        for buffer in always:
            self.first[buffer], self.last[buffer] = -1, end
        self.shares = list(range(count))  # whose memory a buffer has: mostly its own
        for i, entry in enumerate(entries):
            if entry.elementwise:
                self._write_over(i, entry, uses[i])
        self.offsets, self.size = self._laid_out()  # where each begins, and how much is all

    def _write_over(self, i: int, entry: Entry, uses: list[Place]) -> None:
        """Let an elementwise result have the memory of an operand that is not needed again."""
        if len(entry.out) != 1 or type(entry.out[0]) is not Place:
            return
        out = entry.out[0]
        if self.first[out.buffer] != i or uses.count(out) != 1:
            return
        for x in places_in(entry.args):
            owner = self.shares[x.buffer]
            if (_layout(x) == _layout(out) and self.last[x.buffer] == self.last[owner] == i
                    and self.first[owner] < i and self.sizes[x.buffer] == self.sizes[out.buffer]
                    and all(_layout(p) == _layout(x) for p in uses if p.buffer == x.buffer)):
                self.shares[out.buffer], self.last[owner] = owner, self.last[out.buffer]
                return

    def _laid_out(self) -> tuple[list[int], int]:
        """The large ones first, each into the smallest gap that it fits into between those that
        live at the same time."""
        first, last, sizes = (np.array(x, np.int64) for x in (self.first, self.last, self.sizes))
        offsets, placed, size = np.zeros_like(first), np.zeros(len(first), bool), 0
        own = [b for b, owner in enumerate(self.shares) if owner == b and last[b] >= 0]
        for buffer in sorted(own, key=lambda b: (-self.sizes[b], b)):
            near = np.flatnonzero(placed & (last >= first[buffer]) & (first <= last[buffer]))
            near = near[np.argsort(offsets[near])]
            ends = np.maximum.accumulate(np.append(0, offsets[near] + sizes[near]))
            gaps = offsets[near] - ends[:-1]  # each from the end of all before it
            fits = np.flatnonzero(gaps >= sizes[buffer])
            offsets[buffer] = ends[fits[np.argmin(gaps[fits])] if fits.size else -1]
            placed[buffer] = True
            size = max(size, int(offsets[buffer] + sizes[buffer]))
        offsets = offsets.tolist()
        return [offsets[owner] for owner in self.shares], size


def _layout(x: Place) -> tuple:
    return x.offset, x.shape, x.strides, x.dtype.itemsize
