"""Right gradients, of the kinds that people write, at ordinary, saturated, tiny and huge inputs:
no check may call one wrong."""
from __future__ import annotations

from functools import partial

import numpy as np
import pytest

import minigan as mg
from minigan import ops
from minigan.testing import GradientError, check_grads
from minigan.testing.differences import Near, slopes

RNG = np.random.default_rng(0)
X, Y, W = RNG.normal(size=(3, 4)), RNG.normal(size=(3, 4)), RNG.normal(size=(4, 2))
ONES, ZEROS = np.ones(4), np.zeros(4)
LABELS = np.array([0, 3, 1])


def norm(x):
    return ops.sqrt((x * x).sum(axis=-1, keepdims=True))


def attention(q, k, v):
    return ops.softmax(q @ k.T / 2) @ v


def rms_norm(x, g):
    return x / ops.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-6) * g


def newton_sqrt(x):
    """The square root by iteration."""
    y = 1 + 0 * x
    for _ in range(8):
        y = (y + x / y) * 0.5
    return y


def power_iteration(a):
    """An eigenvalue of a symmetric matrix."""
    s = a @ a.T
    v = np.ones(len(a.data)) / len(a.data)
    for _ in range(6):
        v = s @ v
        v = v / ops.sqrt((v * v).sum())
    return v @ s @ v


def gram_schmidt(a):
    q0 = a[:, 0] / ops.sqrt((a[:, 0] ** 2).sum())
    rest = a[:, 1] - (q0 * a[:, 1]).sum() * q0
    return ops.stack([q0, rest / ops.sqrt((rest ** 2).sum())])


def solve(a, b):
    """A 2 × 2 system by Cramer's rule."""
    det = a[0, 0] * a[1, 1] - a[0, 1] * a[1, 0]
    return ops.stack([(b[0] * a[1, 1] - b[1] * a[0, 1]) / det,
                      (a[0, 0] * b[1] - a[1, 0] * b[0]) / det])


def recurrent(x, w):
    h = x[:, :2] * 0
    for i in range(3):
        h = ops.tanh(x[:, i:i + 2] + h @ w[:2])
    return h


def sorted_(x):
    order = np.argsort(x.data, axis=-1)
    return x[np.arange(len(order))[:, None], order]


def median(x):
    return sorted_(x)[:, 1]


def batch_normed(x, w, b):
    return ops.relu(ops.batch_norm(x @ w + b, np.ones(2), np.zeros(2))[0])


def huber(x):
    return ops.where(abs(x.data) < 1, 0.5 * x * x, ops.abs(x) - 0.5).sum()


def gumbel(x, tau):
    return ops.softmax((x + Y) / tau)


def focal(x):
    log_p = ops.log_softmax(x)[np.arange(3), LABELS]
    return -((1 - ops.exp(log_p)) ** 2 * log_p).mean()


def kl(x, y):
    p, q = ops.log_softmax(x), ops.log_softmax(y)
    return (ops.exp(p) * (p - q)).sum()


def entropy(x):
    return -(ops.softmax(x) * ops.log_softmax(x)).sum()


def ssim_like(x, y):
    mx, my = x.mean(), y.mean()
    return (2 * mx * my + 1e-4) / (mx * mx + my * my + 1e-4)


def rotary(x):
    angle = np.arange(3)[:, None] / 10
    a, b = x[:, :2], x[:, 2:]
    return ops.concatenate([a * np.cos(angle) - b * np.sin(angle),
                            a * np.sin(angle) + b * np.cos(angle)], axis=1)


def contrastive(x, y):
    scores = (x / norm(x)) @ (y / norm(y)).T * 10
    return mg.losses.cross_entropy(scores, np.arange(3))


def sinc(x):
    small = abs(x.data) < 1e-2
    safe = ops.where(small, 1.0, x)
    return ops.where(small, 1 - x * x / 6 + x ** 4 / 120, ops.sin(safe) / safe)


def conv_relu(x, w):
    return ops.relu(ops.conv2d(x, w))


IMAGE, KERNEL = RNG.normal(size=(1, 4, 4, 1)), RNG.normal(size=(2, 2, 1, 2))

# name: (function, inputs of ordinary size)
FUNCTIONS = {
    "relu(x @ w)": (lambda x, w: ops.relu(x @ w), [X, W]),
    "leaky_relu(x @ w)": (lambda x, w: ops.leaky_relu(x @ w, 0.2), [X, W]),
    "maximum(x · y, 0)": (lambda x, y: ops.maximum(x * y, 0.0), [X, Y]),
    "prelu": (lambda x, a: ops.where(x.data > 0, x, a * x), [X, np.full(4, 0.25)]),
    "|x · y|": (lambda x, y: ops.abs(x * y), [X, Y]),
    "|x| − |y|": (lambda x, y: (ops.abs(x) - ops.abs(y)).sum(), [X, Y]),
    "convolution and relu": (conv_relu, [IMAGE, KERNEL]),
    "softmax": (ops.softmax, [X]),
    "log_softmax": (ops.log_softmax, [X]),
    "logsumexp": (ops.logsumexp, [X]),
    "softmax summed": (lambda x: ops.softmax(x).sum(axis=-1), [X]),
    "softmax at a temperature": (partial(gumbel, tau=0.5), [X]),
    "cross entropy": (lambda x: mg.losses.cross_entropy(x, LABELS), [X]),
    "focal loss": (focal, [X]),
    "entropy": (entropy, [X]),
    "KL divergence": (kl, [X, Y]),
    "KL divergence of equals": (kl, [X, X.copy()]),
    "binary cross entropy of logits": (
        lambda x: mg.losses.bce_with_logits(x, np.ones((3, 4))), [X]),
    "hinge": (lambda x: ops.relu(1 - x).mean(), [X]),
    "Huber": (huber, [X]),
    "l1": (lambda x, y: ops.abs(x - y).mean(), [X, Y]),
    "mse": (lambda x, y: ((x - y) ** 2).mean(), [X, Y]),
    "contrastive": (contrastive, [X, Y]),
    "cosine similarity": (lambda x, y: (x * y).sum(axis=-1, keepdims=True) / (norm(x) * norm(y)),
                          [X, Y]),
    "l2 normalisation": (lambda x: x / norm(x), [X]),
    "layer norm": (lambda x: ops.layer_norm(x, ONES, ZEROS), [X]),
    "layer norm summed": (lambda x: ops.layer_norm(x, ONES, ZEROS).sum(), [X]),
    "layer norm with parameters": (ops.layer_norm, [X, Y[0], Y[1]]),
    "rms norm": (rms_norm, [X, Y[0]]),
    "batch norm after a bias": (batch_normed, [X, W, np.array([0.3, -1.0])]),
    "variance": (ops.var, [X]),
    "attention": (attention, [X, Y, X + Y]),
    "self-attention": (lambda x: attention(x, x, x), [X]),
    "rotary embedding": (rotary, [X]),
    "recurrent network": (recurrent, [X, W]),
    "sort": (sorted_, [X]),
    "median": (median, [X[:, :3]]),
    "max": (lambda x: ops.max(x, axis=1), [X]),
    "max less min": (lambda x: ops.max(x) - ops.min(x), [X]),
    "max pooling": (lambda x: ops.max_pool2d(x, 2), [IMAGE]),
    "sigmoid": (ops.sigmoid, [X]),
    "tanh": (ops.tanh, [X]),
    "softplus": (ops.softplus, [X]),
    "silu": (lambda x: x * ops.sigmoid(x), [X]),
    "elu": (ops.elu, [X]),
    "Gaussian": (lambda x: ops.exp(-x * x), [X]),
    "sin² + cos²": (lambda x: ops.sin(x) ** 2 + ops.cos(x) ** 2, [X]),
    "sin(x) / x": (sinc, [X]),
    "square": (lambda x: x * x, [X]),
    "cube": (lambda x: x ** 3, [X]),
    "1 / (1 + x²)": (lambda x: 1 / (1 + x * x), [X]),
    "log(1 + x²)": (lambda x: ops.log(1 + x * x), [X]),
    "difference of squares": (lambda x: (x + 1) ** 2 - (x - 1) ** 2, [X]),
    "square root by iteration": (newton_sqrt, [abs(X) + 1]),
    "largest eigenvalue": (power_iteration, [X[:, :3] + 3 * np.eye(3)]),
    "orthogonalisation": (gram_schmidt, [X]),
    "linear system": (solve, [X[:2, :2] + 2 * np.eye(2), Y[:2, 0]]),
    "determinant": (lambda a: a[0, 0] * a[1, 1] - a[0, 1] * a[1, 0], [X[:2, :2]]),
    "ratio of means": (ssim_like, [X, Y]),
    "oscillating": (lambda x: ops.sin(x ** 4), [8 * X + 20]),
    "remainder by little": (lambda x, y: x % (0.01 * abs(y) + 0.005), [X, Y]),
    "distance": (lambda x, y: norm(x - y), [X, Y]),
}
# how large inputs are, and the order of derivatives to check there
SIZES = [(1.0, 2), (30.0, 2), (1e-6, 1), (1e5, 1)]


def not_called_wrong(f, *inputs, order=2, seed=0):
    """An answer that nothing could be compared is one, too."""
    try:
        return check_grads(f, *inputs, order=order, seed=seed)
    except GradientError as error:
        if "nothing could be compared" not in str(error):
            raise AssertionError(str(error).split("\nto see it again")[0]) from None


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_right_function_is_not_called_wrong_at_inputs_of_any_size(name):
    f, inputs = FUNCTIONS[name]
    half = list(FUNCTIONS).index(name) % 2  # of the sizes, for every function: all take too long
    for factor, order in SIZES[half::2]:
        not_called_wrong(f, *[x * factor for x in inputs], order=order)
    not_called_wrong(f, *[np.round(x) + 0.0 for x in inputs])  # ties and zeros
    not_called_wrong(f, *[(4 * x).astype(np.float32) for x in inputs], order=1)


def test_steps_over_many_jumps_are_not_taken_for_slopes():
    for seed in (18, 36):  # y is so small that an ordinary step changes x / y by several
        rng = np.random.default_rng(seed)
        x, y = np.round(rng.uniform(-30, 30, (3, 3)), 1), rng.uniform(5e-4, 5e-3, (1,))
        not_called_wrong(lambda x, y: ops.tanh(x % y), x, y)


@pytest.mark.parametrize("seed", [0, 6], ids=["gradient", "second derivative"])
def test_a_kink_among_jumps_whose_quotients_look_smooth_by_chance_is_not_called_wrong(seed):
    # both remainders jump at once, which their softmax does not show but for another slope
    def f(x, y):
        return ops.softmax(ops.log((x % y) ** 2 + 0.1), axis=0)

    not_called_wrong(f, np.array([-10.0, -10.0]), np.array(0.001), seed=seed)


def test_what_rounding_leaves_of_large_terms_that_cancel_is_not_called_wrong():
    # of equal numbers, whatever these are: the gradient is 0, times eˣ, which float32 may not hold
    for seed, size in [(0, 50), (0, 300), (1, 300)]:
        x = np.random.default_rng(seed).uniform(-size, size, (2, 2))
        not_called_wrong(lambda x: ops.log_softmax(ops.exp(x[[0, 0, 0]]), axis=0), x)


def test_the_variance_of_equal_logarithms_is_rounding_and_so_is_what_its_gradient_has_to_say():
    def f(x):  # they are all that of 0.1, and their mean is another in the last digit
        return ops.var(ops.log((x ** 3) ** 2 + 0.1), axis=-1, ddof=1)

    not_called_wrong(f, np.array([[0.00258367, 0.00064592, 0.00129184]]))


def test_a_value_that_does_not_move_is_no_proof_against_a_slope_below_its_rounding():
    not_called_wrong(ops.sigmoid, np.array([0.3, -743.00511724]))  # the least slope that there is
    x = np.array([[0.0, 29.0], [1.0, 2.0]])
    not_called_wrong(lambda x: ops.max(ops.log_softmax(x), axis=1), x)  # −3e-13, one digit of 29


def test_a_long_step_over_a_peak_shows_no_slope():
    def f(t):
        return np.array([[0.2 / np.cosh(300 * t - 15) ** 2]])

    near = Near(f(0)[0], np.array([5.2]), np.array([5.8e-14]), f(0)[0])  # hidden by rounding
    found = slopes(lambda t, which: f(t), near, np.array([[1000.0]]),
                   lambda found: found.error[:, 0] < 1e-12, look=False)
    assert abs(found.low - 600 * f(0)) <= found.error


def test_a_peak_between_two_long_steps_is_not_passed_over():
    a, y = 0.038145206642993826, np.full((2, 1), 0.001)  # softmax of (38, 76), where 0.1 is far
    x = np.array([[a, a, 0.001], [2 * a, a, a]])
    not_called_wrong(lambda x, y: ops.softmax(x / y, axis=0), x, y)
