"""The pytest plugin: `--grad-seed`, `--gradcheck`, the fixture `check_grads`, Hypothesis's profile
"minigan".

pytest loads it by its entry point in every project whose environment has minigan; `-p no:minigan`
leaves it out. Hypothesis is imported only for `--hypothesis-profile minigan`.
"""
from __future__ import annotations

import inspect
import sys
from functools import wraps
from importlib import import_module
from typing import Any, Callable

import pytest

from ..settings import SEED
from . import gradcheck
from .report import GradientError, Report

UNCHECKED = pytest.StashKey[list]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("minigan", "minigan: checks of gradients")
    group.addoption("--grad-seed", type=SEED, default=0, metavar="N",
                    help="seed of the random directions and cotangents (default: 0)")
    group.addoption("--gradcheck", action="append", default=[], metavar="PACKAGE",
                    help="check every gradient written by hand in a package or module: each "
                    "torch.autograd.Function, jax.custom_vjp and custom_jvp, minigan Function")


@pytest.hookimpl(tryfirst=True)  # Hypothesis loads the profile in its own pytest_configure
def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("hypothesis_profile", None) == "minigan":
        import_module(".strategies", __package__)  # registers the profile
    if config.option.gradcheck:
        sys.path.insert(0, str(config.invocation_params.dir))
        if config.args_source is not config.ArgsSource.ARGS:
            config.args[:] = []  # the package alone


def pytest_report_header(config: pytest.Config) -> str | None:
    seed = config.getoption("grad_seed")
    return f"minigan: gradients are checked with seed {seed}" if seed else None


def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config,
                                  items: list[pytest.Item]) -> None:
    """Give the seed to every test made by `gradtest` that was not given one of its own; and add
    the items of `--gradcheck`."""
    for package in config.option.gradcheck:
        collector = Package.from_parent(session, name=package, nodeid=package)
        report = collector.ihook.pytest_make_collect_report(collector=collector)
        collector.ihook.pytest_collectreport(report=report)
        items += report.result
    for item in items:
        test = getattr(item, "function", None)
        if getattr(test, "grad_seed", 0) is None:
            test.grad_seed = config.getoption("grad_seed")
        if hasattr(test, "grad_seed") and hasattr(test, "settle"):
            test.settle()  # before Hypothesis looks at the settings


class Package(pytest.Collector):
    """The gradients written by hand in a package."""

    def collect(self) -> list[pytest.Item]:
        discovery = import_module(".discovery", __package__)
        try:
            found, refused = discovery.functions(self.name)
        except (Exception, SystemExit) as error:
            raise self.CollectError(f"{self.name} cannot be imported: {type(error).__name__}: "
                                    f"{error}") from error
        left = self.config.stash.setdefault(UNCHECKED, [])
        left += [f"{name} was not imported: {reason}" for name, reason in refused.items()]
        left += [f"{one.name}: {one.reason}" for one in found if not one.calls]
        return [Gradient.from_parent(self, name=one.name.removeprefix(f"{self.name}.") + (
                    f"[{i}]" if len(one.calls) > 1 else ""), one=one, call=call)
                for one in found for i, call in enumerate(one.calls)]


class Gradient(pytest.Item):
    """One of them, at one call."""

    def __init__(self, *, one: Any, call: Any, **more: Any):
        super().__init__(**more)
        self.one, self.call = one, call

    def runtest(self) -> None:
        report = self.one.check(self.call, self.config.getoption("grad_seed"))
        self.add_report_section("call", "gradients", str(report))

    def repr_failure(self, excinfo: pytest.ExceptionInfo, style: Any = None) -> Any:
        if isinstance(excinfo.value, GradientError):
            return str(excinfo.value) + "\ndrawn at random: where it makes no sense to call it " \
                "with these, register a sample" * self.one.drawn
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        try:
            code = inspect.unwrap(self.one.function)
            return inspect.getsourcefile(code), inspect.getsourcelines(code)[1] - 1, self.name
        except (OSError, TypeError):
            return self.path, None, self.name


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """What `--gradcheck` could not check, and what to do about it."""
    lines = config.stash.get(UNCHECKED, [])
    if lines:
        terminalreporter.section(f"{len(lines)} not checked")
        terminalreporter.write_line("\n".join(lines))
        terminalreporter.write_line(
            "to have one checked, say in the package or in a conftest.py at which inputs:\n"
            "    minigan.testing.sample(Function, *inputs, **options)")


@pytest.fixture(scope="session")  # Hypothesis objects to fixtures made anew for each test
def check_grads(pytestconfig: pytest.Config) -> Callable[..., Report]:
    """`minigan.testing.check_grads`, with the seed of `--grad-seed` unless one is given."""
    seed = pytestconfig.getoption("grad_seed")

    @wraps(gradcheck.check_grads)
    def check(f: Callable[..., Any], *inputs: Any, **options: Any) -> Report:
        __tracebackhide__ = True  # what is wrong stands in the message
        return gradcheck.check_grads(f, *inputs, **{"seed": seed, **options})

    return check
