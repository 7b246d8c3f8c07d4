"""What check_grads takes, returns and says."""
from __future__ import annotations

import numpy as np
import pytest

import minigan as mg
from minigan import ops
from minigan.testing import GradientError, check_grads, from_numpy, numerical_jvp

X = np.random.default_rng(0).normal(size=(3, 4))


class Doubled(mg.Function):
    """The sine, with twice its gradient."""

    def forward(self, x):
        return np.sin(x)

    def backward(self, grad):
        return 2 * grad * ops.cos(self.inputs[0])


def doubled(x):
    return Doubled()(x)


def test_a_report_says_what_was_checked():
    report = check_grads(ops.tanh, X)
    # 8 cotangents for 12 elements, 2 random directions and all ones; at second order 4 for 8
    # random directions of the input, all ones, and 3 directions of the cotangent
    assert report.ok and report.checked == {"first order": 8 * 15, "second order": 4 * 12}
    assert report.worst <= 1 and not report.skipped
    assert check_grads(ops.tanh, X, kinks="raise").worst < 0.01  # looked at twice
    assert str(report).startswith("tanh (Tanh): right; 120 derivatives of first order, 48 ")
    assert "seed 0" in str(report)


def test_a_failure_names_op_input_element_both_numbers_their_ratio_order_and_seed():
    with pytest.raises(GradientError) as error:
        check_grads(lambda x, y: doubled(y) + x, X, X, seed=5)
    assert isinstance(error.value, AssertionError)
    message = str(error.value)
    for part in ("a lambda (Add)", "first order", "input 1 of shape (3, 4)", "at element (",
                 "the reverse pass says", "differences say", "ratio 2", "seed 5"):
        assert part in message, message
    described, pasted = message.split("to see it again")
    assert described.count("\n") == 3  # not whole arrays


def test_a_function_is_called_by_its_own_name():
    with pytest.raises(GradientError, match=r"^doubled \(Doubled\): wrong at first order"):
        check_grads(doubled, X)


def test_only_what_is_asked_for_is_checked():
    assert check_grads(lambda x, y: x + doubled(y), X, X, wrt=[0]).ok
    with pytest.raises(GradientError, match="input 1"):
        check_grads(lambda x, y: x + doubled(y), X, X, wrt=[1])


def test_the_first_order_alone_is_checked_if_asked():
    assert list(check_grads(ops.exp, X, order=1).checked) == ["first order"]
    assert list(check_grads(ops.exp, 0.5, order=3).checked)[2] == "third order"


def test_few_directions_still_find_an_error_in_few_elements():
    with pytest.raises(GradientError):
        check_grads(doubled, X, directions=1)


def test_integers_and_booleans_are_constants():
    mask = np.array([True, False, True])
    assert check_grads(lambda x, i, m: ops.where(m, x[i], 0), X, np.array([2, 0, 0]), mask[:, None])


def test_inputs_are_not_changed_and_collect_no_gradient():
    x = mg.tensor(X, requires_grad=True)
    before = X.copy()
    check_grads(lambda a, b: a * b, x, X)
    assert x.grad is None and x.requires_grad
    assert x.data.tobytes() == X.tobytes() == before.tobytes()


def test_the_check_itself_is_repeatable():
    first, second = (check_grads(ops.softmax, X, seed=3) for _ in range(2))
    assert first == second and first != check_grads(ops.softmax, X, seed=4)


def test_kinks_are_accepted_skipped_or_refused_as_asked():
    x = np.array([0.0, 1.0])
    report = check_grads(ops.relu, x, order=1)
    assert report.kinks > 0 and not report.skipped
    report = check_grads(ops.relu, x, order=1, kinks="skip")
    assert report.kinks == 0 and sum(report.skipped.values()) > 0 and report.checked
    with pytest.raises(GradientError, match="a kink or a jump"):
        check_grads(ops.relu, x, kinks="raise")


def test_nothing_but_skips_is_a_failure():
    with pytest.raises(GradientError, match="nothing could be compared.*a kink, first order"):
        check_grads(ops.relu, np.zeros(3), kinks="skip")
    with pytest.raises(GradientError, match="nothing could be compared.*a jump, first order"):
        check_grads(lambda x: x * 0 + (x > 0).astype("float64") * 1.0, np.zeros(1))


def test_no_elements_are_no_failure():
    assert check_grads(ops.exp, np.zeros((0, 2))).checked == {"first order": 0, "second order": 0}


@pytest.mark.parametrize("arguments, message", [
    (dict(kinks="ignore"), "kinks is one of"),
    *[(dict(order=order), "order is a whole number from 1 to 3") for order in (0, 2.0, True, [1])],
    (dict(directions=0), "directions is a whole number of at least 1"),
    (dict(wrt=[1]), "must be floats"),
    (dict(wrt=[]), "must be floats"), (dict(wrt=[7]), "must be floats"),
    (dict(wrt=[0, 0]), "each once")])
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        check_grads(lambda x, i: x, X, np.arange(3), **arguments)


def test_a_function_without_floats_is_refused():
    with pytest.raises(ValueError, match="must be floats"):
        check_grads(lambda i: i, np.arange(3))
    with pytest.raises(GradientError, match="no floats"):
        check_grads(lambda x: x > 0, X)
    with pytest.raises(GradientError, match="returned ndarray, which is no Tensor"):
        check_grads(lambda x: x.numpy(), X)


def test_an_error_of_the_function_is_its_own():
    with pytest.raises(ZeroDivisionError):
        check_grads(lambda x: x * (1 / 0), X)


def test_tolerances_can_be_loosened():
    class Rough(Doubled):
        def backward(self, grad):
            return 1.001 * grad * ops.cos(self.inputs[0])

    with pytest.raises(GradientError):
        check_grads(lambda x: Rough()(x), X, order=1)
    assert check_grads(lambda x: Rough()(x), X, order=1, rtol=0.01).ok


def test_numerical_jvp_is_the_derivative_along_a_direction():
    v = np.random.default_rng(1).normal(size=X.shape)
    np.testing.assert_allclose(numerical_jvp(ops.sin, X, v), np.cos(X) * v, rtol=1e-8, atol=1e-10)
    both = numerical_jvp(ops.multiply, (X, mg.tensor(X + 1)), (v, 2 * v))
    np.testing.assert_allclose(both, v * (X + 1) + X * 2 * v, rtol=1e-8, atol=1e-10)
    _, exact = mg.jvp(ops.sin, mg.tensor(X), mg.tensor(v))
    np.testing.assert_allclose(numerical_jvp(ops.sin, X, v), exact.data, rtol=1e-7)


def test_numerical_jvp_at_a_kink_is_the_mean_of_the_slopes_and_nan_at_a_jump():
    np.testing.assert_allclose(numerical_jvp(ops.relu, np.array([0.0, 1.0]), np.ones(2)), [0.5, 1])
    jump = numerical_jvp(lambda x: x * 0 + (x > 0).astype("float64") * 1.0, np.zeros(1), np.ones(1))
    assert np.isnan(jump).all()


def test_float32_inputs_are_differentiated_in_float64():
    np.testing.assert_allclose(numerical_jvp(ops.exp, np.zeros(2, np.float32), np.ones(2)), [1, 1],
                               rtol=1e-9)


def shredded(x):
    return np.sin(x) + 0.1 * np.sin(1e9 * x)


@pytest.mark.parametrize("factor", [-1, 1, 2])
def test_values_that_change_with_every_digit_prove_nothing(factor):
    pair = from_numpy(shredded, lambda x, grad: factor * grad * np.cos(x))
    with pytest.raises(GradientError, match="nothing could be compared.*every digit"):
        check_grads(pair, X)


def test_a_small_ripple_is_no_proof_either_and_hides_no_other_value():
    ripple = from_numpy(lambda x: np.sin(x) + 1e-3 * np.sin(1e9 * x), lambda x, g: g * np.cos(x))
    with pytest.raises(GradientError, match="nothing could be compared"):
        check_grads(ripple, X)
    wrong = np.where(np.arange(X.size) == 5, 1.5, 1).reshape(X.shape)
    beside = from_numpy(lambda x: np.stack([np.sin(x), shredded(x)]),
                        lambda x, g: (wrong * g[0] + g[1]) * np.cos(x))
    with pytest.raises(GradientError, match=r"ratio 1\.5"):
        check_grads(beside, X)


def test_what_draws_one_random_number_for_all_is_called_random():
    rng = np.random.default_rng(0)
    with pytest.raises(GradientError, match="two different values"):
        check_grads(lambda x: x * float(rng.random() > 0.5), X)


@pytest.mark.parametrize("f, vjp", [
    (lambda x: 1 / x, lambda x, grad: -grad * np.where(x < 1e-4, 0, 1 / x ** 2)),
    (lambda x: x * np.log(x), lambda x, grad: grad * np.where(x < 1e-6, 0, np.log(x) + 1))])
def test_a_gradient_that_is_cut_off_beside_a_pole_is_found(f, vjp):
    for small in (1e-5, 1e-7, 1e-8):
        point = np.array([small, 1.0, 2.0])
        if vjp(point, 1.0)[0] == 0:
            with pytest.raises(GradientError, match=r"element \(0,\): the reverse pass says -?0"):
                check_grads(from_numpy(f, vjp), point)


@pytest.mark.parametrize("tiny", [1e-200, 1e-310, 5e-324])
def test_numbers_that_are_as_good_as_zero_raise_no_alarm(tiny):
    for f in (ops.tanh, ops.exp, ops.sigmoid, lambda x: x * x):
        assert check_grads(f, np.array(tiny)).ok


def test_a_gradient_that_is_right_at_zero_alone_is_told_at_first_order():
    class Halved(mg.Function):
        def forward(self, x):
            return x * x

        def backward(self, grad):
            return grad * self.inputs[0]

    with pytest.raises(GradientError, match="first order, beside these(.|\n)*one half"):
        check_grads(lambda x: Halved()(x), np.zeros(3))


def test_a_function_is_called_on_the_inputs_side_of_zero_if_they_are_not_near_it():
    least = []

    def root(x):
        least.append(x.min(initial=1))
        return np.sqrt(x)

    check_grads(from_numpy(root, lambda x, grad: grad / 2 / np.sqrt(x)), np.array([0.3, 2, 9]))
    assert min(least) > 0


def test_a_gradient_a_tenth_off_for_small_numbers_is_not_taken_for_rounding():
    pair = from_numpy(lambda x: x * np.log(x),
                      lambda x, grad: grad * np.where(x < 1e-6, 0.9, 1) * (np.log(x) + 1))
    with pytest.raises(GradientError, match="ratio 0.9"):
        check_grads(pair, np.array([1e-7, 1.0, 2.0]))


@pytest.mark.parametrize("size", [1e-10, 1e-14, 1e-30])
@pytest.mark.parametrize("factor", [-1, 0, 1.01, 2])
def test_a_wrong_gradient_of_values_however_small_is_found_at_first_order(size, factor):
    pair = from_numpy(lambda x: size * np.sin(x), lambda x, grad: factor * size * grad * np.cos(x))
    with pytest.raises(GradientError, match="wrong at first order"):
        check_grads(pair, X[:2, :3], order=1)


def test_second_order_is_not_compared_where_the_values_were_lost():
    with pytest.raises(GradientError, match="second order: nothing could be compared"):
        check_grads(lambda x, y: ops.stack([ops.tanh(x), 500.0 % y + 0 * x]), np.array([0.3]),
                    np.array([0.00069]))


def test_a_wrong_gradient_is_found_beside_an_input_without_elements():
    class Doubled(mg.Function):
        def forward(self, a, b):
            return (a.sum() + b) * 2

        def backward(self, grad):
            return mg.tensor(np.zeros((0, 3))), grad * 3.0

    with pytest.raises(GradientError, match="input 1"):
        check_grads(lambda a, b: Doubled()(a, b), np.zeros((0, 3)), np.arange(1.0, 5))
