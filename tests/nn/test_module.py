"""Modules: the order of parameters, saving and loading, modes, freezing, and their repr."""
from __future__ import annotations

import copy

import numpy as np
import pytest

import minigan as mg
from minigan import nn
from minigan.backend import asarray


def names(module):
    return [name for name, _ in module.named_parameters()]


class Two(nn.Module):
    """Defined in another order than the alphabet's, with a list and a statistic."""

    def __init__(self):
        self.scale = nn.Parameter(asarray(np.ones(2, np.float32)))
        self.hidden = [nn.Dense(2, 3), nn.BatchNorm(3)]
        self.count = mg.tensor(np.zeros((), np.float32))
        self.after = nn.Dense(3, 1, bias=False)
        self.note = "not state"

    def forward(self, x):
        for layer in self.hidden:
            x = layer(x)
        return self.after(x)


def test_parameters_come_in_the_order_of_definition():
    assert names(Two()) == ["scale", "hidden.0.weight", "hidden.0.bias", "hidden.1.weight",
                            "hidden.1.bias", "after.weight"]


def test_state_is_parameters_and_statistics_in_the_order_of_definition():
    assert list(Two().state_dict()) == [
        "scale", "hidden.0.weight", "hidden.0.bias", "hidden.1.weight", "hidden.1.bias",
        "hidden.1.running_mean", "hidden.1.running_var", "count", "after.weight"]


def test_parameters_are_the_tensors_of_named_parameters():
    net = Two()
    assert [id(p) for p in net.parameters()] == [id(p) for _, p in net.named_parameters()]


def test_sequential_numbers_its_layers():
    net = nn.Sequential(nn.Dense(2, 3), nn.ReLU(), nn.Dense(3, 1, bias=False))
    assert names(net) == ["layers.0.weight", "layers.0.bias", "layers.2.weight"]
    assert len(net) == 3 and isinstance(net[1], nn.ReLU)


def test_a_shared_parameter_is_listed_once_under_its_first_name():
    layer = nn.Dense(2, 2)
    net = nn.Sequential(layer, nn.Tanh(), layer)
    assert names(net) == ["layers.0.weight", "layers.0.bias"]
    tied = nn.Sequential(nn.Dense(2, 2), nn.Dense(2, 2, bias=False))
    tied[1].weight = tied[0].weight
    assert names(tied) == ["layers.0.weight", "layers.0.bias"]


def test_modules_lists_each_module_once_from_the_outside_in():
    layer = nn.Dense(2, 2)
    net = nn.Sequential(layer, nn.Sequential(nn.Tanh(), layer))
    kinds = [type(m).__name__ for m in net.modules()]
    assert kinds == ["Sequential", "Dense", "Sequential", "Tanh"]


class Contained(nn.Module):
    """Modules and Tensors wherever a container may hold them."""

    def __init__(self):
        rng = np.random.default_rng(0)  # of others a step may be too small to be seen, once in long

        def dense():
            return nn.Dense(2, 1, bias=False, rng=rng)

        self.blocks = [[dense(), dense()], ([dense()],)]
        self.heads = {"first": dense(), "deep": {"er": [dense()]}, 3: dense()}
        self.scales = {"x": nn.Parameter(asarray(np.ones(1, np.float32))),
                       "kept": mg.tensor([1.0])}
        self.numbers = {"size": 3, "sizes": [1, (2, 3)]}

    def forward(self, x):
        (a, b), ([c],) = self.blocks
        d, e, f = self.heads["first"], self.heads["deep"]["er"][0], self.heads[3]
        return (a(x) + b(x) * c(x) + d(x) * e(x) * f(x)) * self.scales["x"]


def test_modules_are_found_in_whatever_contains_them():
    net = Contained()
    found = ["blocks.0.0.weight", "blocks.0.1.weight", "blocks.1.0.0.weight",
             "heads.first.weight", "heads.deep.er.0.weight", "heads.3.weight", "scales.x"]
    assert names(net) == found
    assert list(net.state_dict()) == [*found, "scales.kept"]
    assert sum(isinstance(m, nn.Dense) for m in net.eval().modules()) == 6
    assert not any(m.training for m in net.modules())
    assert "blocks" not in repr(net) and "1.0.0: Dense(2, 1, bias=False)" in repr(net)
    before, x = net.state_dict(), mg.tensor(np.ones((4, 2), np.float32))
    optimizer = mg.optim.SGD(net.parameters(), lr=0.1)
    (net(x) ** 2).sum().backward()
    optimizer.step()
    after = net.state_dict()
    assert all((after[name] != before[name]).any() for name in found)
    net.load_state_dict(before)
    np.testing.assert_array_equal(net.heads["deep"]["er"][0].weight.numpy(),
                                  before["heads.deep.er.0.weight"])


def test_a_set_of_modules_and_two_of_one_name_are_refused():
    net = nn.Module()
    net.layers = {nn.Dense(1, 1), nn.Dense(1, 1)}
    with pytest.raises(TypeError, match="layers is a set of .* has no order: make it a list"):
        list(net.parameters())
    net.layers = {1: nn.Dense(1, 1), "1": nn.Dense(1, 1)}
    with pytest.raises(ValueError, match="have the name 'layers.1.weight'"):
        net.state_dict()
    net.layers = {1, 2}
    assert not list(net.parameters())


def test_a_module_that_contains_itself_is_walked_once():
    net = Two()
    net.itself = net
    assert len(names(net)) == 6


def test_parameters_require_a_gradient_and_statistics_do_not():
    net = Two()
    assert all(p.requires_grad and type(p) is nn.Parameter for p in net.parameters())
    assert not net.hidden[1].running_mean.requires_grad


def test_a_module_takes_arrays():
    net = nn.Dense(2, 3)
    assert isinstance(net(asarray(np.ones((4, 2), np.float32))), mg.Tensor)


def test_a_module_without_forward_says_so():
    with pytest.raises(NotImplementedError, match="Module has no forward"):
        nn.Module()(mg.tensor(1.0))


def test_sequential_applies_its_layers_in_order_and_takes_only_modules():
    net = nn.Sequential(nn.Flatten(), nn.ReLU())
    assert net(mg.tensor(-np.ones((2, 2, 2), np.float32))).numpy().tolist() == [[0] * 4] * 2
    with pytest.raises(TypeError, match="layer 1 is .*tanh.*wrap a function in a Module"):
        nn.Sequential(nn.ReLU(), mg.ops.tanh)


# State

def test_a_state_dict_round_trip_restores_every_number():
    source, target = Two(), Two()
    x = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    source(mg.tensor(x))  # moves the statistics
    target.load_state_dict(source.state_dict())
    for (name, a), (_, b) in zip(source.named_state(), target.named_state()):
        np.testing.assert_array_equal(a.numpy(), b.numpy(), err_msg=name)


def test_a_state_dict_is_a_copy_in_numpy():
    net = Two()
    state = net.state_dict()
    assert all(type(array) is np.ndarray for array in state.values())
    state["scale"][0] = 5
    assert net.scale.numpy()[0] == 1


def test_loading_copies_too_and_takes_tensors():
    net, state = nn.Dense(2, 1), {"weight": mg.tensor(np.ones((2, 1), np.float32)),
                                  "bias": np.ones(1, np.float32)}
    net.load_state_dict(state)
    state["bias"][0] = 5
    assert net.bias.numpy()[0] == 1 and (net.weight.numpy() == 1).all()


def test_loading_keeps_parameters_in_the_optimisers_memory():
    net = nn.Dense(2, 1)
    optimizer = mg.optim.SGD(net.parameters(), lr=1)
    net.load_state_dict({"weight": np.ones((2, 1), np.float32), "bias": np.zeros(1, np.float32)})
    net(mg.tensor(np.ones((1, 2), np.float32))).sum().backward()
    optimizer.step()
    assert net.weight.numpy().tolist() == [[0], [0]] and net.bias.numpy().tolist() == [-1]


BAD_STATES = {
    "missing": (lambda s: s.pop("after.weight"), KeyError,
                r"missing \['after.weight'\], unknown nothing"),
    "unknown": (lambda s: s.update(other=np.ones(1)), KeyError,
                r"missing nothing, unknown \['other'\]"),
    "shape": (lambda s: s.update({"after.weight": np.ones((3, 2), np.float32)}), ValueError,
              r"'after.weight' is \(3, 2\) of float32, Two's is \(3, 1\) of float32"),
    "dtype": (lambda s: s.update({"after.weight": np.ones((3, 1))}), ValueError,
              r"'after.weight' is \(3, 1\) of float64, Two's is \(3, 1\) of float32"),
}


@pytest.mark.parametrize("name", BAD_STATES)
def test_a_state_that_does_not_fit_says_which_and_changes_nothing(name):
    spoil, error, message = BAD_STATES[name]
    net = Two()
    before = net.state_dict()
    state = {key: array + 1 for key, array in before.items()}
    spoil(state)
    with pytest.raises(error, match=message):
        net.load_state_dict(state)
    for key, array in net.state_dict().items():
        np.testing.assert_array_equal(array, before[key], err_msg=key)


# Modes

def test_train_and_eval_reach_every_module():
    net = nn.Sequential(nn.Dropout(0.5), nn.Sequential(nn.BatchNorm(2)))
    assert all(m.training for m in net.modules())
    assert net.eval() is net and not any(m.training for m in net.modules())
    assert net.train() is net and all(m.training for m in net.modules())


def test_zero_grad_forgets_all_gradients():
    net = nn.Dense(2, 1)
    net(mg.tensor(np.ones((1, 2), np.float32))).sum().backward()
    assert net.weight.grad is not None
    net.zero_grad()
    assert net.weight.grad is None and net.bias.grad is None


def test_astype_converts_the_whole_state_and_forgets_gradients():
    net = nn.Sequential(nn.Dense(2, 3), nn.BatchNorm(3))
    net(mg.tensor(np.ones((4, 2), np.float32))).sum().backward()
    assert net.astype(np.float64) is net
    assert all(t.dtype == np.float64 and t.grad is None for _, t in net.named_state())
    x = np.random.default_rng(0).normal(size=(4, 2))
    assert net(mg.tensor(x)).dtype == np.float64
    assert net[1].running_mean.dtype == np.float64


def test_a_frozen_module_lets_gradients_through_and_gets_none():
    net, x = nn.Dense(2, 1), mg.tensor([[1.0, 2.0]], requires_grad=True)
    with nn.frozen(net) as same:
        assert same is net
        net(x).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), net.weight.numpy().T)
    assert net.weight.grad is None and net.bias.grad is None


def test_frozen_gives_each_parameter_its_own_flag_back_even_after_an_exception():
    net = nn.Dense(2, 1)
    net.bias.requires_grad = False
    with pytest.raises(KeyError), nn.frozen(net):
        assert not net.weight.requires_grad
        raise KeyError
    assert net.weight.requires_grad and not net.bias.requires_grad


def test_frozen_can_be_nested():
    net = nn.Dense(2, 1)
    with nn.frozen(net):
        with nn.frozen(net):
            pass
        assert not net.weight.requires_grad
    assert net.weight.requires_grad


def test_a_deep_copy_is_a_network_of_its_own():
    net = Two()
    twin = copy.deepcopy(net)
    twin.scale.data[0] = 5
    assert net.scale.numpy()[0] == 1 and names(twin) == names(net)
    x = mg.tensor(np.ones((3, 2), np.float32))
    np.testing.assert_array_equal(net(x).numpy(), twin(x).numpy())


def test_a_deep_copy_keeps_shared_layers_shared():
    layer = nn.Dense(2, 2)
    twin = copy.deepcopy(nn.Sequential(layer, layer))
    assert twin[0] is twin[1] and twin[0] is not layer


# Repr

def test_the_repr_shows_the_layers_and_the_arguments_that_matter():
    net = nn.Sequential(nn.Flatten(), nn.Dense(4, 3), nn.BatchNorm(3), nn.LeakyReLU(0.3),
                        nn.Dropout(0.1), nn.Sequential(nn.Dense(3, 2, bias=False), nn.Tanh()),
                        nn.Reshape(1, 2))
    assert repr(net) == """\
Sequential(
  0: Flatten()
  1: Dense(4, 3)
  2: BatchNorm(3)
  3: LeakyReLU(0.3)
  4: Dropout(0.1)
  5: Sequential(
    0: Dense(3, 2, bias=False)
    1: Tanh()
  )
  6: Reshape(1, 2)
)"""


def test_the_repr_of_an_own_module_names_its_attributes():
    net = nn.Module()
    net.body, net.head = nn.Dense(2, 3), nn.Dense(3, 1, bias=False)
    assert repr(net) == """\
Module(
  body: Dense(2, 3)
  head: Dense(3, 1, bias=False)
)"""
