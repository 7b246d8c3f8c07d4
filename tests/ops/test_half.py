"""float16 at the sizes where it broke: sums and squares above 65504, and sums of many."""
from __future__ import annotations

import numpy as np
import pytest

import minigan as mg
from minigan import losses, nn, ops
from minigan.backend import reference


def half(array):
    return mg.tensor(np.asarray(array).astype(np.float16), requires_grad=True)


def double(x):
    return mg.tensor(x.numpy().astype(np.float64), requires_grad=True)


def compare(f, *xs, rtol=4e-3):
    """Values and gradients of f in float16 are those in float64, rounded."""
    ys = []
    for make in (lambda x: x, double):
        tensors = [make(x) for x in xs]
        y = f(*tensors)
        c = mg.tensor(np.random.default_rng(0).normal(size=y.shape).astype(y.dtype))
        c = mg.tensor(c.numpy().astype(np.float16).astype(y.dtype))
        ys.append((y, *mg.grad(y, tensors, c), *mg.grad(y, tensors, c, create_graph=True)))
    for a, e in zip(*ys):
        assert a.dtype == np.float16
        e = e.numpy()
        least = 1.2e-7  # numbers of float16 are so far apart around 0
        np.testing.assert_allclose(a.numpy(), e, rtol=rtol, atol=least + rtol * np.abs(e).max())


MANY = np.random.default_rng(0).uniform(0.5, 1.5, (70000, 1))
LARGE = np.random.default_rng(1).normal(0, 600, (16, 24))  # variance 360000


@pytest.mark.parametrize("axis", [0, None])
@pytest.mark.parametrize("f", [ops.mean, ops.var, ops.logsumexp], ids=lambda f: f.__name__)
def test_reductions_of_70000_elements(f, axis):
    compare(lambda x: f(x, axis=axis), half(MANY))


@pytest.mark.parametrize("f", [ops.mean, ops.logsumexp, ops.softmax, ops.log_softmax],
                         ids=lambda f: f.__name__)
def test_sums_of_more_than_float16_can_hold(f):
    compare(lambda x: f(x, axis=1), half(np.full((2, 70000), 30.0)))


def test_a_sum_of_many_rows_adds_up_in_float32():
    """4097 ones are 4096 in float16, and were 2048 along the first axis."""
    x, b = half(np.ones((4097, 3))), half(np.zeros(3))
    assert ops.sum(x, axis=0).numpy().tolist() == [4096] * 3
    y = x + b
    (g,) = mg.grad(y, b, mg.tensor(np.ones((4097, 3), np.float16)))
    assert g.numpy().tolist() == [4096] * 3
    w = half(np.ones((3, 3)))
    (g,) = mg.grad(ops.affine(x, w, b), b, mg.tensor(np.ones((4097, 3), np.float16)))
    assert g.numpy().tolist() == [4096] * 3


@pytest.mark.parametrize("table", [np.zeros(2), np.zeros((2, 3))], ids=["numbers", "rows"])
def test_the_gradient_of_what_was_taken_4097_times_adds_up_in_float32(table):
    table, index = half(table), mg.tensor(np.zeros(4097, int))
    ones = np.ones((4097, *table.shape[1:]), np.float16)
    assert (reference.add_at(table.shape, (np.zeros(4097, int),), ones)[0] == 4096).all()
    (g,) = mg.grad(table[index].sum(), table)
    assert (g.numpy()[0] == 4096).all() and g.dtype == np.float16


def test_a_maximum_shared_by_70000():
    x = half(np.zeros(70000))
    (g,) = mg.grad(x.max(), x)
    np.testing.assert_array_equal(g.numpy(), np.full(70000, 1 / 70000, np.float16))


def test_losses_of_many():
    x = half(np.full((300, 300), 2.0))
    assert losses.mse(x, 0.0).item() == 4
    np.testing.assert_allclose(losses.bce_with_logits(x, 0.0).item(), 2.127, rtol=1e-3)


@pytest.mark.parametrize("norm, shape", [
    (ops.layer_norm, (16, 24)), (ops.instance_norm, (2, 8, 24)),
    (lambda *args: ops.batch_norm(*args)[0], (16, 24)),
    (lambda *args: ops.batch_norm(*args)[0], (2, 2, 4, 24)),
], ids=["layer", "instance", "batch", "batch of images"])
def test_normalisation_of_large_numbers(norm, shape):
    rng = np.random.default_rng(2)
    compare(norm, half(LARGE.reshape(shape)), half(rng.normal(size=24)), half(rng.normal(size=24)),
            rtol=1e-2)


@pytest.mark.parametrize("layer", [nn.BatchNorm(24), nn.LayerNorm(24), nn.InstanceNorm(24)],
                         ids=lambda layer: type(layer).__name__)
def test_layers_normalise_large_numbers_and_keep_the_dtype_of_their_weights(layer):
    x = half(LARGE.reshape(2, 8, 24))
    y = type(layer)(24)(x)
    assert y.dtype == np.float32  # as its weights are
    assert np.isfinite(y.numpy()).all() and 0.9 < y.numpy().std() < 1.1


def test_the_variance_of_a_batch_norm_does_not_overflow():
    layer = nn.BatchNorm(24, momentum=1.0)
    layer(half(LARGE))
    np.testing.assert_allclose(layer.running_var.numpy(), LARGE.var(axis=0, ddof=1), rtol=1e-2)


def test_averages_of_pixels():
    compare(lambda x: ops.avg_pool2d(x, 4), half(np.full((1, 4, 4, 2), 6e4)))
