"""What a failure says: the likely cause, and lines that reproduce it."""
from __future__ import annotations

import re
from functools import partial

import numpy as np
import pytest

import minigan as mg
from minigan import ops
from minigan.testing import GradientError, check_grads, from_numpy

RNG = np.random.default_rng(0)
X, ROW, SQUARE = RNG.normal(size=(3, 4)), RNG.normal(size=4), RNG.normal(size=(3, 3))
WEIGHTS = RNG.normal(size=(5, 5))


def message(f, *inputs, **options) -> str:
    with pytest.raises(GradientError) as error:
        check_grads(f, *inputs, **options)
    return str(error.value)


def assigned(x, i, grad):
    g = np.zeros_like(x)
    g[i] = grad  # where an index comes twice, the second one counts
    return g, None


# what is wrong: (forward, vjp, inputs), and what the message must say
CAUSES = {
    "wrong sign": (np.cos, lambda x, g: g * np.sin(x), [X]),
    "a factor of two": (np.sin, lambda x, g: 2 * g * np.cos(x), [X]),
    "one half: is one of two equal contributions": (np.square, lambda x, g: g * x, [X]),
    "everywhere the constant factor 1.01": (np.sin, lambda x, g: 1.01 * g * np.cos(x), [X]),
    "a factor of 1/12, and 12 is": (np.sum, lambda x, g: np.full(x.shape, g / x.size), [X]),
    "a factor of 12, and 12 is": (np.mean, lambda x, g: np.full(x.shape, g), [X]),
    "no gradient arrives": (np.sin, lambda x, g: 0 * g, [X]),
    "transposed: the axes of the gradient stand in the order (1, 0)": (
        lambda x: x ** 2, lambda x, g: (2 * g * x).T, [SQUARE]),
    "off by a shift of 1 along axis 1": (np.sin, lambda x, g: np.roll(g * np.cos(x), 1, 1), [X]),
    "off by a shift of -1 in the order of memory": (
        np.sin, lambda x, g: np.roll(g * np.cos(x), -1), [X]),
    "in the opposite order along axis 0": (np.sin, lambda x, g: (g * np.cos(x))[::-1], [X]),
    "a sum is missing: of the output's axis 0, of length 3, only index 0 counts": (
        np.multiply, lambda x, y, g: (g * y, (g * x)[0]), [X, ROW]),
    "sum it over the axes that were broadcast": (
        np.multiply, lambda x, y, g: (g * y, g * x), [X, ROW]),
    "this is the gradient by input 0": (np.multiply, lambda x, y, g: (g * x, g * y), [X, X + 1]),
    "not accumulated": (lambda x, i: x[i], assigned, [ROW, np.array([0, 2, 0, 1])]),
    "backward ignores it": (np.sin, lambda x, g: np.cos(x), [X]),
    "wrong exactly where input 0 is negative": (np.abs, lambda x, g: g, [X]),
    "wrong exactly where |input 0| is above a number between": (
        np.sin, lambda x, g: g * np.where(abs(x) > 0.6, 1, np.cos(x)), [X]),
    "wrong exactly at index 3 of axis 1": (
        np.sin, lambda x, g: g * np.cos(x) * np.array([1, 1, 1, 1.1]), [X]),
    "wrong in 1 of 12 elements only, the first of them (1, 2)": (
        np.sin, lambda x, g: g * np.cos(x) * (1 + 0.1 * (np.arange(12).reshape(3, 4) == 6)), [X]),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_a_failure_names_its_likely_cause(cause):
    forward, vjp, inputs = CAUSES[cause]
    assert cause in message(from_numpy(forward, vjp), *inputs)


class Saved(mg.Function):
    """tanh, with its output kept as an array."""

    def forward(self, x):
        self.y = np.tanh(x)
        return self.y

    def backward(self, grad):
        return grad * mg.Tensor(1 - self.y ** 2)


class Detached(mg.Function):
    """tanh, with the incoming gradient detached."""

    def forward(self, x):
        return np.tanh(x)

    def backward(self, grad):
        return grad.detach() * (1 - self.output * self.output)


class HalfSaved(mg.Function):
    """x exp(x), where only one factor of the gradient is kept as an array."""

    def forward(self, x):
        return x * np.exp(x)

    def backward(self, grad):
        x = self.inputs[0]
        return grad * (x + 1) * mg.Tensor(np.exp(x.data))


def test_a_constant_instead_of_a_dependence_is_named_at_second_order():
    text = message(lambda x: Saved()(x), X)
    assert "wrong at second order" in text and "kept as an array, or detached" in text
    text = message(lambda x: Detached()(x), X)
    assert "the cotangent of output 0" in text and "backward detaches the gradient" in text
    text = message(lambda x: HalfSaved()(x), X)
    assert "the gradient is right, its derivative is not" in text


def test_a_large_input_is_bisected_down_to_its_element():
    slip = np.ones(5000)
    slip[1234] = 1.5
    text = message(from_numpy(np.sin, lambda x, g: g * np.cos(x) * slip), RNG.normal(size=5000))
    assert "at element (1234,)" in text and "constant factor 1.5" in text
    assert "an array of shape (5000,)" in text and len(text) < 1500


def test_a_right_function_has_no_cause_to_tell():
    assert "likely" not in str(check_grads(ops.sin, X))


def twice_the_sine(x):
    """A function that can be imported, for the lines to paste."""
    return HalfSaved()(x)


def pasted(text: str) -> str:
    """The lines to paste of a message."""
    return "\n".join(line[4:] for line in re.split(r"to see it again.*\n", text)[1].split("\n"))


def test_the_lines_to_paste_fail_in_the_same_way():
    text = message(twice_the_sine, X.astype(np.float32), seed=3, directions=2)
    code = pasted(text)
    assert f"from {__name__} import twice_the_sine" in code and "seed=3" in code
    with pytest.raises(GradientError) as error:
        exec(code, {})
    assert str(error.value) == text


def scaled(x, factor=1.0):
    """A function with an option, and a gradient that forgets it."""
    class Scaled(mg.Function):
        def forward(self, x):
            return factor * x

        def backward(self, grad):
            return grad

    return Scaled()(x)


def test_the_lines_to_paste_keep_the_options_that_are_held_fixed():
    text = message(partial(scaled, factor=3.0), X)
    code = pasted(text)
    assert "check_grads(partial(scaled, factor=3.0), x0)" in code
    with pytest.raises(GradientError) as error:
        exec(code, {})
    assert str(error.value) == text


def test_the_lines_to_paste_keep_integers_and_booleans():
    def f(x, i, mask):
        return ops.where(mask, x[i], 0) * mg.tensor(np.ones((2, 3)))

    wrong = from_numpy(lambda x, i, m: np.where(m, x[i], 0), lambda x, i, m, g: (x, None, None))
    code = pasted(message(wrong, ROW, np.array([2, 0, 0]), np.array([True, False, True])))
    values = {}
    exec("\n".join(line for line in code.split("\n") if not line.startswith(("check", "f ="))),
         values)
    assert values["x1"].dtype == np.int64 and values["x2"].dtype == np.bool_
    assert (values["x0"] == ROW).all()


def test_a_function_without_a_name_is_told_by_its_place():
    text = message(lambda x: HalfSaved()(x), X)
    assert re.search(r"f = \.\.\.  # test_a_func.*<lambda> in .*test_diagnosis\.py, line \d+", text)
