"""The GPU's suite: `pytest -m gpu` runs it on CuPy's first device.

An ordinary run leaves the GPU alone: there the strict stand-in takes its place in the same tests,
with fewer steps, so that what tests the GPU is itself tested.
"""
from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import minigan as mg
from minigan import backend
from tests.strict import STRICT

sys.path.insert(0, str(Path(__file__).parents[1] / "ops"))  # engine.py: derivatives of a case


class Device(NamedTuple):
    """The backend under test, chosen with `use()`."""

    name: str

    @property
    def is_gpu(self) -> bool:
        return self.name == "cupy"

    @property
    def is_cpu(self) -> bool:
        """Whether the CPU computes: on the stand-in, or on CuPy with --cuda-on-cpu."""
        if not self.is_gpu:
            return True
        import cupy

        return cupy.cuda.runtime.getDeviceProperties(0)["name"].startswith(b"CPU")

    def steps(self, on_gpu: int, on_stand_in: int) -> int:
        return on_gpu if self.is_gpu else on_stand_in

    def use(self) -> None:
        mg.use(self.name)


@pytest.fixture(params=["strict", pytest.param("cupy", marks=pytest.mark.gpu)])
def device(request, restored_backends):
    """The device under test, registered and not yet chosen."""
    if request.param == "strict":
        backend.register(STRICT)
    return Device(request.param)
