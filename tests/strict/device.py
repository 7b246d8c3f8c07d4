"""What the pretended device is asked to do: everything that it computes goes through `run`."""
from __future__ import annotations

import math
import sys
import threading
import weakref
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from traceback import walk_stack
from typing import Any, Callable

import numpy as np

from minigan.backend.places import led_by


class Counts:
    """What happened since `counted()` began.

    launches          kernels, products, copies and fills on the device; views are free
    bytes             what they read and write: their operands and results, each whole and once
    names             how often each was launched
    uploads           copies from host memory to the device
    synchronisations  how often Python waited for the device: a number or an array was read
    nondeterministic  launches whose result depends on the order of threads (atomics)
    places            the code that caused each synchronisation and upload, innermost first
    """

    def __init__(self) -> None:
        self.names: Counter[str] = Counter()
        self.launches = self.uploads = self.synchronisations = self.nondeterministic = 0
        self.bytes = 0
        self.places: list[str] = []

    def __repr__(self) -> str:
        return "\n".join([f"{self.launches} launches, {self.bytes} bytes, {self.uploads} uploads, "
                          f"{self.synchronisations} synchronisations", *self.places])


class NotRecorded(RuntimeError):
    """What the device refuses while a graph is captured."""


class Tape:
    """Everything that the device computed within `recorded()`, to be computed again into the
    same memory, as a CUDA graph is replayed: Python numbers stay what they were."""

    def __init__(self) -> None:
        self.work: list[tuple[Callable[[], Any], np.ndarray | None]] = []

    def replay(self) -> None:
        for compute, result in self.work:
            new = compute()
            if result is not None:
                np.copyto(result, new)


class _Here(threading.local):
    """What goes on in this thread: each stands for a process, with a device of its own."""

    def __init__(self) -> None:
        self.counts: list[Counts] = []
        self.tapes: list[Tape] = []


_here = _Here()
_addressed: weakref.WeakValueDictionary[int, np.ndarray] = weakref.WeakValueDictionary()


class Pointer:
    """Where an array lies, for a library that is told no more; `at` finds it again."""

    def __init__(self, host: np.ndarray):
        self.ptr = host.__array_interface__["data"][0]
        _addressed[self.ptr] = host


def at(address: int) -> np.ndarray:
    """The host array that was asked last for this address."""
    return _addressed[address]


@contextmanager
def counted() -> Iterator[Counts]:
    """`with counted() as counts:` counts what the device is asked for."""
    counts = Counts()
    _here.counts.append(counts)
    try:
        yield counts
    finally:
        _here.counts.remove(counts)


@contextmanager
def recorded() -> Iterator[Tape]:
    """`with recorded() as tape:` keeps what is launched; `tape.replay()` launches it again.
    As while a CUDA graph is captured, uploads and synchronisations are refused."""
    tape = Tape()
    _here.tapes.append(tape)
    try:
        yield tape
    finally:
        _here.tapes.remove(tape)


def run(name: str, compute: Callable[[], Any], launches: int = 1, moved: Iterable[Any] = ()) -> Any:
    """compute() on the device: NumPy code on host arrays that returns an array, or None if it
    wrote its result where it belongs. `moved` are the arrays that it reads, and those that it
    writes without returning them. No launch where nothing comes out, and no warnings: a GPU knows
    none."""
    with np.errstate(all="ignore"):
        result = compute()
    if result is not None:
        result = np.asarray(result)  # a reduction gives a 0-d array, never NumPy's scalar
    if result is None or result.size:
        launched(name, launches)
        move([*moved, result])
        for tape in _here.tapes:
            tape.work.append((compute, result))
    return result


def launched(name: str, launches: int) -> None:
    """Count work that was done."""
    for counts in _here.counts:
        counts.launches += launches
        counts.names[name] += launches


def move(arrays: Iterable[Any]) -> None:
    """Count the bytes of host arrays that the launch before read or wrote; of what broadcasting
    repeats once, and of numbers none."""
    for counts in _here.counts:
        counts.bytes += sum(x.itemsize * math.prod(n for n, s in zip(x.shape, x.strides) if s)
                            for x in arrays if isinstance(x, np.ndarray) and x.size)


def atomic() -> None:
    """Say that the launch before is not deterministic."""
    for counts in _here.counts:
        counts.nondeterministic += 1


def upload(what: str) -> None:
    """Count a copy to the device."""
    _transfer("upload", what)
    for counts in _here.counts:
        counts.uploads += 1


def synchronise(what: str) -> None:
    """Count a wait for the device."""
    _transfer("synchronisation", what)
    for counts in _here.counts:
        counts.synchronisations += 1


def _transfer(kind: str, what: str) -> None:
    refuse_in_graph(f"{kind} ({what})")
    for counts in _here.counts:
        counts.places.append(f"{kind} ({what}) by {place()}")


def refuse_in_graph(what: str) -> None:
    """Raise if a graph is captured, for what cannot be part of one."""
    if _here.tapes:
        raise NotRecorded(f"{what} while a graph is captured, by {place()}")


def is_recording() -> bool:
    """Whether a graph is captured in this thread."""
    return bool(_here.tapes)


def place() -> str:
    """The lines of minigan that led here, innermost first, and the line outside that called it."""
    return led_by(walk_stack(sys._getframe(1)), __package__)
