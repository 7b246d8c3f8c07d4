"""Convolution over random shapes and options: naive loops, adjoints, differences, PyTorch."""
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import minigan as mg
from minigan import ops
from minigan.testing.strategies import conv_configs
from tests.cases import naive
from tests.cases.conv import transposed_configs

SEEDS = st.integers(0, 99)  # of the numbers: those that Hypothesis draws would take too long


def examples(count):
    """So many configurations, each with numbers x, w and b."""
    return lambda test: settings(max_examples=count)(given(
        conv_configs().flatmap(lambda config: SEEDS.map(
            lambda seed: (config, *normal(seed, config.x, config.w, config.w[3:])))))(test))


def transposed_examples(count):
    """The same for conv_transpose2d: (x, w, b, options)."""
    return lambda test: settings(max_examples=count)(given(
        transposed_configs().flatmap(lambda drawn: SEEDS.map(
            lambda seed: (*normal(seed, *drawn[:3]), drawn[3]))))(test))


def normal(seed, *shapes):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape) for shape in shapes]


def tensors(*arrays):
    return [mg.tensor(a, requires_grad=True) for a in arrays]


def close(tensor, expected, message, tolerance=1e-12):
    actual = tensor.numpy()
    assert actual.shape == expected.shape, message
    assert np.all(abs(actual - expected) <= tolerance * (1 + abs(expected).max(initial=0))), message


def inner(x, y):
    return float((x * y).sum())


# Values and derivatives

@examples(100)
def test_conv_transpose2d_is_the_adjoint_of_conv2d(example):
    config, x, w, _ = example
    options, extent = config.options, naive.extents(w, config.dilation)
    strides = naive.both(config.stride)
    if config.padding == "same":  # it leads back to a multiple of the stride
        n, height, width, channels = config.x
        (x,) = normal(0, (n, height * strides[0], width * strides[1], channels))
    else:
        margins = naive.sides(config.padding, x.shape[1:3], extent, strides)
        options["output_padding"] = tuple((n + sum(m) - e) % s for n, m, e, s in zip(
            x.shape[1:3], margins, extent, strides))
        assume(all(m[0] < e for m, e in zip(margins, extent)))  # else it may see padding alone
    y = ops.conv2d(*tensors(x, w), **config.options).numpy()
    (g,) = normal(1, y.shape)
    back = ops.conv_transpose2d(*tensors(g, w), **options).numpy()
    assert back.shape == x.shape, config
    scale = abs(y * g).sum() + abs(x * back).sum()
    assert abs(inner(y, g) - inner(x, back)) <= 1e-12 * scale, config


def check(f, expected, x, w, b, message):
    """The values of f(x, w, b), its adjoint identities, and the first and second derivatives of
    T(x, w, b, g) = ⟨f(x, w, b), g⟩ in random directions: p, which leaves g alone, and then m.

    T is linear in each of x, w and g, so that differences with a step of 1 are exact: in
    T(inputs + t p + s m) the only term odd in t alone is t, and the only one odd in both is t s.
    """
    rng = np.random.default_rng(0)
    leaves = tensors(x, w, b)
    result = f(*leaves)
    close(result, expected, message)
    y, g = result.numpy(), rng.normal(size=result.shape)
    leaves += tensors(g)
    grads = mg.grad(result, leaves[:3], leaves[3], create_graph=True)
    by_x, by_w, by_b = [inner(a, d.numpy()) for a, d in zip((x, w, b), grads)]
    scale = abs(y * g).sum() + 1
    assert abs(inner(y, g) - by_b - by_x) <= 1e-12 * scale, message
    assert abs(by_w - by_x) <= 1e-12 * scale, message

    p, m = [[rng.normal(size=a.shape) for a in (x, w, b, g)] for _ in range(2)]
    first = sum(inner(d.numpy(), v) for d, v in zip(grads, p))
    second = mg.grad(grads, leaves, tensors(*p[:3]), allow_unused=True)
    products = [d.numpy() * v for d, v in zip(second, m)]

    def T(t, s):
        moved = [a + t * v + s * u for a, v, u in zip((x, w, b), p, m)]
        return inner(f(*tensors(*moved)).numpy(), g + s * m[3])

    scale = 1 + sum(abs(a).sum() for a in products)
    assert abs((T(1, 0) - T(-1, 0)) / 2 - first) <= 1e-11 * scale, message
    mixed = (T(1, 1) - T(1, -1) - T(-1, 1) + T(-1, -1)) / 4
    assert abs(mixed - sum(a.sum() for a in products)) <= 1e-11 * scale, message


@examples(400)
def test_conv2d_equals_the_naive_loops_and_with_its_gradients_is_one_trilinear_form(example):
    config, *arrays = example
    check(lambda *t: ops.conv2d(*t, **config.options), naive.conv2d(*arrays, **config.options),
          *arrays, config)


@transposed_examples(150)
def test_conv_transpose2d_equals_the_naive_loops_and_with_its_gradients_is_one_too(example):
    *arrays, options = example
    shapes = [a.shape for a in arrays]
    check(lambda *t: ops.conv_transpose2d(*t, **options),
          naive.conv_transpose2d(*arrays, **options), *arrays, (shapes, options))


# PyTorch

def nchw(torch, x):
    """Images for PyTorch, as a leaf."""
    return torch.from_numpy(x.transpose(0, 3, 1, 2).copy()).requires_grad_()


def oihw(torch, w):
    return torch.from_numpy(w.transpose(3, 2, 0, 1).copy()).requires_grad_()


def compare_with_pytorch(torch, ours, theirs, x, w, b, message):
    """Values, gradients and second gradients of two functions of x, w and b."""
    leaves, rng = tensors(x, w, b), np.random.default_rng(0)
    others = [nchw(torch, x), oihw(torch, w), torch.from_numpy(b).requires_grad_()]
    y, z = ours(*leaves), theirs(*others)
    g = [rng.normal(size=s) for s in (y.shape, x.shape, w.shape, b.shape)]
    first = mg.grad(y, leaves, mg.tensor(g[0]), create_graph=True)
    second = mg.grad(first, leaves[:2], [mg.tensor(a) for a in g[1:]], allow_unused=True)
    h = [nchw(torch, g[0]), nchw(torch, g[1]), oihw(torch, g[2]), torch.from_numpy(g[3])]
    first_t = torch.autograd.grad(z, others, h[0], create_graph=True)
    second_t = torch.autograd.grad(first_t, others[:2], h[1:], allow_unused=True)
    back = [(0, 2, 3, 1), (0, 2, 3, 1), (2, 3, 1, 0), (0,), (0, 2, 3, 1), (2, 3, 1, 0)]
    for a, e, axes in zip((y, *first, *second), (z, *first_t, *second_t), back, strict=True):
        close(a, e.detach().numpy().transpose(axes), message, 1e-10)


@pytest.fixture
def torch():
    torch = pytest.importorskip("torch", reason="compares with PyTorch where it is installed")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # for arrays so small more of them only wait
    yield torch
    torch.set_num_threads(threads)


@examples(100)
def test_conv2d_equals_pytorchs_to_second_order(torch, example):
    config, x, w, b = example
    assume(0 not in config.x)
    (top, bottom), (left, right) = naive.sides(
        config.padding, config.x[1:3], naive.extents(w, config.dilation), config.stride)

    def theirs(x, w, b):
        return torch.nn.functional.conv2d(
            torch.nn.functional.pad(x, (left, right, top, bottom)), w, b, config.stride, 0,
            config.dilation, config.groups)

    compare_with_pytorch(torch, lambda *t: ops.conv2d(*t, **config.options), theirs, x, w, b,
                         config)


@transposed_examples(100)
def test_conv_transpose2d_equals_pytorchs_to_second_order(torch, example):
    x, w, b, options = example
    padding = naive.sides(options["padding"], (1, 1), (1, 1), 1)
    # PyTorch has no other padding
    assume(options["padding"] != "same" and 0 not in x.shape and all(p == q for p, q in padding))
    compare_with_pytorch(
        torch, lambda *t: ops.conv_transpose2d(*t, **options),
        lambda *t: torch.nn.functional.conv_transpose2d(
            *t, options["stride"], tuple(p for p, _ in padding), options["output_padding"],
            options["groups"], options["dilation"]), x, w, b, options)
