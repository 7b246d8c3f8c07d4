"""Some damaged files of every kind; `python -m tests.fuzz` reads many."""
from __future__ import annotations

import sys
import threading

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is measured there")


def test_a_damaged_file_is_read_or_refused_in_a_sentence_within_bounds():
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("only the main thread hears that time is over")
    from tests.fuzz import fuzz
    from tests.fuzz.kinds import KINDS

    for kind in KINDS:
        found = fuzz(kind, 60)
        assert not found.broken, (kind, found.broken)
        assert found.read and (found.refused or kind == "metrics"), kind
