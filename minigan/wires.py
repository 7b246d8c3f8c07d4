"""By which arrays go from rank to rank: MPI through host memory, NCCL from device to device."""
from __future__ import annotations

import platform
import time
from itertools import accumulate
from typing import Any, Sequence

import numpy as np

from .backend import Array, array_module, is_host, of, to_device, to_numpy


class Host:
    """By MPI, as bytes of host memory: MPI has no name for half precision.

    looks   how often a request is looked at before this rank sleeps a little
    """

    recorded = False  # whether what is exchanged from device to device is part of a captured step

    def __init__(self, comm: Any, looks: int):
        self.comm, self.looks = comm, looks

    def taken(self, array: Array) -> np.ndarray:
        return array if is_host(array) else to_numpy(array)

    def given(self, array: np.ndarray, like: Array) -> Array:
        return to_device(array, of(like).name)

    def gather(self, own: np.ndarray, out: np.ndarray, counts: Sequence[int]) -> None:
        """out becomes the ranks' arrays, of so many elements, one after the other."""
        self._done(self.comm.Iallgatherv([_bytes(own), own.nbytes, mpi().BYTE],
                                         _counted(out, counts)))

    def swap(self, sent: np.ndarray, to: Sequence[int], out: np.ndarray, counts: Sequence[int]
             ) -> None:
        """Each rank gets its part of what every rank sends, `to` elements of this one's."""
        self._done(self.comm.Ialltoallv(_counted(sent, to), _counted(out, counts)))

    def meet(self) -> None:
        """Wait for all. (MPI's own waiting takes a core, which the others may need.)"""
        self._done(self.comm.Ibarrier())

    def _done(self, request: Any) -> None:
        """Wait: at first for the answer alone, then asleep, a little longer each time, for whoever
        is to answer may need this core."""
        looks = 0
        while not request.Test():
            looks += 1
            if looks > self.looks:
                time.sleep(2e-5 * min(looks - self.looks, 50))


class Devices:
    """By NCCL, in the order of the stream that computes: Python does not wait, and a captured step
    contains it. NCCL connects ranks when they first talk, which no graph may contain: the steps
    before the captured one do so."""

    recorded = True

    def __init__(self, comm: Any, nccl: Any):
        key = comm.bcast(nccl.get_unique_id() if comm.rank == 0 else None)
        self.nccl, self.rank = nccl, comm.rank
        self.comm = nccl.NcclCommunicator(comm.size, key, comm.rank)

    def taken(self, array: Array) -> Array:
        return array

    def given(self, array: Array, like: Array) -> Array:
        return array

    def gather(self, own: Array, out: Array, counts: Sequence[int]) -> None:
        self._exchange([own.reshape(-1)] * len(counts), _cut(out, counts))

    def swap(self, sent: Array, to: Sequence[int], out: Array, counts: Sequence[int]) -> None:
        self._exchange(_cut(sent, to), _cut(out, counts))

    def _exchange(self, sent: list[Array], got: list[Array]) -> None:
        """To each rank an array, and from each one."""
        got[self.rank][...] = sent[self.rank]
        stream = array_module(got[0]).cuda.get_current_stream().ptr
        self.nccl.groupStart()
        for rank in range(len(sent)):
            for move, array in ((self.comm.send, sent[rank]), (self.comm.recv, got[rank])):
                if rank != self.rank and array.size:
                    move(array.data.ptr, array.nbytes, self.nccl.NCCL_UINT8, rank, stream)
        self.nccl.groupEnd()


def direct(comm: Any, like: Array) -> tuple[Devices | None, str]:
    """What carries arrays such as this one from device to device; or None, and why nothing does.
    All ranks ask at once."""
    cuda = getattr(array_module(like), "cuda", None)
    nccl = getattr(cuda, "nccl", None)
    has = bool(getattr(nccl, "available", False))
    where = comm.allgather(has and (platform.node(), cuda.Device().pci_bus_id))
    if not all(where):
        return None, "CuPy finds no NCCL (pip install nvidia-nccl-cu12, or -cu13)"
    if len({*where}) < comm.size:
        return None, f"{comm.size} ranks share {len({*where})} of them"
    return Devices(comm, nccl), ""


def _cut(array: Array, counts: Sequence[int]) -> list[Array]:
    """Its parts, of so many elements."""
    flat = array.reshape(-1)
    return [flat[stop - n:stop] for n, stop in zip(counts, accumulate(counts))]


def mpi() -> Any:
    from mpi4py import MPI

    return MPI


def _bytes(array: np.ndarray) -> np.ndarray:
    return array.reshape(-1).view(np.uint8)


def _counted(array: np.ndarray, elements: Sequence[int]) -> list:
    """An array as a vector operation of MPI's takes it, with how many elements go to, or come from,
    each rank, one after the other."""
    counts = [n * array.itemsize for n in elements]
    return [_bytes(array), (counts, [0, *accumulate(counts[:-1])]), mpi().BYTE]
