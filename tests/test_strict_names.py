"""The names and arguments that the strict stand-in offers are those of an installed CuPy.

`import cupy` works on a machine without a GPU, so this can be run anywhere: pip install
cupy-cuda12x.
"""
from __future__ import annotations

import inspect

import pytest

from tests.strict import STRICT, StrictArray
from tests.strict.signatures import FREE, FUNCTIONS, GENERATOR, METHODS, UFUNC_KEYWORDS, UFUNCS

xp = STRICT.xp


def parameters(function):
    """The names of a function's parameters; for Cython's methods from the docstring."""
    try:
        return [n for n in inspect.signature(function).parameters if n != "self"]
    except (ValueError, TypeError):
        line = (function.__doc__ or "").splitlines()[0]
        inside = line[line.index("(") + 1:line.rindex(")")]
        names = [part.split("=")[0].split()[-1] for part in inside.split(", ") if part.strip("* ")]
        return [n for n in names if n != "self"]


@pytest.fixture(scope="module")
def cupy():
    return pytest.importorskip("cupy", reason="compares with CuPy's own names; not installed")


def test_every_name_of_the_stand_in_is_cupys(cupy):
    for name in {n for n in dir(xp) if not n.startswith("_")}:
        assert hasattr(cupy, name), f"CuPy has no {name}"
    for name in {n for n in dir(StrictArray) if n not in ("_host", "__weakref__", "__copy__")}:
        assert hasattr(cupy.ndarray, name) or name in dir(object), f"its arrays have no {name}"
    for name in GENERATOR:
        assert hasattr(cupy.random.Generator, name), f"its Generator has no {name}"


def test_every_function_takes_cupys_arguments_in_cupys_order(cupy):
    tables = [(cupy, FUNCTIONS), (cupy.ndarray, METHODS), (cupy.random.Generator, GENERATOR)]
    for owner, table in tables:
        for name, ours in table.items():
            theirs = parameters(getattr(owner, name))
            assert theirs[:len(ours.split())] == ours.split(), f"{name}: {theirs}"
    assert set(FREE["matmul"].split()) <= set(parameters(cupy.matmul))
    for name in UFUNCS:
        assert isinstance(getattr(cupy, name), cupy.ufunc), f"{name} is no ufunc of CuPy's"


def test_ufuncs_refuse_the_keywords_that_cupys_refuse(cupy):
    for keyword in ("where", "order", "subok", "axes"):
        with pytest.raises(TypeError, match="Wrong arguments"):
            cupy.exp(1.0, **{keyword: None})
        assert keyword not in UFUNC_KEYWORDS


def test_the_generators_missing_methods_are_missing_in_cupy_too(cupy):
    for name in ("normal", "permutation", "shuffle", "choice", "spawn"):
        assert not hasattr(cupy.random.Generator, name)
