"""What `import minigan` costs: NumPy and the standard library."""
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import minigan

LAZY = ["data", "export", "gan", "metrics", "testing", "viz"]


def loaded_by(statement: str) -> set[str]:
    """The modules that a fresh interpreter, with NumPy imported, loads for a statement."""
    program = (f"import sys, numpy.random; before = set(sys.modules); {statement}; "
               "print(*sorted(set(sys.modules) - before))")
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True,
                         cwd=Path(minigan.__file__).parents[1], check=True)
    return set(run.stdout.split())


def third_party(modules: set[str]) -> set[str]:
    return {m for m in modules
            if m.split(".")[0] not in {"minigan", "numpy", *sys.stdlib_module_names}}


def test_import_minigan_loads_nothing_but_numpy_and_the_standard_library():
    modules = loaded_by("import minigan")
    assert third_party(modules) == set()
    assert not {f"minigan.{name}" for name in [*LAZY, "cli"]} & modules


@pytest.mark.parametrize("name", LAZY)
def test_a_side_package_loads_at_its_first_use_without_its_heavy_dependencies(name):
    modules = loaded_by(f"import minigan; minigan.{name}")
    assert f"minigan.{name}" in modules
    assert third_party(modules) == set()


def test_every_public_name_exists():
    namespace = {}
    exec("from minigan import *", namespace)
    assert set(minigan.__all__) <= set(namespace)


@pytest.mark.parametrize("package", ["backend", "data", "gan", "metrics", "nn", "ops", "testing",
                                     "viz"])
def test_every_public_name_of_a_package_exists(package):
    module = getattr(minigan, package)
    assert [name for name in module.__all__ if not hasattr(module, name)] == []


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="minigan has no 'tensors': did you mean tensor"):
        minigan.tensors  # noqa: B018
