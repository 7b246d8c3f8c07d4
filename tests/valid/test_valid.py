"""The command that checks random right functions."""
from __future__ import annotations

import numpy as np
import pytest

from minigan import ops

from . import libraries
from .__main__ import main, valid


def test_random_valid_checks_raise_no_alarm(capsys):
    assert main(["--count", "8"]) == 0
    assert main(["--count", "3", "--float32"]) == 0
    assert "8 valid checks, 0 alarms" in capsys.readouterr().out


@pytest.mark.parametrize("library", libraries.LIBRARIES)
def test_right_functions_of_other_libraries_raise_no_alarm(library):
    pytest.importorskip(library)
    assert main(["--library", library, "--count", "20"]) == 0


def test_a_check_is_valid_whose_gradient_is_one_of_those_around():
    assert not valid(lambda x: ops.maximum(x, 0).min(), [np.array([-1.0, 0, 0])])  # it is 0 there
    assert valid(lambda x: x.max(), [np.zeros(5)])  # a fifth each, by the rule for ties
    assert valid(lambda x: ops.abs(x).sum(), [np.zeros(3)])
    assert not valid(lambda x: (ops.abs(x) ** 2).sum(), [np.zeros(3)])
