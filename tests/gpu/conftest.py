"""The GPU's suite: `pytest -m gpu` runs it on CuPy's first device.

An ordinary run leaves the GPU alone: there the strict stand-in takes its place in the same tests,
with fewer steps, so that what tests the GPU is itself tested.
"""
from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from strict import STRICT

import minigan as mg
from minigan import backend
from minigan.backend import BackendError

sys.path.insert(0, str(Path(__file__).parents[1] / "ops"))  # engine.py: derivatives of a case

_no_gpu = {"reason": "", "count": 0}


class Device(NamedTuple):
    """The backend under test, chosen with `use()`."""

    name: str

    @property
    def is_gpu(self) -> bool:
        return self.name == "cupy"

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


def why_none():
    """Why no GPU can be tested, "" if one can."""
    try:
        backend.get("cupy")
    except BackendError as error:
        return str(error)
    return ""


@pytest.hookimpl(trylast=True)  # after the test's own marks, before -m
def pytest_collection_modifyitems(config, items):
    on_gpu = [item for item in items if item.get_closest_marker("gpu")]
    if "gpu" not in config.option.markexpr:  # an ordinary run
        items[:] = [item for item in items if item not in on_gpu]
        config.hook.pytest_deselected(items=on_gpu)
    elif on_gpu and (reason := why_none()):
        _no_gpu.update(reason=reason, count=len(on_gpu))
        for item in on_gpu:
            item.add_marker(pytest.mark.skip(reason=reason))


def pytest_terminal_summary(terminalreporter):
    if _no_gpu["count"]:
        terminalreporter.write_line(
            f"no GPU: {_no_gpu['count']} tests skipped, for {_no_gpu['reason']}")
