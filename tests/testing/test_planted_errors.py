"""check_grads against gradients that are known to be wrong, and others known to be right."""
from __future__ import annotations

import numpy as np
import pytest

import minigan as mg
from minigan import ops
from minigan.testing import GradientError, check_grads

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4))
SQUARE = RNG.normal(size=(3, 3))


def op(forward, backward):
    """An operation from two functions: arrays → array, and (node, gradient) → gradients."""
    class Planted(mg.Function):
        def forward(self, *arrays):
            return forward(*arrays)

        def backward(self, grad):
            return backward(self, grad)

    return lambda *inputs: Planted()(*inputs)


def constant(array):
    return mg.Tensor(np.asarray(array))


def wrong_in_one(shape, where):
    """A sine whose gradient is off by 10 % in a single element."""
    mistake = np.ones(shape)
    mistake.reshape(-1)[where] = 1.1
    return op(np.sin, lambda n, g: g * ops.cos(n.inputs[0]) * constant(mistake))


def in_place(x):
    x *= 2
    return x + 0


def saved_tanh(node, grad):
    y = node.output.detach()  # a constant to the second derivative
    return grad * (1 - y * y)


def saved_deviation(node, grad):
    """Normalisation over the first axis, its deviation kept from the forward pass."""
    x, n = node.inputs[0], len(node.inputs[0])
    inv_std = constant(1 / np.sqrt(x.data.var(axis=0) + 1e-5))
    y = (x - x.mean(0)) * inv_std
    return inv_std * (grad - grad.mean(0) - y * (grad * y).sum(0) * (1 / n))


def every_largest(node, grad):
    x = node.inputs[0]
    return grad * constant((x.data == x.data.max()).astype(float))


def only_in_float32(node, grad):
    return grad * ops.cos(node.inputs[0]) * (1.001 if grad.dtype == np.float32 else 1)


def only_at_size_1(node, grad):
    x = node.inputs[0]
    return (grad * 2 * x) * (2 if 1 in x.shape else 1)


def clipped_bce(node, grad):
    p = node.inputs[0]
    return -grad / p * constant((p.data > 1e-3) & (p.data < 1 - 1e-3)).astype(grad.dtype)


def random_noise(x):
    return x + np.random.default_rng().normal(size=x.shape)


def random_gradient(node, grad):
    return grad * (1 + 1e-6 * np.random.default_rng().normal())


REMEMBERED = [X]


def remember(x):
    REMEMBERED[0] = x
    return x * x


def doubled_in_place(node, grad):
    grad._data *= 2
    return grad * 0.5 * ops.cos(node.inputs[0])


HALF_ZEROS = np.arange(-50, 50) / 10
HALF_ZEROS[::2] = 0
CONSTANT = constant(SQUARE)
CURL = constant(np.array([[0.0, 1.0], [-1.0, 0.0]]))
TIES = np.array([1.0, 3.0, 3.0, 0.0])

# name: (operation, inputs, what the message says)
WRONG = {
    "wrong sign": (op(np.cos, lambda n, g: g * ops.sin(n.inputs[0])), [X], "ratio -1"),
    "factor 2": (op(np.square, lambda n, g: g * n.inputs[0]), [X], "ratio 0.5"),
    "cotangent ignored": (op(np.exp, lambda n, g: n.output + 0 * g), [X], "not linear"),
    "cotangent squared": (op(np.exp, lambda n, g: g * g * n.output), [X], "not linear"),
    "cotangent clipped": (op(np.exp, lambda n, g: g.clip(-1, 1) * n.output), [X], "not linear"),
    "cotangent in float32, where that overflows": (
        op(np.exp, lambda n, g: constant(g.data.astype(np.float32).astype(g.dtype)) * n.output),
        [X + 200], "not linear"),
    "no sum over a broadcast axis": (
        op(np.multiply, lambda n, g: (g * n.inputs[1], g * n.inputs[0])), [X, X[0]],
        "must have the shape of its input"),
    "one row in place of the sum": (
        op(np.multiply, lambda n, g: (g * n.inputs[1], (g * n.inputs[0])[0])), [X, X[0]],
        "input 1 of shape (4,)"),
    "mean in place of the sum": (
        op(np.multiply, lambda n, g: (g * n.inputs[1], (g * n.inputs[0]).mean(0))), [X, X[0]],
        "input 1 of shape (4,)"),
    "off by 1 %": (op(np.sin, lambda n, g: 1.01 * g * ops.cos(n.inputs[0])), [X], "ratio 1.01"),
    "off by 0.01 %": (op(np.sin, lambda n, g: 1.0001 * g * ops.cos(n.inputs[0])), [X],
                      "ratio 1.0001"),
    "one element of 100": (wrong_in_one((10, 10), 77), [RNG.normal(size=(10, 10))],
                           "element (7, 7)"),
    "one element of 1000": (wrong_in_one(1000, 123), [RNG.normal(size=1000)], "element (123,)"),
    "output kept as a constant": (op(np.tanh, saved_tanh), [X], "second order"),
    "deviation kept as a constant": (
        op(lambda x: (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5), saved_deviation), [X],
        "second order"),
    "gradient cut off from its graph": (
        op(np.sin, lambda n, g: g.detach() * ops.cos(n.inputs[0])), [X],
        "the cotangent of output 0"),
    "only in float32": (op(np.sin, only_in_float32), [X.astype(np.float32)], "float32"),
    "only in float32, and of two inputs one": (
        lambda x, y: op(np.sin, only_in_float32)(y) + x, [X, X.astype(np.float32)], "input 1"),
    "every tied maximum in full": (op(np.max, every_largest), [TIES], "first order"),
    "transposed": (op(lambda x: x * SQUARE, lambda n, g: g * CONSTANT.T), [SQUARE], "first order"),
    "a factor not transposed": (
        op(np.matmul, lambda n, g: (g @ n.inputs[1], n.inputs[0].T @ g)), [SQUARE, SQUARE],
        "input 0 of shape (3, 3)"),
    "shifted by one": (
        op(np.sin, lambda n, g: ops.concatenate([(g * ops.cos(n.inputs[0]))[1:],
                                                 (g * ops.cos(n.inputs[0]))[:1]])), [X],
        "first order"),
    "only where an axis has size 1": (op(np.square, only_at_size_1), [X[:, :1]], "ratio 2"),
    "input changed in place": (op(in_place, lambda n, g: 2 * g), [X],
                               "input 0 was changed in place"),
    "one of two uses lost": (op(lambda x: x * x, lambda n, g: g * n.inputs[0]), [X], "ratio 0.5"),
    "the inputs exchanged": (op(np.multiply, lambda n, g: (g * n.inputs[0], g * n.inputs[1])),
                             [X, X + 1], "first order"),
    "values not repeatable": (op(random_noise, lambda n, g: g), [X], "two different values"),
    "gradient not repeatable": (op(np.copy, random_gradient), [X], "two different gradients"),
    "no gradient": (op(np.copy, lambda n, g: None), [X], "returned nothing"),
    "a zero gradient": (op(np.sin, lambda n, g: g * 0), [X], "ratio 0"),
    "clipped away near 1": (op(lambda p: -np.log(p), clipped_bce), [np.array([0.5, 0.9995])],
                            "element (1,)"),
    "outside a kink's slopes": (
        op(lambda x: np.maximum(x, 0), lambda n, g: g * constant((n.inputs[0].data > 0) * 1.0
                                                                 + (n.inputs[0].data == 0) * 2.0)),
        [np.array([0.0, 1.0])], "between"),
    "NaN where the value is finite": (lambda x: ops.sqrt((x * x).sum()), [np.zeros(2)], "finite"),
    "wrong for negative numbers only": (op(np.abs, lambda n, g: g), [X], "ratio -1"),
    "hidden behind many kinks": (
        op(lambda x: np.maximum(x, 0), lambda n, g: g * constant((n.inputs[0].data > 0) * 1.1)),
        [HALF_ZEROS], "ratio 1.1"),
    "no gradient where most are kinks": (op(lambda x: np.maximum(x, 0), lambda n, g: g * 0),
                                         [HALF_ZEROS], "ratio 0"),
    "a scalar of many kinks": (
        lambda x: op(np.abs, lambda n, g: 1.05 * g * constant(np.sign(n.inputs[0].data)))(x).sum(),
        [HALF_ZEROS], "ratio 1.05"),
    "beside a much larger value": (
        op(np.exp, lambda n, g: g * n.output * constant(np.where(n.inputs[0].data < 1, 1.01, 1))),
        [np.array([25.0, 0.5, -1])], "ratio 1.01"),
    "of a tiny function": (lambda x: 1e-13 * op(np.square, lambda n, g: 4 * g * n.inputs[0])(x),
                           [X], "ratio 2"),
    "where only large steps see anything": (
        lambda x: op(np.square, lambda n, g: g * n.inputs[0])(x).sum() + 1e12, [X], "ratio 0.5"),
    "large cotangents clipped": (op(np.square, lambda n, g: 2 * g.clip(-20, 20) * n.inputs[0]), [X],
                                 "of 1.3e+08 times the size"),
    "small cotangents dropped": (
        op(np.square, lambda n, g: 2 * g * constant((abs(g.data) > 1e-6) * 1.0) * n.inputs[0]),
        [X], "of 9.3e-10 times the size"),
    "divided by the cotangent": (op(np.square, lambda n, g: g * g / g * 2 * n.inputs[0]), [X],
                                 "with zeros in it"),
    "kept outside of the call": (op(remember, lambda n, g: 2 * g * constant(REMEMBERED[0])), [X],
                                 "keep nothing outside of the call"),
    "right at this point only": (
        op(np.multiply, lambda n, g: (g * n.inputs[0], g * n.inputs[1])), [0.0, 0.0],
        "beside these inputs"),
    "with a curl, where it is 0": (
        op(lambda x: (x * x).sum(), lambda n, g: g * (2 * n.inputs[0] + CURL @ n.inputs[0])),
        [np.zeros(2)], "beside these inputs"),
    "the cotangent written to": (op(np.sin, doubled_in_place), [X],
                                 "cotangent was changed in place"),
    "an array in place of a Tensor": (op(np.sin, lambda n, g: g.data), [X],
                                      "backward returned ndarray, not a Tensor"),
    "one gradient for two inputs": (op(np.multiply, lambda n, g: g * n.inputs[1]), [X, X],
                                    "returned 1 gradients for 2 inputs"),
    "a wrong constant beside integers": (
        lambda x, i: op(lambda x: x[[0, 0, 1]], lambda n, g: mg.Tensor(np.pad(
            g.data[1:], ((0, 1), (0, 0)))))(x) * i, [X, 2], "first order"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_planted_error_is_caught(name):
    f, inputs, message = WRONG[name]
    with pytest.raises(GradientError) as error:
        check_grads(f, *inputs)
    assert message in str(error.value), str(error.value)
    assert "seed 0" in str(error.value)
    assert error.value.report is not None and not error.value.report.ok


@pytest.mark.parametrize("name", ["one element of 1000", "every tied maximum in full",
                                  "off by 1 %"])
def test_a_planted_error_is_caught_for_every_seed(name):
    f, inputs, _ = WRONG[name]
    for seed in range(10):
        with pytest.raises(GradientError, match=f"seed {seed}"):
            check_grads(f, *inputs, seed=seed, order=1)


def gradient_penalty(w):
    """(‖∂D/∂x‖ − 1)² as in WGAN-GP: a function that takes a gradient itself."""
    x = mg.Tensor(X, requires_grad=True)
    (g,) = mg.grad(ops.tanh(x @ w).sum(), x, create_graph=True)
    return ((ops.sqrt((g * g).sum(axis=1)) - 1) ** 2).mean()


SMOOTH = {
    "exp(5x)": (lambda x: ops.exp(5 * x), [np.array([-3.0, 0, 3])]),
    "sqrt near 0.01": (ops.sqrt, [np.array([0.01, 0.011, 4.0])]),
    "sqrt near 1e-4": (ops.sqrt, [np.array([1e-4, 3e-4, 1.0])]),
    "1 / x near 0.01": (lambda x: 1 / x, [np.array([0.01, -0.02, 1])]),
    "log near 0.001": (ops.log, [np.array([1e-3, 1.0])]),
    "square at 0": (lambda x: x ** 2, [np.zeros(3)]),
    "cube at 0": (lambda x: x ** 3, [np.array([0.0, 0.1])]),
    "cube of one 0": (lambda x: x ** 3, [0.0]),
    "fourth power at 0": (lambda x: x ** 4, [np.zeros(2)]),
    "saturated": (ops.tanh, [np.array([20.0, -20, 0])]),
    "sin far out": (ops.sin, [np.array([1e4, 1.0])]),
    "steep": (lambda x: ops.sigmoid(100 * x), [np.array([0.0, 0.03])]),
    "large": (lambda x: 1e6 * ops.sin(x), [X]),
    "small": (lambda x: 1e-6 * ops.sin(x), [X]),
    "large offset": (lambda x: ops.sin(x) + 1e6, [X]),
    "rounded within": (lambda x: (x + 1e6) - 1e6, [X]),
    "rounded within, and curved": (lambda x: ops.exp(x) + 1e8 - 1e8, [X]),
    "large numbers": (lambda x: ops.log_softmax(x), [X + 1e4]),
    "variance far from 0": (ops.var, [X + 1e3]),
    "variance of equals": (ops.var, [np.full(3, 0.3)]),  # whose mean is not quite 0.3
    "a long sum": (lambda x: ops.exp(x).sum(), [RNG.normal(size=2000)]),
    "many outputs": (lambda x: ops.split(ops.exp(x), 2, axis=1), [X]),
    "a product with broadcasting": (ops.multiply, [X, X[0]]),
    "a matrix product": (ops.matmul, [SQUARE, SQUARE]),
    "linear": (lambda x: 3 * x + 1, [X]),
    "constant": (lambda x: 0 * x + 1, [X]),
    "unused input": (lambda x, y: ops.sin(x), [X, SQUARE]),
    "independent of the input": (lambda x: mg.Tensor(np.ones(2)), [X]),
    "repeated elements": (lambda x, i: x[i] ** 2, [X, np.array([0, 2, 0, 0])]),
    "numbers and lists": (lambda x, y, n: x * y ** 2 * n, [2.0, [1.0, 3.0], 3]),
    "no elements in": (lambda x: ops.exp(x).sum(), [np.zeros((0, 3))]),
    "no elements out": (lambda x: ops.exp(x)[:0], [X]),
    "a gradient penalty": (gradient_penalty, [RNG.normal(size=(4, 2))]),
    "float32": (ops.softmax, [X.astype(np.float32)]),
    "float32, steep": (lambda x: ops.exp(5 * x) / x, [X.astype(np.float32)]),
    "float32, cancelling": (ops.var, [X.astype(np.float32) + 100]),
    "float16": (lambda x: ops.tanh(x).mean(), [X.astype(np.float16)]),
    "float32 and float64": (ops.multiply, [X.astype(np.float32), X]),
}

KINKED = {
    "relu at 0": (ops.relu, [np.array([0.0, 1, -1, 0])]),
    "relu of one 0": (ops.relu, [0.0]),
    "relu beside 0": (ops.relu, [np.array([1e-300, 1e-12, 5e-7, -5e-7, 3e-6, 3e-5, -9e-5])]),
    "relu in float32": (ops.relu, [np.zeros(2, np.float32)]),
    "abs at 0": (ops.abs, [np.zeros((2, 2))]),
    "abs within a function": (lambda x: ops.exp(ops.abs(x)).sum(), [np.array([0.0, 1, -0.5])]),
    "leaky_relu at 0": (lambda x: ops.leaky_relu(x, -0.5), [np.zeros(3)]),
    "elu at 0": (ops.elu, [np.array([0.0, 1e-7, -1e-7])]),
    "elu with another slope": (lambda x: ops.elu(x, 3.0), [np.zeros(2)]),
    "clip at its limits": (lambda x: ops.clip(x, -1, 1), [np.array([1.0, -1, 0])]),
    "max with a tie": (ops.max, [TIES]),
    "max of equals": (lambda x: ops.max(x, axis=1), [np.ones((2, 3))]),
    "maximum with ties": (ops.maximum, [np.array([1.0, 2, 3]), np.array([1.0, 3, 3])]),
    "maximum of itself": (lambda x: ops.maximum(x, x), [X]),
    "a small kink": (lambda x: 1e-7 * ops.abs(x), [np.zeros(2)]),
    "a kink of a large function": (lambda x: 1e5 * ops.relu(x) + 1e6, [np.array([0.0, 1])]),
    "square of a kink": (lambda x: ops.relu(x) ** 2, [np.array([0.0, 0.5])]),
    "as steep as the step is wide": (
        lambda x: ops.sigmoid(1e5 * x), [np.array([0, 1, 1e-5, -0.3e-5, 2.7e-5, 1e-4])]),
    "a kink of the second derivative": (lambda x: ops.abs(x) ** 2.5, [np.array([0.0, 0.5])]),
}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", SMOOTH)
def test_a_right_gradient_of_a_smooth_function_is_accepted(name, seed):
    f, inputs = SMOOTH[name]
    report = check_grads(f, *inputs, seed=seed, kinks="raise")
    assert report.ok and report.kinks == 0
    assert not any("kink" in reason or "jump" in reason for reason in report.skipped)
    assert report.worst < 0.5, report


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", KINKED)
def test_a_right_gradient_at_a_kink_is_accepted(name, seed):
    f, inputs = KINKED[name]
    report = check_grads(f, *inputs, seed=seed)
    assert report.ok and report.worst <= 1
