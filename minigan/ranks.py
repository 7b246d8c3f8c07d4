"""Who computes: one process, or the ranks that mpiexec started, which talk by MPI.

What the ranks add up, they add in the order of the tree of `shards`, and never by an operation of
MPI's, whose order is nobody's business but its own.
"""
from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from functools import cache
from typing import Any, Callable, TypeVar

import numpy as np

from . import backend
from .backend import Array
from .errors import UserError
from .shards import Node, Part, added, block, summed, whole_nodes

RANK = "PMI_RANK", "OMPI_COMM_WORLD_RANK", "PMIX_RANK"  # as mpiexec tells what it starts
LONG = 1 << 16  # bytes, from which a sum is added in pieces, one by each rank

Value = TypeVar("Value")


class RankError(UserError):
    """Ranks that do not go together; the message says which, and why."""


class Alone:
    """A process that nobody helps: the communicator of one rank."""

    rank, size = 0, 1

    def all(self, parts: list[Array], count: int) -> list[Array]:
        """The parts of all shards, in order, of those that were computed here."""
        return parts

    def total(self, parts: list[Part], count: int) -> Array:
        """The sum of all shards' parts, flat, in the order of the tree, of those that were computed
        here."""
        return summed((0, count), parts, 0)

    def told(self, value: Value) -> list[Value]:
        """What each rank says here."""
        return [value]

    def any(self, flag: bool) -> bool:
        """Whether some rank says yes."""
        return flag

    def __deepcopy__(self, memo: dict) -> Alone:
        return self

    def __reduce__(self) -> tuple:
        return world, ()


class Ranks(Alone):
    """The ranks of an MPI communicator. Arrays go through host memory, as bytes: MPI has no name
    for half precision. Those of one machine share its cores, each with threads for its part."""

    def __init__(self, comm: Any):
        self.comm, self.rank, self.size = comm, comm.rank, comm.size
        here = comm.Split_type(self.mpi.COMM_TYPE_SHARED)
        self.looks = 10_000 if here.size <= cores() else 100  # at a request, before it sleeps
        os.environ.setdefault("MINIGAN_NUM_THREADS", str(max(1, cores() // here.size)))
        here.Free()

    def all(self, parts, count):
        own = _stacked([backend.to_numpy(part) for part in parts])
        rows = [len(block(count, rank, self.size)) for rank in range(self.size)]
        out = np.empty((count, *own.shape[1:]), own.dtype)
        self._gather(own, out, rows)
        device = backend.of(parts[0]).name
        return [backend.to_device(row, device) for row in out]

    def total(self, parts, count):
        blocks = [block(count, rank, self.size) for rank in range(self.size)]
        nodes = [whole_nodes((0, count), own) for own in blocks]
        own = _stacked([backend.to_numpy(summed(node, _of(parts, node, blocks[self.rank]),
                                                node[0])) for node in nodes[self.rank]])
        add = self._in_pieces if own[0].nbytes >= LONG else self._by_all
        return backend.to_device(add(own, nodes, (0, count)), backend.of(parts[0][0]).name)

    def _by_all(self, own: np.ndarray, nodes: list[list], top: tuple) -> np.ndarray:
        """Each rank gets all nodes, and adds them."""
        rows = [len(of) for of in nodes]
        out = np.empty((sum(rows), *own.shape[1:]), own.dtype)
        self._gather(own, out, rows)
        return added(top, dict(zip([node for of in nodes for node in of], out)))

    def _in_pieces(self, own: np.ndarray, nodes: list[list], top: tuple) -> np.ndarray:
        """Each rank gets a piece of all nodes, adds it, and sends it to all: of what arrives at a
        rank, and what leaves it, this is the least that there can be."""
        flat = own.reshape(len(own), -1)
        cuts = [rank * flat.shape[1] // self.size for rank in range(self.size + 1)]
        widths = np.diff(cuts)
        sent = flat if len(flat) == 1 else np.concatenate(
            [flat[:, a:b].reshape(-1) for a, b in zip(cuts, cuts[1:])])
        here, rows = int(widths[self.rank]), [len(of) for of in nodes]
        pieces = np.empty((sum(rows), here), own.dtype)
        self._done(self.comm.Ialltoallv(_counted(sent, widths * len(own)),
                                        _counted(pieces, [here * n for n in rows])))
        piece = added(top, dict(zip([node for of in nodes for node in of], pieces)))
        out = np.empty(flat.shape[1], own.dtype)
        self._gather(np.ascontiguousarray(piece), out, widths)
        return out.reshape(own.shape[1:])

    def _gather(self, own: np.ndarray, out: np.ndarray, rows: Any) -> None:
        """out becomes the ranks' rows, one rank's after the other's."""
        each = out.size // len(out) if len(out) else 0
        self._done(self.comm.Iallgatherv([_bytes(own), own.nbytes, self.mpi.BYTE],
                                         _counted(out, [n * each for n in rows])))

    @property
    def mpi(self) -> Any:
        from mpi4py import MPI

        return MPI

    def told(self, value):
        return self.comm.allgather(value)

    def any(self, flag):
        flags = np.empty(self.size, np.uint8)
        self._gather(np.array([flag], np.uint8), flags, [1] * self.size)
        return bool(flags.any())

    def _done(self, request: Any) -> None:
        """Wait. Where there are more ranks than cores, the others need this one's to answer."""
        looks = 0
        while not request.Test():
            looks += 1
            if looks > self.looks:
                time.sleep(2e-5)


def cores() -> int:
    """How many of the machine's cores this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def _of(parts: list[Part], node: Node, own: range) -> list[Part]:
    """The parts of a node's shards, of those of one's own."""
    return parts[node[0] - own.start:node[1] - own.start]


def _stacked(arrays: list[np.ndarray]) -> np.ndarray:
    """As rows of one array; of a single one that takes no copy."""
    return np.ascontiguousarray(arrays[0])[None] if len(arrays) == 1 else np.stack(arrays)


def _bytes(array: np.ndarray) -> np.ndarray:
    return array.reshape(-1).view(np.uint8)


def _counted(array: np.ndarray, elements: Any) -> list:
    """An array as a vector operation of MPI's takes it, with how many elements go to, or come from,
    each rank, one after the other."""
    from mpi4py import MPI

    counts = [int(n) * array.itemsize for n in elements]
    starts = [0, *np.cumsum(counts[:-1]).tolist()]
    return [_bytes(array), (counts, starts), MPI.BYTE]


def started() -> int | None:
    """The rank that mpiexec started this process as; None: it did not."""
    return next((int(os.environ[name]) for name in RANK if name in os.environ), None)


@cache
def world() -> Alone:
    """The ranks that mpiexec started, or this process alone. Raises RankError where they cannot
    talk."""
    if started() is None:
        return Alone()
    try:
        from mpi4py import MPI
    except ModuleNotFoundError:
        raise RankError("mpiexec started this process, and mpi4py, by which its ranks talk, is not "
                        "installed: pip install 'minigan[mpi]'") from None
    except (ImportError, RuntimeError) as error:
        raise RankError(f"mpi4py finds no MPI library ({str(error).splitlines()[0]}): "
                        "pip install 'minigan[mpi]' brings one, and its mpiexec") from None
    return Ranks(MPI.COMM_WORLD)


def together(ranks: Alone, function: Callable[[], Value]) -> Value:
    """What the function returns, on each rank; if it raises a UserError on some, that of the first
    of them is raised on all."""
    value = failed = None
    try:
        value = function()
    except UserError as error:
        failed = error
    said = {rank: text for rank, text in enumerate(ranks.told(failed and str(failed)))
            if text is not None}
    if not said:
        return value
    if failed is not None and len(said) == ranks.size:
        raise failed
    rank = min(said)
    raise RankError(said[rank] if rank == 0 else f"rank {rank}: {said[rank]}")


def check_alike(ranks: Alone, facts: dict[str, Any]) -> None:
    """Raise RankError, on all ranks, for facts that are others on one of them than on rank 0."""
    first, *others = ranks.told(facts)
    for rank, own in enumerate(others, 1):
        for name in {**first, **own}:
            if own.get(name) != first.get(name):
                raise RankError(f"the ranks are to do the same, and {name} is {first.get(name)} on "
                                f"rank 0, {own.get(name)} on rank {rank}")


def end(status: int) -> None:
    """End all ranks, where one cannot go on. What is to be said has been said: MPI's own words
    about it, which name no reason, are not heard."""
    for file in (sys.stdout, sys.stderr):
        if file is not None:
            file.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    with suppress(UserError):
        world().comm.Abort(status)
    os._exit(status)
