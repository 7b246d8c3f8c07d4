"""Who computes: one process, or the ranks that mpiexec started, which talk by MPI.

What the ranks add up, they add in the order of the tree of `shards`, and never by an operation of
MPI's, whose order is nobody's business but its own.
"""
from __future__ import annotations

import os
import sys
import warnings
from contextlib import suppress
from functools import cache
from typing import Any, Callable, TypeVar

import numpy as np

from . import backend
from .backend import Array, array_module
from .backend.cpu.threads import cores
from .errors import UserError
from .shards import Node, Part, added, block, joined, summed, whole_nodes
from .wires import Devices, Host, direct, mpi

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
        return backend.called(self._all, parts, count)

    def total(self, parts: list[Part], count: int) -> Array:
        """The sum of all shards' parts, flat, in the order of the tree, of those that were computed
        here."""
        return backend.called(self._total, parts, count)

    def _all(self, parts: list[Array], count: int) -> list[Array]:
        return parts

    def _total(self, parts: list[Part], count: int) -> Array:
        return summed((0, count), parts, 0)

    def records(self, like: Array) -> bool:
        """Whether a step with arrays such as this one can be recorded, with what is exchanged in
        it. All ranks ask at once."""
        return True

    def told(self, value: Value) -> list[Value]:
        """What each rank says here."""
        return [value]

    def meet(self) -> None:
        """Wait until all are here."""

    def numbers(self, own: int) -> list[int]:
        """The whole number that each rank says here."""
        return [own]

    def any(self, flag: bool) -> bool:
        """Whether some rank says yes."""
        return any(self.numbers(int(flag)))

    def __deepcopy__(self, memo: dict) -> Alone:
        return self

    def __reduce__(self) -> tuple:
        return world, ()


class Ranks(Alone):
    """The ranks of an MPI communicator. Where each has a device of its own, arrays go from device
    to device, else through host memory (wires.py). Those of one machine share its cores, each with
    threads for its part."""

    def __init__(self, comm: Any):
        self.comm, self.rank, self.size = comm, comm.rank, comm.size
        here = comm.Split_type(mpi().COMM_TYPE_SHARED)
        self.host = Host(comm, 1000 if here.size <= cores() else 100)
        self.direct: Host | Devices | None = None  # what carries a device's arrays, once asked
        os.environ.setdefault("MINIGAN_NUM_THREADS", str(max(1, cores() // here.size)))
        here.Free()

    def wire(self, like: Array) -> Host | Devices:
        """What carries such arrays. All ranks ask at once."""
        if backend.is_host(like):
            return self.host
        if self.direct is None:
            found, why = direct(self.comm, like)
            if found is None and self.rank == 0:
                warnings.warn("what the ranks add up goes through host memory, and no step is "
                              f"captured: each needs a GPU of its own, and NCCL; {why}",
                              stacklevel=2)
            self.direct = found or self.host
        return self.direct

    def records(self, like):
        return backend.is_host(like) or self.wire(like).recorded

    def _all(self, parts, count):
        wire = self.wire(parts[0])
        own = _stacked([wire.taken(part) for part in parts])
        out = array_module(own).empty((count, *own.shape[1:]), own.dtype)
        each = own.size // len(own)
        wire.gather(own, out, [len(block(count, rank, self.size)) * each
                               for rank in range(self.size)])
        return [wire.given(row, parts[0]) for row in out]

    def _total(self, parts, count):
        blocks = [block(count, rank, self.size) for rank in range(self.size)]
        nodes = [whole_nodes((0, count), own) for own in blocks]
        like = parts[0][0]
        wire, first = self.wire(like), blocks[self.rank].start
        own = _stacked([wire.taken(summed((a, b), parts[a - first:b - first], a))
                        for a, b in nodes[self.rank]])
        add = self._in_pieces if own.nbytes // len(own) >= LONG else self._by_all
        return wire.given(add(wire, own, nodes, (0, count)), like)

    def _by_all(self, wire: Any, own: Array, nodes: list[list], top: Node) -> Array:
        """Each rank gets all nodes, and adds them."""
        rows, each = [len(of) for of in nodes], own.shape[1]
        out = array_module(own).empty((sum(rows), each), own.dtype)
        wire.gather(own, out, [n * each for n in rows])
        return added(top, dict(zip([node for of in nodes for node in of], out)))

    def _in_pieces(self, wire: Any, own: Array, nodes: list[list], top: Node) -> Array:
        """Each rank gets a piece of all nodes, adds it, and sends it to all: of what arrives at a
        rank, and what leaves it, this is the least that there can be."""
        xp, size = array_module(own), own.shape[1]
        cuts = [rank * size // self.size for rank in range(self.size + 1)]
        widths = [b - a for a, b in zip(cuts, cuts[1:])]
        sent = own if len(own) == 1 else joined([own[:, a:b] for a, b in zip(cuts, cuts[1:])])
        here, rows = widths[self.rank], [len(of) for of in nodes]
        pieces = xp.empty((sum(rows), here), own.dtype)
        wire.swap(sent, [n * len(own) for n in widths], pieces, [here * n for n in rows])
        piece = added(top, dict(zip([node for of in nodes for node in of], pieces)))
        out = xp.empty(size, own.dtype)
        wire.gather(piece, out, widths)
        return out

    def told(self, value):
        self.meet()
        return self.comm.allgather(value)

    def meet(self):
        self.host.meet()

    def numbers(self, own):
        out = np.empty(self.size, np.int64)
        self.host.gather(np.array([own]), out, [1] * self.size)
        return out.tolist()


def _stacked(arrays: list[Array]) -> Array:
    """As rows of one array; of a single one that takes no copy."""
    if len(arrays) == 1:
        return array_module(arrays[0]).ascontiguousarray(arrays[0]).reshape(1, *arrays[0].shape)
    return joined(arrays).reshape(len(arrays), *arrays[0].shape)


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
