"""The command that checks random right functions."""
from __future__ import annotations

from .__main__ import main


def test_random_valid_checks_raise_no_alarm(capsys):
    assert main(["--count", "15"]) == 0
    assert main(["--count", "5", "--float32"]) == 0
    assert "15 valid checks, 0 alarms" in capsys.readouterr().out
