"""What every test shares: Hypothesis's settings, and the array libraries that tests run on.

The tests in ON_BOTH run twice, with NumPy and with the strict stand-in for CuPy as the default
backend: `[numpy]` and `[strict]` in their names. They read arrays with `.numpy()`. What can only
be about NumPy, or would take too long twice, is marked `numpy_only(reason)`.
"""
from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from strict import STRICT

from minigan import backend

settings.register_profile("minigan", deadline=None, derandomize=True, max_examples=12,
                          # the fixtures used with @given hold nothing that an example changes
                          suppress_health_check=[HealthCheck.function_scoped_fixture,
                                                 HealthCheck.too_slow])
settings.load_profile("minigan")

TESTS = Path(__file__).parent
ON_BOTH = {"nn", "gan", "test_autodiff.py", "test_functional.py", "test_graph.py",
           "test_losses.py", "test_optim.py", "test_stale_updates.py", "test_tensor.py",
           "test_training_tools.py"}


def pytest_configure(config):
    config.addinivalue_line("markers", "numpy_only(reason): not run on the strict stand-in")


def pytest_generate_tests(metafunc):
    path = Path(metafunc.module.__file__)
    if path.is_relative_to(TESTS) and path.relative_to(TESTS).parts[0] in ON_BOTH:
        metafunc.parametrize("array_library", ["numpy", "strict"], indirect=True)


@pytest.fixture
def restored_backends():
    """Puts the known backends and the chosen one back."""
    known, by_type, chosen = dict(backend._backends), dict(backend._by_type), backend.current()
    yield
    for table, before in ((backend._backends, known), (backend._by_type, by_type)):
        table.clear()
        table.update(before)
    backend._current = chosen


@pytest.fixture
def strict(restored_backends):
    """The strict stand-in for CuPy, registered; `mg.use("strict")` is left to the test."""
    backend.register(STRICT)
    return STRICT


@pytest.fixture(autouse=True)
def array_library(request):
    """The default backend of the test, "numpy" or "strict"."""
    name = getattr(request, "param", "numpy")
    if name == "strict":
        only = request.node.get_closest_marker("numpy_only")
        if only is not None:
            pytest.skip(only.args[0])
        request.getfixturevalue("strict")
        backend.use("strict")
    return name
