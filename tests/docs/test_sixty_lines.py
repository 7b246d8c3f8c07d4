"""The engine that docs/sixty_lines.md ends with answers as minigan does."""
from __future__ import annotations

import builtins
import doctest
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_docs_code import ROOT, code_blocks

import minigan as mg

PAGE = ROOT / "docs/sixty_lines.md"
SHAPES = [(), (3,), (2, 1), (2, 3), (3, 3)]


def source(prompts: str) -> str:
    return "".join(example.source for example in doctest.DocTestParser().get_examples(prompts))


@pytest.fixture(scope="module")
def engine():
    """The names that the page's definitions leave; what it runs with them, test_docs_code runs."""
    names = {"__name__": "sixty_lines"}
    for language, _, block in code_blocks(PAGE.read_text("utf-8")):
        if language == "python":
            prompts = block.lstrip().startswith(">>>")
            imports = "\n".join(line for line in source(block).splitlines()
                                if line.startswith("import ")) if prompts else block
            exec(compile(imports, str(PAGE), "exec"), names)
    return SimpleNamespace(**names)


def test_the_engine_that_learns_is_typed_in_sixty_lines():
    before = PAGE.read_text("utf-8").partition("**Is the gradient right?**")[0]
    blocks = [block for language, _, block in code_blocks(before) if language == "python"]
    engine, _, network, training = [source(b) if b.startswith(">>>") else b for b in blocks]
    lines = [line for line in (engine + network + training).splitlines() if line.strip()]
    assert len(lines) == 60


def test_the_page_takes_no_builtin_from_its_reader(engine):
    assert not [name for name in vars(builtins) if name[0] != "_" and hasattr(engine, name)]


class OfMinigan:
    Tensor = staticmethod(lambda array, flag=False: mg.tensor(np.asarray(array, float), flag))
    tanh, grad = staticmethod(mg.ops.tanh), staticmethod(mg.grad)


class OfThePage:
    def __init__(self, engine):
        self.Tensor, self.grad = engine.Tensor, engine.grad

    @staticmethod
    def tanh(x):
        return x.tanh()


@st.composite
def programs(draw):
    """The shapes of leaves, and steps that compute from any of what is there so far: (operation,
    the places of its two inputs)."""
    shapes = draw(st.lists(st.sampled_from(SHAPES), min_size=1, max_size=4))
    made, steps = list(shapes), []
    for _ in range(draw(st.integers(1, 10))):
        i, j = draw(st.tuples(*[st.integers(0, len(made) - 1)] * 2))
        name = draw(st.sampled_from("+*@ts"))
        if name == "@" and not (len(made[i]) == len(made[j]) == 2 and made[i][1] == made[j][0]):
            name = "*"
        try:
            made.append({"t": made[i], "s": (), "@": (*made[i][:1], *made[j][1:])}[name]
                        if name in "ts@" else np.broadcast_shapes(made[i], made[j]))
        except ValueError:  # these two do not broadcast
            made.append(made[i])
            name = "t"
        steps.append((name, i, j))
    return shapes, steps, draw(st.integers(0, 2 ** 32 - 1))


def derivatives(library, program):
    """The result of a program, its gradients by all leaves that it depends on, and the gradients
    of those, weighted."""
    shapes, steps, seed = program
    rng = np.random.default_rng(seed)
    leaves = [library.Tensor(rng.uniform(-1, 1, shape), True) for shape in shapes]
    constants = [library.Tensor(rng.uniform(-1, 1, shape)) for shape in shapes]
    made = list(leaves)
    for name, i, j in steps:
        x, y = made[i], made[j]
        made.append({"+": lambda x=x, y=y: x + y, "*": lambda x=x, y=y: x * y,
                     "@": lambda x=x, y=y: x @ y, "t": lambda x=x: library.tanh(x),
                     "s": lambda x=x: x.sum()}[name]())
    total = made[-1].sum()
    for leaf, constant in zip(leaves, constants):
        total = total + (leaf * leaf * constant).sum()  # so that a path leads from each
    first = library.grad(total, leaves, create_graph=True)
    weighted = library.Tensor(0.0)
    for g, constant in zip(first, constants):
        weighted = weighted + (g * constant).sum()
    return [np.asarray(t.data) for t in (total, *first, *library.grad(weighted, leaves))]


@settings(max_examples=60)
@given(programs())
def test_its_gradients_and_their_gradients_are_minigans_on_random_graphs(engine, program):
    ours, theirs = derivatives(OfThePage(engine), program), derivatives(OfMinigan, program)
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9 * max(1, abs(b).max()))


def test_both_refuse_the_same(engine):
    for library in OfThePage(engine), OfMinigan:
        x, other = library.Tensor([1.0, 2.0], True), library.Tensor(3.0, True)
        with pytest.raises(ValueError, match="one number"):
            library.grad(x * x, [x])
        with pytest.raises(ValueError, match="no path leads"):
            library.grad((x * x).sum(), [other])
        (slope,) = library.grad((x * x).sum(), [x])
        with pytest.raises(ValueError, match="no path|no graph"):
            library.grad(slope.sum(), [x])
        y = (x * x).sum()
        x.data = x.data - 1
        x.mark_changed()
        with pytest.raises(RuntimeError, match="backward of Multiply needs .* changed since"):
            library.grad(y, [x])


def test_both_refuse_a_gradient_of_another_shape(engine):
    for Function, library in [(engine.Function, OfThePage(engine)), (mg.Function, OfMinigan)]:
        class Twice(Function):
            def forward(self, x):
                return x * 2

            def backward(self, grad):
                return (grad.sum(),)

        x = library.Tensor([1.0, 2.0], True)
        with pytest.raises(RuntimeError, match="Twice.backward returned shape .* for its input of "
                                               "shape"):
            library.grad(Twice()(x).sum(), [x])
