"""What a gradient must be before its numbers are looked at: each rule broken once."""
from __future__ import annotations

from functools import partial

import numpy as np
import pytest

import minigan as mg
from minigan import ops
from minigan.testing import GradientError, check_grads, from_numpy, from_torch
from minigan.testing.properties import check_dtype

X = np.random.default_rng(0).normal(size=(3, 4))


def sine(factor):
    """sin, whose gradient is off by a factor that depends on the node and the cotangent."""
    class Sine(mg.Function):
        def forward(self, x):
            return np.sin(x)

        def backward(self, grad):
            return grad * ops.cos(self.inputs[0]) * factor(self, grad)

    return lambda x: Sine()(x)


def product(by_x, by_y):
    """x · y, whose gradients are off by factors that depend on the node."""
    class Product(mg.Function):
        def forward(self, x, y):
            return x * y

        def backward(self, grad):
            x, y = self.inputs
            return grad * y * by_x(self), grad * x * by_y(self)

    return lambda x, y: Product()(x, y)


def is_strided(array):
    return array.size > 1 and not array.flags.c_contiguous and not array.flags.f_contiguous


BROKEN = {
    "is another if the inputs are strided in memory": (
        sine(lambda n, g: 2.0 if is_strided(n.inputs[0].data) else 1.0), [X]),
    "is another if the inputs are reversed and transposed in memory": (
        sine(lambda n, g: 2.0 if min(n.inputs[0].data.strides) < 0 else 1.0), [X]),
    "is another if the cotangent is strided in memory": (
        sine(lambda n, g: 2.0 if is_strided(g.data) and 0 not in g.data.strides else 1.0), [X]),
    "is another if the cotangent is one number, broadcast": (
        sine(lambda n, g: 2.0 if set(g.data.strides) == {0} else 1.0), [X]),
    "by input 1 is another if the other inputs are constants": (
        product(lambda n: 1.0, lambda n: 1.0 if n.needs[0] else 2.0), [X, X]),
    "when it is made to be differentiated again": (
        sine(lambda n, g: 1.0 if not mg.autodiff._mode.grad_enabled else 2.0), [X]),
    "inputs are not those of contiguous ones": (
        lambda x: ops.sin(x) + (1.0 if is_strided(x.data) else 0.0), [X]),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_named(rule):
    f, inputs = BROKEN[rule]
    with pytest.raises(GradientError) as error:
        check_grads(f, *inputs)
    assert rule in str(error.value), str(error.value)


def zeroed(x):
    x.data[...] = 0
    return x * 1.0


@pytest.mark.parametrize("f, inputs", [
    (zeroed, [X]),
    (lambda x, i: zeroed(i) + x, [X, np.arange(4)]),
])
def test_inputs_and_constants_that_are_written_to_are_noticed(f, inputs):
    before = [x.copy() for x in inputs]
    with pytest.raises(GradientError, match=rf"input {len(inputs) - 1} was changed in place"):
        check_grads(f, *inputs)
    assert all((x == b).all() for x, b in zip(inputs, before))


def test_a_reverse_pass_that_writes_into_its_inputs_is_noticed():
    def vjp(x, grad):
        slope = grad * np.cos(x)
        x += 1
        return slope

    with pytest.raises(GradientError, match="input 0 was changed in place"):
        check_grads(from_numpy(np.sin, vjp), X)


def first_row_scaled(x, grad):
    g = grad * np.cos(x)
    g[0] *= 1  # an IndexError where there is no row
    return g


def test_zero_size_inputs_that_have_a_value_need_a_gradient():
    with pytest.raises(GradientError, match=r"zero-size inputs(.|\n)*\(0, 4\)(.|\n)*IndexError"):
        check_grads(from_numpy(np.sin, first_row_scaled), X)
    wrong_shape = from_numpy(np.sin, lambda x, grad: grad * np.cos(x) if x.size else np.zeros(3))
    with pytest.raises(GradientError, match=r"the one of shape \(0, 4\) has shape \(3,\)"):
        check_grads(wrong_shape, X)


def test_zero_size_inputs_may_be_refused():
    assert check_grads(ops.exp, X).zero_size == 2  # (0, 4) and (3, 0)
    assert check_grads(ops.mean, X).zero_size == 0
    assert check_grads(ops.matmul, X, X.T.copy()).zero_size == 2


def test_the_mean_of_nothing_is_no_value():
    mean = from_numpy(np.mean, lambda x, grad: np.full(x.shape, grad / len(x.tolist()[0]) / 3))
    assert check_grads(mean, X).zero_size == 0  # the vjp fails where there is no row


def test_torchs_own_second_derivatives_may_fail_for_zero_size_inputs_the_first_may_not():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    torch.set_num_threads(1)  # threads wait for each other longer than these arrays take
    report = check_grads(from_torch(lambda *args: torch.nn.functional.conv2d(*args, padding=1)),
                         np.ones((2, 2, 1, 1)), np.ones((3, 2, 3, 3)), np.ones(3), directions=1)
    assert any("zero-size at second order: RuntimeError" in reason for reason in report.skipped)

    class Row(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return 2 * x

        @staticmethod
        def backward(ctx, grad):
            grad[0]
            return 2 * grad

    with pytest.raises(GradientError, match="wrong for zero-size inputs(.|\n)*IndexError"):
        check_grads(from_torch(Row.apply), X, directions=1)


def test_a_reverse_pass_that_raises_is_wrong_and_named():
    def backward_raises(n, g):
        raise KeyError("mask")

    with pytest.raises(GradientError, match="the reverse pass raised KeyError: 'mask'"):
        check_grads(sine(backward_raises), X)


def test_at_a_kink_rounding_may_depend_on_the_layout_but_the_gradient_beside_it_may_not():
    x, w = np.array([[2.9, 2.9], [1.6, -1.1]]), np.array([[-0.00593199], [0.00593199]])
    check_grads(lambda x, w: ops.relu(-(x @ w)), x, w)  # the first product is 0, or 1e-19

    def backward(order, x, w, grad):
        grad = -grad * (x @ w < 0)
        return grad @ w.T, x.ravel(order).reshape(x.shape).T @ grad

    def layer(order):
        return from_numpy(lambda x, w: np.maximum(-(x @ w), 0), partial(backward, order))

    check_grads(layer("C"), x, w)
    with pytest.raises(GradientError, match="beside these.*by input 1 .* inputs are Fortran"):
        check_grads(layer("K"), x, w)  # as they lie in memory


def test_large_cotangents_may_overflow_where_numbers_are_near_the_largest_but_not_be_clipped():
    class Clipped(mg.Function):
        """x, whose gradient is clipped at 100."""

        def forward(self, x):
            return x + 0

        def backward(self, grad):
            return ops.clip(grad, -100, 100)

    class Square(mg.Function):
        """x², whose second derivative is clipped."""

        def forward(self, x):
            return x * x

        def backward(self, grad):
            return grad * Clipped()(2 * self.inputs[0])

    x, y = np.array([696.3857853, 4.18184728, -28.09417946]), np.array([1.2, -2.0, 1.0])
    check_grads(lambda x: ops.tanh(ops.exp(x)), x)
    with pytest.raises(GradientError, match=r"second order: .* for one of 1e\+03 times the size"):
        check_grads(lambda x, y: ops.concatenate([ops.tanh(ops.exp(x)), Square()(y)]), x, y)


def test_noise_that_float32_is_too_coarse_to_show_is_rounding():
    def f(x):
        return ops.log(ops.logsumexp(ops.exp(x)))

    check_grads(f, [35.7, -44.6, -8.9])  # exp(35.7) has ulps of 0.5


def test_a_tie_closer_to_an_extremum_than_a_step_is_long_is_seen_by_shorter_ones():
    x = 1.90517171e-06 * np.array([-1000, 1500, 3000, 1300, -1, -10_000, -1, 1300])
    check_grads(lambda x: ops.max(ops.tanh(ops.cos(x))), x)


@pytest.mark.parametrize("f, x", [(partial(ops.softmax, axis=0), [1e-3, -10]), (ops.tanh, [10])])
def test_what_float32_rounds_beside_a_1_that_hardly_moves_is_rounding(f, x):
    check_dtype(f, np.float32(x))  # 1 + exp(-10) is rounded the same way wherever x is moved a bit


def test_an_error_of_one_in_a_thousand_in_float32_is_none():
    slope = from_numpy(np.sin, lambda x, g: g * np.cos(x) * (1 + 1e-3 * (x.dtype == np.float32)))
    with pytest.raises(GradientError, match="in float32 it is"):
        check_dtype(slope, np.float32([0.3, 1.1, 2.0]))
