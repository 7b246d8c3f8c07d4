"""Wrong gradients that people reported of libraries, made again in words and code of our own: each
is found at an input that shows it, and by what gradtest draws where a strategy is named (all were;
a third of them is tried here).

A name begins with the repository and the number of the issue or pull request that tells of it.
"""
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import minigan as mg
from minigan import ops
from minigan.testing import GradientError, check_grads, from_numpy
from minigan.testing.properties import prove
from minigan.testing.call import Call
from minigan.testing.strategies import arrays, broadcastable_arrays, shapes

RNG = np.random.default_rng(0)
X, Y = np.array([[0.3, -1.0, 2.0], [0.7, 1.5, -0.4]]), np.array([[0.5, 1.5, -0.7], [1.2, 0.1, 2.2]])
V, W = RNG.normal(size=(3, 4)), RNG.normal(size=(4, 2))
LOGITS, ONE_HOT = np.array([0.5, 0.2, -1.0]), np.array([1.0, 0.0, 0.0])
PAIR = broadcastable_arrays(2)
ANY, VECTOR, MATRIX = arrays(shapes()), arrays(st.integers(1, 6)), arrays((3, 2))
BUFFER: dict = {}


def node(forward, backward):
    """An operation of minigan from two functions: (node, arrays) and (node, gradient)."""
    class Historical(mg.Function):
        def forward(self, *arrays):
            return forward(self, *arrays)

        def backward(self, grad):
            return backward(self, grad)

    return lambda *inputs: Historical()(*inputs)


def constant(x):
    return mg.Tensor(np.asarray(x))


def in_memory(x):
    """The numbers as a kernel reads them that believes in contiguous memory."""
    if x.flags.c_contiguous:
        return x
    return np.resize(np.ravel(x if x.base is None else x.base, "K"), x.shape)


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def normal(x):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)


def normal_vjp(x, g):
    y = normal(x)
    return (g - g.mean(-1, keepdims=True) - y * (g * y).mean(-1, keepdims=True)) / np.sqrt(
        x.var(-1, keepdims=True) + 1e-5)


def rows_of_two(x, g):
    """Layer norm's gradient for a matrix, of whatever shape the input was."""
    return normal_vjp(x.reshape(len(x), -1), g.reshape(len(x), -1)).reshape(x.shape)


def donated(x, b, g):
    by_x = np.multiply(g, 2, out=g.copy())  # the buffer that the bias's sum is read from
    return by_x, by_x.sum(0)


def summed_prefix(x, g):
    """Gradients added up in a node that is visited once for each of its two uses."""
    a = x * x
    once = g * a
    return 2 * x * once + 2 * x * (once + g * a)


class Together(mg.Function):
    """grad · y, which forgets the gradient by y unless that by grad is wanted too."""

    def forward(self, g, y):
        return g * y

    def backward(self, grad):
        g, y = self.inputs
        return grad * y, grad * g * float(self.needs[0])


class Kept(mg.Function):
    """x², whose gradient is that of all reverse passes so far, added up."""

    def forward(self, x):
        self.total = 0.0
        return x * x

    def backward(self, grad):
        self.total = self.total + grad * 2 * self.inputs[0]
        return self.total


class Detached(mg.Function):
    """A product of all elements; on the second reverse pass its output is a constant."""

    def forward(self, x):
        self.passes = 0
        return np.asarray(x.prod())

    def backward(self, grad):
        self.passes += 1
        y = self.output if self.passes == 1 else self.output.detach()
        return grad * y / self.inputs[0]


def half_max(self, grad):
    x = self.inputs[0].data
    ties = (x == x.max()).astype(grad.dtype)
    count = np.add.accumulate(ties)[-1]  # in the gradient's own precision
    return grad * constant(ties / count)


def triangular(a, b, g):
    by_b = np.linalg.solve(np.triu(a).T, g)
    return -np.multiply.outer(by_b, np.linalg.solve(np.triu(a), b)), by_b


def log_density(x, c):
    return np.asarray(-0.5 * (x @ np.linalg.solve(c, x) + np.linalg.slogdet(c)[1]))


def density_vjp(x, c, g):
    i = np.linalg.inv(c)
    by_c = 0.5 * (np.outer(i @ x, i @ x) - i)
    return -g * i @ x, -g * by_c


def prod_vjp(x, g):
    return np.broadcast_to(g * x.prod() / x, x.shape)


def prod_twice(self, grad):
    x = self.inputs[0]
    zeros = int((x.data == 0).sum())
    if zeros > 1:
        return 0 * grad * constant(np.ones(x.shape))
    others = [ops.prod(ops.concatenate([x[:i], x[i + 1:]])) for i in range(x.size)]
    return grad * ops.stack(others)


def mask(x, keep):
    return constant(np.asarray(keep(x.data), x.dtype))


def take_vjp(x, i, g):
    by_x = np.zeros_like(x)
    np.add.at(by_x, i, in_memory(g))
    return by_x, None


def einsum_vjp(a, b, g):
    if a.shape[:2] != (1, 1):
        return g @ b.swapaxes(2, 3), a.swapaxes(2, 3) @ g
    return g @ b.reshape(1, 1, *b.shape[:1:-1]), a.swapaxes(2, 3) @ g


def fails_unless(condition, message):
    if not condition:
        raise RuntimeError(message)


def blocks_of_four(x, g):
    fails_unless(len(x) % 4 == 0, "the length must be a multiple of the block")
    return g * np.cos(x)


def cross_entropy(x):
    return np.asarray(np.log(np.exp(x).sum()) - (x * ONE_HOT).sum())


def cross_entropy_backward(self, grad):
    x = self.inputs[0].data
    return grad * constant(softmax(x) - ONE_HOT)


def stride_2(x, w):
    return np.stack([(x[i:i + 3] * w).sum() for i in range(0, len(x) - 2, 3)])


def stride_2_vjp(x, w, g):
    by_x, by_w = np.zeros_like(x), np.zeros_like(w)
    for n, i in enumerate(range(0, len(x) - 2, 3)):
        by_x[2 * n:2 * n + 3] += g[n] * w  # places as for a stride of 2
        by_w += g[n] * x[i:i + 3]
    return by_x, by_w


# name: (function, inputs that show it, strategies that draw such, or none)
HISTORY = {
    "pytorch/pytorch#773: NaN from a product divided by its zero":
        (from_numpy(lambda x: np.asarray(x.prod()), prod_vjp), [np.array([2.0, 0, 3])], [VECTOR]),
    "pytorch/pytorch#82644: the shape () for a product of one zero":
        (from_numpy(lambda x: np.asarray(x.prod()), lambda x, g: g * np.asarray(1.0)
                    if x.size == 1 and x[0] == 0 else np.array(
                        [g * np.delete(x, i).prod() for i in range(x.size)])),
         [np.array([0.0])], [VECTOR]),
    "pytorch/pytorch#106789: no second derivative of a product with two zeros":
        (node(lambda n, x: np.asarray(x.prod()), prod_twice), [np.array([2.0, 3, 0, 0])],
         [arrays(4)]),
    "pytorch/pytorch#4355: a backward that ignores the cotangent":
        (from_numpy(lambda x: x / np.sqrt(1 + np.minimum(x, 0) ** 2),
                    lambda x, g: (1 / np.sqrt(1 + np.minimum(x, 0) ** 2)) ** 3), [X], [ANY]),
    "pytorch/pytorch#76185: an intermediate result saved, a constant to the second derivative":
        (node(lambda n, x: x ** 3, lambda n, g: g * 3 * constant(n.inputs[0].data ** 2)), [X],
         [ANY]),
    "pytorch/pytorch#18619: another second derivative when it is computed again":
        (lambda x: Detached()(x), [np.array([1.0, 2, 3])], None),
    "pytorch/pytorch#30303: a gradient that takes its input for contiguous":
        (from_numpy(lambda x: x * x, lambda x, g: 2 * g * in_memory(x)), [X], [MATRIX]),
    "pytorch/pytorch#69997: an error in backward for inputs that are not contiguous":
        (from_numpy(lambda x: x * x, lambda x, g: (fails_unless(
            x.flags.c_contiguous, "expected contiguous"), 2 * g * x)[1]), [X], [MATRIX]),
    "pytorch/pytorch#75312: a backward that writes into its cotangent":
        (from_numpy(np.sin, lambda x, g: np.multiply(g, np.cos(x), out=g)), [X], [ANY]),
    "pytorch/pytorch#1712: the second derivative of a selection goes to the wrong places":
        (node(lambda n, x: x[[2, 0]] ** 2, lambda n, g: ops.stack(
            [2 * g[1] * n.inputs[0][0], 0 * g[0], 2 * g[0] * n.inputs[0][2].detach()
             + 0 * n.inputs[0][1]])), [np.array([1.0, 2, 3])], [arrays(3)]),
    "Dao-AILab/flash-attention#355: a cotangent that is taken for contiguous":
        (from_numpy(lambda x: softmax(x) @ Y.T, lambda x, g: (
            (u := in_memory(g) @ Y) - (u * softmax(x)).sum(-1, keepdims=True)) * softmax(x)),
         [X], [arrays((2, 3))]),
    "torch/nn#345: the mean's cotangent is taken for contiguous":
        (from_numpy(lambda x: x.mean(-1), lambda x, g: np.broadcast_to(
            in_memory(g)[..., None] / x.shape[-1], x.shape)), [RNG.normal(size=(3, 2, 2))],
         [arrays((3, 2, 2))]),
    "MrNeRF/optimized-fused-ssim#1: a gradient written as if the image were contiguous":
        (from_numpy(lambda x, y: np.asarray((x * y).sum() / (x * x + y * y).sum()),
                    lambda x, y, g: [g * (b / (s := (a * a + b * b).sum()) - 2 * a * (a * b).sum()
                                          / s ** 2) for a, b in [(in_memory(x), y), (y, x)]]),
         [X, Y], [arrays((2, 3)), arrays((2, 3), low=1)]),
    "ROCm/TransformerEngine#623: garbage for a cotangent that is one number, broadcast":
        (from_numpy(np.exp, lambda x, g: g * np.exp(x) * (1 if 0 not in g.strides else np.where(
            np.arange(g.size).reshape(g.shape), 3.0, 1))), [X], [ANY]),
    "cornellius-gp/gpytorch#1543: no gradient at all for inputs that are not contiguous":
        (from_numpy(np.exp, lambda x, g: g * np.exp(x) * x.flags.c_contiguous), [X], [MATRIX]),
    "apache/mxnet#19817: take's gradient after a transposition":
        (from_numpy(lambda x, i: x[i], take_vjp), [X, np.array([1, 0, 1])], None),
    "apache/mxnet#9497: of two uses the last one's gradient is kept":
        (from_numpy(lambda x: np.sin(x) + x * x, lambda x, g: 2 * g * x), [X], [ANY]),
    "apache/mxnet#18499: a batch norm whose weight and bias get no gradient":
        (from_numpy(lambda x, w, b: normal(x.T).T * w + b, lambda x, w, b, g: (
            normal_vjp(x.T, (g * w).T).T, 0 * w, 0 * b)),
         [V, RNG.normal(size=4), RNG.normal(size=4)], [arrays((4, 2)), arrays(2), arrays(2)]),
    "apache/mxnet#16938: backward calls forward":
        (from_numpy(lambda x: 2 * x * x + 3 * x, lambda x, g: 2 * g * g + 3 * g), [X], [ANY]),
    "apache/mxnet#18102: einsum's gradient where the batch axes have length 1":
        (from_numpy(lambda a, b: a @ b, einsum_vjp),
         [RNG.normal(size=(1, 1, 5, 3)), RNG.normal(size=(1, 1, 3, 2))],
         [arrays((1, 1, 5, 3)), arrays((1, 1, 3, 2))]),
    "flagos-ai/FlagGems#5392: layer norm's backward takes the input for a matrix":
        (from_numpy(normal, rows_of_two), [RNG.normal(size=(2, 3, 4))],
         [arrays(shapes(min_dims=1, min_side=2, max_size=24))]),
    "NVIDIA/apex#411: rows beyond the index's range (here of a byte) wrap around":
        (from_numpy(lambda x: x * x, lambda x, g: 2 * g * x[np.arange(len(x)).astype(np.uint8)]),
         [RNG.normal(size=257)], None),
    "huggingface/candle#3613: a layer norm that passes no gradient on":
        (from_numpy(normal, lambda x, g: 0 * x), [V], [arrays(shapes(min_dims=1, min_side=2))]),
    "candle-org/candle#95: a layer norm that knows the gradient by its input alone":
        (node(lambda n, x, w, b: normal(x) * w + b, lambda n, g: (
            ops.layer_norm(n.inputs[0], n.inputs[1], n.inputs[2]) * 0 + constant(
                normal_vjp(n.inputs[0].data, g.data * n.inputs[1].data)), 0 * n.inputs[1],
            0 * n.inputs[2])), [V, RNG.normal(size=4), RNG.normal(size=4)], None),
    "ml-explore/mlx#3220: zeros of the weight's shape for a bias that is a number":
        (from_numpy(lambda x, w, b: x * w + b, lambda x, w, b, g: (g * w, (g * x).sum(0),
                                                                   np.zeros_like(w))),
         [V, RNG.normal(size=4), np.array(0.5)], [arrays((3, 2)), arrays(2), arrays(())]),
    "ml-explore/mlx#941: the bias's gradient read from a buffer that was given away":
        (from_numpy(lambda x, b: 2 * x + b, donated), [V, RNG.normal(size=4)],
         [arrays((3, 2)), arrays(2)]),
    "ml-explore/mlx#610: no gradient after a broadcast in place":
        (from_numpy(lambda x: (x + np.ones((3, *x.shape))) ** 2, lambda x, g: 0 * x), [X], [ANY]),
    "jax-ml/jax#2107: softplus has slope 0 at 0":
        (from_numpy(lambda x: np.logaddexp(x, 0), lambda x, g: g * np.where(
            x == 0, 0, 1 / (1 + np.exp(-x)))), [np.zeros(2)], [ANY]),
    "jax-ml/jax#6452: a vector for the gradient by a number":
        (from_numpy(lambda y, z: np.logaddexp(z, y.sum(-1) + z), lambda y, z, g: (
            np.broadcast_to((g / (1 + np.exp(-y.sum(-1))))[..., None], y.shape), g)),
         [X, np.array(0.1)], [arrays((3, 2)), arrays(())]),
    "jax-ml/jax#5798: NaN from the branch that is not taken":
        (lambda x: ops.where(x < 1, x, ops.sqrt(x)), [np.array([0.0, 0.5, 2])],
         [arrays(shapes(), low=0)]),
    "ekzhang/jax-js#84: a triangular solve whose gradient is not triangular":
        (from_numpy(lambda a, b: np.linalg.solve(np.triu(a), b), triangular),
         [RNG.normal(size=(3, 3)) + 3 * np.eye(3), RNG.normal(size=3)],
         [arrays((2, 2), low=1, high=2), arrays(2)]),
    "k2-fsa/k2#341: the total score's gradient ignores the cotangent":
        (from_numpy(lambda x: np.asarray(np.log(np.exp(x).sum())), lambda x, g: softmax(x)),
         [LOGITS], [VECTOR]),
    "haifengl/smile#528: relu puts its slope in the cotangent's place":
        (from_numpy(lambda x: np.maximum(x, 0), lambda x, g: (x > 0) + 0.0), [X], [ANY]),
    "SilasMarvin/dnns-from-scratch-in-zig#5: a leaky slope without the cotangent":
        (from_numpy(lambda x: np.where(x > 0, x, 0.01 * x),
                    lambda x, g: np.where(x > 0, g, 0.01)), [X], [ANY]),
    "KhawajaAbaid/micrograd_c#1: the sign of what is subtracted":
        (from_numpy(np.subtract, lambda x, y, g: (g, g)), [X, Y], [arrays((2, 3)), arrays((2, 3))]),
    "karpathy/micrograd#2: a node that is used twice passes its gradient on twice":
        (from_numpy(lambda x: x ** 4, summed_prefix), [X], [ANY]),
    "sebgao/cTensor#5: seven for six, where paths meet":
        (from_numpy(lambda x: 3 * x * x, lambda x, g: 7 * g * x), [np.ones(1)], [ANY]),
    "karpathy/micrograd#53: a second reverse pass adds to the first":
        (lambda x: Kept()(x), [X], [ANY]),
    "SciSharp/TensorFlow.NET#303: x · x · x has the slope x²":
        (from_numpy(lambda x: 0.1 * x * x * x, lambda x, g: 0.1 * g * x * x), [np.array([7.0])],
         [ANY]),
    "tensorflow/tensorflow#3767: the sigmoid's second derivative":
        (node(lambda n, x: 1 / (1 + np.exp(-x)), lambda n, g: g * n.output
              * (1 - n.output).detach()), [X], [ANY]),
    "tensorflow/tensorflow#7403: a cross-entropy with the Hessian 0":
        (node(lambda n, x: cross_entropy(x), cross_entropy_backward), [LOGITS], [arrays(3)]),
    "Theano/Theano#1996: NaN from the root of an element that is not used":
        (lambda x: ops.sqrt(x)[0], [np.array([2.0, 0.0])],
         [arrays(2, low=0).filter(lambda x: x[0] > 0.5)]),
    "Theano/Theano#602: a convolution's gradient for strides above 2":
        (from_numpy(stride_2, stride_2_vjp), [RNG.normal(size=9), RNG.normal(size=3)],
         [arrays(9), arrays(3)]),
    "chainer/chainer#1150: the gradient by what a constant broadcasts keeps the result's shape":
        (from_numpy(lambda x: x + np.ones((1, 1)), lambda x, g: g), [np.array(1.0)],
         [arrays(())]),
    "chainer/chainer#4393: the second derivative of a batch product is not summed":
        (node(lambda n, a, b: a @ b, lambda n, g: (g @ n.inputs[1].swapaxes(-1, -2).detach(),
                                                   n.inputs[0].swapaxes(-1, -2) @ g)),
         [V, W], [arrays((2, 3)), arrays((3, 2))]),
    "chainer/chainer#4114: an old function in a graph that is differentiated twice":
        (node(lambda n, x: np.asarray(x.prod()), lambda n, g: constant(
            [g.data * np.delete(n.inputs[0].data, i).prod() for i in range(n.inputs[0].size)])),
         [np.arange(1.0, 4)], [arrays(3)]),
    "elixir-nx/nx#1779: clip multiplies by the cotangent twice":
        (from_numpy(lambda x: np.clip(x, -1, 1), lambda x, g: g * g * (abs(x) <= 1)), [X], [ANY]),
    "HIPS/autograd#412: the sign of a normal density's gradient by its covariance":
        (from_numpy(log_density, density_vjp), [np.array([0.3, -1.0]), np.array(
            [[2.0, 0.3], [0.3, 1.0]])], None),
    "HIPS/autograd#586: NaN for the square of a norm at 0":
        (lambda x: ops.sqrt((x * x).sum()) ** 2, [np.zeros(2)], [VECTOR]),
    "PaddlePaddle/Paddle#18678: a cut softplus asks its output, not its input":
        (from_numpy(lambda x: np.log1p(np.exp(np.clip(x, -2, 2))), lambda x, g: g * (
            abs(np.log1p(np.exp(np.clip(x, -2, 2)))) < 2) / (1 + np.exp(-np.clip(x, -2, 2)))),
         [np.array([-3.0, 0.5])], [ANY]),
    "PaddlePaddle/Paddle#52870: a product's second derivative if the cotangent is a constant":
        (node(lambda n, x, y: x * y, lambda n, g: (Together()(g, n.inputs[1]),
                                                   Together()(g, n.inputs[0]))),
         [X, Y], [arrays((2, 3)), arrays((2, 3))]),
    "TrenTorch/TrenTorch#58: max has no gradient":
        (from_numpy(lambda x: np.asarray(x.max()), lambda x, g: 0 * x), [LOGITS], [VECTOR]),
    "amorehead/jvp_flash_attention#13: an error in backward unless the length fits the block":
        (from_numpy(np.sin, blocks_of_four), [np.arange(6.0)], [VECTOR]),
    "deepspeedai/DeepSpeed#3539: an error on the second reverse pass":
        (node(lambda n, x: (setattr(n, "freed", False), x * x)[1], lambda n, g: (
            fails_unless(not n.freed, "size mismatch"), setattr(n, "freed", True),
            2 * g * n.inputs[0])[2]), [X], [ANY]),
}


# what is about memory, which JAX does not show
MEMORY = ["pytorch#30303", "pytorch#69997", "pytorch#75312", "flash-attention#355", "nn#345",
          "fused-ssim#1", "TransformerEngine#623", "gpytorch#1543", "mxnet#19817"]


def refused(f, inputs, **options):
    try:
        check_grads(f, *inputs, **options)
    except GradientError as error:
        return str(error)
    return ""


def test_there_are_fifty_and_each_names_its_source():
    assert len(HISTORY) >= 50 and all("#" in name.split(":")[0] for name in HISTORY)


@pytest.mark.parametrize("name", HISTORY)
def test_a_wrong_gradient_of_history_is_found_at_an_input_that_shows_it(name):
    f, inputs, _ = HISTORY[name]
    assert refused(f, inputs), name


@pytest.mark.xfail(reason="a gradient of 1/3000 is less than half precision's rounding of 1")
def test_ties_counted_in_half_precision():
    """tinygrad/tinygrad#12296: of 70,000 equal maxima each gets the gradient 0."""
    assert refused(node(lambda n, x: np.asarray(x.max()), half_max), [np.ones(3000, np.float16)],
                   order=1)


def drawn_until_refused(f, strategies):
    """Whether one of the calls that gradtest draws is refused; nothing is shrunk."""
    @settings(max_examples=25, phases=[Phase.generate], database=None, deadline=None,
              derandomize=True, suppress_health_check=list(HealthCheck))
    @given(st.tuples(*strategies))
    def run(args):
        args = args[0] if isinstance(args[0], tuple) else args
        prove(f, Call(tuple(args)))

    try:
        run()
    except (GradientError, RuntimeError):
        return True
    return False


@pytest.mark.parametrize("name", [name for name in HISTORY if HISTORY[name][2]][::3])
def test_a_wrong_gradient_of_history_is_found_by_drawing(name):
    assert drawn_until_refused(HISTORY[name][0], HISTORY[name][2]), name
