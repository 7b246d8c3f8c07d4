"""The layers, against their formulas written out in NumPy."""
from __future__ import annotations

import re

import numpy as np
import pytest

import minigan as mg
from minigan import nn, ops
from minigan.backend import asarray
from minigan.nn import init

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 4))


def double(module):
    return module.astype(np.float64)


def fill(tensor):
    """Gives a parameter values that are neither 0 nor 1, and returns them."""
    values = np.random.default_rng(1).normal(size=tensor.shape)
    tensor.data = asarray(values)
    return values


def close(tensor, expected, rtol=1e-12):
    assert tensor.shape == expected.shape
    np.testing.assert_allclose(tensor.numpy(), expected, rtol=rtol, atol=1e-14)


# Dense

@pytest.mark.parametrize("shape", [(4,), (6, 4), (2, 3, 4), (0, 4)])
def test_dense_is_x_w_plus_b_over_the_last_axis(shape):
    layer, x = double(nn.Dense(4, 3)), RNG.normal(size=shape)
    w, b = fill(layer.weight), fill(layer.bias)
    close(layer(mg.tensor(x)), x @ w + b)


def test_dense_without_bias():
    layer = double(nn.Dense(4, 3, bias=False))
    assert layer.bias is None and list(layer.state_dict()) == ["weight"]
    close(layer(mg.tensor(X)), X @ layer.weight.numpy())


def test_denses_gradients_are_the_products_with_the_other_factor():
    layer, x = double(nn.Dense(4, 3)), mg.tensor(X, requires_grad=True)
    fill(layer.bias)
    g = RNG.normal(size=(6, 3))
    layer(x).backward(mg.tensor(g))
    close(layer.weight.grad, X.T @ g)
    close(layer.bias.grad, g.sum(axis=0))
    close(x.grad, g @ layer.weight.numpy().T)


def test_dense_starts_glorot_uniform_with_no_bias_or_as_it_is_told():
    rng = np.random.default_rng
    layer = nn.Dense(40, 30, rng=rng(3))
    np.testing.assert_array_equal(layer.weight.numpy(), init.glorot_uniform((40, 30), rng(3)))
    assert layer.bias.numpy().tolist() == [0] * 30
    layer = nn.Dense(40, 30, weight_init=init.he_normal, rng=rng(3))
    np.testing.assert_array_equal(layer.weight.numpy(), init.he_normal((40, 30), rng(3)))


def test_denses_from_one_generator_differ_and_repeat():
    def pair(seed):
        rng = np.random.default_rng(seed)
        return [nn.Dense(4, 3, rng=rng).weight.numpy() for _ in range(2)]

    assert not np.array_equal(*pair(0))
    np.testing.assert_array_equal(pair(0), pair(0))
    assert not np.array_equal(nn.Dense(4, 3).weight.numpy(), nn.Dense(4, 3).weight.numpy())


@pytest.mark.parametrize("shape, hint", [
    ((2, 5), ""), ((), ""), ((2, 2, 2), ": put Flatten() before it")])
def test_an_x_that_does_not_fit_is_refused_by_the_layers_name(shape, hint):
    message = f"Dense(4, 3) got x of shape {shape}, but its last axis must be 4 long{hint}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        nn.Dense(4, 3)(mg.tensor(np.ones(shape, np.float32)))


# Dropout

def test_dropout_zeroes_a_share_p_and_divides_the_rest():
    x = mg.tensor(np.full((200, 200), 3.0, np.float32))
    y = nn.Dropout(0.2, rng=np.random.default_rng(0))(x).numpy()
    assert set(np.unique(y)) == {0, np.float32(3.75)} and y.dtype == np.float32
    assert np.mean(y == 0) == pytest.approx(0.2, abs=0.01)
    assert y.mean() == pytest.approx(3, rel=0.01)


def test_dropouts_gradient_passes_where_the_elements_did():
    x = mg.tensor(np.ones((20, 20)), requires_grad=True)
    y = nn.Dropout(0.5, rng=np.random.default_rng(0))(x)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), y.numpy())


def test_dropout_in_evaluation_is_x_itself():
    x = mg.tensor(X)
    assert nn.Dropout(0.9).eval()(x) is x and nn.Dropout(0)(x) is x


def test_dropout_draws_anew_each_time_and_repeats_with_its_generator():
    def twice(seed):
        layer = nn.Dropout(0.5, rng=np.random.default_rng(seed))
        return [layer(mg.tensor(np.ones((20, 20), np.float32))).numpy() for _ in range(2)]

    assert not np.array_equal(*twice(0))
    np.testing.assert_array_equal(twice(0), twice(0))


@pytest.mark.parametrize("p", [-0.1, 1, 1.5])
def test_dropouts_probability_is_below_one(p):
    with pytest.raises(ValueError, match="Dropout: p is a number of at least 0 and below 1"):
        nn.Dropout(p)


# Shapes and activations

def test_flatten_keeps_the_first_axis():
    x = RNG.normal(size=(2, 3, 4, 5))
    close(nn.Flatten()(mg.tensor(x)), x.reshape(2, 60))
    assert nn.Flatten()(mg.tensor(np.ones((2, 0, 3)))).shape == (2, 0)
    assert nn.Flatten()(mg.tensor(np.ones((0, 3, 2)))).shape == (0, 6)
    assert nn.Flatten()(mg.tensor(np.ones(2))).shape == (2, 1)


def test_reshape_keeps_the_first_axis():
    x = RNG.normal(size=(2, 12))
    close(nn.Reshape(3, 4, 1)(mg.tensor(x)), x.reshape(2, 3, 4, 1))
    with pytest.raises(ValueError, match=r"\(2, 12\).*\(2, 5\)"):
        nn.Reshape(5)(mg.tensor(x))


@pytest.mark.parametrize("layer, op", [
    (nn.ReLU(), ops.relu), (nn.Sigmoid(), ops.sigmoid), (nn.Tanh(), ops.tanh),
    (nn.Softplus(), ops.softplus), (nn.LeakyReLU(), lambda x: ops.leaky_relu(x, 0.2)),
    (nn.LeakyReLU(0.01), lambda x: ops.leaky_relu(x, 0.01)),
    (nn.ELU(), ops.elu), (nn.ELU(0.5), lambda x: ops.elu(x, 0.5)),
    (nn.Softmax(), ops.softmax), (nn.Softmax(axis=0), lambda x: ops.softmax(x, 0)),
    (nn.LogSoftmax(), ops.log_softmax), (nn.LogSoftmax(0), lambda x: ops.log_softmax(x, 0))])
def test_an_activation_layer_is_its_op(layer, op):
    x = mg.tensor(X)
    np.testing.assert_array_equal(layer(x).numpy(), op(x).numpy())
    assert list(layer.parameters()) == []


@pytest.mark.parametrize("make", [lambda: nn.Dense(4, 3), lambda: nn.Dropout(0.5), nn.Tanh,
                                  nn.LeakyReLU, nn.ELU, nn.Softmax, nn.LogSoftmax])
def test_float32_comes_out_as_float32(make):
    layer, x = make(), mg.tensor(X.astype(np.float32))
    assert layer(x).dtype == np.float32
    assert layer.eval()(x).dtype == np.float32


# Embedding

def test_an_embedding_is_rows_of_its_weight_whose_gradients_add_up():
    layer = double(nn.Embedding(3, 2, np.random.default_rng(0)))
    indices = np.array([[2, 0], [2, 2]])
    y = layer(mg.tensor(indices))
    close(y, layer.weight.numpy()[indices])
    y.sum().backward()
    assert layer.weight.grad.numpy().tolist() == [[1, 1], [0, 0], [3, 3]]
    assert repr(layer) == "Embedding(3, 2)" and nn.Embedding(3, 2).weight.dtype == np.float32


@pytest.mark.numpy_only("a device's indices are not looked at")
@pytest.mark.parametrize("index", [-1, 3])
def test_an_index_that_is_in_no_table_is_refused(index):
    with pytest.raises(ValueError, match=rf"table of 3 rows and indices from 0 to 3|{index} to 1"):
        nn.Embedding(3, 2)(mg.tensor([0, index, 1]))


def test_indices_are_whole_numbers():
    with pytest.raises(ValueError, match=r"indices \(…\) of integers .* of float32"):
        nn.Embedding(3, 2)(mg.tensor([1.0]))
