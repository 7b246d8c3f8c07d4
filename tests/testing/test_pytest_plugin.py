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


@pytest.fixture
def run(tmp_path):
    """Write a test file, run pytest on it: the exit status and all output."""
    def run(text, *options, **environment):
        (tmp_path / "pytest.ini").write_text("[pytest]\n")
        (tmp_path / "test_it.py").write_text(SQUARE + text)
        env = {name: value for name, value in os.environ.items()
               if name != "CI" and not name.startswith("PYTEST_")}
        done = subprocess.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options],
                              cwd=tmp_path, env=env | environment, capture_output=True, text=True,
                              timeout=300)
        return done.returncode, done.stdout + done.stderr
    return run


def test_every_project_has_the_fixture_and_the_seed_is_0(run):
    status, output = run("def test_square(check_grads):\n"
                         "    assert check_grads(lambda x: Square()(x), x).seed == 0\n")
    assert status == 0, output
    assert "gradients are checked with seed" not in output


def test_the_seed_comes_from_the_command_line_unless_a_test_gives_its_own(run):
    status, output = run("def test_square(check_grads):\n"
                         "    assert check_grads(lambda x: Square()(x), x).seed == 7\n"
                         "    assert check_grads(lambda x: Square()(x), x, seed=3).seed == 3\n",
                         "--grad-seed", "7")
    assert status == 0, output
    assert "minigan: gradients are checked with seed 7" in output


def test_the_seed_reaches_what_gradtest_made_unless_that_has_its_own(run):
    status, output = run("def test_square(): assert test_square.grad_seed == 7\n"
                         "test_square.grad_seed = None\n"
                         "def test_own(): assert test_own.grad_seed == 3\n"
                         "test_own.grad_seed = 3\n", "--grad-seed=7")
    assert status == 0, output


@pytest.mark.parametrize("seed", ["-1", "seven", "0.5"])
def test_an_impossible_seed_is_refused(run, seed):
    status, output = run("", f"--grad-seed={seed}")
    assert status == pytest.ExitCode.USAGE_ERROR
    assert f"expected a whole number of at least 0, got '{seed}'" in output


def test_a_wrong_gradient_shows_its_message_and_no_line_of_the_kit(run):
    status, output = run("def test_square(check_grads):\n"
                         "    Square.factor = 1\n"
                         "    check_grads(lambda x: Square()(x), x)\n")
    assert status == pytest.ExitCode.TESTS_FAILED
    assert ">       check_grads(lambda x: Square()(x), x)" in output
    assert "wrong at first order" in output and "ratio 0.5" in output
    assert "def " not in output.split(">       check_grads(lambda x: Square()(x), x)")[1], output


def test_an_error_of_the_function_itself_keeps_its_traceback(run):
    status, output = run("def broken(x): raise ValueError('no such thing')\n"
                         "def test_broken(check_grads): check_grads(broken, x)\n")
    assert status == pytest.ExitCode.TESTS_FAILED
    assert "def broken(x): raise ValueError('no such thing')" in output


def test_hypothesis_is_not_imported_for_tests_that_do_not_use_it(run):
    status, output = run("import sys\n"
                         "def test_square(check_grads):\n"
                         "    check_grads(lambda x: Square()(x), x)\n"
                         "    assert 'hypothesis' not in sys.modules\n",
                         "-p", "minigan", "--grad-seed=1", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    assert status == 0, output


@pytest.mark.parametrize("environment", [{}, {"CI": "1"}])
def test_hypothesis_finds_the_profile_which_repeats_itself_in_ci(run, environment):
    pytest.importorskip("hypothesis")
    status, output = run("from hypothesis import settings\n"
                         "def test_profile():\n"
                         "    assert settings.get_current_profile_name() == 'minigan'\n"
                         "    assert settings.default.deadline is None\n"
                         f"    assert settings.default.derandomize is {bool(environment)}\n",
                         "--hypothesis-profile=minigan", **environment)
    assert status == 0, output


def test_the_fixture_may_be_used_with_given(run):
    pytest.importorskip("hypothesis")
    status, output = run("from hypothesis import given, strategies\n"
                         "@given(n=strategies.integers(1, 3))\n"
                         "def test_square(check_grads, n):\n"
                         "    check_grads(lambda x: Square()(x), x[:n])\n",
                         "--hypothesis-profile=minigan")
    assert status == 0, output
