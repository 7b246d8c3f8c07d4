"""Tests that run in two processes are told of as if they ran in one."""
from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = """
import sharing
from sharing import pytest_runtestloop
sharing.PROCESSES = 2
"""
MODULE = """
import os, time, warnings
from pathlib import Path

FIRST = os.getpid()  # the process that has read this file

def meet(name):  # both modules are under way at once, so they are in two processes
    Path(name).touch()
    while len(list(Path().glob("here-*"))) < 2:
        time.sleep(0.01)

def test_meets():
    meet("here-NAME")

def test_fails():
    print("printed by NAME")
    x = 3
    assert x == 4

def test_warns():
    warnings.warn("beware of NAME")
"""


@pytest.fixture
def pytest_on(tmp_path):
    """Run pytest on a folder with these modules: its exit status and its output."""
    def run(*options, **modules):
        (tmp_path / "pytest.ini").write_text("[pytest]\n")
        (tmp_path / "conftest.py").write_text(CONFTEST)
        for name, text in modules.items():
            (tmp_path / f"test_{name}.py").write_text(text.replace("NAME", name))
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:minigan",
                   "-p", "no:hypothesispytest", *options]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60,
                              env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)})
        return done.returncode, done.stdout + done.stderr
    return run


needs_fork = pytest.mark.skipif(sys.platform != "linux", reason="nothing is shared here")


@needs_fork
def test_failures_output_and_warnings_of_both_processes_are_told(pytest_on):
    status, output = pytest_on(a=MODULE, b=MODULE)
    assert status == pytest.ExitCode.TESTS_FAILED
    assert "2 failed, 4 passed, 2 warnings" in output
    for name in "ab":
        assert f"test_{name}.py .F." in output and f"printed by {name}" in output
        assert f"beware of {name}" in output
    assert len(re.findall("^E +assert 3 == 4$", output, re.M)) == 2


@needs_fork
def test_a_process_that_dies_ends_the_run_and_is_told(pytest_on):
    dies = MODULE.split("def test_fails")[0] + """
def test_dies():
    if os.getpid() != FIRST:
        os.abort()
"""
    status, output = pytest_on(a=dies, b=dies)
    assert status == 3 and "a process that ran tests ended before its time" in output
    assert "in test_dies" in output


def test_the_first_failure_ends_a_run_that_shall_end_there(pytest_on):
    status, output = pytest_on("-x", a="def test_a(): assert 0", b="def test_b(): assert 0")
    assert status == pytest.ExitCode.TESTS_FAILED and "1 failed in" in output
