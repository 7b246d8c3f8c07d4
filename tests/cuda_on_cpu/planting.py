"""`python -m tests.cuda_on_cpu.planting`: plant the errors of planted.py, one after another, and
see whether the GPU's tests find them on the CPU. Numbers after it choose errors.

Each is planted in a fork of this process, which has loaded CuPy already and no part of minigan: it
reads the changed text in place of the file. A test that fails has found it.
"""
from __future__ import annotations

import os
import sys
import tempfile
import time
from importlib.machinery import SourceFileLoader
from importlib.util import cache_from_source
from pathlib import Path

from . import load
from .planted import PLANTED

ROOT = Path(__file__).parents[2]
PROCESSES = os.cpu_count() or 1
# the tests that find most, and soonest, first
ROUNDS = [["tests/backend/test_cuda_kernels.py"],
          ["tests/gpu/test_gpu_training.py", "-k", "(repla or follows or recorded) and not dense"],
          ["tests/gpu/test_gpu_parity.py", "tests/gpu/test_gpu_moves.py"]]


def mistaken(file: str, old: str, new: str) -> bytes:
    text = (ROOT / file).read_text(encoding="utf-8")
    if text.count(old) != 1:
        raise ValueError(f"{file} has {old!r} {text.count(old)} times: it must be there once")
    return text.replace(old, new).encode()


def plant(file: str, text: bytes) -> None:
    """Let the importer read the text in place of the file, and of what is kept of it compiled."""
    path, get_data = str(ROOT / file), SourceFileLoader.get_data
    compiled = cache_from_source(path)

    def changed(self: SourceFileLoader, name: str) -> bytes:
        if name == compiled:
            raise OSError
        return text if name == path else get_data(self, name)

    SourceFileLoader.get_data = changed
    sys.dont_write_bytecode = True


class Plugin:
    """For pytest: the first test that fails, of which Hypothesis seeks no simpler example."""

    found = ""

    def pytest_configure(self) -> None:
        from hypothesis import Phase, settings

        settings.register_profile("planted", settings.get_profile("minigan"),
                                  phases=(Phase.explicit, Phase.generate))
        settings.load_profile("planted")

    def pytest_runtest_logreport(self, report) -> None:
        if report.failed and not self.found:
            self.found = report.nodeid

    def pytest_collectreport(self, report) -> None:
        if report.failed and not self.found:
            self.found = report.nodeid


def search(number: int) -> None:
    """The work of a fork: the name of the test that found it is the output's last line."""
    import pytest

    file, old, new = PLANTED[number]
    plant(file, mistaken(file, old, new))
    plugin = Plugin()
    for words in ROUNDS:
        pytest.main(["-q", "-x", "-m", "gpu", "--cuda-on-cpu", "--tb=line", "--assert=plain", "-p",
                     "no:cacheprovider", "-p", "no:faulthandler", *words], plugins=[plugin])
        if plugin.found:
            break
    print(f"\n{plugin.found}")


def forked(number: int) -> tuple[int, Path]:
    """The process that searches, and the file of its output."""
    log = Path(tempfile.gettempdir()) / f"planted-{os.getpid()}-{number}.log"
    process = os.fork()
    if not process:
        status = 1
        try:
            with log.open("w") as file:
                os.dup2(file.fileno(), 1)
                os.dup2(file.fileno(), 2)
            sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)
            search(number)
            status = 0
        finally:
            sys.stdout.flush()
            os._exit(status)
    return process, log


def main(numbers: list[int]) -> int:
    load.start()
    import cupy

    cupy.arange(2)  # every fork would do it
    waiting, running, survived = list(numbers), {}, []
    while waiting or running:
        while waiting and len(running) < PROCESSES:
            number = waiting.pop(0)
            process, log = forked(number)
            running[process] = number, log, time.time()
        process, status = os.wait()
        number, log, began = running.pop(process)
        found = (f"ended with status {status}" if status
                 else log.read_text(errors="replace").removesuffix("\n").rpartition("\n")[2])
        log.unlink()
        file, old, new = PLANTED[number]
        if not found.strip():
            survived.append(number)
            found = f"SURVIVED: {old} -> {new}"
        print(f"{number} {Path(file).name} {time.time() - began:.0f} s {found}", flush=True)
    print(f"{len(numbers) - len(survived)} of {len(numbers)} found; not found: {sorted(survived)}")
    return bool(survived)


if __name__ == "__main__":
    sys.exit(main([int(word) for word in sys.argv[1:]] or list(range(len(PLANTED)))))
