"""Convolution over random shapes and options: naive loops, adjoints, differences, PyTorch."""
from __future__ import annotations

from typing import Any, NamedTuple

import naive
import numpy as np
import pytest

import minigan as mg
from minigan import ops

COUNT = 2000


class Config(NamedTuple):
    """One convolution: the shapes of x and w, and the options of conv2d."""

    x: tuple[int, ...]
    w: tuple[int, ...]
    stride: Any
    padding: Any
    dilation: Any
    groups: int

    @property
    def options(self):
        return {name: getattr(self, name) for name in ("stride", "padding", "dilation", "groups")}


def number_or_pair(rng, low, high):
    """A number or a pair, low and high included."""
    pair = tuple(rng.integers(low, high + 1, 2).tolist())
    return pair if rng.random() < 0.5 else pair[0]


def random_config(rng):
    """Small, so that thousands take seconds, but every option occurs with every other."""
    kh, kw, groups, per_x, per_y = rng.integers(1, [4, 4, 4, 3, 3]).tolist()
    if rng.random() < 0.3:
        per_x = 1  # depthwise, if there are groups
    stride, dilation = number_or_pair(rng, 1, 3), number_or_pair(rng, 1, 2)
    padding = [0, "valid", "same", number_or_pair(rng, 0, 2),
               tuple(tuple(rng.integers(0, 3, 2).tolist()) for _ in range(2))][rng.integers(5)]
    w = np.empty((kh, kw, per_x, groups * per_y))
    image = [max(1, e - (2 if padding == "same" else 0)) + n
             for e, n in zip(naive.extents(w, dilation), rng.integers(0, 3, 2).tolist())]
    batch = 0 if rng.random() < 0.02 else int(rng.integers(1, 3))
    return Config((batch, *image, groups * per_x), w.shape, stride, padding, dilation, groups)


def configs(count=COUNT, seed=0):
    """The configurations, each with a generator of its own for its numbers."""
    rng = np.random.default_rng(seed)
    for i in range(count):
        yield random_config(rng), np.random.default_rng(i)


def output_paddings(rng, config):
    """What conv_transpose2d may be given besides."""
    if config.padding == "same":
        return 0
    largest = zip(naive.both(config.stride), naive.both(config.dilation))
    return tuple(int(rng.integers(0, max(pair))) for pair in largest)


def transposed_examples(count, seed):
    """(x, w, b, options) of conv_transpose2d; those whose padding leaves nothing are passed by."""
    for config, rng in configs(count, seed):
        options = {**config.options, "output_padding": output_paddings(rng, config)}
        w = rng.normal(size=config.w)
        image = rng.integers(1, 4, 2).tolist()
        x, b = rng.normal(size=(config.x[0], *image, w.shape[3])), rng.normal(size=config.x[3])
        sizes = [(n - 1) * s + e - sum(m) for n, s, e, m in zip(
            image, naive.both(config.stride), naive.extents(w, config.dilation),
            naive.sides(config.padding, image, (1, 1), 1))]
        if config.padding == "same" or min(sizes) >= 1:
            yield x, w, b, options


def tensors(*arrays):
    return [mg.tensor(a, requires_grad=True) for a in arrays]


def close(actual, expected, message, tolerance=1e-12):
    assert actual.shape == expected.shape, message
    assert np.all(abs(actual - expected) <= tolerance * (1 + abs(expected).max(initial=0))), message


def inner(x, y):
    return float((x * y).sum())


# Values

def test_the_random_configurations_contain_every_kind():
    drawn = [config for config, _ in configs()]
    assert len(drawn) >= 2000
    paddings = [c.padding for c in drawn]
    kinds = {"same", "valid", int, tuple}
    assert {p if isinstance(p, str) else type(p) for p in paddings} == kinds
    for kind in (lambda c: c.groups > 1 and c.w[2] == 1, lambda c: c.groups > 1 and c.w[2] > 1,
                 lambda c: c.w[0] != c.w[1], lambda c: isinstance(c.stride, tuple),
                 lambda c: naive.both(c.dilation) != (1, 1), lambda c: c.x[0] == 0,
                 lambda c: any(isinstance(p, tuple) and p[0] != p[1]
                               for p in naive.both(c.padding) if not isinstance(p, str))):
        assert sum(map(kind, drawn)) >= 20


def test_conv2d_equals_the_naive_loops():
    for config, rng in configs():
        x, w, b = (rng.normal(size=s) for s in (config.x, config.w, config.w[3:]))
        close(ops.conv2d(x, w, b, **config.options).data,
              naive.conv2d(x, w, b, **config.options), config)


def test_conv_transpose2d_equals_the_naive_loops():
    for x, w, b, options in transposed_examples(500, seed=1):
        close(ops.conv_transpose2d(x, w, b, **options).data,
              naive.conv_transpose2d(x, w, b, **options), (x.shape, w.shape, options))


# Derivatives

def test_conv_transpose2d_is_the_adjoint_of_conv2d():
    for config, rng in configs(500, seed=2):
        options, extent = config.options, naive.extents(np.empty(config.w), config.dilation)
        image, stride = config.x[1:3], naive.both(config.stride)
        if config.padding == "same":  # it leads back to a multiple of the stride
            image = [n * s for n, s in zip(image, stride)]
        else:
            margins = naive.sides(config.padding, image, extent, stride)
            options["output_padding"] = tuple(
                (n + sum(m) - e) % s for n, m, e, s in zip(image, margins, extent, stride))
            if any(m[0] >= e for m, e in zip(margins, extent)):
                continue  # the kernel may lie in the padding alone
        x = rng.normal(size=(config.x[0], *image, config.x[3]))
        w = rng.normal(size=config.w)
        y = ops.conv2d(x, w, **config.options).data
        g = rng.normal(size=y.shape)
        back = ops.conv_transpose2d(g, w, **options).data
        assert back.shape == x.shape, config
        scale = abs(y * g).sum() + abs(x * back).sum()
        assert abs(inner(y, g) - inner(x, back)) <= 1e-12 * scale, config


def check_derivatives(f, x, w, b, rng, message):
    """The adjoint identities of f(x, w, b), and the first and second derivatives of
    T(x, w, b, g) = ⟨f(x, w, b), g⟩ in random directions: p, which leaves g alone, and then m.

    T is linear in each of x, w and g, so that differences with a step of 1 are exact: in
    T(inputs + t p + s m) the only term odd in t alone is t, and the only one odd in both is t s.
    """
    inputs = tensors(x, w, b)
    y = f(*inputs)
    g = mg.tensor(rng.normal(size=y.shape), requires_grad=True)
    grads = mg.grad(y, inputs, g, create_graph=True)
    by_x, by_w, by_b = [inner(t.data, d.data) for t, d in zip(inputs, grads)]
    scale = abs(y.data * g.data).sum() + 1
    assert abs(inner(y.data, g.data) - by_b - by_x) <= 1e-12 * scale, message
    assert abs(by_w - by_x) <= 1e-12 * scale, message

    p, m = [[rng.normal(size=t.shape) for t in (*inputs, g)] for _ in range(2)]
    first = sum(inner(d.data, v) for d, v in zip(grads, p))
    second = mg.grad(grads, (*inputs, g), [mg.Tensor(v) for v in p[:3]])
    products = [d.data * v for d, v in zip(second, m)]

    def T(t, s):
        moved = [a.data + t * v + s * u for a, v, u in zip(inputs, p, m)]
        return inner(f(*moved).data, g.data + s * m[3])

    scale = 1 + sum(abs(a).sum() for a in products)
    assert abs((T(1, 0) - T(-1, 0)) / 2 - first) <= 1e-11 * scale, message
    mixed = (T(1, 1) - T(1, -1) - T(-1, 1) + T(-1, -1)) / 4
    assert abs(mixed - sum(a.sum() for a in products)) <= 1e-11 * scale, message


def test_conv2d_and_its_gradients_are_one_trilinear_form_and_equal_difference_quotients():
    for config, rng in configs():
        x, w, b = (rng.normal(size=s) for s in (config.x, config.w, config.w[3:]))
        check_derivatives(lambda *t, o=config.options: ops.conv2d(*t, **o), x, w, b, rng, config)


def test_conv_transpose2d_and_its_gradients_are_one_too_and_equal_difference_quotients():
    for x, w, b, options in transposed_examples(250, seed=3):
        check_derivatives(lambda *t, o=options: ops.conv_transpose2d(*t, **o), x, w, b,
                          np.random.default_rng(0), (x.shape, w.shape, options))


# PyTorch

def nchw(torch, x):
    """Images for PyTorch, as a leaf."""
    return torch.from_numpy(x.transpose(0, 3, 1, 2).copy()).requires_grad_()


def oihw(torch, w):
    return torch.from_numpy(w.transpose(3, 2, 0, 1).copy()).requires_grad_()


def compare_with_pytorch(torch, ours, theirs, x, w, b, rng, message):
    """Values, gradients and second gradients of two functions of x, w and b."""
    leaves = tensors(x, w, b)
    others = [nchw(torch, x), oihw(torch, w), torch.from_numpy(b).requires_grad_()]
    y, z = ours(*leaves), theirs(*others)
    g = [rng.normal(size=s) for s in (y.shape, x.shape, w.shape, b.shape)]
    first = mg.grad(y, leaves, mg.tensor(g[0]), create_graph=True)
    second = mg.grad(first, leaves[:2], [mg.tensor(a) for a in g[1:]])
    h = [nchw(torch, g[0]), nchw(torch, g[1]), oihw(torch, g[2]), torch.from_numpy(g[3])]
    first_t = torch.autograd.grad(z, others, h[0], create_graph=True)
    second_t = torch.autograd.grad(first_t, others[:2], h[1:], allow_unused=True)
    back = [(0, 2, 3, 1), (0, 2, 3, 1), (2, 3, 1, 0), (0,), (0, 2, 3, 1), (2, 3, 1, 0)]
    for a, e, axes in zip((y, *first, *second), (z, *first_t, *second_t), back, strict=True):
        close(a.data, e.detach().numpy().transpose(axes), message, 1e-10)


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="compares with PyTorch where it is installed")


def test_conv2d_equals_pytorchs_to_second_order(torch):
    for config, rng in configs(300, seed=4):
        if 0 in config.x:
            continue
        x, w, b = (rng.normal(size=s) for s in (config.x, config.w, config.w[3:]))
        (top, bottom), (left, right) = naive.sides(
            config.padding, config.x[1:3], naive.extents(w, config.dilation), config.stride)

        def theirs(x, w, b, c=config, margins=(left, right, top, bottom)):
            return torch.nn.functional.conv2d(torch.nn.functional.pad(x, margins), w, b, c.stride,
                                              0, c.dilation, c.groups)

        compare_with_pytorch(torch, lambda *t, c=config: ops.conv2d(*t, **c.options), theirs,
                             x, w, b, rng, config)


def test_conv_transpose2d_equals_pytorchs_to_second_order(torch):
    compared = 0
    for x, w, b, options in transposed_examples(500, seed=5):
        sides = naive.sides(options["padding"], (1, 1), (1, 1), 1)
        if options["padding"] == "same" or 0 in x.shape or any(p != q for p, q in sides):
            continue  # PyTorch has no such padding
        symmetric = tuple(p for p, _ in sides)
        compare_with_pytorch(
            torch, lambda *t, o=options: ops.conv_transpose2d(*t, **o),
            lambda *t, o=options, p=symmetric: torch.nn.functional.conv_transpose2d(
                *t, o["stride"], p, o["output_padding"], o["groups"], o["dilation"]),
            x, w, b, np.random.default_rng(0), (x.shape, w.shape, options))
        compared += 1
    assert compared >= 200
