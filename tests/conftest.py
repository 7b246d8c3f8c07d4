"""What every test shares: Hypothesis's settings, and backends put back after use."""
from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from strict import STRICT

from minigan import backend

settings.register_profile("minigan", deadline=None, derandomize=True, max_examples=12,
                          # the fixtures used with @given hold nothing that an example changes
                          suppress_health_check=[HealthCheck.function_scoped_fixture,
                                                 HealthCheck.too_slow])
settings.load_profile("minigan")


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
