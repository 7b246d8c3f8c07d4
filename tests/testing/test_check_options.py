"""What check_grads can be told: each option helps with a refusal that names it."""
from __future__ import annotations

import random
from types import SimpleNamespace

import numpy as np
import pytest

import minigan as mg
from minigan import ops
from minigan.testing import GradientError, check_grads, from_numpy, from_torch
from minigan.testing.stage import PARTS

X = np.random.default_rng(0).normal(size=(3, 4))


def op(forward, backward):
    """An operation of one input."""
    class Made(mg.Function):
        def forward(self, x):
            return forward(x)

        def backward(self, grad):
            return backward(self.inputs[0], grad)

    return lambda x: Made()(x)


def pair(factor):
    """x² in NumPy, its gradient off by a factor that depends on what it is given."""
    return from_numpy(lambda x: x * x, lambda x, g: 2 * x * g * factor(x, g))


CALLS = [0]


def counted(x):
    """A term of 1e-6 that differs from call to call."""
    CALLS[0] += 1
    return 1e-6 * (CALLS[0] % 2) * x


@pytest.mark.parametrize("part, f, inputs", [
    ("repeat", from_numpy(lambda x: x * 1, lambda x, g: g + counted(g)), [X]),
    ("linear", pair(lambda x, g: 1 + 1e-5 * (abs(g).max(initial=0) > 1e5)), [X]),
    ("layouts", pair(lambda x, g: 1 + (not x.flags.c_contiguous)), [X]),
    ("zero-size", pair(lambda x, g: 1 if x.size else 1 / 0), [X]),
    ("float32", pair(lambda x, g: np.float32(1 + 0.1 * (x.dtype == np.float32))),
     [X.astype(np.float32)]),
    ("float16", pair(lambda x, g: np.float16(1 + 0.1 * (x.dtype == np.float16))),
     [X.astype(np.float16)])])
def test_a_part_of_the_check_can_be_left_out_and_is_named_by_what_it_refuses(part, f, inputs):
    with pytest.raises(GradientError, match=f"if that is meant: {PARTS[part]}"):
        check_grads(f, *inputs)
    others = () if part != "repeat" else ("linear", "layouts", "ways", "alone", "one object")
    report = check_grads(f, *inputs, skip=[part, *others], rtol=1e-4)
    assert report.ok and f"{part}, as asked" in report.skipped


def test_parts_of_several_inputs_and_of_second_order_can_be_left_out():
    alone = from_numpy(lambda x, y: x * y, lambda x, y, g: (g * y, g * x * (1 + (x is y))))
    with pytest.raises(GradientError, match='skip="one object" leaves'):
        check_grads(alone, X, X)
    assert check_grads(alone, X, X, skip="one object").ok
    curl = np.array([[0.0, 1e-3], [-1e-3, 0]])
    wrong_nearby = op(lambda x: (x * x).sum(), lambda x, g: g * (2 * x + curl @ x))
    with pytest.raises(GradientError, match='skip="curvature" leaves'):
        check_grads(wrong_nearby, np.zeros(2))
    assert check_grads(wrong_nearby, np.zeros(2), skip=("curvature", "zero-size")).ok


def test_unknown_parts_are_refused_with_the_list():
    with pytest.raises(ValueError, match="repeat, in place, linear, layouts.*not 'layout'"):
        check_grads(ops.exp, X, skip=["layout"])


def test_the_length_of_the_steps_can_be_chosen():
    seen = []

    def square(x):
        seen.append(x.copy())
        return x * x

    f = from_numpy(square, lambda x, g: 2 * x * g)
    for step in (1e-4, 1e-6):
        seen.clear()
        assert check_grads(f, X, step=step).ok
        moved = [x - X for x in seen if x.shape == X.shape and (x != X).sum() == 1]
        assert {float(f"{abs(x).max():.2g}") for x in moved} == {step}
    for step in (0, -1e-3, 1, "a"):
        with pytest.raises((ValueError, TypeError), match="step is a number between 0 and 0.1"):
            check_grads(ops.exp, X, step=step)


def test_a_cotangent_of_ones_own_is_used_in_the_place_of_random_ones():
    loss = op(lambda x: (x * x).sum(), lambda x, g: 2 * x)  # as if it were always 1
    with pytest.raises(GradientError, match="backward ignores it(.|\n)*cotangent=1.0 checks"):
        check_grads(loss, X)
    report = check_grads(loss, X, cotangent=1.0)
    assert list(report.checked) == ["first order"] and "second order: a" in str(report)
    assert check_grads(lambda x: (x * 2, {"y": x.sum()}), X,
                       cotangent=(mg.tensor(X), {"y": 2.0})).ok
    with pytest.raises(GradientError, match="wrong at first order"):
        check_grads(loss, X, cotangent=2.0)
    with pytest.raises(ValueError, match="cotangent has 3 elements, the function's result 12"):
        check_grads(ops.exp, X, cotangent=np.ones(3))


def test_a_surrogate_is_what_the_gradient_is_held_against():
    rounded = op(np.round, lambda x, g: g)
    reversed_ = op(lambda x: x * 1, lambda x, g: -0.5 * g)
    held = mg.tensor(X)

    def stopped(x):
        return x * ops.exp(x.detach())

    for f, surrogate in [(rounded, lambda x: x * 1), (reversed_, lambda x: x * -0.5)]:
        with pytest.raises(GradientError, match="wrong at first order"):
            check_grads(f, X)
        assert check_grads(f, X, surrogate=surrogate).checked["second order"]
        with pytest.raises(GradientError, match="ratio 0.5"):
            check_grads(f, X, surrogate=lambda x, s=surrogate: s(x) * 2)
    with pytest.raises(GradientError, match="if that is meant: surrogate= names the function"):
        check_grads(rounded, X)
    assert check_grads(stopped, X, surrogate=lambda x: x * ops.exp(held), order=1).ok
    with pytest.raises(GradientError, match=r"surrogate returns the shapes \[\(4,\)\], the"):
        check_grads(rounded, X, surrogate=lambda x: x.sum(axis=0))


def test_results_may_differ_from_call_to_call_as_far_as_said():
    f = from_numpy(lambda x: x + counted(x), lambda x, g: g)
    with pytest.raises(GradientError, match="two different values(.|\n)*nondeterministic="):
        check_grads(f, X)
    assert check_grads(f, X, nondeterministic=1e-5, atol=0.1).ok
    with pytest.raises(GradientError, match="two different values"):
        check_grads(f, X, nondeterministic=1e-8)
    with pytest.raises(ValueError, match="nondeterministic is a number of at least 0"):
        check_grads(f, X, nondeterministic=-1)


def test_a_generator_is_put_back_before_every_call():
    rng, legacy, own = np.random.default_rng(3), np.random, random.Random(5)
    draws = {rng: lambda x: rng.random(x.shape) > 0.5,
             legacy: lambda x: legacy.random(x.shape) > 0.5,
             own: lambda x: np.array([own.random() > 0.5])}
    for generator, draw in draws.items():
        def dropout(x, draw=draw):
            return x * (draw(x) * 2.0)

        with pytest.raises(GradientError, match="two different values(.|\n)*generator="):
            for _ in range(9):  # a single draw may be the same
                check_grads(dropout, X, order=1)
        assert check_grads(dropout, X, generator=generator).ok
    assert check_grads(from_numpy(lambda x: x * rng.random(), lambda x, g: g * rng.random()), X,
                       generator=rng).ok
    with pytest.raises(TypeError, match="generator is one of NumPy's or PyTorch's"):
        check_grads(ops.exp, X, generator=SimpleNamespace())


def test_torchs_dropout_is_checked_with_its_generator():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    for x in (X, X.astype(np.float32)):
        assert check_grads(from_torch(torch.nn.functional.dropout), x, order=1,
                           generator=torch.default_generator).ok


def test_gradtest_takes_trees_and_the_options_of_check_grads():
    hypothesis = pytest.importorskip("hypothesis", reason="Hypothesis is not installed")
    from minigan.testing import gradtest

    tree = hypothesis.strategies.just({"w": X[0], "n": 2})
    straight = op(np.round, lambda x, g: g)
    wrong_in_single = op(np.sin, lambda x, g: g * ops.cos(x) * (1.01 if x.dtype != float else 1))

    @gradtest(lambda p, x: {"y": straight(x * p["w"]) * p["n"]}, args=(tree, X), max_examples=1,
              reference=lambda p, x: {"y": np.round(x * p["w"]) * p["n"]},
              surrogate=lambda p, x: x * p["w"] * p["n"])
    def test_of_trees(p, x):
        assert p["n"] == 2

    @gradtest(wrong_in_single, args=(X,), max_examples=1, skip=("float32", "float16"))
    def test_of_doubles():
        pass

    test_of_trees()
    test_of_doubles()
