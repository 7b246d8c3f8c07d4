"""The pytest plugin in projects of others: each test runs pytest in a fresh folder."""
from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points

import pytest

pytestmark = pytest.mark.skipif(
    "minigan" not in entry_points(group="pytest11").names,
    reason="the installed minigan is none with the plugin: pip install -e . again")

SQUARE = """
import numpy as np
from minigan.autodiff import Function

class Square(Function):
    factor = 2
    def forward(self, x): return x ** 2
    def backward(self, grad): return self.factor * grad * self.inputs[0]

x = np.array([0.5, -1.5, 2.0])
"""


def run(folder, text, *options, **environment):
    """Write a test file, run pytest on it: the exit status and all output."""
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_it.py").write_text(SQUARE + text)
    env = {name: value for name, value in os.environ.items()
           if name != "CI" and not name.startswith("PYTEST_")}
    done = subprocess.run([sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider",
                           *options], cwd=folder, env=env | environment, capture_output=True,
                          text=True, timeout=300)
    return done.returncode, done.stdout + done.stderr


# Without options

@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """What pytest says of a few tests without any option."""
    return run(tmp_path_factory.mktemp("plain"), """
def test_seed(check_grads):
    assert check_grads(lambda x: Square()(x), x).seed == 0

def test_wrong(check_grads):
    Square.factor = 1
    check_grads(lambda x: Square()(x), x)

def broken(x): raise ValueError('no such thing')
def test_broken(check_grads): check_grads(broken, x)
""")


def test_every_project_has_the_fixture_and_the_seed_is_0(plain):
    status, output = plain
    assert status == pytest.ExitCode.TESTS_FAILED and "2 failed, 1 passed" in output
    assert "test_seed PASSED" in output and "gradients are checked with seed" not in output


def test_a_wrong_gradient_shows_its_message_and_no_line_of_the_kit(plain):
    shown = plain[1].split("__ test_wrong __")[1].split("__ test_broken __")[0]
    assert "wrong at first order" in shown and "ratio 0.5" in shown
    assert "def " not in shown.split(">       check_grads(lambda x: Square()(x), x)")[1], shown


def test_an_error_of_the_function_itself_keeps_its_traceback(plain):
    assert "def broken(x): raise ValueError('no such thing')" in plain[1]


def test_hypothesis_is_not_imported_for_tests_that_do_not_use_it(tmp_path):
    status, output = run(tmp_path, "import sys\n"
                         "def test_square(check_grads):\n"
                         "    check_grads(lambda x: Square()(x), x)\n"
                         "    assert 'hypothesis' not in sys.modules\n",
                         "-p", "minigan", "--grad-seed=1", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    assert status == 0, output


# With them

@pytest.fixture(scope="module")
def seeded(tmp_path_factory):
    """What pytest says of a few tests with a seed and Hypothesis's profile."""
    pytest.importorskip("hypothesis")
    return run(tmp_path_factory.mktemp("seeded"), """
from hypothesis import given, settings, strategies

def test_seed(check_grads):
    assert check_grads(lambda x: Square()(x), x).seed == 7
    assert check_grads(lambda x: Square()(x), x, seed=3).seed == 3

def test_open(): assert test_open.grad_seed == 7
test_open.grad_seed = None
def test_own(): assert test_own.grad_seed == 3
test_own.grad_seed = 3

def test_profile():
    assert settings.get_current_profile_name() == 'minigan'
    assert settings.default.deadline is None
    assert settings.default.derandomize is False

@given(n=strategies.integers(1, 3))
def test_given(check_grads, n):
    check_grads(lambda x: Square()(x), x[:n])
""", "--grad-seed", "7", "--hypothesis-profile=minigan")[1]


def test_the_seed_comes_from_the_command_line_unless_a_test_gives_its_own(seeded):
    assert "test_seed PASSED" in seeded, seeded
    assert "minigan: gradients are checked with seed 7" in seeded


def test_the_seed_reaches_what_gradtest_made_unless_that_has_its_own(seeded):
    assert "test_open PASSED" in seeded and "test_own PASSED" in seeded, seeded


def test_hypothesis_finds_the_profile_which_repeats_itself_in_ci(seeded):
    assert "test_profile PASSED" in seeded, seeded
    done = subprocess.run([sys.executable, "-c", "import minigan.testing.strategies, hypothesis\n"
                           "print(hypothesis.settings.get_profile('minigan').derandomize)"],
                          env=os.environ | {"CI": "1"}, capture_output=True, text=True)
    assert done.stdout == "True\n", done.stderr


def test_the_fixture_may_be_used_with_given(seeded):
    assert "test_given PASSED" in seeded, seeded


def test_an_impossible_seed_is_refused(tmp_path):
    status, output = run(tmp_path, "", "--grad-seed=seven")
    assert status == pytest.ExitCode.USAGE_ERROR
    assert "expected a whole number of at least 0, got 'seven'" in output
