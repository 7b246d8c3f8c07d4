"""gradtest: what it demands, what it says, and that it passes what is right."""
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import strategies as st

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
