"""Elementwise kernels, reductions, norms, pooling and indexing in reverse equal their references:
in blocks of any size, with and without `out`, and the same bits on any number of threads."""
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from minigan.backend import cpu, reference, thresholds
from minigan.backend.cpu import threads
from minigan.backend.geometry import Window

DTYPES = st.sampled_from([np.float32, np.float64])
BLOCKS = st.sampled_from([1, 7, 50, 1 << 17])
LAYOUTS = {"plain": lambda x: x, "transposed": lambda x: x.T.copy().T,
           "strided": lambda x: np.repeat(x, 2, axis=-1)[..., ::2]}
EDGES = np.array([0, -0.0, 1, -1, 20, -20, 1e4, -1e4, np.inf, -np.inf, np.nan, 1e-6, -1e-6, 88, -90,
                  -3e-3])
SHAPES = st.lists(st.integers(1, 6), min_size=1, max_size=4).map(tuple)


@pytest.fixture(autouse=True)
def all_is_much(monkeypatch):
    """Nothing is too small to be shared, or to go another way than NumPy's."""
    for name in ("SHARED_PASS", "SIMPLE_PASSES", "SHARED_DEPTHWISE", "SHARED_PRODUCT",
                 "SHARED_CONVOLUTION"):
        monkeypatch.setattr(thresholds, name, 1)


def numbers(seed, shape, dtype=np.float64, layout="plain"):
    x = 3 * np.random.default_rng(seed).standard_normal(shape)
    return LAYOUTS[layout](x.astype(dtype)) if x.ndim else np.asarray(x, dtype)


def compare(name, *args, block=1 << 17, ulps=None):
    """The kernel and its reference, which leave their arguments alone; and the kernel once more,
    into arrays that it is given."""
    before = [a.copy() for a in args if isinstance(a, np.ndarray)]
    with pytest.MonkeyPatch.context() as patch, np.errstate(all="ignore"):
        for size in ("PASS_BLOCK", "NORM_BLOCK", "POOL_BLOCK"):
            patch.setattr(thresholds, size, block)
        fast, slow = getattr(cpu, name)(*args), getattr(reference, name)(*args)
        out = ([np.full(np.shape(r), -7, r.dtype) for r in fast] if isinstance(fast, tuple) else
               np.full(np.shape(fast), -7, np.asarray(fast).dtype))
        again = getattr(cpu, name)(*args, out=tuple(out) if isinstance(out, list) else out)
    results = [r if isinstance(r, tuple) else (r,) for r in (fast, slow, again)]
    for a, e, b in zip(*[map(np.asarray, r) for r in results], strict=True):
        assert a.dtype == e.dtype and a.shape == e.shape and a.tobytes() == b.tobytes()
        eps = np.finfo(a.dtype).eps
        scale = np.abs(e[np.isfinite(e)]).max(initial=1)
        np.testing.assert_allclose(a, e, rtol=(ulps or 300) * eps, err_msg=name,
                                   atol=0 if ulps else 300 * eps * scale)
    for a, b in zip([a for a in args if isinstance(a, np.ndarray)], before, strict=True):
        assert a.tobytes() == b.tobytes()


@given(DTYPES, BLOCKS)
def test_functions_of_one_number_equal_their_references_to_a_few_last_bits(dtype, block):
    x = EDGES.astype(dtype)
    for name in ("exp", "log", "sin", "cos", "tanh", "relu", "sigmoid", "softplus"):
        compare(name, x, block=block, ulps=6)
    for alpha in (1.0, 0.5):
        compare("elu", x, alpha, block=block, ulps=6)
        compare("elu_gradient", np.ones_like(x), x, alpha, block=block, ulps=6)
    for target in (0.0, 0.3, 1.0):
        compare("bce_with_logits", x, np.full_like(x, target), block=block)


@settings(max_examples=60)
@given(SHAPES, DTYPES, st.sampled_from(list(LAYOUTS)), BLOCKS)
def test_elementwise_kernels_of_several_arrays(shape, dtype, layout, block):
    x, grad = numbers(0, shape, dtype, layout), numbers(1, shape, dtype, layout)
    for name in ("softplus_gradient", "sigmoid_gradient", "tanh_gradient"):
        compare(name, grad, x, block=block)
    mask = np.asarray(x > 0)
    row, number = numbers(2, shape[-1:], dtype), np.asarray(numbers(3, (), dtype))
    for pair in ((x, grad), (x, number), (number, x), (row, x), (number, number)):
        compare("where", mask, *pair, block=block)
    compare("where", mask[..., :1], x, grad, block=block)


@settings(max_examples=150)
@given(st.data(), SHAPES, DTYPES, st.sampled_from(list(LAYOUTS)), BLOCKS, st.booleans(),
       st.sampled_from([None, np.inf, -np.inf, np.nan]))
def test_reductions_and_the_softmax_family(data, shape, dtype, layout, block, keepdims, odd):
    x, grad = numbers(0, shape, dtype, layout), numbers(1, shape, dtype)
    if odd is not None:
        x.flat[len(x) // 2] = odd
    axes = tuple(data.draw(st.sets(st.integers(0, len(shape) - 1), min_size=1)))
    with pytest.MonkeyPatch.context() as patch, np.errstate(all="ignore"):
        patch.setattr(thresholds, "SHORT_ROW", data.draw(st.sampled_from([1, 4, 16])))
        patch.setattr(thresholds, "SUMMED_BY_ONES", data.draw(st.sampled_from([1, 2, 4096])))
        for name in ("total", "largest", "least"):
            compare(name, x, axes, keepdims, block=block)
        compare("cumsum", x, axes[0], block=block)
        for name in ("softmax", "log_softmax"):
            compare(name, x, axes, block=block)
            compare(f"{name}_gradient", grad, getattr(reference, name)(x, axes), axes,
                    block=block)
        y = reference.logsumexp(x, axes)
        compare("logsumexp", x, axes, block=block)
        compare("logsumexp_gradient", numbers(2, y.shape, dtype), x, y, axes, block=block)


@settings(max_examples=80)
@given(st.tuples(*[st.integers(1, 6)] * 4), DTYPES, st.sampled_from(list(LAYOUTS)), BLOCKS)
def test_normalisation_within_examples(shape, dtype, layout, block):
    assume(shape[1] * shape[3] > 2)  # of two numbers the variance is all that is left: rounding
    x, grad = numbers(0, shape, dtype, layout) + dtype(3), numbers(1, shape, dtype, layout)
    weight, bias = numbers(2, (2, *shape[2:]), dtype)
    compare("group_norm", x, weight, bias, 0.1, block=block)
    compare("group_norm_gradient", grad, x, weight, 0.1, block=block)


@st.composite
def poolings(draw):
    def pair(low, high):
        return draw(st.tuples(st.integers(low, high), st.integers(low, high)))
    size = pair(1, 4)
    stride = draw(st.sampled_from([size, pair(1, 3)]))
    padding = tuple([pair(0, k // 2) for k in size]) if draw(st.booleans()) else ((0, 0), (0, 0))
    window, image = Window(size, stride, padding), pair(1, 9)
    assume(min(window.outputs(image)) > 0)
    return window, (draw(st.integers(1, 4)), *image, draw(st.integers(1, 3)))


@settings(max_examples=200)
@given(poolings(), DTYPES, st.sampled_from(list(LAYOUTS)), BLOCKS,
       st.sampled_from([None, np.inf, -np.inf, np.nan]))
def test_pooling_and_its_gradients_with_many_ties(pooling, dtype, layout, block, odd):
    window, shape = pooling
    x = np.round(numbers(0, shape, dtype, layout))  # whole numbers: many are equal
    if odd is not None:
        x.flat[x.size // 2] = odd
    y = reference.max_pool(x, window)
    compare("max_pool", x, window, block=block)
    compare("max_pool_gradient", numbers(1, y.shape, dtype), x, y, window, block=block)
    compare("window_sum", x, window, block=block)
    compare("window_spread", numbers(1, y.shape, dtype), window, shape[1:3], block=block)


def test_a_window_of_more_elements_than_16_bits_count_has_its_gradient():
    for window in (Window((256, 256), (256, 256)), Window((256, 256))):
        x = numbers(0, (1, 257, 256, 1), np.float32)
        y = reference.max_pool(x, window)
        compare("max_pool_gradient", np.ones_like(y), x, y, window)


def test_the_mean_of_winners_is_the_adjoint_of_max_pools_gradient():
    window, x = Window((3, 2), (2, 1), ((1, 1), (0, 1))), np.round(numbers(0, (2, 7, 6, 3)))
    y = cpu.max_pool(x, window)
    grad, u = numbers(1, y.shape), numbers(2, x.shape)
    np.testing.assert_allclose((cpu.max_pool_gradient(grad, x, y, window) * u).sum(),
                               (grad * cpu.max_pool_mean(u, x, y, window)).sum(), rtol=1e-12)


@settings(max_examples=150)
@given(st.data(), st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple), DTYPES,
       st.sampled_from([0, 2, 16]))
def test_indexing_in_reverse_equals_add_at(data, shape, dtype, few):
    start = data.draw(st.integers(0, len(shape) - 1))
    stop = data.draw(st.integers(start + 1, len(shape)))
    form = data.draw(st.lists(st.integers(1, 6), max_size=2).map(tuple))
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    index = [slice(None)] * start + [rng.integers(-n, n, form) for n in shape[start:stop]]
    index = tuple(index + data.draw(st.sampled_from([[], [...], [None], [..., None]])))
    x = rng.standard_normal(np.zeros(shape)[index].shape).astype(dtype)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("minigan.backend.cpu.indexing.FEW", few)
        fast, slow = cpu.add_at(shape, index, x), reference.add_at(shape, index, x)
    assert fast.dtype == slow.dtype
    np.testing.assert_allclose(fast, slow, rtol=1e-4 if dtype == np.float32 else 1e-12, atol=1e-5)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "uint64"])
def test_indices_in_narrow_integers_name_the_same_elements(dtype):
    rng, x = np.random.default_rng(0), numbers(0, (40, 2), np.float64)
    lines, columns = rng.integers(0, 100, (2, 40))
    for shape, index in (((300, 2), (lines,)), ((100, 100, 2), (lines, columns))):
        narrow = tuple([i.astype(dtype) for i in index])  # 300 is no uint8, nor is 99 · 100
        np.testing.assert_array_equal(cpu.add_at(shape, narrow, x),
                                      cpu.add_at(shape, index, x))


@given(st.tuples(*[st.integers(1, 4)] * 5), st.booleans(), st.booleans())
def test_products_of_batches_broadcast(lengths, one, fewer):
    a, b, n, k, m = lengths
    x, w = numbers(0, (1 if one else a, b, n, k)), numbers(1, (a, b, k, m))
    w = w[0] if fewer else w
    compare("matmul", x, w)


def calls():
    """Of every kernel that is shared a call, by its name."""
    window = Window((3, 3), (2, 2), ((1, 1), (1, 1)))
    dilated = Window((3, 2), (2, 1), dilation=(2, 3))
    x, w = numbers(0, (3, 11, 9, 6), np.float32), numbers(1, (3, 3, 1, 12), np.float32)
    y = reference.max_pool(x, window)
    rows, grads = numbers(2, (64, 33), np.float32), numbers(3, (64, 33), np.float32)
    examples, pair = numbers(4, (5, 8, 2, 3), np.float32), numbers(5, (2, 2, 3), np.float32)
    wide = numbers(6, (*dilated.size, 3, 8), np.float32)
    places = dilated.outputs(x.shape[1:3])
    grad, out = numbers(7, (3, *places, 8), np.float32), numbers(8, (3, 6, 5, 12), np.float32)
    return {"softplus": (rows,), "elu": (rows, 1.0), "exp": (rows,),
            "where": (rows > 0, rows, grads), "total": (rows, (0,), False),
            "largest": (rows, (1,), True), "cumsum": (rows, 1), "softmax": (rows, 1),
            "log_softmax_gradient": (grads, rows, 1), "logsumexp": (rows, 1),
            "group_norm": (examples, *pair, 0.1),
            "group_norm_gradient": (examples[::-1], examples, pair[0], 0.1),
            "max_pool": (x, window), "max_pool_gradient": (y, x, y, window),
            "window_sum": (x, window), "window_spread": (y, window, x.shape[1:3]),
            "conv2d": (x, w, window, 6), "conv2d_input_gradient": (out, w, window, 6, (11, 9)),
            "conv2d_weight_gradient": (x, out, window, 6),
            "conv2d_input_gradient of two groups": (grad, wide, dilated, 2, (11, 9)),
            "conv2d_weight_gradient of two groups": (x, grad, dilated, 2),
            "matmul": (numbers(9, (5, 7, 9)), numbers(10, (5, 9, 4)))}


@pytest.mark.parametrize("name", calls())
def test_the_number_of_threads_changes_no_bit_of_a_kernel(name, monkeypatch):
    for size in ("PASS_BLOCK", "NORM_BLOCK", "POOL_BLOCK", "DEPTHWISE_BLOCK", "PATCH_BLOCK"):
        monkeypatch.setattr(thresholds, size, 100)
    kernel, args = getattr(cpu, name.partition(" ")[0]), calls()[name]
    results = []
    for n in (1, 2, 3):
        monkeypatch.setenv("MINIGAN_NUM_THREADS", str(n))
        threads._forget_pool()
        result = kernel(*args)
        results.append([np.asarray(r).tobytes()
                        for r in (result if isinstance(result, tuple) else (result,))])
    threads._forget_pool()
    assert results[0] == results[1] == results[2]


def test_a_kernels_threads_compute_in_the_callers_errstate(monkeypatch):
    monkeypatch.setenv("MINIGAN_NUM_THREADS", "3")
    monkeypatch.setattr(thresholds, "PASS_BLOCK", 1)
    threads._forget_pool()
    zeros = np.zeros(64, np.float32)
    for _ in range(20):  # on whatever thread the blocks fall
        with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
            cpu.log(zeros)
        with np.errstate(divide="ignore"):
            assert (cpu.log(zeros) == -np.inf).all()
    threads._forget_pool()
