"""What needs processes that talk by MPI; skipped, with the reason, where there is no MPI."""
from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

MPIEXEC = shutil.which("mpiexec", path=f"{Path(sys.executable).parent}{os.pathsep}"
                                       f"{os.environ.get('PATH', '')}")


def without_mpi() -> str:
    """Why there is no MPI here; "" if there is."""
    if importlib.util.find_spec("mpi4py") is None:
        return "mpi4py is not installed: pip install 'minigan[mpi]'"
    return "" if MPIEXEC else "there is no mpiexec: pip install 'minigan[mpi]'"


def environment() -> dict[str, str]:
    """One thread a rank, and no question of a GPU."""
    return {**os.environ, "OPENBLAS_NUM_THREADS": "1", "MINIGAN_NUM_THREADS": "1",
            "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}


def start(ranks: int, *words: object) -> subprocess.Popen:
    """A Python of so many ranks, with these arguments."""
    return start_each([words] * ranks)


def start_each(ranks: list[tuple]) -> subprocess.Popen:
    """The same, each rank with arguments of its own."""
    command = [MPIEXEC]
    for i, words in enumerate(ranks):
        command += [":"] * (i > 0) + ["-n", "1", sys.executable, *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env=environment(), stdin=subprocess.DEVNULL, start_new_session=True)


def ended(process: subprocess.Popen, seconds: float = 120) -> tuple[int, str, str]:
    """Its status, and what it said, on both."""
    out, err = process.communicate(timeout=seconds)
    return process.returncode, out, err
