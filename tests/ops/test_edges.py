"""Where ops could go wrong quietly: huge inputs, kinks and ties."""
from __future__ import annotations

import re

import numpy as np
import pytest

import minigan as mg
from minigan import losses, ops

both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])


def leaf(data, dtype=np.float64):
    return mg.tensor(np.asarray(data, dtype), requires_grad=True)


def value_and_gradient(f, x):
    """Both as arrays; any overflow, division by zero or NaN on the way raises."""
    with np.errstate(all="raise", under="ignore"):
        y = f(x)
        (g,) = mg.grad(y, x, mg.tensor(np.ones(y.shape, y.dtype)))
    assert y.dtype == g.dtype == x.dtype
    return y.numpy(), g.numpy()


# Stability: the values at ±10⁴, where a formula taken literally overflows

FAR = [-1e4, -200.0, 0.0, 200.0, 1e4]


@both_dtypes
def test_sigmoid_is_exact_far_out(dtype):
    y, g = value_and_gradient(ops.sigmoid, leaf(FAR, dtype))
    np.testing.assert_allclose(y, [0, 0 if dtype == np.float32 else np.exp(-200.0), 0.5, 1, 1],
                               rtol=1e-6)
    np.testing.assert_allclose(g, [0, 0, 0.25, 0, 0], atol=1e-80)


@both_dtypes
def test_softplus_is_exact_far_out(dtype):
    y, g = value_and_gradient(ops.softplus, leaf(FAR, dtype))
    np.testing.assert_allclose(y, [0, 0, np.log(2), 200, 1e4], rtol=1e-6, atol=1e-80)
    np.testing.assert_allclose(g, [0, 0, 0.5, 1, 1], atol=1e-80)


@both_dtypes
def test_tanh_and_elu_do_not_overflow(dtype):
    y, g = value_and_gradient(ops.tanh, leaf(FAR, dtype))
    assert y.tolist() == [-1, -1, 0, 1, 1] and g.tolist() == [0, 0, 1, 0, 0]
    y, g = value_and_gradient(ops.elu, leaf(FAR, dtype))
    assert y.tolist() == [-1, -1, 0, 200, 1e4]
    np.testing.assert_allclose(g, [0, 0, 1, 1, 1], atol=1e-80)


@both_dtypes
@pytest.mark.parametrize("shift", [-1e4, 0.0, 1e4])
def test_the_softmax_family_does_not_depend_on_a_shift(shift, dtype):
    x = np.array([[1.0, 2.0, 4.0]])
    p = np.exp(x) / np.exp(x).sum()
    tolerance = {"rtol": 1e-3 if dtype == np.float32 else 1e-9}  # x + 10⁴ is rounded in float32
    y, g = value_and_gradient(ops.logsumexp, leaf(x + shift, dtype))
    np.testing.assert_allclose(y, [np.log(np.exp(x).sum()) + shift], **tolerance)
    np.testing.assert_allclose(g, p, **tolerance)
    np.testing.assert_allclose(value_and_gradient(ops.softmax, leaf(x + shift, dtype))[0], p,
                               **tolerance)
    np.testing.assert_allclose(value_and_gradient(ops.log_softmax, leaf(x + shift, dtype))[0],
                               np.log(p), **tolerance)


@both_dtypes
def test_the_softmax_family_separates_what_is_far_apart(dtype):
    x = [[1e4, 0.0, -1e4]]
    assert value_and_gradient(ops.softmax, leaf(x, dtype))[0].tolist() == [[1, 0, 0]]
    y, g = value_and_gradient(ops.logsumexp, leaf(x, dtype))
    assert y.tolist() == [1e4] and g.tolist() == [[1, 0, 0]]
    y, g = value_and_gradient(ops.log_softmax, leaf(x, dtype))
    assert y.tolist() == [[0, -1e4, -2e4]] and g.tolist() == [[-2, 1, 1]]


@both_dtypes
@pytest.mark.parametrize("target", [1.0, 0.0])
def test_bce_with_logits_does_not_overflow(target, dtype):
    y, g = value_and_gradient(lambda x: losses.bce_with_logits(x, target), leaf(FAR, dtype))
    np.testing.assert_allclose(y, (1e4 + 200 + np.log(2)) / 5, rtol=1e-6)  # for either target
    np.testing.assert_allclose(g, (np.array([0, 0, 0.5, 1, 1]) - target) / 5, rtol=1e-6, atol=1e-80)


def test_the_second_derivatives_are_finite_far_out_too():
    for f in (ops.sigmoid, ops.softplus, ops.tanh, ops.elu, ops.softmax, ops.log_softmax,
              ops.logsumexp, lambda x: losses.bce_with_logits(x, 1.0)):
        for dtype in (np.float32, np.float64):
            x = leaf(FAR, dtype)
            (g,) = mg.grad((f(x) * f(x)).sum(), x, create_graph=True)
            assert np.isfinite(mg.grad(g.sum(), x)[0].numpy()).all()


# Kinks: the value that the docstring states

@pytest.mark.parametrize("f, at, expected", [
    (ops.abs, 0.0, 0.0),
    (ops.relu, 0.0, 0.0),
    (lambda x: ops.leaky_relu(x, 0.2), 0.0, 0.2),
    (lambda x: ops.elu(x, 0.5), 0.0, 0.5),
    (lambda x: ops.clip(x, -1, 1), 1.0, 1.0),
    (lambda x: ops.clip(x, -1, 1), -1.0, 1.0),
    (lambda x: ops.clip(x, None, 1), 1.5, 0.0),
    (lambda x: ops.clip(x, -1, None), -1.5, 0.0),
    (lambda x: x ** 0, 0.0, 0.0),
    (lambda x: x ** 1, 0.0, 1.0),
], ids=["abs", "relu", "leaky_relu", "elu", "clip high", "clip low", "above", "below", "x^0",
        "x^1"])
@pytest.mark.parametrize("shape", [(), (1,), (2, 2)])
def test_the_gradient_at_a_kink_is_the_documented_one(f, at, expected, shape):
    _, g = value_and_gradient(f, leaf(np.full(shape, at)))
    np.testing.assert_array_equal(g, np.full(shape, expected))


@pytest.mark.parametrize("extreme", [ops.maximum, ops.minimum])
@pytest.mark.parametrize("shape", [(), (3,)])
def test_a_tie_of_two_gives_each_half(extreme, shape):
    x, y = leaf(np.ones(shape)), leaf(np.ones(shape))
    for g in mg.grad(extreme(x, y).sum(), (x, y)):
        np.testing.assert_array_equal(g.numpy(), np.full(shape, 0.5))


@pytest.mark.parametrize("extreme, sign", [(ops.max, 1), (ops.min, -1)])
def test_elements_that_tie_share_the_gradient_evenly(extreme, sign):
    x = leaf(sign * np.array([[1.0, 3, 3, 3], [5, 2, 5, 0], [1, 1, 1, 1]]))
    (g,) = mg.grad(extreme(x, axis=1), x, mg.tensor(np.array([3.0, 2.0, 4.0])))
    assert g.numpy().tolist() == [[0, 1, 1, 1], [1, 0, 1, 0], [1, 1, 1, 1]]
    (g,) = mg.grad(extreme(x), x)
    assert g.numpy().tolist() == [[0, 0, 0, 0], [0.5, 0, 0.5, 0], [0, 0, 0, 0]]


def test_max_of_a_tie_shares_in_float16_and_over_many_too():
    x = leaf(np.zeros(4096), np.float16)
    (g,) = mg.grad(x.max(), x)
    np.testing.assert_array_equal(g.numpy(), np.full(4096, 1 / 4096, np.float16))


def test_a_deviation_of_zero_has_the_gradient_zero_and_no_other_is_touched():
    x = leaf([[3.0, 3, 3], [1, 2, 4]])
    y, g = value_and_gradient(lambda x: ops.std(x, axis=1), x)
    deviations = np.array([1, 2, 4]) - 7 / 3
    np.testing.assert_allclose(y, [0, np.sqrt(14) / 3], rtol=1e-15)
    np.testing.assert_allclose(g, [[0, 0, 0], deviations / np.sqrt(14)], rtol=1e-12, atol=1e-15)
    (g,) = mg.grad(ops.std(x, axis=1).sum(), x, create_graph=True)
    assert (mg.grad((g * g).sum(), x)[0].numpy()[0] == 0).all()
    assert ops.std(leaf([5.0])).item() == 0


@pytest.mark.parametrize("zeros", [0, 1, 2, 3])
@pytest.mark.parametrize("count", [1, 2, 3, 5, 8])
def test_a_products_derivatives_are_products_of_the_others_however_many_are_zero(count, zeros):
    """To third order, none of them by a quotient."""
    values = np.arange(2.0, 2 + count)
    values[:zeros] = 0
    x, path = leaf(values), []
    y = ops.prod(x)
    for _ in range(3):
        left = [v for i, v in enumerate(values) if i not in path]
        np.testing.assert_allclose(y.item(), np.prod(left), rtol=1e-12)
        if not left:
            return
        (g,) = mg.grad(y, x, create_graph=True)
        others = [0 if i in path else np.prod([v for k, v in enumerate(values)
                                               if k not in (*path, i)]) for i in range(count)]
        np.testing.assert_allclose(g.numpy(), others, rtol=1e-12)
        place = next(i for i in range(count) if i not in path)
        y, path = g[place], [*path, place]


def test_the_product_of_no_elements_is_one_and_of_integers_numpys():
    x = leaf(np.zeros((2, 0)))
    assert ops.prod(x, axis=1).numpy().tolist() == [1, 1]
    assert mg.grad(ops.prod(x), x)[0].shape == (2, 0)
    y = ops.prod(mg.tensor(np.array([100, 100], np.int8)))
    assert y.item() == 10000 and not y.requires_grad


@pytest.mark.parametrize("subscripts, message", [
    ("ij,jk,k->i", "'k' stands at axes of different lengths in shapes (2, 3), (3, 4), (5,)"),
    ("ij,jk->ik", "needs a letter for each axis of each operand, got shapes (2, 3), (3, 4), (5,)"),
    ("...j,jk,l->k", "'...' is not known"),
    ("ij,jk,l->ii", "the output has some of the operands', each once"),
    ("ij,jk,l->im", "the output has some of the operands', each once"),
    ("1j,jk,l->k", "axes are letters")])
def test_einsum_refuses_by_a_sentence(subscripts, message):
    operands = [mg.tensor(np.ones(shape)) for shape in [(2, 3), (3, 4), (5,)]]
    with pytest.raises(ValueError, match=re.escape(message)):
        ops.einsum(subscripts, *operands)


def test_einsum_without_an_arrow_and_with_blanks_and_in_float32():
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(3, 2)).astype(np.float32), rng.normal(size=(2, 4)).astype(np.float32)
    for subscripts in ("ca,ab", " c a , a b -> b c ", "ca,ab->"):
        y = ops.einsum(subscripts, mg.tensor(x), mg.tensor(w))
        assert y.dtype == np.float32
        np.testing.assert_allclose(y.numpy(), np.einsum(subscripts, x, w), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("limits", [(0.5, leaf(1.0)), (mg.tensor([0.0, 1.0]), None)])
def test_clip_refuses_limits_that_would_lose_their_gradients(limits):
    with pytest.raises(TypeError, match="for Tensors, .* write minimum"):
        ops.clip(leaf([1.0, 2.0]), *limits)
