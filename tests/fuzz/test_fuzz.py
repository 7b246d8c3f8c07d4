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

    all_found = {kind: fuzz(kind, 30) for kind in KINDS}
    assert not {kind: found.broken for kind, found in all_found.items() if found.broken}
    assert sum(found.read for found in all_found.values()) > 90
    assert sum(found.refused for found in all_found.values()) > 180
