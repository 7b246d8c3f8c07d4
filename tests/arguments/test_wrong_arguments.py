"""Whoever calls a public function wrongly is told so by that function."""
from __future__ import annotations

import ast
from importlib import import_module
from typing import Protocol

import pytest

import minigan as mg

from .calls import ROWS
from .wrong import ends, parts

pytestmark = pytest.mark.usefixtures("strict")


@pytest.fixture(autouse=True)
def a_folder_of_its_own(tmp_path, monkeypatch):
    """A string is a path, too, and some calls write there. The laboratory's runs are judged by few
    samples: exact distances of many take seconds."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("minigan.lab.experiment.SAMPLES", 60)


PUBLIC = ("minigan", "minigan.ops", "minigan.losses", "minigan.nn", "minigan.nn.init",
          "minigan.optim", "minigan.data", "minigan.gan", "minigan.lab", "minigan.metrics",
          "minigan.viz", "minigan.testing", "minigan.export")


def public_callables():
    """The names, without "minigan.", of all functions and classes that are no exceptions."""
    for place in PUBLIC:
        module = import_module(place)
        for name in getattr(module, "__all__", vars(module)):
            value = getattr(module, name)
            own = hasattr(module, "__all__") or getattr(value, "__module__", "") == place
            error = isinstance(value, type) and issubclass(
                value, (Exception, mg.Function, Protocol))
            if own and callable(value) and not name.startswith("_") and not error:
                yield f"{place}.{name}".removeprefix("minigan.")


def test_every_public_callable_has_a_right_call():
    named = {ast.unparse(ast.parse(row, mode="eval").body.func) for row in ROWS}
    missing = set(public_callables()) - named
    assert not missing, f"tests/arguments/calls.py has no call of {', '.join(sorted(missing))}"


def test_the_right_calls_are_right():
    for row in ROWS:
        f, args, options = parts(ast.parse(row, mode="eval").body)
        try:
            f(*args, **options)
        except Exception as error:
            assert "nowhere" in row or isinstance(error, ImportError), f"{row}: {error!r}"


def test_no_wrong_argument_ends_in_an_error_from_inside():
    inside = [end for row in ROWS for end in ends(row) if end.how == "inside"]
    assert not inside, "\n".join(map(str, inside))
