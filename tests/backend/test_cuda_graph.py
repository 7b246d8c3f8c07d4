"""What the recording of a CUDA graph does around the step, on a CuPy that records nothing."""
from __future__ import annotations

import sys
from contextlib import nullcontext
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

import minigan as mg
from minigan.backend import BackendError
from minigan.backend.cuda import graph

# as CuPy's compiled code: its frames name a file that is not there
IN_CUPY = {"__name__": "cupy.cuda.memory"}
exec(compile("def refuse(error):\n    raise error", "cupy/cuda/memory.pyx", "exec"), IN_CUPY)


class DeviceError(Exception):
    __module__ = "cupy_backends.cuda.api.runtime"


class Stream:
    """Notes what is asked of it."""

    done: list[str] = []

    def __init__(self, non_blocking=False):
        self.done.clear()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def synchronize(self):
        self.done.append("synchronised")

    def begin_capture(self):
        self.done.append("begun")

    def end_capture(self):
        self.done.append("ended")
        return SimpleNamespace(launch=lambda stream: self.done.append("launched"))


@pytest.fixture
def cupy(monkeypatch):
    """A module `cupy` that can record, and no cuBLAS to record with."""
    fake = SimpleNamespace(cuda=SimpleNamespace(
        MemoryPool=lambda: SimpleNamespace(malloc=None), Stream=Stream,
        get_current_stream=Stream, using_allocator=lambda malloc: nullcontext()))
    monkeypatch.setitem(sys.modules, "cupy", fake)
    monkeypatch.setitem(sys.modules, "nvmath", None)
    monkeypatch.setitem(sys.modules, "nvmath.bindings", None)
    graph._cublas.cache_clear()


def recorded(step):
    """graph.capture of a step that takes nothing and leaves nothing."""
    value, _, replay = graph.capture(lambda arrays: (step(), []), [])
    return value, replay


def failing(error, inside=lambda error: IN_CUPY["refuse"](error)):
    def step():
        return inside(error)
    return step


def test_what_is_recorded_is_launched_once_and_again_at_each_replay(cupy):
    result, replay = recorded(lambda: 5)
    assert result == 5 and Stream.done == ["launched"]  # asking for a stream forgets the rest
    replay()
    assert Stream.done == ["launched"]


def test_what_the_library_refuses_names_the_users_line_and_not_its_own(cupy):
    with pytest.raises(BackendError) as error:
        recorded(failing(RuntimeError("D2H transfers are disallowed\nand more")))
    message = str(error.value)
    assert message.startswith("D2H transfers are disallowed (by ") and "\n" not in message
    assert "test_cuda_graph.py:" in message and "memory.pyx" not in message
    assert message.endswith("or call what CUDA cannot record") and Stream.done[-1] == "ended"


def test_the_line_of_minigan_stands_before_the_users(cupy):
    class Reads(mg.Function):
        def forward(self, x):
            return IN_CUPY["refuse"](RuntimeError("refused"))

    t = mg.tensor(np.ones(1))
    t._data = SimpleNamespace(size=1, item=partial(IN_CUPY["refuse"], RuntimeError("refused")))
    with pytest.raises(BackendError, match=r"by \S*autodiff.py:\d+ < \S*test_cuda_graph.py:\d+\)"):
        recorded(lambda: t.item())
    with pytest.raises(BackendError, match=r"\(by \S*test_cuda_graph.py:\d+\)"):
        recorded(lambda: Reads()(mg.tensor(1.0)))


def test_a_long_way_through_minigan_is_shortened(cupy):
    namespace = {"__name__": "minigan.nn", "IN_CUPY": IN_CUPY}
    source = ("def deep(error, depth=9):\n"
              "    return IN_CUPY['refuse'](error) if depth == 0 else deep(error, depth - 1)")
    exec(compile(source, "deep.py", "exec"), namespace)
    with pytest.raises(BackendError, match=r"by (deep.py:2 < ){3}… < \S*test_cuda_graph.py:\d+\)"):
        recorded(failing(RuntimeError("refused"), namespace["deep"]))


@pytest.mark.parametrize("kind", [ValueError, RuntimeError, KeyboardInterrupt])
def test_a_users_error_stays_as_it_is_and_the_recording_is_ended(kind, cupy):
    error = kind("own")

    def step():
        raise error

    with pytest.raises(type(error)) as raised:
        recorded(step)
    assert raised.value is error and Stream.done[-1] == "ended"


@pytest.mark.parametrize("error, refused", [
    (DeviceError("of the driver's"), True),
    (RuntimeError("transfers are disallowed"), True),
    (NotImplementedError("cuBLAS"), True),
    (ValueError("shapes do not match"), False),  # a mistake, in every call
    (TypeError("unsupported type"), False),
])
def test_errors_of_the_library_are_told_from_mistakes(error, refused, cupy):
    with pytest.raises(BackendError if refused else type(error)):
        recorded(failing(error))


def test_a_driver_error_counts_wherever_it_is_raised(cupy):
    def step():
        raise DeviceError("launch failed")

    with pytest.raises(BackendError, match="launch failed"):
        recorded(step)


def test_without_nvmath_a_step_without_products_can_be_recorded(cupy):
    assert recorded(lambda: 1)[0] == 1
    with pytest.raises(BackendError, match="need nvmath-python.*pip install nvmath-python"):
        graph._cublas()
