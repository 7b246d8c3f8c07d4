"""A run of tests is shared among processes, one for each core: most tests are one thread of Python.

Before the first test, pytest forks. All processes go through the same list of modules, and each
runs those that it is the first to claim, by creating a file with the module's number. What it has
to report of a module goes into another file, as a list of calls of pytest's hooks; the first
process makes these calls, so that pytest shows and counts them as if it had run the tests.

A single module is not shared, nor what wants one process: a debugger, `-s`, `-x`, `--basetemp`,
a GPU, a browser, a worker of pytest-xdist (whose `-n 2 --dist loadfile` does as well). Neither is
anything where there is no fork.
"""
from __future__ import annotations

import gc
import os
import pickle
import shutil
import signal
import sys
from itertools import groupby
from pathlib import Path
from tempfile import mkdtemp
from typing import Iterator
from warnings import WarningMessage

import pytest

PROCESSES = min(os.cpu_count() or 1, 4) if sys.platform == "linux" else 1


def wants_one_process(config: pytest.Config) -> bool:
    option = config.option
    return any([option.collectonly, option.usepdb, option.trace, option.maxfail, option.basetemp,
                option.capture == "no",
                "gpu" in option.markexpr and not option.cuda_on_cpu,
                "browser" in option.markexpr,
                hasattr(config, "workerinput")])  # a worker of pytest-xdist's


def pytest_runtestloop(session: pytest.Session) -> bool | None:
    modules = [list(items) for _, items in groupby(session.items, lambda item: item.path)]
    count = min(PROCESSES, len(modules))
    if count < 2 or session.testsfailed or wants_one_process(session.config):
        return None  # pytest's own loop
    gc.collect()
    gc.freeze()  # thousands of tests: the collector need not look through them again
    folder, children = Path(mkdtemp(prefix="minigan-tests-")), []
    for _ in range(count - 1):
        if (child := forked(session.config, folder)) == 0:
            run_and_write(session, modules, folder)
            return True  # and end like any run of pytest, but that nobody sees it
        children.append(child)
    try:
        run_and_tell(session, modules, folder, children)
    finally:
        for child in children:  # those that have not ended, as after Ctrl-C
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        shutil.rmtree(folder)
    return True


def forked(config: pytest.Config, folder: Path) -> int:
    """os.fork(). The child captures the output of its tests itself, and prints into a file."""
    capture = config.pluginmanager.getplugin("capturemanager")
    capture.stop_global_capturing()  # for its files would be shared
    sys.stdout.flush()
    if (child := os.fork()) == 0:
        with (folder / f"{os.getpid()}.log").open("w") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
    capture.start_global_capturing()
    capture.suspend_global_capture()
    return child


def run_claimed(session: pytest.Session, modules: list, folder: Path) -> Iterator[int]:
    """Run the tests of each module that no other process has claimed; its number, after that."""
    for number, items in enumerate(modules):
        try:
            (folder / f"{number}.claimed").touch(exist_ok=False)
        except FileExistsError:
            continue
        for item, following in zip(items, [*items[1:], None]):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.shouldstop:
                raise session.Interrupted(session.shouldstop)
        yield number


class Calls:
    """The calls of pytest's hooks that tell of tests, in a form that can be written."""

    def __init__(self, config: pytest.Config):
        self.hook, self.config, self.made = config.hook, config, []

    def pytest_runtest_logstart(self, nodeid, location):
        self.made.append(("pytest_runtest_logstart", dict(nodeid=nodeid, location=location)))

    def pytest_runtest_logreport(self, report):
        data = self.hook.pytest_report_to_serializable(config=self.config, report=report)
        self.made.append(("pytest_runtest_logreport", dict(report=data)))

    def pytest_runtest_logfinish(self, nodeid, location):
        self.made.append(("pytest_runtest_logfinish", dict(nodeid=nodeid, location=location)))

    def pytest_warning_recorded(self, warning_message, when, nodeid, location):
        w = warning_message
        text = WarningMessage(str(w.message), w.category, w.filename, w.lineno)
        self.made.append(("pytest_warning_recorded", dict(
            warning_message=text, when=when, nodeid=nodeid, location=location)))


def run_and_write(session: pytest.Session, modules: list, folder: Path) -> None:
    """The part of a child."""
    calls = Calls(session.config)
    session.config.pluginmanager.register(calls)
    for number in run_claimed(session, modules, folder):
        unfinished = folder / f"{number}.part"
        unfinished.write_bytes(pickle.dumps(calls.made))
        unfinished.rename(folder / f"{number}.told")
        calls.made.clear()


def run_and_tell(session: pytest.Session, modules: list, folder: Path, children: list[int]
                 ) -> None:
    """The part of the first process. Children that have ended leave the list."""
    for _ in run_claimed(session, modules, folder):
        tell(session, folder)
    while children:
        ended = os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1])
        log = folder / f"{children.pop(0)}.log"
        tell(session, folder)
        if ended not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            pytest.exit("a process that ran tests ended before its time:\n"
                        + log.read_text(errors="replace"), 3)


def tell(session: pytest.Session, folder: Path) -> None:
    """Make the calls that other processes have written."""
    hook = session.config.hook
    for path in folder.glob("*.told"):
        for name, arguments in pickle.loads(path.read_bytes()):
            if name == "pytest_warning_recorded":
                hook.pytest_warning_recorded.call_historic(kwargs=arguments)
                continue
            if "report" in arguments:
                arguments["report"] = hook.pytest_report_from_serializable(
                    config=session.config, data=arguments["report"])
            getattr(hook, name)(**arguments)
        path.unlink()
