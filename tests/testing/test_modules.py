"""Networks and layers under check_grads: their inputs, and every parameter by its name."""
from __future__ import annotations

import numpy as np
import pytest

from minigan import Tensor, nn, tensor
from minigan.testing import GradientError, check_grads, from_layer, from_module

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4))


def network():
    rng = np.random.default_rng(0)  # any other may have a kink of LeakyReLU near
    return nn.Sequential(nn.Dense(4, 3, rng=rng), nn.BatchNorm(3), nn.LeakyReLU(0.2),
                         nn.Dense(3, 2, rng=rng))


class Tied(nn.Module):
    """One weight in two places, a list and a plain attribute, and a state that each call leaves."""

    def __init__(self, mistake=False):
        self.weight = nn.Parameter(RNG.normal(size=(4, 4)))
        self.held, self.mistake = [self.weight, {"scale": nn.Parameter(np.ones(1))}], mistake

    def forward(self, x):
        self.last = x
        scale = self.held[1]["scale"]
        return (x @ self.weight).transpose(1, 0) @ self.held[0][:3] * (
            scale.detach() if self.mistake else scale)


# Modules of minigan

def test_a_module_is_checked_by_its_input_and_all_parameters_and_left_as_it_was():
    net = network()
    before = {name: t.data for name, t in net.named_state()}, net.state_dict()
    parameters = sum(p.data.size for p in net.parameters())
    report = check_grads(from_module(net), X, order=1)
    assert report.ok and report.checked["first order"] == 8 * (parameters + X.size + 3)
    assert list(check_grads(from_module(net), X.astype(np.float32), wrt=0).checked) == [
        "first order", "second order"]
    assert all(t.data is before[0][name] and (t.data == before[1][name]).all()
               for name, t in net.named_state())
    assert all(m.training for m in net.modules()) and net.parameters()


def test_shared_parameters_count_once_and_what_a_call_leaves_is_gone():
    net = Tied()
    report = check_grads(from_module(net), X, order=1)
    assert report.checked["first order"] == 8 * (16 + 1 + 12 + 3) and not hasattr(net, "last")
    with pytest.raises(GradientError, match=r"parameter held.1.scale of shape \(1,\)") as error:
        check_grads(from_module(Tied(mistake=True)), X, order=1)
    assert "f = ...  # from_module of Tied in " in str(error.value)
    assert str(error.value).endswith("check_grads(f, x0, order=1)")
    assert check_grads(from_module(Tied(mistake=True)), X, order=1, wrt=["weight", 0]).ok


def test_frozen_parameters_are_constants_and_trees_go_through():
    net = network()
    net.layers[0].weight.requires_grad = False
    assert "layers.0.weight" not in from_module(net).parameters

    class Two(nn.Module):
        def __init__(self):
            self.w = nn.Parameter(np.ones(4))

        def forward(self, batch, name):
            assert isinstance(batch["x"], Tensor) and name == "train"
            return {"y": batch["x"] * self.w}

    assert check_grads(from_module(Two()), {"x": tensor(X)}, "train", order=1).ok


class Embedding(nn.Module):
    def __init__(self):
        self.table = nn.Parameter(RNG.normal(size=(7, 3)))

    def forward(self, indices):
        return self.table[indices.data]


INDICES = np.array([[1, 2], [2, 6]])


def test_a_module_of_integers_is_checked_by_its_parameters():
    report = check_grads(from_module(Embedding()), INDICES, order=1)
    assert report.checked["first order"] == 8 * (7 * 3 + 3)


def test_what_is_no_module_is_refused():
    for thing in (np.tanh, {}, Tied):
        with pytest.raises(TypeError, match="from_module takes a Module"):
            from_module(thing)


# Layers in NumPy

class Dense:
    """In the form of many books: results are left in attributes."""

    def __init__(self, slip=1.0):
        self.weights, self.biases = RNG.normal(size=(4, 2)), np.zeros((1, 2))
        self.slip = slip

    def forward(self, inputs):
        self.inputs = inputs
        self.output = inputs @ self.weights + self.biases

    def backward(self, dvalues):
        self.dweights = self.inputs.T @ dvalues * self.slip
        self.dbiases = dvalues.sum(axis=0, keepdims=True)
        self.dinputs = dvalues @ self.weights.T


class Affine:
    """In the form of others: dictionaries, gradients that are added up, a result returned."""

    def __init__(self):
        self.params, self.grads = {"W": np.ones((4, 2), np.float32)}, {"W": np.ones((4, 2))}

    def forward(self, x):
        self.x = x
        return x @ self.params["W"]

    def backward(self, grad):
        self.grads["W"] += self.x.T @ grad
        return grad @ self.params["W"].T


def test_layers_with_a_backward_of_their_own_are_checked_by_their_parameters_too():
    places = {"weights": "dweights", "biases": "dbiases"}

    def check(layer):
        return check_grads(from_layer(layer.forward, layer.backward, places,
                                      returns=("output", "dinputs")), X)

    layer = Dense()
    assert check(layer).checked["first order"] == 8 * (8 + 2 + 12 + 3)
    assert not hasattr(layer, "inputs")
    with pytest.raises(GradientError, match=r"parameter weights of shape \(4, 2\)(.|\n)*ratio 1.1"):
        check(Dense(slip=1.1))
    affine = Affine()
    assert check_grads(from_layer(affine.forward, affine.backward, {
        "params['W']": "grads['W']"}), X).ok
    assert (affine.grads["W"] == 1).all()
    assert check_grads(from_layer(affine.forward, affine.backward), X).ok  # by its input alone


def test_pairs_of_functions_with_a_cache_are_layers():
    def forward(x, w, b, config):
        return x @ w + b, (x, w, config["slip"])

    def backward(grad, cache):
        x, w, slip = cache
        return grad @ w.T, x.T @ grad * slip, grad.sum(axis=0)

    inputs = X, np.ones((4, 2)), np.ones(2)
    assert check_grads(from_layer(forward, backward), *inputs, {"slip": 1, "mode": "train"}).ok
    with pytest.raises(GradientError, match="forward: wrong at first order(.|\n)*input 1"):
        check_grads(from_layer(forward, backward), *inputs, {"slip": 2})


class SoftmaxWithLoss:
    """The mean cross-entropy of labels, by which backward gives no gradient."""

    def forward(self, x, t):
        e = np.exp(x)
        self.y, self.t = e / e.sum(axis=1, keepdims=True), t
        return -np.mean(np.log(self.y[np.arange(len(x)), t.astype(int)]))

    def backward(self, dout):
        return dout * (self.y - np.eye(4)[self.t.astype(int)]) / len(self.y)


def test_a_layer_need_not_give_gradients_by_its_last_inputs():
    loss, labels = SoftmaxWithLoss(), np.array([0, 3, 1])
    assert check_grads(from_layer(loss.forward, loss.backward), X, labels).ok
    assert check_grads(from_layer(loss.forward, loss.backward), X, labels * 1.0, wrt=0).ok
    with pytest.raises(GradientError, match="None for input 1: return its gradient, or .* wrt"):
        check_grads(from_layer(loss.forward, loss.backward), X, labels * 1.0)


def test_places_that_are_not_there_are_named():
    layer = Dense()
    with pytest.raises(TypeError, match="Dense has no weight, but weights, biases, slip"):
        from_layer(layer.forward, layer.backward, {"weight": "dweight"})
    with pytest.raises(TypeError, match="arrays of floats in Dense, but 'slip' is float"):
        from_layer(layer.forward, layer.backward, {"slip": "dslip"})
    with pytest.raises(TypeError, match=r'forward of Dense returned nothing.*returns=\("output"'):
        check_grads(from_layer(layer.forward, layer.backward), X)


# Modules of PyTorch

def test_a_module_of_torch_is_checked_by_its_parameters_and_left_as_it_was():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    torch.set_num_threads(1)  # threads wait for each other longer than these arrays take

    class Scaled(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, w):
            ctx.save_for_backward(x, w)
            return x * w

        @staticmethod
        def backward(ctx, grad):
            x, w = ctx.saved_tensors
            return grad * w, 0 * grad

    class Layer(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.w = torch.nn.Parameter(torch.ones(4))

        def forward(self, x):
            return Scaled.apply(x, self.w)

    net = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3), torch.nn.Softplus(),
                              torch.nn.Linear(3, 2))
    net[3].bias.requires_grad_(False)
    before = {name: t.clone() for name, t in net.state_dict().items()}
    report = check_grads(from_module(net), X, order=1)
    assert report.checked["first order"] == 8 * (12 + 3 + 3 + 3 + 6 + 12 + 3)
    assert check_grads(from_module(net.eval()), torch.tensor(X, dtype=torch.float32), order=1).ok
    assert all((before[name] == t).all() for name, t in net.state_dict().items())
    with pytest.raises(GradientError, match=r"parameter 1.w(.|\n)*from_module of Sequential"):
        check_grads(from_module(torch.nn.Sequential(torch.nn.Linear(4, 4), Layer())), X)


def test_a_module_of_torch_may_take_integers_alone():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    report = check_grads(from_module(torch.nn.Embedding(7, 3)), INDICES, order=1)
    assert report.checked["first order"] == 8 * (7 * 3 + 3)
