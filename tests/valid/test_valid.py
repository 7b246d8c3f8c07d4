"""The command that checks random right functions."""
from __future__ import annotations

import pytest

from . import libraries
from .__main__ import main


def test_random_valid_checks_raise_no_alarm(capsys):
    assert main(["--count", "8"]) == 0
    assert main(["--count", "3", "--float32"]) == 0
    assert "8 valid checks, 0 alarms" in capsys.readouterr().out


@pytest.mark.parametrize("library", libraries.LIBRARIES)
def test_right_functions_of_other_libraries_raise_no_alarm(library):
    pytest.importorskip(library)
    assert main(["--library", library, "--count", "20"]) == 0
