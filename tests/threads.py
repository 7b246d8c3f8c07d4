"""Ranks that are threads of one process, and the NCCL and MPI by which they talk.

Each thread stands for a process that has a device of its own, the strict stand-in for CuPy.
"""
from __future__ import annotations

import threading
from queue import Queue
from types import SimpleNamespace
from typing import Any, Callable

import numpy as np

from minigan.errors import UserError
from minigan.ranks import Ranks
from tests.strict import device

PATIENCE = 60  # seconds, after which a rank takes the others for dead


class Crew:
    """So many threads. `devices` is how many devices they have, `captured` how often something was
    sent while a step was recorded."""

    def __init__(self, size: int, devices: int | None = None):
        self.size, self.devices, self.captured = size, devices or size, 0
        self.here = threading.local()
        self.board: list[Any] = [None] * size
        self.barrier = threading.Barrier(size, timeout=PATIENCE)
        self.letters = {(a, b): Queue() for a in range(size) for b in range(size)}

    def run(self, function: Callable[[Ranks], Any]) -> list[Any]:
        """What function(its ranks) returns in each thread, or raises."""
        results: list[Any] = [None] * self.size

        def work(rank: int) -> None:
            self.here.rank = rank
            try:
                results[rank] = function(Ranks(Comm(self, rank)))
            except Exception as error:
                results[rank] = error
                if not isinstance(error, UserError):  # which all of them get
                    self.barrier.abort()

        threads = [threading.Thread(target=work, args=(rank,)) for rank in range(self.size)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results

    def told(self, rank: int, value: Any) -> list[Any]:
        self.board[rank] = value
        self.barrier.wait()
        values = [*self.board]
        self.barrier.wait()
        return values

    @property
    def cuda(self) -> SimpleNamespace:
        """What is asked of cupy.cuda."""
        return SimpleNamespace(
            Device=lambda: SimpleNamespace(pci_bus_id=f"00:{self.here.rank % self.devices}"),
            get_current_stream=lambda: SimpleNamespace(ptr=7), nccl=Nccl(self))


class Comm:
    """What is asked of an MPI communicator."""

    def __init__(self, crew: Crew, rank: int):
        self.crew, self.rank, self.size = crew, rank, crew.size

    def Split_type(self, kind: int) -> Any:
        return SimpleNamespace(size=self.size, Free=lambda: None)

    def allgather(self, value: Any) -> list[Any]:
        return self.crew.told(self.rank, value)

    def bcast(self, value: Any) -> Any:
        return self.allgather(value)[0]

    def Ibarrier(self) -> Any:
        return SimpleNamespace(Test=lambda: True)

    def Iallgatherv(self, sent: list, got: list) -> Any:
        got[0][...] = np.concatenate(self.allgather(sent[0].copy()))
        return SimpleNamespace(Test=lambda: True)

    def Ialltoallv(self, sent: list, got: list) -> Any:
        counts, starts = sent[1]
        parts = [sent[0][a:a + n].copy() for n, a in zip(counts, starts)]
        got[0][...] = np.concatenate([all_[self.rank] for all_ in self.allgather(parts)])
        return SimpleNamespace(Test=lambda: True)


class Nccl:
    """What is asked of cupy.cuda.nccl: it is told addresses and sizes in bytes. What is sent within
    a group arrives at its end, in the order of the stream, and again in each replay of a step.
    """

    available, NCCL_UINT8 = True, 1

    def __init__(self, crew: Crew):
        self.crew = crew

    def get_unique_id(self) -> bytes:
        return bytes(128)

    def NcclCommunicator(self, size: int, key: bytes, rank: int) -> Any:
        assert (size, key, rank) == (self.crew.size, bytes(128), self.crew.here.rank)
        return SimpleNamespace(send=self._to("sent"), recv=self._to("got"))

    def _to(self, name: str) -> Callable:
        def move(address: int, count: int, kind: int, peer: int, stream: int) -> None:
            host = device.at(address)
            assert host.flags.c_contiguous and host.nbytes == count
            assert (kind, stream) == (self.NCCL_UINT8, 7) and peer != self.crew.here.rank
            getattr(self.crew.here, name).append((peer, host))
        return move

    def groupStart(self) -> None:
        self.crew.here.sent, self.crew.here.got = [], []

    def groupEnd(self) -> None:
        rank, sent, got = (getattr(self.crew.here, name) for name in ("rank", "sent", "got"))

        def exchange() -> None:
            for peer, host in sent:
                self.crew.letters[rank, peer].put(host.tobytes())
            for peer, host in got:
                letter = self.crew.letters[peer, rank].get(timeout=PATIENCE)
                host.reshape(-1).view(np.uint8)[...] = np.frombuffer(letter, np.uint8)

        self.crew.captured += device.is_recording()
        device.run("nccl", exchange)
