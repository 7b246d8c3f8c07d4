"""What every test shares: Hypothesis's settings, and the array libraries that tests run on.

The tests in ON_BOTH run twice, with NumPy and with the strict stand-in for CuPy as the default
backend: `[numpy]` and `[strict]` in their names. They read arrays with `.numpy()`. What can only
be about NumPy, or would take too long twice, is marked `numpy_only(reason)`.

What is marked `gpu` runs on CuPy's first device, and only with `pytest -m gpu`; where there is no
GPU it is skipped, and how many are and why is said at the end. With `--cuda-on-cpu` CuPy computes
on the CPU (tests/cuda_on_cpu), and what is in ON_BOTH runs on it too: `[cupy]`. What is marked
`browser` runs only with `pytest -m browser`.
"""
from __future__ import annotations

import gc
import signal
from math import isqrt
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from minigan import backend, failures
from minigan.backend import BackendError
from tests.cuda_on_cpu import load
from tests.kernel import Kernel
from tests.sharing import pytest_runtestloop  # noqa: F401 (a hook: half of the tests run beside)
from tests.strict import STRICT

settings.register_profile("minigan", deadline=None, derandomize=True, max_examples=12,
                          # the fixtures used with @given hold nothing that an example changes
                          suppress_health_check=[HealthCheck.function_scoped_fixture,
                                                 HealthCheck.too_slow])
settings.load_profile("minigan")

TESTS = Path(__file__).parent
ON_BOTH = {"nn", "gan", "ops", "test_autodiff.py", "test_functional.py", "test_graph.py",
           "test_losses.py", "test_optim.py", "test_stale_updates.py", "test_step_counts.py",
           "test_tensor.py", "test_training_tools.py"}

_no_gpu = {"reason": "", "count": 0}


def pytest_addoption(parser):
    parser.addoption("--write-op-table", action="store_true",
                     help="write docs/op_table.md from what tests/ops/test_table.py finds")
    parser.addoption("--cuda-on-cpu", action="store_true",
                     help="with -m gpu: CuPy computes on the CPU (tests/cuda_on_cpu)")


def pytest_configure(config):
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a script's `pytest &`
        signal.signal(signal.SIGINT, signal.default_int_handler)  # processes are sent Ctrl-C
    if config.option.cuda_on_cpu:
        try:
            load.start()
        except load.CannotBuild as error:
            _no_gpu["reason"] = str(error)
    gc.disable()  # what is collected are tests, of which none is garbage
    config.addinivalue_line("markers", "numpy_only(reason): not run on the strict stand-in")


def pytest_collection_finish():
    gc.enable()


def pytest_generate_tests(metafunc):
    path = Path(metafunc.module.__file__)
    if (path.is_relative_to(TESTS) and path.relative_to(TESTS).parts[0] in ON_BOTH
            and not metafunc.definition.get_closest_marker("gpu")):
        only = metafunc.definition.get_closest_marker("numpy_only")
        libraries = ["numpy"] if only else ["numpy", "strict"]
        if metafunc.config.option.cuda_on_cpu and not only:
            libraries.append(pytest.param("cupy", marks=pytest.mark.gpu))
        metafunc.parametrize("array_library", libraries, indirect=True)


def why_no_gpu():
    """Why no GPU can be tested, "" if one can."""
    if _no_gpu["reason"]:
        return _no_gpu["reason"]
    try:
        backend.get("cupy")
    except BackendError as error:
        return str(error)
    return ""


@pytest.hookimpl(trylast=True)  # after the test's own marks, before -m
def pytest_collection_modifyitems(config, items):
    for mark in ("gpu", "browser"):
        if mark not in config.option.markexpr:  # an ordinary run
            left = [item for item in items if item.get_closest_marker(mark)]
            items[:] = [item for item in items if item not in left]
            config.hook.pytest_deselected(items=left)
    on_gpu = [item for item in items if item.get_closest_marker("gpu")]
    if on_gpu and (reason := why_no_gpu()):
        _no_gpu.update(reason=reason, count=len(on_gpu))
        for item in on_gpu:
            item.add_marker(pytest.mark.skip(reason=reason))


def pytest_terminal_summary(terminalreporter):
    if _no_gpu["count"]:
        terminalreporter.write_line(
            f"no GPU: {_no_gpu['count']} tests skipped, for {_no_gpu['reason']}")


@pytest.fixture
def restored_backends():
    """Puts the known backends and the chosen one back."""
    chosen, tables = backend.current(), (backend._backends, backend._by_type, failures.LIBRARIES)
    copies = [table.copy() for table in tables]
    yield
    for table, before in zip(tables, copies):
        table.clear()
        table.update(before)
    backend._current = chosen


@pytest.fixture
def strict(restored_backends):
    """The strict stand-in for CuPy, registered; `mg.use("strict")` is left to the test."""
    backend.register(STRICT)
    return STRICT


@pytest.fixture
def kernel(monkeypatch):
    """The test runs in a notebook, which this stands for."""
    return Kernel(monkeypatch)


def fewer_examples(test, monkeypatch):
    """Let Hypothesis draw as many as the slow stand-in has time for: the root of what NumPy gets,
    and no fewer than 3, for the first one is all zeros and often empty."""
    name = "_hypothesis_internal_use_settings"  # where @settings leaves them for @given
    if (given := getattr(test, name, None)) is not None:
        count = min(given.max_examples, max(3, isqrt(given.max_examples)))
        monkeypatch.setattr(test, name, settings(given, max_examples=count))


@pytest.fixture(autouse=True)
def array_library(request):
    """The default backend of the test: "numpy", "strict" or "cupy"."""
    name = getattr(request, "param", "numpy")
    if name == "cupy":
        request.getfixturevalue("restored_backends")
        backend.use("cupy")
    if name == "strict":
        fewer_examples(request.function, request.getfixturevalue("monkeypatch"))
        request.getfixturevalue("strict")
        backend.use("strict")
    return name
