"""The fused kernels equal the reference: on the strict stand-in, with their bodies compiled as C++,
and on CuPy."""
from __future__ import annotations

import inspect
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from placed import host, library, on_device, use
from test_kernels import LAYOUTS, convolution_calls

from minigan import optim
from minigan.backend import cpu, cuda, reference, thresholds
from minigan.backend.cuda import convolution, launch
from minigan.backend.geometry import Window
from minigan.optim import Adam, AdamW
from tests import compiled
from tests.strict import counted

needs_compiler = pytest.mark.skipif(compiled.COMPILER is None, reason="no C++ compiler was found")

# Rounding in sums of up to a few hundred terms; of halves the reference rounds every step
TOLERANCE = {np.float16: 2e-2, np.float32: 1e-4, np.float64: 1e-12}
DTYPES = st.sampled_from([np.float16, np.float32, np.float64])
SHAPES = st.lists(st.integers(0, 5), max_size=4).map(tuple)
F = np.float32
EDGES = np.array([0, -0.0, 1, -1, 20, -20, 1e4, -1e4, np.inf, -np.inf, np.nan])


@pytest.fixture(autouse=True, params=["strict", pytest.param("cupy", marks=pytest.mark.gpu)])
def each_library(request, restored_backends):
    use(request.param)


def numbers(seed, shape, dtype=np.float64, layout="plain"):
    x = np.random.default_rng(seed).standard_normal(shape).astype(dtype)
    return LAYOUTS[layout](x) if x.ndim else x


def assert_same(fast, slow, tolerance=None):
    fast, slow = [r if isinstance(r, tuple) else (r,) for r in (fast, slow)]
    assert len(fast) == len(slow)
    for a, e in zip(fast, slow):
        a, e = host(a), np.asarray(e)
        assert a.shape == e.shape and a.dtype == e.dtype
        allowed = TOLERANCE.get(e.dtype.type, 0) if tolerance is None else tolerance
        largest = np.abs(e[np.isfinite(e)]).max(initial=0)
        np.testing.assert_allclose(a, e, rtol=allowed, atol=allowed * (1 + largest))


def compare(name, *args):
    """The kernel on the stand-in and its reference on NumPy, with the arrays unchanged."""
    before = [np.array(a) for a in args if isinstance(a, np.ndarray)]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # means of nothing
        fast = getattr(cuda, name)(*map(on_device, args))
        slow = getattr(reference, name)(*args)
    assert_same(fast, slow)
    for a, old in zip([a for a in args if isinstance(a, np.ndarray)], before):
        np.testing.assert_array_equal(a, old)
    return fast


def test_cuda_has_every_kernel_of_the_reference_with_the_same_arguments():
    public = set(reference.__all__)
    assert public == set(cuda.__all__)
    for name in public:
        assert (list(inspect.signature(getattr(cuda, name)).parameters)
                == list(inspect.signature(getattr(reference, name)).parameters)), name


# Elementwise

@needs_compiler
@given(SHAPES, DTYPES, st.sampled_from(list(LAYOUTS)), st.sampled_from([0.2, 0, 1, -0.5, 3.0]))
def test_activations_equal_their_references(shape, dtype, layout, slope):
    x, grad = numbers(0, shape, dtype, layout), numbers(1, shape, dtype, layout)
    compare("sigmoid", x)
    compare("softplus", x)
    compare("leaky_relu", x, slope)
    for name in ("sigmoid_gradient", "tanh_gradient", "softplus_gradient"):
        compare(name, grad, x)
    for decides in (x, np.asarray(x > 0), x.astype(np.float64)):
        compare("leaky_relu_gradient", grad, decides, slope)
    compare("keep", grad, np.asarray(x > 0))


@needs_compiler
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64, np.bool_])
def test_activations_equal_their_references_at_the_edges_and_for_any_dtype(dtype):
    x = EDGES.astype(dtype) if np.dtype(dtype).kind == "f" else np.array([0, 1, 1], dtype)
    for name, args in [("sigmoid", ()), ("softplus", ()), ("leaky_relu", (0.2,)),
                       ("sigmoid_gradient", (x,)), ("tanh_gradient", (x,)),
                       ("softplus_gradient", (x,))]:
        if dtype is not np.bool_ or name == "leaky_relu":
            compare(name, x, *args)


@needs_compiler
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_what_is_cut_off_is_cut_off_be_it_infinite(dtype):
    grad, x = np.array([np.inf, -np.inf, np.nan, 2], dtype), np.array([-1, 0, -2, 3], dtype)
    for name, *args in [("leaky_relu_gradient", x, 0), ("leaky_relu_gradient", x > 0, 0),
                        ("keep", x > 0)]:
        y = compare(name, grad, *args)
        assert host(y).tolist() == getattr(cpu, name)(grad, *args).tolist() == [0, 0, 0, 2]


@needs_compiler
@given(SHAPES, DTYPES, st.sampled_from(["same", "number", "other", "spread"]))
def test_bce_equals_its_reference(shape, dtype, kind):
    x, t = numbers(0, shape, dtype), np.random.default_rng(1).random(shape).astype(dtype)
    t = {"same": t, "number": 1.0, "other": t.astype(np.float64),
         "spread": t[..., :1] if t.ndim else t}[kind]
    compare("bce_with_logits", x, t)


@needs_compiler
def test_bce_of_a_large_right_logit_keeps_its_small_rest():
    x = np.array([80, 30, -80, -30], np.float32)
    y = compare("bce_with_logits", x, (x > 0).astype(np.float32))
    np.testing.assert_allclose(host(y), np.exp(-np.abs(x)), rtol=1e-6)


# Normalisation

@needs_compiler
@given(st.lists(st.integers(0, 6), min_size=1, max_size=4).map(tuple), DTYPES,
       st.sampled_from(list(LAYOUTS)))
@example((4, 3, 3, 1), np.float32, "plain")
@example((5, 1, 1, 2), np.float32, "plain")
@example((0, 3), np.float32, "plain")
def test_batch_norm_and_its_gradient_equal_their_references(shape, dtype, layout):
    assume(np.prod(shape[:-1]) not in (1, 2))  # the variance of so few is rounding alone
    x, grad = numbers(0, shape, dtype, layout) + dtype(3), numbers(1, shape, dtype, layout)
    weight, bias = numbers(2, (2, shape[-1]), dtype)
    compare("batch_norm", x, weight, bias, 1e-2)
    compare("batch_norm_gradient", grad, x, weight, 1e-2)


@needs_compiler
def test_batch_norm_loses_no_variance_beside_a_large_mean():
    x = numbers(0, (64, 4, 4, 3), np.float32) + np.float32(1000)
    exact = x.astype(np.float64).reshape(-1, 3)
    weight, bias = np.ones(3, np.float32), np.zeros(3, np.float32)
    _, mean, var = cuda.batch_norm(*map(on_device, (x, weight, bias, 1e-5)))
    np.testing.assert_allclose(host(mean), exact.mean(0), rtol=1e-6)
    np.testing.assert_allclose(host(var), exact.var(0), rtol=1e-4)


@needs_compiler
@given(st.integers(0, 9), DTYPES, st.booleans())
def test_running_statistics_move_as_their_reference_moves_them(size, dtype, mixed):
    mean, var = numbers(0, (2, size), dtype)
    theirs = list(numbers(1, (2, size), np.float64 if mixed else dtype))
    ours = [on_device(x.copy()) for x in theirs]
    cuda.move_statistics(*ours, on_device(mean), on_device(var), 0.1, 7)
    reference.move_statistics(*theirs, mean, var, 0.1, 7)
    assert_same(tuple(ours), tuple(theirs))


# Convolution

@needs_compiler
@settings(max_examples=150)
@given(convolution_calls(DTYPES), st.sampled_from([1, 500, 1 << 28]),
       st.sampled_from([0.01, 4, 100]))
def test_convolution_and_its_gradients_equal_their_references(calls, at_once, larger):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(thresholds, "GPU_ELEMENTS", at_once)
        patch.setattr(thresholds, "GPU_LARGER", larger)  # either order, for every shape
        for name, args in calls.items():
            compare(name, *args)


@needs_compiler
@pytest.mark.parametrize("shape, window", [((2, 5, 5, 3), Window((3, 3), padding=((4, 0), (0, 4)))),
                                           ((2, 9, 9, 3), Window((2, 2), (4, 5))),
                                           ((1, 1, 1, 3), Window((4, 4), padding=((3, 3),) * 2))])
def test_padding_beyond_the_kernel_and_strides_beyond_it(shape, window):
    grad = numbers(1, (shape[0], *window.outputs(shape[1:3]), 2))
    w = numbers(2, (*window.size, 3, 2))
    compare("conv2d", numbers(0, shape), w, window, 1, None)
    compare("conv2d_input_gradient", grad, w, window, 1, shape[1:3], None)
    compare("conv2d_weight_gradient", numbers(0, shape), grad, window, 1)


def test_a_convolution_that_cannot_be_counted_in_32_bits_goes_to_the_reference():
    x, w = np.broadcast_to(F(0), (1, 2, 2, 2 ** 29)), np.zeros((1, 1, 1, 1), F)
    assert not convolution._is_ours(x, w, None, Window((1, 1)), (2, 2), (2, 2))
    assert convolution._is_ours(x[..., 1:], w, None, Window((1, 1)), (2, 2), (2, 2))


# Products, gradients of indexing, optimisers

@given(st.tuples(*[st.integers(0, 4)] * 4), DTYPES)
def test_matmul_equals_its_reference(lengths, dtype):
    batch, n, k, m = lengths
    x, w = numbers(0, (batch, n, k), dtype), numbers(1, (k, m), dtype)
    compare("matmul", x, w)
    compare("matmul", x.swapaxes(0, 1), np.asfortranarray(w))


@needs_compiler
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64])
@pytest.mark.parametrize("index", [
    (1,), (slice(None), 2), (slice(3, None, -1),), (..., None, 0), (np.array([0, 2, 0, 0, -1]),),
    ([0, 2, 0],),
    (np.array([[3, 3], [3, 1]]), np.array([1, 1])), (slice(None), np.array([0, 0, 2])),
    (np.array([True, False, True, False]),), (np.zeros(0, np.int64),)])
def test_add_at_equals_its_reference_without_atomics(index, dtype):
    x = (numbers(0, np.zeros((4, 3))[index].shape) * 5).astype(dtype)
    with counted() as counts:
        y = cuda.add_at((4, 3), tuple(map(on_device, index)), on_device(x))
    assert_same(y, reference.add_at((4, 3), index, x))
    assert counts.nondeterministic == 0


def counter(x):
    """A number that a captured step reads anew at every replay."""
    return on_device(np.array(x, np.float64))


class Given:
    """In place of a Scalar: a number, or an array of the device."""

    def __init__(self, x):
        self.x = x

    def on(self, like):
        return self.x


def adam(kind, lr, steps, betas=(0.5, 0.99), eps=1e-3, weight_decay=0):
    """An Adam of no parameters, for its rule."""
    optimizer = object.__new__(kind)
    optimizer.group = SimpleNamespace(rate=Given(lr), weight_decay=weight_decay)
    optimizer._count, optimizer.betas, optimizer.eps = Given(steps), betas, eps
    return optimizer


@needs_compiler
@given(st.integers(0, 9), DTYPES, st.booleans(), st.booleans(), st.sampled_from([Adam, AdamW]),
       st.sampled_from([0, 0.3]))
def test_the_fused_adam_equals_its_rule_with_numbers_and_with_arrays_of_the_device(
        size, dtype, arrays, mixed, kind, weight_decay):
    as_given = counter if arrays else lambda x: x
    p, g, m, v = numbers(0, (4, size), dtype)
    g = g.astype(np.float64) if mixed else g
    ours = [on_device(a.copy()) for a in (p, m, np.abs(v))]
    theirs = [a.copy() for a in (p, m, np.abs(v))]
    for steps in (1, 2, 1000):
        device = adam(kind, as_given(0.02), as_given(steps), weight_decay=weight_decay)
        cuda.update(device.rule, ours[0], [on_device(g)], *ours[1:])
        host = adam(kind, 0.02, steps, weight_decay=weight_decay)
        reference.update(host.rule, theirs[0], [g], *theirs[1:])
    assert_same(tuple(ours), tuple(theirs))


@needs_compiler
def test_a_rule_of_ones_own_is_taken_for_no_other():
    class Adam(optim.Adam):
        def rule(self, p, g, m, v):
            p += 1

    p = on_device(np.zeros(3))
    cuda.update(adam(Adam, 0.1, 1).rule, p, [p], p, p)
    assert host(p).tolist() == [1, 1, 1]


@needs_compiler
@pytest.mark.parametrize("betas", [(0.0, 0.0), (0.5, 0.999), (0.9, 0.99)])
@pytest.mark.parametrize("steps", [1, 2, 10 ** 7])
def test_adams_rates_have_every_digit_that_the_parameters_have(betas, steps):
    rates = [on_device(np.zeros(())) for _ in range(3)]
    launch.kernel(library().xp, "adam_rates")(2e-4, counter(steps), *betas, 1e-8, 0.1, *rates)
    to_mean, to_square = [(1 - beta) / (1 - beta ** steps) for beta in betas]
    np.testing.assert_allclose(
        [host(x) for x in rates],
        [1 - 2e-5, 2e-4 * to_mean / to_square ** 0.5, 1e-8 / to_square ** 0.5], rtol=1e-14)


@needs_compiler
@given(st.integers(0, 9), DTYPES, st.booleans())
def test_the_average_equals_its_reference(size, dtype, mixed):
    start, x = numbers(0, (2, size), dtype)
    x = x.astype(np.float64) if mixed else x
    ours, theirs = on_device(start.copy()), start.copy()
    for updates in (1, 80, 10 ** 9):
        cuda.ema(ours, on_device(x), 0.9, counter(updates))
        reference.ema(theirs, x, 0.9, updates)
    assert_same(ours, theirs)


@needs_compiler
@pytest.mark.parametrize("sizes", [[1], [7], [3, 5], [0, 2, 0], [1] * 33, [2] * 70])
@pytest.mark.parametrize("dtypes", [[np.float32], [np.float32, np.float64]])
def test_update_hands_the_rule_the_gradients_end_to_end(sizes, dtypes):
    pieces = [numbers(k, (1, size), dtypes[k % len(dtypes)]) for k, size in enumerate(sizes)]
    param = on_device(np.ones(sum(sizes)))

    def rule(p, g, state):
        p += g
        state += 1

    state = on_device(np.zeros(sum(sizes)))
    cuda.update(rule, param, [on_device(g) for g in pieces], state)
    np.testing.assert_array_equal(host(param), np.concatenate(pieces, axis=None) + np.float64(1))
    assert (host(state) == 1).all()
