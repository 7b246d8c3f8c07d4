"""The fast kernels equal their references: on random shapes, cut into blocks of any size, on any
number of threads, and when several threads call them at once."""
from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

import minigan as mg
from minigan.backend import cpu, reference, thresholds
from minigan.backend.cpu import convolution, patches, threads
from minigan.backend.geometry import Window
from minigan.gan import models, train_step

TOLERANCE = {np.float32: 1e-4, np.float64: 1e-12}  # rounding in sums of up to a hundred terms
DTYPES = st.sampled_from([np.float32, np.float64])


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """What is large enough to be cut and shared, made small."""
    for name, value in {"SHARED_PASS": 1, "SHARED_PRODUCT": 1, "SHARED_CONVOLUTION": 1,
                        "PASS_BLOCK": 7, "NORM_BLOCK": 24, "NORM_LARGE": 1, "NORM_ROW": 6,
                        "DEPTHWISE_ROW": 10, "DEPTHWISE_BLOCK": 40,
                        "SHARED_DEPTHWISE": 1}.items():
        monkeypatch.setattr(thresholds, name, value)


@pytest.fixture
def pool(monkeypatch):
    """pool(n) makes the kernels run on n threads."""
    def resize(n):
        monkeypatch.setenv("MINIGAN_NUM_THREADS", str(n))
        threads._forget_pool()
        assert threads.count() == n
    yield resize
    threads._forget_pool()


def assert_same(fast, slow):
    fast, slow = [r if isinstance(r, tuple) else (r,) for r in (fast, slow)]
    assert len(fast) == len(slow)
    for a, e in zip(fast, slow):
        assert a.shape == e.shape and a.dtype == e.dtype
        tolerance = TOLERANCE[a.dtype.type]
        np.testing.assert_allclose(a, e, rtol=tolerance, atol=tolerance * (1 + np.abs(e).max(
            initial=0)))


def ours(name, *args):
    """A kernel's result, which is the same, bit by bit, where it is written to given arrays."""
    def garbage(like):
        return np.full(like.shape, -7, like.dtype)

    kernel = getattr(cpu, name)
    result = kernel(*args)
    several = isinstance(result, tuple)
    results = [np.asarray(r) for r in (result if several else (result,))]
    out = tuple([garbage(r) for r in results])
    again = kernel(*args, out=out if several else out[0])
    for a, b, o in zip(again if several else (again,), results, out):
        assert a is o and a.tobytes() == b.tobytes()
    return result if several else results[0]


LAYOUTS = {"plain": lambda x: x, "strided": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
           "transposed": lambda x: x.T.copy().T, "reversed": lambda x: x[::-1].copy()[::-1]}


def numbers(seed, shape, dtype=np.float64, layout="plain"):
    return LAYOUTS[layout](np.random.default_rng(seed).standard_normal(shape).astype(dtype))


@given(st.tuples(*[st.integers(0, 300)] * 3), DTYPES, st.sampled_from(list(LAYOUTS)))
@example((520, 3, 2), np.float64, "plain")
@example((2, 3, 520), np.float64, "transposed")
def test_matmul(lengths, dtype, layout):
    n, k, m = lengths
    x, w = numbers(0, (n, k), dtype, layout), numbers(1, (k, m), dtype, layout)
    assert_same(ours("matmul", x, w), reference.matmul(x, w))


@given(st.lists(st.integers(0, 9), max_size=3).map(tuple), DTYPES,
       st.sampled_from([0.2, 0, 1, 1.5]))
def test_leaky_relu_and_its_gradient(shape, dtype, slope):
    x, grad = numbers(0, shape, dtype), numbers(1, shape, dtype)
    assert_same(ours("leaky_relu", x, slope), np.asarray(reference.leaky_relu(x, slope)))
    for decides in (x, x > 0):
        assert_same(ours("leaky_relu_gradient", grad, decides, slope),
                    np.asarray(reference.leaky_relu_gradient(grad, decides, slope)))
    assert_same(ours("keep", grad, np.asarray(x > 0)), np.asarray(reference.keep(grad, x > 0)))


@given(st.lists(st.integers(0, 9), max_size=3).map(tuple), DTYPES)
def test_the_gradients_of_activations(shape, dtype):
    x, grad = numbers(0, shape, dtype), numbers(1, shape, dtype)
    for name in ("sigmoid_gradient", "tanh_gradient", "softplus_gradient"):
        assert_same(np.asarray(getattr(cpu, name)(grad, x)),
                    np.asarray(getattr(reference, name)(grad, x)))


@settings(max_examples=60)
@given(st.lists(st.integers(1, 9), min_size=2, max_size=4).map(tuple), DTYPES,
       st.sampled_from(list(LAYOUTS)))
def test_batch_norm_and_its_gradient(shape, dtype, layout):
    assume(np.prod(shape[:-1]) > 2)  # of two rows the variance is all that is left: rounding
    x, grad = numbers(0, shape, dtype, layout) + dtype(3), numbers(1, shape, dtype, layout)
    weight, bias = numbers(2, (2, shape[-1]), dtype)
    assert_same(ours("batch_norm", x, weight, bias, 1e-3),
                reference.batch_norm(x, weight, bias, 1e-3))
    assert_same(ours("batch_norm_gradient", grad, x, weight, 1e-3),
                reference.batch_norm_gradient(grad, x, weight, 1e-3))


def test_batch_norm_of_numbers_whose_squares_are_tiny_has_a_finite_gradient():
    x, grad = numbers(0, (64, 64, 2), np.float32), numbers(1, (64, 64, 2), np.float32)
    grad, weight = grad + x, np.ones(2, np.float32)  # which go together: their sum is large
    by_x, *rest = cpu.batch_norm_gradient(grad, x * np.float32(1e-20), weight, 0.0)
    assert_same((by_x * np.float32(1e-20), *rest),
                reference.batch_norm_gradient(grad, x, weight, 0.0))


def test_batch_norm_of_numbers_whose_squares_overflow_but_not_those_of_their_deviations():
    x = (numbers(0, (64, 64, 2)) * 1e17 + 1e20).astype(np.float32)
    weight, bias = np.ones(2, np.float32), np.zeros(2, np.float32)
    with np.errstate(over="ignore"):
        y, _, var = cpu.batch_norm(x, weight, bias, 1e-5)
    exact = x.reshape(-1, 2).astype(float)
    np.testing.assert_allclose(var, exact.var(0), rtol=1e-3)
    np.testing.assert_allclose(y.reshape(-1, 2), (exact - exact.mean(0)) / exact.std(0), atol=0.1)


def test_batch_norm_loses_no_variance_beside_a_large_mean():
    x = numbers(0, (64, 4, 4, 3), np.float32) + np.float32(1000)
    exact = x.astype(np.float64).reshape(-1, 3)
    _, mean, var = cpu.batch_norm(x, np.ones(3, np.float32), np.zeros(3, np.float32), 1e-5)
    np.testing.assert_allclose(mean, exact.mean(0), rtol=1e-6)
    np.testing.assert_allclose(var, exact.var(0), rtol=1e-4)
    grad, weight = numbers(1, x.shape, np.float32), numbers(2, (3,), np.float32)
    for fast, slow in zip(cpu.batch_norm_gradient(grad, x, weight, 1e-5),
                          reference.batch_norm_gradient(*[a.astype(float) for a in (
                              grad, x, weight)], 1e-5)):
        np.testing.assert_allclose(fast, slow, rtol=1e-3, atol=1e-4)


@st.composite
def convolutions(draw):
    """A window, groups, and shapes that fit; channels few and many, blocks small and large."""
    def pair(low, high):
        return draw(st.tuples(*[st.integers(low, high)] * 2))
    groups = draw(st.sampled_from([1, 1, 1, 2, 3]))
    c, o = groups * draw(st.sampled_from([1, 2, 9, 12])), groups * draw(st.sampled_from([1, 3, 10]))
    window = Window(pair(1, 4), pair(1, 3), (pair(0, 3), pair(0, 3)),
                    draw(st.sampled_from([(1, 1), (1, 1), (2, 1), (1, 3)])))
    image = pair(1, 9)
    assume(min(window.outputs(image)) > 0)
    return draw(st.integers(0, 4)), image, c, o, window, groups


@st.composite
def convolution_calls(draw, dtypes):
    """The arguments of each kernel of a convolution, by its name."""
    n, image, c, o, window, groups = draw(convolutions())
    dtype, layout, biased = draw(dtypes), draw(st.sampled_from(list(LAYOUTS))), draw(st.booleans())
    out = window.outputs(image)
    x, grad = numbers(0, (n, *image, c), dtype, layout), numbers(1, (n, *out, o), dtype, layout)
    w = numbers(2, (*window.size, c // groups, o), dtype, layout)
    b, back = [numbers(3, length, dtype) if biased else None for length in (o, c)]
    return {"conv2d": (x, w, window, groups, b),
            "conv2d_input_gradient": (grad, w, window, groups, image, back),
            "conv2d_weight_gradient": (x, grad, window, groups)}


@settings(max_examples=300)
@given(convolution_calls(DTYPES), st.sampled_from([1, 1000, 20_000, 2 << 20]))
def test_convolution_and_its_gradients(calls, block):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(thresholds, "PATCH_BLOCK", block)
        for name, args in calls.items():
            assert_same(ours(name, *args), getattr(reference, name)(*args))


@pytest.mark.parametrize("axis", [0, 1], ids=["lines", "columns"])
def test_every_way_to_hang_over_the_border_where_taps_outside_are_left_out(axis, monkeypatch):
    """Of many channels in and out, which random examples seldom have together."""
    monkeypatch.setattr(thresholds, "PATCH_BLOCK", 1)
    for k, s, d, before in product(range(1, 5), range(1, 4), range(1, 3), range(4)):
        window = Window(*[(one, other)[::1 - 2 * axis] for one, other in (
            (k, 1), (s, 1), ((before, 1), (0, 0)), (d, 1))])
        image = (7, 2)[::1 - 2 * axis]
        x, w = numbers(0, (1, *image, 9)), numbers(1, (*window.size, 9, 10))
        grad = numbers(2, (1, *window.outputs(image), 10))
        for name, args in {"conv2d": (x, w, window, 1), "conv2d_weight_gradient": (
                x, grad, window, 1), "conv2d_input_gradient": (grad, w, window, 1, image)}.items():
            assert_same(ours(name, *args), getattr(reference, name)(*args))


def test_half_precision_is_left_to_the_reference():
    """Bit by bit: the BLAS knows no halves, and in blocks their sums would be rounded otherwise."""
    def halves(seed, *shape):
        return numbers(seed, shape, np.float16)

    window = Window((3, 3), (1, 1), ((1, 1), (1, 1)))
    x, grad, w = halves(0, 2, 6, 6, 40), halves(1, 2, 6, 6, 5), halves(2, 3, 3, 40, 5)
    rows = halves(4, 64, 4, 4, 3) + np.float16(1)
    for name, args in {"conv2d": (x, w, window, 1, halves(3, 5)),
                       "conv2d_input_gradient": (grad, w, window, 1, (6, 6), None),
                       "batch_norm": (rows, *halves(5, 2, 3), 1e-3),
                       "batch_norm_gradient": (halves(6, *rows.shape), rows, halves(7, 3), 1e-3),
                       }.items():
        pair = ours(name, *args), getattr(reference, name)(*args)
        results = [r if isinstance(r, tuple) else (r,) for r in pair]
        for i, (a, e) in enumerate(zip(*results)):
            assert a.dtype == (np.float32 if i else np.float16), name  # sums stay float32
            assert a.tobytes() == e.tobytes(), name


@pytest.mark.parametrize("pixels, k, s, d, before",
                         [(14, 5, 2, 1, 1), (4, 3, 1, 2, 3), (7, 1, 3, 1, 0)])
def test_spans_hold_every_output_once_with_just_the_taps_inside(pixels, k, s, d, before):
    window = Window((k, k), (s, s), ((before, before),) * 2, (d, d))
    outputs = window.outputs((pixels, pixels))[0]
    seen = []
    for span in patches.inner_spans(window, 0, pixels, outputs):
        for p in range(span.outputs.start, span.outputs.stop):
            seen.append(p)
            read = [p * s - before + t * d for t in range(k)]
            assert list(range(k))[span.taps] == [t for t in range(k) if 0 <= read[t] < pixels]
    assert seen == list(range(outputs))


def test_planes_of_a_large_image_are_not_made(monkeypatch):
    monkeypatch.setattr(thresholds, "PATCH_BLOCK", 1)
    monkeypatch.setattr(convolution, "_planes", None)  # not to be called
    window = Window((3, 3), (1, 1), ((1, 1), (1, 1)))
    x, w = numbers(0, (2, 5, 5, 12)), numbers(1, (3, 3, 12, 2))
    grad, back = numbers(2, (2, 5, 5, 12)), numbers(3, (3, 3, 2, 12))
    assert_same(cpu.conv2d(x, w, window, 1), reference.conv2d(x, w, window, 1))
    assert_same(cpu.conv2d_input_gradient(grad, back, window, 1, (5, 5)),
                reference.conv2d_input_gradient(grad, back, window, 1, (5, 5)))


def test_the_number_of_threads_changes_no_bit(pool, monkeypatch):
    for kind, block in (("PASS", 20_000), ("NORM", 5_000), ("PATCH", 500_000)):
        monkeypatch.setattr(thresholds, f"{kind}_BLOCK", block)

    def train():
        rng = np.random.default_rng(0)
        networks = models.dcgan(rng=rng)
        adams = [mg.optim.Adam(network.parameters()) for network in networks]
        for _ in range(2):
            real = mg.tensor(rng.random((6, 28, 28, 1), np.float32))
            z = mg.tensor(rng.standard_normal((6, 100), np.float32))
            train_step(*networks, *adams, real, z)
        return [array for network in networks for array in network.state_dict().values()]

    pool(1)
    alone = train()
    for n in (2, 3):
        pool(n)
        for a, b in zip(train(), alone):
            assert a.tobytes() == b.tobytes()


def test_several_threads_may_call_the_kernels_at_once(pool, monkeypatch):
    monkeypatch.setattr(thresholds, "PATCH_BLOCK", 5_000)
    window = Window((3, 3), (2, 2), ((1, 1), (1, 1)))

    def compute(seed):
        x, w = numbers(seed, (6, 9, 9, 10)), numbers(seed, (3, 3, 10, 12))
        y = cpu.conv2d(x, w, window, 1)
        weight, bias = numbers(seed, (2, 12))
        normal, _, _ = cpu.batch_norm(y, weight, bias, 1e-5)
        return (y, cpu.conv2d_weight_gradient(x, normal, window, 1),
                cpu.conv2d_input_gradient(normal, w, window, 1, (9, 9)),
                cpu.matmul(y.reshape(-1, 12), y.reshape(-1, 12).T))

    pool(1)
    expected = [compute(seed) for seed in range(12)]
    pool(3)
    with ThreadPoolExecutor(4) as callers:
        for arrays, alone in zip(callers.map(compute, range(12)), expected):
            for a, b in zip(arrays, alone):
                assert a.tobytes() == b.tobytes()
