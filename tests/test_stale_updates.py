"""Data that changed between forward and backward: noticed where it is needed, and only there."""
from __future__ import annotations

import re

import numpy as np
import pytest

import minigan as mg
from minigan import nn, ops, optim
from minigan.backend import asarray


def leaf(data):
    return mg.tensor(np.array(data, np.float64), requires_grad=True)


def network(seed=0):
    rng = np.random.default_rng(seed)
    return nn.Sequential(nn.Dense(3, 4, rng=rng), nn.Tanh(), nn.Dense(4, 1, rng=rng))


def stale(op, shape):
    """The error that names the op and the tensor's shape."""
    return pytest.raises(RuntimeError, match=rf"backward of {op} needs its tensor of shape "
                         rf"{re.escape(str(shape))} as it was.*run the forward pass again")


def test_a_generators_loss_from_before_the_discriminators_step_is_refused():
    generator, discriminator = network(0), nn.Sequential(nn.Dense(1, 5), nn.Tanh(), nn.Dense(5, 1))
    optimizer = optim.SGD(discriminator.parameters(), lr=0.1)
    fake = generator(mg.tensor(np.ones((2, 3), np.float32)))
    generator_loss = ops.softplus(-discriminator(fake)).mean()
    ops.softplus(discriminator(fake.detach())).mean().backward()
    optimizer.step()
    with stale("Affine", (5, 1)):
        generator_loss.backward()
    ops.softplus(-discriminator(fake)).mean().backward()  # the forward pass again: fresh


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop"])
def test_every_optimisers_step_counts_as_a_change(name):
    w = leaf([1.0, 2.0])
    optimizer = getattr(optim, name)([w], lr=0.1)
    loss = (w * w).sum()
    loss.backward()
    optimizer.step()
    with stale("Multiply", (2,)):
        loss.backward()


def test_a_parameter_that_the_step_left_alone_has_not_changed():
    used, unused = leaf([1.0, 2.0]), leaf([3.0])
    optimizer = optim.Adam([used, unused], lr=0.1)
    loss = (unused * unused).sum()
    (used * used).sum().backward()
    optimizer.step()
    loss.backward()
    assert unused.grad.numpy().tolist() == [6]


def test_making_an_optimiser_moves_the_data_but_changes_nothing():
    w = leaf([[1.0, 2.0]])
    loss = (w * w).sum()
    optim.Adam([w], lr=0.1)
    loss.backward()
    assert w.grad.numpy().tolist() == [[2, 4]]


def test_load_state_dict_counts_as_a_change():
    net = network()
    loss = net(mg.tensor(np.ones((2, 3), np.float32))).sum()
    net.load_state_dict(net.state_dict())
    with stale("Affine", (4, 1)):
        loss.backward()


def test_an_assignment_to_data_counts_as_a_change():
    x = leaf([1.0, 2.0])
    y = (x ** 3).sum()
    x.data = asarray(np.zeros(2))
    with stale("Power", (2,)):
        y.backward()


def test_a_change_in_place_counts_once_it_is_said():
    x = leaf([1.0, 2.0])
    y = x.log().sum()
    x.data[0] = 5
    x.mark_changed()
    with stale("Log", (2,)):
        y.backward()


def test_a_changed_output_is_noticed_by_the_ops_that_read_theirs():
    x = leaf([1.0, 2.0])
    y = x.exp()
    y.data = asarray(np.zeros(2))
    with stale("Exp", (2,)):
        y.sum().backward()


def test_moving_to_another_dtype_counts_as_a_change():
    net = network()
    loss = net(mg.tensor(np.ones((2, 3), np.float32))).sum()
    net.astype(np.float64)
    with pytest.raises(RuntimeError, match="changed since"):
        loss.backward()


def test_a_second_derivative_notices_a_change_too():
    x = leaf([1.0, 2.0])
    (by_x,) = mg.grad((x ** 3).sum(), x, create_graph=True)
    x.data = asarray(np.zeros(2))
    with pytest.raises(RuntimeError, match="changed since"):
        mg.grad(by_x.sum(), x)


# Views share memory, and so their changes

VIEWS = {"reshape": lambda x: x.reshape(3, 2), "transpose": lambda x: x.T,
         "slice": lambda x: x[:, 1:], "broadcast_to": lambda x: x.broadcast_to((4, 2, 3)),
         "squeeze": lambda x: ops.expand_dims(x, 0).squeeze(0),
         "swapaxes": lambda x: x.swapaxes(0, 1)}


@pytest.mark.parametrize("name", VIEWS)
def test_a_change_is_seen_through_a_view(name):
    x = leaf(np.ones((2, 3)))
    view = VIEWS[name](x)
    y = (view * view).sum()
    x.data[...] = 2
    x.mark_changed()
    with stale("Multiply", view.shape):
        y.backward()


def test_a_change_of_a_view_is_a_change_of_what_it_views():
    x = leaf([1.0, 2.0])
    y = (x * x).sum()
    x.detach().mark_changed()
    with stale("Multiply", (2,)):
        y.backward()


# What is not needed may change

LINEAR = {"add": lambda x: x + 1, "subtract": lambda x: 2 - x, "negative": lambda x: -x,
          "sum": lambda x: x.sum(0), "mean": lambda x: x.mean(), "reshape": lambda x: x.reshape(6),
          "transpose": lambda x: x.T, "getitem": lambda x: x[0], "pad": lambda x: ops.pad(x, 1),
          "concatenate": lambda x: ops.concatenate([x, x]), "astype": lambda x: x.astype("float32"),
          "where": lambda x: ops.where(mg.tensor(np.eye(2, 3)) > 0, x, 0),
          "broadcast_to": lambda x: x.broadcast_to((4, 2, 3))}


@pytest.mark.parametrize("name", LINEAR)
def test_linear_ops_need_no_values(name):
    x = leaf(np.ones((2, 3)))
    expected = mg.grad(LINEAR[name](x).sum(), x)[0].numpy()
    y = LINEAR[name](x).sum()
    x.data = asarray(np.full((2, 3), 7.0))
    np.testing.assert_array_equal(mg.grad(y, x)[0].numpy(), expected)


@pytest.mark.parametrize("product", [lambda x, w: x * w, lambda x, w: x @ w,
                                     lambda x, w: ops.affine(x, w, mg.tensor(np.zeros(2)))])
def test_a_product_needs_only_the_other_factor(product):
    x, w = leaf([[1.0, 2.0], [3.0, 4.0]]), leaf([[5.0, 6.0], [7.0, 8.0]])
    y, expected = product(x, w).sum(), mg.grad(product(x, w).sum(), x)[0].numpy()
    x.data = asarray(np.zeros((2, 2)))
    np.testing.assert_array_equal(mg.grad(y, x)[0].numpy(), expected)
    with pytest.raises(RuntimeError, match=r"shape \(2, 2\)"):
        mg.grad(y, w)


def test_a_change_off_the_path_to_what_is_asked_for_does_not_matter():
    x, w = leaf([1.0]), leaf([2.0])
    y = (x * 3 + w * w).sum()
    w.data = asarray(np.zeros(1))
    assert mg.grad(y, x)[0].numpy().tolist() == [3]


def test_an_affine_maps_bias_may_change():
    x, w, b = leaf(np.ones((2, 3))), leaf(np.ones((3, 4))), leaf(np.zeros(4))
    y = ops.affine(x, w, b).sum()
    b.data = asarray(np.ones(4))
    y.backward()
    assert b.grad.numpy().tolist() == [2, 2, 2, 2]


def test_a_word_that_says_nothing_known_of_what_is_read_is_taken_for_everything():
    class Square(mg.Function):
        reads = "nothin"

        def forward(self, x):
            return x * x

        def backward(self, grad):
            return grad * self.inputs[0] * 2

    x = leaf([1.0, 2.0])
    y = Square()(x)
    x.data = x.data + 1
    with stale("Square", (2,)):
        mg.grad(y.sum(), x)
