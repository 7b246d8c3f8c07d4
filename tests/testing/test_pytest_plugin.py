"""The pytest plugin in projects of others: pytest is run in fresh folders."""
from __future__ import annotations

import os
import re
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
PLAIN = """
import pytest
from hypothesis import settings
from minigan.testing import gradtest
from minigan.testing.strategies import arrays

def test_seed(check_grads):
    assert check_grads(lambda x: Square()(x), x).seed == 0

def test_wrong(check_grads):
    Square.factor = 1
    check_grads(lambda x: Square()(x), x)

def broken(x): raise ValueError('no such thing')
def test_broken(check_grads): check_grads(broken, x)

class TestSquare:
    @pytest.mark.parametrize("scale", [1, 2])
    @settings(max_examples=3)
    @gradtest(lambda x: RightSquare()(x), args=(arrays(3),))
    def test_method(self, tmp_path, scale, x):
        assert tmp_path.exists() and scale in (1, 2) and x.shape == (3,)

class RightSquare(Square):
    factor = 2

class Wrong(Square):
    factor = 1

@gradtest(lambda x, y: Wrong()(x) * y, args=(np.ones((50, 40)), np.ones((50, 40))))
def test_large():
    'Fails.'

@gradtest(lambda x: RightSquare()(x), args=(np.ones((50, 40)),), reference=lambda x: x)
def test_values():
    'Passes: 1 is its own square.'
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
    pytest.importorskip("hypothesis")
    return run(tmp_path_factory.mktemp("plain"), PLAIN)


def test_every_project_has_the_fixture_and_the_seed_is_0(plain):
    status, output = plain
    assert status == pytest.ExitCode.TESTS_FAILED and "3 failed, 4 passed" in output
    assert "test_seed PASSED" in output and "gradients are checked with seed" not in output


def test_a_wrong_gradient_shows_its_message_and_no_line_of_the_kit(plain):
    shown = plain[1].split("__ test_wrong __")[1].split("__ test_broken __")[0]
    assert "wrong at first order" in shown and "ratio 0.5" in shown
    assert "def " not in shown.split(">       check_grads(lambda x: Square()(x), x)")[1], shown


def test_an_error_of_the_function_itself_keeps_its_traceback(plain):
    assert "def broken(x): raise ValueError('no such thing')" in plain[1]


def test_what_gradtest_makes_is_a_test_like_any_other_and_fails_in_few_lines(plain):
    output = plain[1]
    assert "TestSquare::test_method[1] PASSED" in output, output
    assert "TestSquare::test_method[2] PASSED" in output
    shown = output.split("__ test_large __")[1].split("=====")[0].split("\n")
    line = 1 + (SQUARE + PLAIN).split("@gradtest(lambda x, y")[0].count("\n")
    assert len(shown) <= 25 and f"test_it.py:{line}: GradientError" in shown, output
    assert not [line for line in shown if "minigan/testing" in line]


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


# A whole package

PACKAGE = {"__init__": "from .a import Square, Scaled, Square as Again",
           "a": """
from minigan.autodiff import Function
from numpy import sin

class Square(Function):
    def forward(self, x): return x ** 2
    def backward(self, grad): return 2 * grad * self.inputs[0]

class _Wrong(Square):
    def backward(self, grad): return grad * self.inputs[0]

class Base(Function):
    def helper(self): pass

class Scaled(Function):
    def __init__(self, factor): self.factor = factor
    def forward(self, x): return self.factor * x
    def backward(self, grad): return self.factor * grad

class Pair(Function):
    def forward(self, x, labels): return x * labels.sum()
    def backward(self, grad): return grad * self.inputs[1].sum(), None
""", "b": "import not_there", "c": "raise SystemExit(2)"}


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """What pytest says of a package."""
    folder = tmp_path_factory.mktemp("checked")
    (folder / "pkg").mkdir()
    for name, text in PACKAGE.items():
        (folder / "pkg" / f"{name}.py").write_text(text)
    (folder / "conftest.py").write_text(
        "import sys; sys.path.insert(0, '.')\nimport numpy as np\n"
        "from minigan.testing import sample\nfrom pkg import Scaled\n"
        "sample(Scaled, np.ones(2), factor=3)\nsample(Scaled, np.ones(()), factor=2)\n")
    return run(folder, "def test_not_asked_for(): pass", "--gradcheck", "pkg")[1]


def test_gradcheck_checks_each_function_of_a_package_once(checked):
    results = re.findall(r"^pkg::(\S+) (\w+)", checked, re.MULTILINE)
    assert results == [("a::Scaled[0]", "PASSED"), ("a::Scaled[1]", "PASSED"),
                       ("a::Square", "PASSED"), ("a::_Wrong", "FAILED")], checked
    assert "one half" in checked and "drawn at random" in checked


def test_gradcheck_lists_what_it_could_not_check(checked):
    listed = checked.split("3 not checked")[1]
    assert "pkg.c was not imported: SystemExit: 2" in listed
    assert "pkg.b was not imported: ModuleNotFoundError: No module named 'not_there'" in listed
    assert "pkg.a.Pair: it refused all arrays drawn, the last with" in listed
    assert "minigan.testing.sample(Function, *inputs, **options)" in listed


def test_gradcheck_of_what_cannot_be_imported_is_an_error(tmp_path):
    (tmp_path / "script.py").write_text("raise SystemExit(2)")
    status, output = run(tmp_path, "def test_it(): pass", "--gradcheck", "not_there",
                         "--gradcheck", "script")
    assert "script cannot be imported: SystemExit: 2" in output
    assert status == pytest.ExitCode.INTERRUPTED
    assert "not_there cannot be imported: ModuleNotFoundError: No module named" in output
