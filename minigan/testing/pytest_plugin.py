"""The pytest plugin: `--grad-seed`, the fixture `check_grads`, Hypothesis's profile "minigan".

pytest loads it by its entry point in every project whose environment has minigan; `-p no:minigan`
leaves it out. Hypothesis is imported only for `--hypothesis-profile minigan`.
"""
from __future__ import annotations

import argparse
from functools import wraps
from importlib import import_module
from typing import Any, Callable

import pytest

from . import gradcheck
from .report import Report


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 0, got {text!r}")
    return int(text)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("minigan", "minigan: checks of gradients")
    group.addoption("--grad-seed", type=_seed, default=0, metavar="N",
                    help="seed of the random directions and cotangents (default: 0)")


@pytest.hookimpl(tryfirst=True)  # Hypothesis loads the profile in its own pytest_configure
def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("hypothesis_profile", None) == "minigan":
        import_module(".strategies", __package__)  # registers the profile


def pytest_report_header(config: pytest.Config) -> str | None:
    seed = config.getoption("grad_seed")
    return f"minigan: gradients are checked with seed {seed}" if seed else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give the seed to every test made by `gradtest` that was not given one of its own."""
    for item in items:
        test = getattr(item, "function", None)
        if getattr(test, "grad_seed", 0) is None:
            test.grad_seed = config.getoption("grad_seed")
        if hasattr(test, "grad_seed") and hasattr(test, "settle"):
            test.settle()  # before Hypothesis looks at the settings


@pytest.fixture(scope="session")  # Hypothesis objects to fixtures made anew for each test
def check_grads(pytestconfig: pytest.Config) -> Callable[..., Report]:
    """`minigan.testing.check_grads`, with the seed of `--grad-seed` unless one is given."""
    seed = pytestconfig.getoption("grad_seed")

    @wraps(gradcheck.check_grads)
    def check(f: Callable[..., Any], *inputs: Any, **options: Any) -> Report:
        __tracebackhide__ = True  # what is wrong stands in the message
        return gradcheck.check_grads(f, *inputs, **{"seed": seed, **options})

    return check
