"""gradtest: what it demands, what it says, and that it passes what is right."""
from __future__ import annotations

import inspect
import re

import numpy as np
import pytest
from hypothesis import example, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument

import minigan as mg
from minigan import ops
from minigan.testing import GradientError, from_jax, from_numpy, from_torch
from minigan.testing.call import Call
from minigan.testing.properties import gradtest, prove
from minigan.testing.strategies import (arrays, axes, broadcastable_arrays, distinct_arrays,
                                        one_axis, shapes)

ANY = (arrays(shapes()),)


# What is right passes

@gradtest(ops.maximum, args=broadcastable_arrays(2), reference=np.maximum, max_examples=8)
def test_two_inputs_that_broadcast():
    """The decorated function may be empty."""


@gradtest(ops.softmax, args=arrays(shapes(min_dims=1, min_side=1)).flatmap(
    lambda x: st.builds(Call, st.just((x,)), st.fixed_dictionaries({"axis": one_axis(x.shape)}))),
          max_examples=8)
def test_options_that_depend_on_the_input_and_assertions_of_ones_own(x, axis):
    np.testing.assert_allclose(ops.softmax(x, axis).data.sum(axis), 1)


@gradtest(ops.max, args=distinct_arrays(shapes(min_dims=1, min_side=1)).flatmap(
    lambda x: axes(x.shape).map(lambda axis: Call((x,), {"axis": axis}))), reference=np.max,
          max_examples=8)
def test_an_input_without_ties():
    """max."""


@gradtest(ops.where, args=(np.array([True, False]), arrays(2), arrays(())), reference=np.where,
          max_examples=8)
def test_constants_beside_strategies(mask, x, y):
    assert mask.tolist() == [True, False] and x.shape == (2,) and y.shape == ()


def cube_vjp(x, grad):
    return 3 * x ** 2 * grad


@gradtest(from_numpy(lambda x: x ** 3, cube_vjp), args=ANY, reference=lambda x: x ** 3)
def test_a_numpy_function_with_its_vjp():
    """x³."""


@gradtest(from_numpy(lambda x, p=2: x ** p, lambda x, grad, p=2: p * x ** (p - 1) * grad),
          args=arrays(shapes()).map(lambda x: Call((x,), {"p": 4})))
def test_a_numpy_function_with_options():
    """x⁴."""


def test_a_torch_function():
    torch = pytest.importorskip("torch", reason="checks a function of PyTorch")
    gradtest(from_torch(torch.tanh), args=ANY, reference=np.tanh, max_examples=5)(lambda: None)()


def test_a_jax_function():
    jax = pytest.importorskip("jax", reason="checks a function of JAX")
    gradtest(from_jax(jax.numpy.tanh), args=ANY, reference=np.tanh, max_examples=3)(lambda: None)()


# What is wrong does not

class Planted(mg.Function):
    """The sine, with something wrong that backward says."""

    def __init__(self, wrong):
        self.wrong = wrong

    def forward(self, x):
        return self.wrong(np.sin(x), x) if self.wrong.__name__ == "value" else np.sin(x)

    def backward(self, grad):
        x = self.inputs[0]
        right = grad * ops.cos(x)
        return right if self.wrong.__name__ == "value" else self.wrong(right, x)


def planted(wrong):
    def sine(x):
        return Planted(wrong)(mg.as_tensor(x))
    return sine


def value(y, x):
    return y + 1e-9 * (x.size > 1)


def float32_value(y, x):
    return y * 1.01 if y.dtype == np.float32 else y


def promoted(y, x):
    return y.astype(np.float64)


float32_value.__name__ = promoted.__name__ = "value"


def one_percent(g, x):
    return g * 1.01


def constant(g, x):
    return g.detach()


def of_length_one(g, x):
    return g * 2 if 1 in x.shape else g


def only_in_float32(g, x):
    return g * 1.01 if x.dtype == np.float32 else g


def only_at_second_order(g, x):
    return g - (x - x.detach()) * 0.1


WRONG = {"a value off by 1e-9": (value, "says"),
         "a value wrong in float32": (float32_value, "the value, at element"),
         "a value that is promoted": (promoted, "float32 inputs has dtype float64"),
         "a gradient wrong by 1 %": (one_percent, "first order"),
         "a gradient that is a constant": (constant, "second order"),
         "a gradient wrong for axes of length 1": (of_length_one, "first order"),
         "a gradient wrong in float32": (only_in_float32, "in float32 it is"),
         "a gradient wrong at second order": (only_at_second_order, "second order")}


@pytest.mark.parametrize("name", WRONG)
def test_a_planted_error_is_caught_at_the_default_number_of_examples(name):
    wrong, message = WRONG[name]
    with pytest.raises(AssertionError, match=message):
        gradtest(planted(wrong), args=ANY, reference=np.sin)(lambda: None)()


def test_without_an_error_the_planted_function_passes():
    def right(g, x):
        return g

    gradtest(planted(right), args=ANY, reference=np.sin, max_examples=8)(lambda: None)()


def test_a_numpy_vjp_that_is_wrong_in_float32_is_caught():
    f = from_numpy(np.sin, lambda x, g: g * np.cos(x) * (1.01 if x.dtype == np.float32 else 1))
    with pytest.raises(GradientError, match="in float32 it is"):
        prove(f, Call((np.ones(3),)))


def test_ones_own_assertions_are_part_of_the_test():
    @gradtest(ops.exp, args=ANY)
    def positive(x):
        assert np.all(x > -1), "too small"

    with pytest.raises(AssertionError, match="too small"):
        positive()


# What it says

def test_a_wrong_value_is_told_with_element_both_numbers_and_the_call():
    def off(x):
        return ops.tanh(x) + mg.Tensor(np.array([0.0, 0.25]))

    with pytest.raises(AssertionError) as error:
        prove(off, Call((np.zeros(2),)), np.tanh)
    assert str(error.value) == ("off: the value at element (1,) is 0.25, the reference says 0, "
                                "off by 0.25 where 0 is allowed: Call(array([0., 0.]))")


@pytest.mark.parametrize("reference, message", [
    (lambda x: (x, x), "negative gives 1 results, the reference 2: Call"),
    (lambda x: x.sum(), r"negative has the shape \(2,\), the reference's \(\): Call")])
def test_a_reference_of_another_form_is_told_apart(reference, message):
    with pytest.raises(AssertionError, match=message):
        prove(ops.negative, Call((np.ones(2),)), reference)


def test_args_that_are_no_strategies_are_refused():
    with pytest.raises(TypeError, match="args is a tuple .* not a dict"):
        gradtest(ops.exp, args={})


def test_an_option_that_there_is_not_is_refused_at_the_decorator():
    with pytest.raises(TypeError, match="have no option nonsense"):
        gradtest(ops.exp, args=(np.ones(2),), kinks="skip", nonsense=1)


def test_the_test_keeps_its_name_and_docstring_and_asks_pytest_for_nothing():
    @gradtest(ops.exp, args=ANY)
    def test_named(x):
        """Said."""

    assert (test_named.__name__, test_named.__doc__) == ("test_named", "Said.")
    with pytest.raises(TypeError):
        test_named(1, 2)


def test_an_operation_that_does_not_keep_the_dtype_says_so():
    def double(x):
        return ops.astype(x, np.float64)

    with pytest.raises(AssertionError, match="float32 inputs has dtype float64, not float32"):
        prove(double, Call((np.ones(2),)))
    assert prove(double, Call((np.ones(2),)), keeps_dtype=False).ok


def test_inputs_of_lower_precision_are_left_to_check_grads():
    assert prove(ops.tanh, Call((np.ones(2, np.float32),)), np.tanh).ok


# A decorator like any other

SEEN: list = []


class Methods:
    """What a class of tests may hold."""

    @pytest.mark.skipif(False, reason="it stays a mark")
    @settings(max_examples=2)
    @example(np.full(3, 0.125))
    @gradtest(ops.tanh, args=(arrays(3),))
    def above(self, tmp_path, scale, x):
        SEEN.append(("above", self, tmp_path, scale, x))

    @gradtest(ops.tanh, args=arrays(3), max_examples=2)
    @seed(3)
    @example(Call((np.full(3, 0.25),)))
    @pytest.mark.skipif(False, reason="it stays a mark")
    def below(self, x, *, tmp_path, scale=2):
        SEEN.append(("below", self, tmp_path, scale, x))

    @example(x=np.full(3, 0.5), y=np.ones(3))
    @gradtest(ops.multiply, args=(arrays(3), arrays(3)), max_examples=2)
    def together(self, x, y):
        SEEN.append(("together", self, None, None, x))


@pytest.mark.parametrize("name, asked, given, value, number", [
    ("above", ["self", "tmp_path", "scale"], {"tmp_path": 5, "scale": 7}, 0.125, 3),
    ("below", ["self", "tmp_path"], {"tmp_path": 5}, 0.25, 3),
    ("together", ["self"], {}, 0.5, 3)])
def test_methods_fixtures_marks_and_what_hypothesis_offers_on_either_side(
        name, asked, given, value, number):
    made, owner = vars(Methods)[name], Methods()
    assert [*inspect.signature(made).parameters] == asked
    marks = [mark.name for mark in getattr(made, "pytestmark", [])]
    assert marks == ["skipif"] * (name != "together")
    SEEN.clear()
    getattr(owner, name)(**given)
    assert {(kind, id(self)) for kind, self, *_ in SEEN} == {(name, id(owner))}
    assert {(tmp, scale) for _, _, tmp, scale, _ in SEEN} == {
        (given.get("tmp_path"), given.get("scale", 2 if name == "below" else None))}
    assert (SEEN[0][-1] == value).all() and len(SEEN) == number  # the example, and two drawn


def test_settings_hold_but_for_deadlines_and_the_seed_draws_the_same():
    def drawn(*decorators):
        xs = []

        def test(x):
            xs.append(x)
        for decorator in (gradtest(ops.tanh, args=ANY, max_examples=4), *decorators):
            test = decorator(test)
        test()
        return xs, test

    (first, test), (second, _) = drawn(seed(5)), drawn(seed(5))
    assert len(first) == 4 and all(map(np.array_equal, first, second))
    found = test._hypothesis_internal_use_settings
    assert found.deadline is None and found.max_examples == 4 and not found.report_multiple_bugs
    _, test = drawn(settings(max_examples=2, deadline=9000))
    found = test._hypothesis_internal_use_settings
    assert found.max_examples == 2 and found.deadline.total_seconds() == 9
    with pytest.raises(InvalidArgument, match="already been decorated"):
        drawn(settings(max_examples=2), settings(max_examples=3))


async def coroutine(x):
    """Async."""


async def asynchronous(x):
    yield x


def generator(x):
    yield x


@pytest.mark.parametrize("test, message", [
    (coroutine, "coroutine is an async function, which does nothing when it is called"),
    (asynchronous, "asynchronous is an async generator"), (generator, "generator is a generator"),
    (Methods, "of a function, not of a type"),
    (lambda y: None, "a parameter for y, but 2 inputs are drawn: name all of them or none")])
def test_what_would_not_run_is_refused(test, message):
    with pytest.raises(TypeError, match=message):
        gradtest(ops.multiply, args=(arrays(3), arrays(3)))(test)


@pytest.mark.parametrize("test, message", [
    (lambda x, y: None, "a parameter for x, y, but 1 inputs are drawn"),
    (example(x=np.ones(3))(lambda x: None), "takes the inputs by position, or one Call")])
def test_a_strategy_that_draws_another_number_of_inputs_is_told(test, message):
    with pytest.raises(TypeError, match=message):
        gradtest(ops.tanh, args=arrays(3), max_examples=1)(test)()


def test_a_failure_stands_at_the_line_of_the_test():
    @gradtest(planted(one_percent), args=(np.ones((30, 40)),))
    def wrong():
        """Large."""

    with pytest.raises(GradientError) as error:
        wrong()
    last, text = error.traceback[-1], str(error.value)
    assert last.path.name == "test_gradtest.py" and last.name == "wrong"
    assert "gradtest(planted(one_percent)" in str(last.statement)
    assert re.search(r"drawn by .*wrong in .*test_gradtest.py, line \d+$", text)
    assert text.count("\n") < 15
    # Hypothesis's notes; the second, a line to paste, is there where CI is set
    assert all(len(note) < 200 for note in getattr(error.value, "__notes__", []))


def test_options_of_check_grads_are_passed_on():
    with pytest.raises(GradientError, match="a kink or a jump at this point"):
        gradtest(ops.relu, args=(np.zeros(2),), kinks="raise")(lambda: None)()


def test_a_call_is_printed_in_a_line_or_three():
    tree = {"w": np.ones((9, 9)), "b": np.ones(2)}
    call = Call((np.ones((30, 40)), np.zeros(2), tree), {"axis": 1, "w": np.ones((5, 5))})
    assert repr(call) == ("Call(<float64 array of shape (30, 40)>, array([0., 0.]), <dict>, "
                          "axis=1, w=<float64 array of shape (5, 5)>)")
