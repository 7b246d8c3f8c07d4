"""Who may import whom, read from the source: the tables below are the architecture."""
from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "minigan").rglob("*.py"))

SAYING = {"checked", "errors", "failures", "habits", "settings"}  # what is said of wrong arguments
ENGINE = SAYING | {"anomaly", "backend", "autodiff", "observer", "ops", "functional", "losses",
                   "nn", "optim", "refusals", "replay", "trace"}

# For each part of minigan, the other parts that it may import.
MAY_IMPORT = {
    "interrupts": set(),
    "errors": set(),
    "settings": {"errors"},
    "habits": {"errors"},
    "failures": {"errors", "habits"},
    "checked": {"errors", "failures"},
    "backend": SAYING,
    "refusals": {"backend", "failures"},
    "autodiff": {"backend", "refusals"},
    "observer": {"autodiff"},
    "ops": SAYING | {"backend", "autodiff"},
    "replay": SAYING | {"backend", "autodiff", "observer"},
    "anomaly": SAYING | {"backend", "autodiff", "nn", "observer"},
    "functional": SAYING | {"backend", "autodiff", "ops"},
    "losses": SAYING | {"backend", "autodiff", "ops"},
    "shards": {"autodiff", "backend", "errors"},
    "wires": {"backend"},
    "ranks": {"backend", "errors", "shards", "wires"},
    "nn": SAYING | {"backend", "autodiff", "ops", "shards"},
    "optim": SAYING | {"backend", "autodiff", "ops", "nn", "replay"},
    "trace": SAYING | {"autodiff", "nn", "observer", "refusals"},
    "files": {"errors"},
    "weights": SAYING | {"files", "nn"},
    "locks": {"errors"},
    "user_code": {"errors"},
    "exercises": {"errors", "user_code"},
    "data": SAYING | {"backend"},
    "testing": SAYING | {"backend", "autodiff"},  # it is told what to check
    "metrics": ENGINE | {"data", "files"},     # its judge is trained, and kept
    "viz": SAYING | {"autodiff", "files", "trace"},  # it draws what it is given
    "gan": ENGINE | {"data", "files", "locks", "metrics", "minigan", "ranks",
                     "shards", "user_code", "viz"},  # what a run does
    "lab": ENGINE | {"data", "files", "gan", "metrics", "ranks", "viz"},
    "export": ENGINE | {"files", "gan"},
    "cli": ENGINE | {"data", "exercises", "export", "files", "gan", "lab", "metrics", "minigan",
                     "ranks", "testing", "user_code", "viz"},
    "__main__": {"cli"},
    "minigan": ENGINE | {"interrupts", "weights"},  # the others are loaded at their first use
}

# Packages that load where they are first used: inside a function, and nowhere else.
OPTIONAL = {"cupy", "greenlet", "hypothesis", "imageio_ffmpeg", "IPython", "jax", "matplotlib",
            "ml_dtypes", "mpi4py", "nvmath", "PIL", "pooch", "safetensors", "scipy",
            "threadpoolctl", "torch", "tqdm"}

# Modules that are nothing without such a package, and are themselves loaded where they are used.
BUILT_ON = {
    "minigan.testing.strategies": "hypothesis",
    "minigan.testing.decorator": "hypothesis",
    "minigan.testing.properties": "hypothesis",
    "minigan.testing.pytest_plugin": "pytest",
}

# The other imports inside a function, each with its reason.
LATE = {
    ("minigan.backend", "minigan.backend.cuda"),       # CuPy is optional, and so is its backend
    ("minigan.backend.cuda", "minigan.backend"),       # the package imports this module
    ("minigan.backend.cuda.graph", "minigan.backend"),  # the same
    ("minigan.backend.arrays", "minigan.backend"),     # the package imports this module first
    ("minigan.backend.cpu.threads", "minigan.backend"),  # the same
    ("minigan.backend.cpu.recording.recorder", "minigan.backend"),  # the same
}

# Where NumPy may be named, and what of it; None is all of it. Everything else is written for
# the array module of its data, so that it runs on CuPy as it stands.
NUMPY = {
    "minigan.checked": {"bool_", "ndarray", "random"},  # it tells NumPy's types from Python's
    "minigan.ops.protocols": None,                     # it answers when NumPy calls
    "minigan.backend": None,                           # it is what hides NumPy from the others
    "minigan.data": None,                              # files are read in host memory
    "minigan.metrics": None,                           # eigenvalues and draws are made there
    "minigan.viz": None,                               # pictures are drawn in host memory
    "minigan.testing": None,                           # differences are taken in host memory
    "minigan.replay.first": {"ascontiguousarray"},     # what two steps left is compared on the host
    "minigan.replay.draws": {"ndarray", "random"},     # draws are made in host memory and moved:
    "minigan.gan": {"arange", "asarray", "eye", "float32", "ndarray", "random", "repeat"},
    "minigan.gan.config": None,                        # labels are read there,
    "minigan.gan.folder": None,                        # metrics and weights kept,
    "minigan.gan.run": None,
    "minigan.gan.ranked": None,
    "minigan.gan.saved": None,                         # and samples made,
    "minigan.gan.yardstick": None,                     # real images chosen,
    "minigan.gan.training": {"errstate"},              # what diverges is told by the run,
    "minigan.gan.films": None,                         # noise and pictures computed,
    "minigan.gan.nearest": None,                       # distances looked at
    "minigan.ranks": None,
    "minigan.wires": None,                             # MPI sends what is in host memory
    "minigan.files": None,                             # by this
    "minigan.gan.game": {"concatenate", "ndarray", "random"},  # samples are handed out there
    "minigan.cli": None,                               # it handles files, not tensors
    "minigan.lab": None,                               # points are measured and drawn there
    "minigan.nn.init": None,                           # initial weights are drawn there too,
    "minigan.nn.conv": {"random"},                     # by generators that are passed on
    "minigan.nn.layers": {"float32", "random"},        # and so are Dropout's masks
    "minigan.nn.recurrent": {"concatenate", "random"},  # the initial weights of its gates
    "minigan.nn.norm": {"random"},                     # and SpectralNorm's first vectors
}


class Import(NamedTuple):
    module: str         # the importing module
    target: str         # what it imports: a module of minigan as far down as it is one
    line: int
    in_function: bool
    for_types: bool     # under `if TYPE_CHECKING:`, never executed


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


HOLDS_STATEMENTS = (ast.stmt, ast.excepthandler, ast.match_case)  # expressions import nothing
MODULES = {module_name(path): path for path in FILES}


def imports(path: Path) -> Iterator[Import]:
    """Every import statement of a file, with relative names resolved."""
    module = module_name(path)
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]

    def walk(node: ast.AST, in_function: bool, for_types: bool) -> Iterator[Import]:
        in_function |= isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            for_types = True
        targets = []
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = ".".join(package.split(".")[:len(package.split(".")) - node.level + 1])
            base = ".".join(filter(None, [above if node.level else "", node.module]))
            inner = [f"{base}.{alias.name}" for alias in node.names]
            targets = [name if name in MODULES else base for name in inner]
        for target in targets:
            yield Import(module, target, node.lineno, in_function, for_types)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, HOLDS_STATEMENTS):
                yield from walk(child, in_function, for_types)

    yield from walk(ast.parse(path.read_text(encoding="utf-8")), False, False)


IMPORTS = [found for path in FILES for found in imports(path)]


def part(module: str) -> str:
    """The part of minigan a module belongs to: "ops" for minigan.ops.shape."""
    return module.split(".")[1] if "." in module else "minigan"


def is_ours(module: str) -> bool:
    return module.split(".")[0] == "minigan"


def listed(found: list[Import]) -> str:
    return "\n".join(f"{MODULES[i.module].relative_to(ROOT)}:{i.line} imports {i.target}"
                     for i in found)


def test_the_reader_of_imports_sees_the_kinds_that_there_are():
    assert any(i.module == "minigan.ops.linalg" and i.target == "minigan.autodiff" for i in IMPORTS)
    assert any(i.module == "minigan.nn.layers" and i.target == "minigan.nn.init" for i in IMPORTS)
    assert any(i.target == "cupy" and i.in_function for i in IMPORTS)
    assert any(i.for_types for i in IMPORTS)


def test_every_part_has_its_row_in_the_table():
    assert {part(module) for module in MODULES} <= set(MAY_IMPORT)


def test_the_table_leads_from_left_to_right_only():
    TopologicalSorter(MAY_IMPORT).prepare()  # raises CycleError for a cycle


def test_parts_import_only_what_stands_to_their_left():
    wrong = [i for i in IMPORTS if is_ours(i.target) and part(i.target) != part(i.module)
             and part(i.target) not in MAY_IMPORT[part(i.module)]]
    assert not wrong, listed(wrong)


def test_no_modules_import_each_other_in_a_circle():
    graph: dict[str, set[str]] = {module: set() for module in MODULES}
    for i in IMPORTS:
        if is_ours(i.target) and not i.in_function and not i.for_types:
            graph[i.module].add(i.target)
    TopologicalSorter(graph).prepare()


def built_on(module: str) -> str | None:
    return next((package for name, package in BUILT_ON.items()
                 if f"{module}.".startswith(f"{name}.")), None)


def test_only_what_is_built_on_a_package_imports_what_is():
    wrong = [i for i in IMPORTS if not i.in_function and not i.for_types
             and built_on(i.target) and not built_on(i.module)]
    assert not wrong, listed(wrong)


def test_functions_import_nothing_but_optional_dependencies():
    wrong = [i for i in IMPORTS if i.in_function and i.target.split(".")[0] not in OPTIONAL
             and (i.module, i.target) not in LATE]
    assert not wrong, listed(wrong)


def test_every_exception_for_late_imports_is_still_needed():
    assert LATE <= {(i.module, i.target) for i in IMPORTS if i.in_function}


def test_modules_import_only_numpy_and_the_standard_library_when_they_load():
    wrong = [i for i in IMPORTS if not i.in_function and not i.for_types and not is_ours(i.target)
             and i.target.split(".")[0] not in {"numpy", built_on(i.module),
                                                *sys.stdlib_module_names}]
    assert not wrong, listed(wrong)


def test_cupy_is_imported_by_its_backend_alone():
    assert {i.module for i in IMPORTS if i.target.split(".")[0] == "cupy"} == {
        "minigan.backend.cuda", "minigan.backend.cuda.graph"}


def allowed_of_numpy(module: str) -> set[str] | None:
    while module:
        if module in NUMPY:
            return NUMPY[module]
        module = module.rpartition(".")[0]
    return set()


def used_of_numpy(tree: ast.AST) -> set[str]:
    """The names that stand behind `np.`, or are imported from numpy."""
    nodes = list(ast.walk(tree))
    aliases = {alias.asname or alias.name for node in nodes if isinstance(node, ast.Import)
               for alias in node.names if alias.name.split(".")[0] == "numpy"}
    from_numpy = {alias.name for node in nodes if isinstance(node, ast.ImportFrom)
                  and (node.module or "").split(".")[0] == "numpy" for alias in node.names}
    return from_numpy | {node.attr for node in nodes if isinstance(node, ast.Attribute)
                         and isinstance(node.value, ast.Name) and node.value.id in aliases}


@pytest.mark.parametrize("module", MODULES)
def test_numpy_is_named_only_where_the_table_says(module):
    allowed = allowed_of_numpy(module)
    if allowed is not None:
        used = used_of_numpy(ast.parse(MODULES[module].read_text(encoding="utf-8")))
        assert used <= allowed, f"{module} uses numpy's {', '.join(sorted(used - allowed))}"
