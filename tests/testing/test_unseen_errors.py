"""Wrong gradients that a check saw only once it asked as losses and networks ask: each is wrong at
one kind of cotangent, of input, or of call, and right at all others."""
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example

import minigan as mg
from minigan import ops
from minigan.testing import GradientError, check_grads, from_numpy, from_torch, gradtest
from minigan.testing.call import Call
from minigan.testing.strategies import arrays, shapes

X, Y = np.array([0.3, -1.0, 2.0]), np.array([0.5, 1.5, -0.7])
RNG = np.random.default_rng(0)
BUFFER: dict = {}
FIRST: dict = {}


def into_a_buffer(x):
    return np.multiply(x, x, out=BUFFER.setdefault((x.shape, x.dtype), np.empty_like(x)))


def squared(factor):
    """x², with a gradient that is off by a factor of x and the cotangent."""
    return from_numpy(lambda x: x * x, lambda x, g: g * 2 * x * factor(x, g))


def summed(factor):
    return from_numpy(lambda x: (x * x).sum(), lambda x, g: g * 2 * x * factor(x, g))


def two_results(right):
    """sin x and x²: 0 instead of the gradient where the pair of cotangents is not right."""
    return from_numpy(lambda x: (np.sin(x), x * x),
                      lambda x, g: (g[0] * np.cos(x) + g[1] * 2 * x) * right(*g))


def product(factor):
    return from_numpy(lambda x, y: x * y, lambda x, y, g: (g * y * factor(x, y), g * x))


def remembered(x):
    FIRST.setdefault(x.shape, x.copy())
    return x * x


def softmax(x):
    return np.exp(x - np.logaddexp.reduce(x))


class Square(mg.Function):
    """x², whose gradient is off where the input is no leaf."""

    def forward(self, x):
        return x * x

    def backward(self, grad):
        return grad * self.inputs[0] * (2 if self.inputs[0].creator is None else 2.02)


class Mean(mg.Function):
    """The mean, without a gradient in half precision."""

    def forward(self, x):
        return np.asarray(x.mean())

    def backward(self, grad):
        x = self.inputs[0]
        factor = 0.0 if x.dtype == np.float16 else 1 / max(x.size, 1)
        return ops.broadcast_to(grad * factor, x.shape)


class Multiply(mg.Function):
    """x · y, whose reverse pass counts how often it ran."""

    def forward(self, x, y):
        self.runs = 0
        return x * y

    def backward(self, grad):
        self.runs += 1
        x, y = self.inputs
        return grad * y * float(self.runs), grad * x


class Third(mg.Function):
    """x · y · z, with a gradient by y that is doubled if exactly the others are asked for too."""

    def forward(self, x, y, z):
        return x * y * z

    def backward(self, grad):
        x, y, z = self.inputs
        asked = (x.requires_grad, y.requires_grad, z.requires_grad)
        off = 2.0 if asked == (False, True, True) else 1.0
        return grad * y * z, grad * x * z * off, grad * x * y


ESCAPED = {
    "a result in a buffer of its own, and no gradient": (
        from_numpy(into_a_buffer, lambda x, g: 0 * x), [X]),
    "at a cotangent of exactly 1": (summed(lambda x, g: 0 if g == 1 else 1), [X]),
    "at a cotangent that is the same everywhere": (
        squared(lambda x, g: 2 if g.size > 1 and np.ptp(g) == 0 else 1), [X]),
    "at a cotangent that is one-hot": (
        squared(lambda x, g: 2 if np.count_nonzero(g) == 1 and g.max() == 1 else 1), [X]),
    "where a row of the cotangent is zero": (
        squared(lambda x, g: 1 if not g.any() else np.roll(g.any(1), 1)[:, None] + 0.0),
        [RNG.normal(size=(3, 2))]),
    "where only the first result is used": (two_results(lambda a, b: bool(b.any())), [X]),
    "where only the second result is used": (two_results(lambda a, b: bool(a.any())), [X]),
    "in 64 elements beside a large one": (
        from_numpy(np.exp, lambda x, g: g * np.exp(x) * np.where(x < 10, -1, 1)),
        [np.concatenate([[30.0], RNG.normal(size=64)])]),
    "small under a large value": (
        from_numpy(lambda x: 1000 + 1e-8 * np.sin(x), lambda x, g: 0 * x), [X]),
    "tiny under 1": (from_numpy(lambda x: 1 + 1e-11 * np.sin(x), lambda x, g: 0 * x), [X]),
    "at inputs of 1e12": (
        from_numpy(lambda x: np.sin(x / 1e12), lambda x, g: -g * np.cos(x / 1e12) / 1e12),
        [np.array([1e12, 3e11])]),
    "in micrometres": (from_numpy(lambda x: np.sin(1e6 * x),
                                  lambda x, g: -g * 1e6 * np.cos(1e6 * x)), [X * 1e-6]),
    "of a term with the weight 1e-10": (
        from_numpy(lambda a, b: 1e-10 * (a * a).sum() + np.cos(b).sum(),
                   lambda a, b, g: (0 * a, -g * np.sin(b))), [X, Y]),
    "clipped at 1e5": (from_numpy(lambda x: x * x,
                                  lambda x, g: np.clip(g, -1e5, 1e5) * 2 * x), [X]),
    "of the imaginary part": (
        from_numpy(lambda x: np.exp(1j * x), lambda x, g: -np.sin(x) * np.real(g)), [X]),
    "where the input was computed": (lambda x: Square()(x), [X]),
    "in half precision": (lambda x: Mean()(x), [RNG.normal(size=100).astype(np.float16)]),
    "on the second reverse pass": (lambda x, y: Multiply()(x, y), [X, Y]),
    "where all inputs but the first are asked for": (lambda x, y, z: Third()(x, y, z), [X, Y, X]),
    "where two inputs are one object": (product(lambda x, y: 2 if x is y else 1), [X, X]),
    "of the first input of that shape": (
        from_numpy(remembered, lambda x, g: g * 2 * FIRST[x.shape]), [X]),
    "by 10 % of a function of single precision": (
        from_numpy(lambda x: np.sin(x.astype(np.float32)).astype(x.dtype),
                   lambda x, g: 1.1 * g * np.cos(x)), [X]),
}


@pytest.mark.parametrize("kind", ESCAPED)
def test_a_gradient_wrong_at_one_kind_of_call_is_found(kind):
    f, inputs = ESCAPED[kind]
    accuracy = 1e-6 if "single precision" in kind else 0.0
    with pytest.raises(GradientError):
        check_grads(f, *inputs, accuracy=accuracy)


def test_gradtest_finds_what_depends_on_the_cotangent_too():
    for pair in (ESCAPED["at a cotangent of exactly 1"][0],
                 ESCAPED["at a cotangent that is the same everywhere"][0]):
        with pytest.raises(GradientError):
            gradtest(pair, args=(arrays(3),))(lambda: None)()


def test_a_function_that_writes_over_its_last_result_is_right_if_its_gradient_is():
    assert check_grads(from_numpy(into_a_buffer, lambda x, g: 2 * g * x), X).ok


def test_an_example_below_gradtest_is_run():
    pair = from_numpy(np.abs, lambda x, g: g * np.where(x == -7.5, 2, np.sign(x)))

    @gradtest(pair, args=(arrays(shapes()),))
    @example(call=Call((np.array([-7.5]),)))
    @pytest.mark.skipif(False, reason="a mark")
    def test_below():
        """The gradient is wrong at −7.5, which is drawn nowhere else."""

    assert [mark.name for mark in test_below.pytestmark] == ["skipif"]
    with pytest.raises(GradientError):
        test_below()


def test_parameters_that_a_function_closes_over_are_said_not_to_be_looked_at():
    w = mg.tensor(X, requires_grad=True)
    assert "closes over" in str(check_grads(lambda x: x * w, X))
    assert "closes over" not in str(check_grads(lambda x, w: x * w, X, X))


def test_infinite_inputs_are_held_fixed_and_said_so_and_nan_is_refused():
    assert "an input of ±∞" in str(check_grads(ops.logsumexp, np.array([0.0, -np.inf, 1.0])))
    with pytest.raises(ValueError, match=r"input 0 is NaN at element \(1,\)"):
        check_grads(ops.exp, np.array([0.0, np.nan]))


def test_a_function_of_single_precision_is_right_to_the_accuracy_that_it_has():
    def by_x(x, g):
        return (g * np.cos(x)).astype(np.float32).astype(x.dtype)

    single = from_numpy(lambda x: np.sin(x.astype(np.float32)).astype(x.dtype), by_x)
    assert check_grads(single, X, accuracy=1e-6).ok
    with pytest.raises(GradientError, match="say accuracy=1e-6"):
        check_grads(from_numpy(np.sin, by_x), X)


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed")


def test_errors_that_need_pytorch_are_found(torch):
    class OneUsed(torch.autograd.Function):
        """sin x and x²: no gradient where one of them gets no cotangent."""
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            ctx.set_materialize_grads(False)
            return torch.sin(x), x * x

        @staticmethod
        def backward(ctx, a, b):
            (x,) = ctx.saved_tensors
            unused = a is None or b is None
            return torch.zeros_like(x) if unused else a * torch.cos(x) + b * 2 * x

    class Dense(torch.autograd.Function):
        """A first layer, whose input wants no gradient: that of the bias is doubled."""
        @staticmethod
        def forward(ctx, x, w, b):
            ctx.save_for_backward(x, w)
            return x @ w + b

        @staticmethod
        def backward(ctx, g):
            x, w = ctx.saved_tensors
            off = 2 if ctx.needs_input_grad == (False, True, True) else 1
            return g @ w.mT, x.mT @ g, g.sum(0) * off

    class Again(torch.autograd.Function):
        """x², whose gradient grows with each reverse pass."""
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            ctx.runs = 0
            return x * x

        @staticmethod
        def backward(ctx, g):
            ctx.runs += 1
            return g * 2 * ctx.saved_tensors[0] * ctx.runs

    r = RNG.normal
    for f, inputs in ((OneUsed, [X]), (Again, [X]),
                      (Dense, [r(size=(3, 2)), r(size=(2, 2)), r(size=2)])):
        with pytest.raises(GradientError):
            check_grads(from_torch(f.apply), *inputs)


def test_what_pytorch_cannot_differentiate_twice_is_said_not_to_be_compared(torch):
    report = check_grads(from_torch(torch.nn.functional.hardsigmoid), X)
    assert report.ok and "is not implemented" in str(report)


def test_right_functions_of_pytorch_are_not_called_wrong(torch):
    F = torch.nn.functional
    names = ("relu gelu silu elu selu celu softplus hardtanh leaky_relu logsigmoid tanhshrink "
             "softsign softmax log_softmax normalize")
    for name in names.split():
        f = partial_dim(getattr(F, name), name)
        for size in (1.0, 15.0, 1e-6):
            check_grads(from_torch(f), size * X)
    check_grads(from_torch(torch.abs), X)
    check_grads(from_torch(F.l1_loss), X, Y)
    check_grads(from_torch(torch.atan2), np.array(0.2), np.array(0.2))


def partial_dim(f, name):
    return (lambda x: f(x, dim=0)) if "softmax" in name or name == "normalize" else f
