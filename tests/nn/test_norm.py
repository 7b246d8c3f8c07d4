"""Normalisation, against its formulas written out in NumPy, and against PyTorch where installed."""
from __future__ import annotations

import copy
from collections import Counter, OrderedDict, namedtuple
import re
import sys

import numpy as np
import pytest

import minigan as mg
from minigan import nn
from minigan.backend import asarray

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 4))


def torch_or_skip():
    return pytest.importorskip("torch", reason="compares with PyTorch, which is not installed")


def double(module):
    return module.astype(np.float64)


def fill(tensor):
    """Gives a parameter values that are neither 0 nor 1, and returns them."""
    return put(tensor, RNG.normal(size=tensor.shape))


def put(tensor, values):
    """Gives a parameter these values, and returns them."""
    tensor.data = asarray(values)
    return values


def close(tensor, expected, rtol=1e-12):
    assert tensor.shape == expected.shape
    np.testing.assert_allclose(tensor.numpy(), expected, rtol=rtol, atol=1e-14)


def channels_first(x):
    """(N, …, C) → (N, C, …), PyTorch's layout."""
    return np.moveaxis(x, -1, 1).copy()


def same(ours, theirs):
    """A Tensor of ours, or an array, and one of PyTorch's in our layout, to 1e-10."""
    ours = ours.numpy() if isinstance(ours, mg.Tensor) else ours
    theirs = theirs.detach().numpy()
    np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10)


# BatchNorm

def batch_norm(features=4, **settings):
    layer = double(nn.BatchNorm(features, **settings))
    return layer, fill(layer.weight), fill(layer.bias)


@pytest.mark.parametrize("shape", [(6, 4), (2, 3, 4), (3, 2, 2, 4)])
def test_batch_norm_in_training_uses_the_batchs_mean_and_biased_variance(shape):
    layer, weight, bias = batch_norm()
    x = RNG.normal(3, 2, shape)
    axes = tuple(range(len(shape) - 1))
    expected = (x - x.mean(axes)) / np.sqrt(x.var(axes) + 1e-5) * weight + bias
    close(layer(mg.tensor(x)), expected)


def test_batch_norms_running_statistics_move_by_momentum_and_the_variance_unbiased():
    layer, _, _ = batch_norm(momentum=0.1)
    mean, var = np.zeros(4), np.ones(4)
    for _ in range(3):
        x = RNG.normal(3, 2, (6, 4))
        layer(mg.tensor(x))
        mean = 0.9 * mean + 0.1 * x.mean(0)
        var = 0.9 * var + 0.1 * x.var(0, ddof=1)
    close(layer.running_mean, mean)
    close(layer.running_var, var)


def test_batch_norm_without_a_momentum_is_refused():
    with pytest.raises(ValueError, match="momentum is a number, 0.1 .* PyTorch's None"):
        nn.BatchNorm(4, momentum=None)


def test_batch_norm_in_evaluation_uses_the_running_statistics_and_leaves_them():
    layer, weight, bias = batch_norm(eps=1e-3)
    layer(mg.tensor(X))
    mean, var = layer.running_mean.numpy(), layer.running_var.numpy()
    layer.eval()
    close(layer(mg.tensor(X[:1] * 5)), (X[:1] * 5 - mean) / np.sqrt(var + 1e-3) * weight + bias)
    np.testing.assert_array_equal(layer.running_mean.numpy(), mean)
    np.testing.assert_array_equal(layer.running_var.numpy(), var)


def test_batch_norms_gradient_is_the_textbooks():
    layer, weight, _ = batch_norm()
    x, g = mg.tensor(X, requires_grad=True), RNG.normal(size=X.shape)
    layer(x).backward(mg.tensor(g))
    std = np.sqrt(X.var(0) + 1e-5)
    normal, gw = (X - X.mean(0)) / std, g * weight
    close(x.grad, (gw - gw.mean(0) - normal * (gw * normal).mean(0)) / std, rtol=1e-9)
    close(layer.weight.grad, (g * normal).sum(0), rtol=1e-9)
    close(layer.bias.grad, g.sum(0), rtol=1e-9)


def test_batch_norms_running_statistics_are_no_part_of_the_graph():
    layer = nn.BatchNorm(4)
    layer(mg.tensor(X.astype(np.float32), requires_grad=True))
    for statistic in (layer.running_mean, layer.running_var):
        assert not statistic.requires_grad and statistic.creator is None
        assert statistic.dtype == np.float32


def test_one_pass_of_batch_norm_does_not_spoil_the_backward_of_another():
    layer = double(nn.BatchNorm(4))
    first, second = layer(mg.tensor(X)), layer(mg.tensor(X * 2))
    (first.sum() + (second ** 2).sum()).backward()
    assert layer.weight.grad is not None


@pytest.mark.parametrize("shape", [(6, 3), (4,), ()])
def test_batch_norm_refuses_other_features_by_its_name(shape):
    with pytest.raises(ValueError, match=re.escape(f"BatchNorm(4) got x of shape {shape}")):
        nn.BatchNorm(4)(mg.tensor(np.ones(shape, np.float32)))


def test_batch_norm_cannot_train_on_one_example_but_can_evaluate_it():
    layer, x = nn.BatchNorm(4), np.ones((1, 4), np.float32)
    with pytest.raises(ValueError, match=r"more than one value for each feature.*call eval\(\)"):
        layer(mg.tensor(x))
    assert layer.eval()(mg.tensor(x)).shape == (1, 4)


# LayerNorm

@pytest.mark.parametrize("shape", [(4,), (6, 4), (2, 3, 4)])
def test_layer_norm_normalises_each_examples_last_axis_in_both_modes(shape):
    layer, x = double(nn.LayerNorm(4, eps=1e-3)), RNG.normal(3, 2, shape)
    weight, bias = fill(layer.weight), fill(layer.bias)
    mean, var = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    for _ in range(2):
        close(layer(mg.tensor(x)), (x - mean) / np.sqrt(var + 1e-3) * weight + bias)
        layer.eval()


@pytest.mark.parametrize("shape", [(6, 3), ()])
def test_layer_norm_refuses_other_features_by_its_name(shape):
    with pytest.raises(ValueError, match=re.escape(f"LayerNorm(4) got x of shape {shape}")):
        nn.LayerNorm(4)(mg.tensor(np.ones(shape, np.float32)))


# InstanceNorm

@pytest.mark.parametrize("shape", [(2, 3, 2, 4), (1, 1, 2, 4), (2, 5, 4)])
def test_instance_norm_normalises_each_images_channels_in_both_modes(shape):
    layer, x = double(nn.InstanceNorm(4, eps=1e-3)), RNG.normal(3, 2, shape)
    weight, bias = fill(layer.weight), fill(layer.bias)
    axes = tuple(range(1, x.ndim - 1))
    mean, var = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    for _ in range(2):
        close(layer(mg.tensor(x)), (x - mean) / np.sqrt(var + 1e-3) * weight + bias)
        layer.eval()


@pytest.mark.parametrize("shape, reason", [
    ((2, 3, 2, 5), "it must have 3 or more axes, the last of them 4 long"),
    ((6, 4), "it must have 3 or more axes, the last of them 4 long"),
    ((2, 1, 1, 4), "one value is always normalised to 0")])
def test_instance_norm_refuses_what_it_cannot_normalise_by_its_name(shape, reason):
    with pytest.raises(ValueError, match=re.escape("InstanceNorm(4)") + ".*" + reason):
        nn.InstanceNorm(4)(mg.tensor(np.ones(shape, np.float32)))


# GroupNorm

@pytest.mark.parametrize("shape", [(6, 4), (2, 3, 4), (2, 3, 2, 4)])
def test_group_norm_normalises_neighbouring_channels_of_each_example(shape):
    layer, x = double(nn.GroupNorm(2, 4, eps=1e-3)), RNG.normal(3, 2, shape)
    weight, bias = fill(layer.weight), fill(layer.bias)
    expected = np.empty(shape)
    for n in range(shape[0]):
        for part in (slice(0, 2), slice(2, 4)):
            group = x[n, ..., part]
            expected[n, ..., part] = (group - group.mean()) / np.sqrt(group.var() + 1e-3)
    for mode in (layer.train, layer.eval):
        close(mode()(mg.tensor(x)), expected * weight + bias)
    assert repr(layer) == "GroupNorm(2, 4)"


def test_group_norm_of_one_group_or_of_one_channel_in_each_is_what_it_is_called():
    x = mg.tensor(RNG.normal(size=(2, 3, 2, 4)))
    close(double(nn.GroupNorm(4, 4))(x), double(nn.InstanceNorm(4))(x).numpy())
    flat = mg.tensor(X)
    close(double(nn.GroupNorm(1, 4))(flat), double(nn.LayerNorm(4))(flat).numpy())


def test_group_norm_refuses_what_it_cannot_cut_or_normalise():
    with pytest.raises(ValueError, match="groups is a whole number that divides features 4, not 3"):
        nn.GroupNorm(3, 4)
    with pytest.raises(ValueError, match=r"GroupNorm\(4, 4\) needs more than one value"):
        nn.GroupNorm(4, 4)(mg.tensor(X))
    with pytest.raises(ValueError, match=r"GroupNorm\(2, 4\) got x of shape \(6, 3\)"):
        nn.GroupNorm(2, 4)(mg.tensor(np.ones((6, 3))))


# SpectralNorm

def spectral_dense(**settings):
    rng = np.random.default_rng(0)
    return double(nn.SpectralNorm(nn.Dense(4, 3, rng=rng), rng=rng, **settings))


def unit(x):
    return x / np.linalg.norm(x)


def test_spectral_norm_divides_the_weight_by_its_largest_singular_value():
    layer = spectral_dense(n_power_iterations=200)
    w, b = layer.layer.weight.numpy(), fill(layer.layer.bias)
    close(layer(mg.tensor(X)), X @ (w / np.linalg.norm(w, 2)) + b)


def test_a_training_pass_does_one_power_iteration_and_an_evaluation_none():
    layer = spectral_dense()
    w = put(layer.layer.weight, RNG.normal(size=(4, 3)))  # u and v have not seen it
    v = layer.v.numpy()
    for training in (True, True, False):
        layer.train(training)
        if training:
            u = unit(w @ v)
            v = unit(u @ w)
        close(layer(mg.tensor(X)), X @ (w / (u @ w @ v)))
        close(layer.u, u)
        close(layer.v, v)


def test_more_power_iterations_are_as_many_passes():
    one, three = spectral_dense(), spectral_dense(n_power_iterations=3)
    for layer in (one, three):
        put(layer.layer.weight, np.arange(12.0).reshape(4, 3) ** 2)
    for _ in range(3):
        one(mg.tensor(X))
    three(mg.tensor(X))
    np.testing.assert_array_equal(one.v.numpy(), three.v.numpy())


def test_spectral_norms_gradient_is_that_of_the_paper():
    """Equation 12: (G − ⟨G, W/σ⟩ u vᵀ) / σ, where G is the gradient by W/σ."""
    layer, g = spectral_dense(), RNG.normal(size=(6, 3))
    layer(mg.tensor(X)).backward(mg.tensor(g))
    w, u, v = (t.numpy() for t in (layer.layer.weight, layer.u, layer.v))
    sigma, by_normal = u @ w @ v, X.T @ g
    expected = (by_normal - (by_normal * w / sigma).sum() * np.outer(u, v)) / sigma
    close(layer.layer.weight.grad, expected)


@pytest.mark.parametrize("kind, channels", [(nn.Conv2d, (3, 5)), (nn.ConvTranspose2d, (5, 3))])
def test_a_convolutions_weight_is_one_matrix_also_the_transposed_ones(kind, channels):
    """A transposed convolution's is that of the convolution it is the adjoint of."""
    rng = np.random.default_rng(0)
    layer = double(nn.SpectralNorm(kind(*channels, 2, rng=rng), n_power_iterations=200, rng=rng))
    x = rng.normal(size=(2, 4, 4, channels[0]))
    y, w = layer(mg.tensor(x)).numpy(), layer.layer.weight
    assert layer.u.shape == (12,) and layer.v.shape == (5,)
    put(w, w.numpy() / np.linalg.norm(w.numpy().reshape(12, 5), 2))
    np.testing.assert_allclose(y, layer.layer(mg.tensor(x)).numpy(), rtol=1e-9, atol=1e-12)


def test_spectral_norms_are_put_into_whatever_contains_layers():
    Pair = namedtuple("Pair", "a b")
    net, shared = nn.Module(), nn.Dense(2, 2)
    net.nested = [[nn.Dense(2, 2)], (shared, {"deep": [nn.Dense(2, 2)]})]
    net.heads = OrderedDict(first=shared, second=Pair(nn.Dense(2, 2), nn.ReLU()))
    net.note = note = {"sizes": [1, 2]}
    nn.spectrally_normalised(net)
    layers = [net.nested[0][0], net.nested[1][0], net.nested[1][1]["deep"][0],
              net.heads["second"].a]
    assert all(type(layer) is nn.SpectralNorm for layer in layers)
    assert net.heads["first"] is layers[1] and type(net.heads) is OrderedDict
    assert net.note is note
    assert sum(isinstance(m, nn.SpectralNorm) for m in net.modules()) == 4


def test_only_the_layers_own_parameters_are_trained_and_the_vectors_are_saved():
    layer = spectral_dense()
    assert [name for name, _ in layer.named_parameters()] == ["layer.weight", "layer.bias"]
    assert list(layer.state_dict()) == ["layer.weight", "layer.bias", "u", "v"]
    other = double(nn.SpectralNorm(nn.Dense(4, 3)))
    other.load_state_dict(layer.state_dict())
    np.testing.assert_array_equal(other(mg.tensor(X)).numpy(), layer(mg.tensor(X)).numpy())


def test_a_pass_leaves_the_layers_parameter_in_its_place_also_where_it_raises():
    layer = spectral_dense()
    parameter = layer.layer.weight
    layer(mg.tensor(X))
    with pytest.raises(ValueError, match=r"Dense\(4, 3\) got x of shape"):
        layer(mg.tensor(np.ones((2, 5))))
    assert layer.layer.weight is parameter and type(parameter) is nn.Parameter


def test_frozen_spectral_norm_passes_gradients_on_and_takes_none():
    layer, x = spectral_dense(), mg.tensor(X, requires_grad=True)
    with nn.frozen(layer):
        layer(x).sum().backward()
    assert x.grad is not None and layer.layer.weight.grad is None


def test_containers_without_layers_stay_what_they_are():
    net = nn.Sequential(nn.Dense(2, 2))
    net.version, net.counts, net.log = sys.version_info, Counter("aab"), [["begun"]]
    kept = net.version, net.counts, net.log
    nn.spectrally_normalised(net)
    assert all(a is b for a, b in zip(kept, (net.version, net.counts, net.log)))
    assert net.counts["a"] == 2


def test_a_copy_and_a_moving_average_of_spectral_norm_stand_on_their_own():
    layer = spectral_dense()
    average, twin = mg.optim.EMA(layer, decay=0.5), copy.deepcopy(layer)
    before = layer.state_dict()
    optimizer = mg.optim.SGD(layer.parameters(), lr=0.1)
    (layer(mg.tensor(X)) ** 2).mean().backward()
    optimizer.step()
    average.update()
    for name, t in twin.state_dict().items():
        np.testing.assert_array_equal(t, before[name])
    after = layer.state_dict()
    moved = average.module.state_dict()
    for name, array in moved.items():
        expected = (2 * before[name] + 9 * after[name]) / 11  # the first update's share is 9 / 11
        np.testing.assert_allclose(array, expected, rtol=1e-12)


def test_the_length_of_the_vectors_does_not_matter_in_evaluation():
    """An average of unit vectors is shorter than 1, and the weight would come out too large."""
    layer = spectral_dense()
    layer.eval()
    y = layer(mg.tensor(X)).numpy()
    for t in (layer.u, layer.v):
        t.data = t.data * 0.5
    np.testing.assert_allclose(layer(mg.tensor(X)).numpy(), y, rtol=1e-12)


def test_the_vectors_may_change_between_a_pass_and_its_backward():
    layer = spectral_dense()
    put(layer.layer.weight, RNG.normal(size=(4, 3)))
    state = layer.state_dict()
    (layer(mg.tensor(X)) ** 2).mean().backward()
    expected = layer.layer.weight.grad.numpy()
    layer.zero_grad()
    layer.load_state_dict(state)
    loss = (layer(mg.tensor(X)) ** 2).mean()
    layer(mg.tensor(X))
    layer.v.data[...] = 0
    loss.backward()
    np.testing.assert_array_equal(layer.layer.weight.grad.numpy(), expected)


def test_spectral_norm_refuses_what_has_no_matrix_and_no_iterations():
    for layer in (nn.ReLU(), nn.BatchNorm(4), nn.SpectralNorm(nn.Dense(4, 3))):
        with pytest.raises(TypeError, match=r"SpectralNorm wraps one layer.*Dense, Conv2d"):
            nn.SpectralNorm(layer)
    with pytest.raises(ValueError, match="n_power_iterations is a whole number of at least 1"):
        nn.SpectralNorm(nn.Dense(4, 3), n_power_iterations=0)


# All of them

@pytest.mark.parametrize("make, shape", [
    (nn.BatchNorm, (6, 4)), (nn.LayerNorm, (6, 4)), (nn.InstanceNorm, (6, 2, 1, 4)),
    (lambda features: nn.GroupNorm(2, features), (6, 4)),
    (lambda n: nn.SpectralNorm(nn.Dense(n, 3)), (6, 4))])
def test_float32_stays_float32(make, shape):
    layer = make(4)
    x = mg.tensor(np.random.default_rng(0).normal(size=shape).astype(np.float32))
    assert layer(x).dtype == np.float32
    assert layer.eval()(x).dtype == np.float32
    assert all(t.dtype == np.float32 for _, t in layer.named_state())


@pytest.mark.numpy_only("moves layers from NumPy to the stand-in")
@pytest.mark.parametrize("make, shape", [
    (nn.BatchNorm, (6, 4)), (nn.InstanceNorm, (2, 2, 1, 4)),
    (lambda n: nn.SpectralNorm(nn.Dense(n, 3)), (6, 4))])
def test_a_strict_device_computes_the_same(make, shape, strict):
    layer, x = make(4), RNG.normal(size=shape).astype(np.float32)
    there = copy.deepcopy(layer).to("strict")
    for mode in (True, False):
        layer.train(mode), there.train(mode)
        moved, expected = mg.Tensor(strict.from_numpy(x)), layer(mg.tensor(x)).numpy()
        np.testing.assert_allclose(there(moved).numpy(), expected, rtol=1e-6, atol=1e-7)
    for name, value in layer.state_dict().items():
        np.testing.assert_allclose(there.state_dict()[name], value, rtol=1e-6, atol=1e-7)


# PyTorch

def adopt(torch, theirs, layer):
    theirs.weight.data = torch.tensor(fill(layer.weight))
    theirs.bias.data = torch.tensor(fill(layer.bias))


def compare(torch, layer, theirs, shape):
    """Values and gradients by x, weight and bias of both, for one batch."""
    x, g = RNG.normal(3, 2, shape), RNG.normal(size=shape)
    ours_x = mg.tensor(x, requires_grad=True)
    theirs_x = torch.tensor(channels_first(x), requires_grad=True)
    layer.zero_grad(), theirs.zero_grad()
    y, wanted = layer(ours_x), theirs(theirs_x)
    y.backward(mg.tensor(g)), wanted.backward(torch.tensor(channels_first(g)))
    same(channels_first(y.numpy()), wanted)
    same(channels_first(ours_x.grad.numpy()), theirs_x.grad)
    same(layer.weight.grad, theirs.weight.grad)
    same(layer.bias.grad, theirs.bias.grad)


@pytest.mark.parametrize("shape", [(6, 4), (3, 5, 4), (3, 2, 5, 4)])
def test_batch_norm_equals_pytorchs_in_training_and_in_evaluation(shape):
    torch = torch_or_skip()
    theirs = (torch.nn.BatchNorm2d if len(shape) == 4 else torch.nn.BatchNorm1d)(
        4, momentum=0.3, eps=1e-4, dtype=torch.float64)
    layer = double(nn.BatchNorm(4, momentum=0.3, eps=1e-4))
    adopt(torch, theirs, layer)
    for training in (True, True, False):
        layer.train(training), theirs.train(training)
        compare(torch, layer, theirs, shape)
        same(layer.running_mean, theirs.running_mean)
        same(layer.running_var, theirs.running_var)


def test_layer_norm_equals_pytorchs():
    torch = torch_or_skip()
    layer = double(nn.LayerNorm(4, eps=1e-3))
    theirs = torch.nn.LayerNorm(4, eps=1e-3, dtype=torch.float64)
    adopt(torch, theirs, layer)
    compare(torch, layer, theirs, (6, 4))


def test_instance_norm_equals_pytorchs():
    torch = torch_or_skip()
    layer = double(nn.InstanceNorm(4, eps=1e-3))
    theirs = torch.nn.InstanceNorm2d(4, eps=1e-3, affine=True, dtype=torch.float64)
    adopt(torch, theirs, layer)
    compare(torch, layer, theirs, (2, 3, 5, 4))


def test_batch_norms_second_gradients_equal_pytorchs():
    """Those of a gradient penalty: the squared gradient by x, differentiated by everything."""
    torch = torch_or_skip()
    layer, theirs = double(nn.BatchNorm(4)), torch.nn.BatchNorm1d(4, dtype=torch.float64)
    adopt(torch, theirs, layer)
    x, g = RNG.normal(3, 2, (6, 4)), RNG.normal(size=(6, 4))

    ours_x = mg.tensor(x, requires_grad=True)
    (first,) = mg.grad((layer(ours_x) ** 2 * mg.tensor(g)).sum(), ours_x, create_graph=True)
    second = mg.grad((first ** 2).sum(), [ours_x, layer.weight, layer.bias])

    theirs_x = torch.tensor(x, requires_grad=True)
    (first,) = torch.autograd.grad((theirs(theirs_x) ** 2 * torch.tensor(g)).sum(), theirs_x,
                                   create_graph=True)
    expected = torch.autograd.grad((first ** 2).sum(), [theirs_x, theirs.weight, theirs.bias])
    for ours, wanted in zip(second, expected, strict=True):
        same(ours, wanted)


def test_spectral_norm_equals_pytorchs_over_a_step_of_two_passes():
    torch = torch_or_skip()
    layer = spectral_dense()
    theirs = torch.nn.utils.spectral_norm(torch.nn.Linear(4, 3, dtype=torch.float64))
    theirs.weight_orig.data = torch.tensor(layer.layer.weight.numpy().T.copy())
    theirs.bias.data = torch.tensor(fill(layer.layer.bias))
    theirs.weight_u.data = torch.tensor(layer.v.numpy())  # PyTorch's matrix is the transposed one
    for _ in range(3):
        real, fake = RNG.normal(size=(2, 6, 4))
        ours = (layer(mg.tensor(real)) ** 2).mean() - mg.ops.softplus(layer(mg.tensor(fake))).mean()
        wanted = ((theirs(torch.tensor(real)) ** 2).mean()
                  - torch.nn.functional.softplus(theirs(torch.tensor(fake))).mean())
        layer.zero_grad(), theirs.zero_grad()
        ours.backward(), wanted.backward()
        same(ours, wanted)
        same(layer.layer.weight.grad, theirs.weight_orig.grad.T)
        same(layer.layer.bias.grad, theirs.bias.grad)
        same(layer.v, theirs.weight_u)
        same(layer.u, theirs.weight_v)
        layer.layer.weight.data = layer.layer.weight.data + 0.1
        theirs.weight_orig.data += 0.1
    same(layer.eval()(mg.tensor(X)), theirs.eval()(torch.tensor(X)))


def test_spectral_norm_of_a_convolution_equals_pytorchs():
    torch = torch_or_skip()
    layer = double(nn.SpectralNorm(nn.Conv2d(4, 5, (2, 3), bias=False)))
    theirs = torch.nn.utils.spectral_norm(
        torch.nn.Conv2d(4, 5, (2, 3), bias=False, dtype=torch.float64))
    theirs.weight_orig.data = torch.tensor(layer.layer.weight.numpy().transpose(3, 2, 0, 1).copy())
    theirs.weight_u.data = torch.tensor(layer.v.numpy())
    x = RNG.normal(size=(2, 4, 4, 4))
    y, wanted = layer(mg.tensor(x)), theirs(torch.tensor(channels_first(x)))
    same(channels_first(y.numpy()), wanted)
    (y ** 2).sum().backward(), (wanted ** 2).sum().backward()
    same(layer.layer.weight.grad.numpy().transpose(3, 2, 0, 1), theirs.weight_orig.grad)
