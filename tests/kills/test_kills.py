"""A few kills; `python -m tests.kills` makes hundreds."""
from __future__ import annotations

import sys

import pytest

from minigan.gan import Run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what a process used is told there")


def test_runs_that_are_killed_and_resumed_end_with_the_bits_of_one_that_was_left_alone(monkeypatch):
    monkeypatch.setattr(Run, "save_losses", lambda run: None)  # it takes longer than all else
    from tests.kills import kill

    found = kill("penalty", 5)
    assert not found.broken and found.kills >= 5 and found.runs >= 2
