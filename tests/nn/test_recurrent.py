"""The GRU cell, against its equations, against PyTorch, and through time."""
from __future__ import annotations

import re

import numpy as np
import pytest

import minigan as mg
from minigan import nn, ops
from minigan.nn import init
from minigan.testing import check_grads

RNG = np.random.default_rng(0)
X, H = RNG.normal(size=(6, 5, 3)), RNG.normal(size=(5, 2))  # six elements of five sequences


def cell(inputs=3, features=2, seed=1):
    """A cell in double precision whose biases are not 0."""
    made, rng = nn.GRUCell(inputs, features, rng=np.random.default_rng(seed)).astype("float64"), RNG
    for bias in (made.bias_x, made.bias_h):
        bias.data = mg.tensor(rng.normal(size=bias.shape)).data
    return made


def through_time(step, xs, h):
    """The states of a sequence."""
    states = []
    for x in xs:
        h = step(x, h)
        states.append(h)
    return states


def by_hand(step, x, h):
    """Gate by gate, as in the docstring."""
    def sigmoid(a):
        return 1 / (1 + np.exp(-a))

    wx, wh = np.split(step.weight_x.numpy(), 3, 1), np.split(step.weight_h.numpy(), 3, 1)
    bx, bh = np.split(step.bias_x.numpy(), 3), np.split(step.bias_h.numpy(), 3)
    r, z = (sigmoid(x @ wx[i] + bx[i] + h @ wh[i] + bh[i]) for i in range(2))
    n = np.tanh(x @ wx[2] + bx[2] + r * (h @ wh[2] + bh[2]))
    return (1 - z) * n + z * h


def test_a_step_is_the_equations_of_the_gates():
    step = cell()
    y = step(mg.tensor(X[0]), mg.tensor(H)).numpy()
    np.testing.assert_allclose(y, by_hand(step, X[0], H), rtol=1e-12)


def test_without_a_state_it_begins_at_zeros():
    step = cell()
    zeros = step(mg.tensor(X[0]), mg.tensor(np.zeros((5, 2)))).numpy()
    np.testing.assert_array_equal(step(mg.tensor(X[0])).numpy(), zeros)


def test_the_state_stays_where_z_is_1_and_is_new_where_it_is_0():
    step = cell()
    step.bias_x.data[2:4] = 100
    np.testing.assert_allclose(step(mg.tensor(X[0]), mg.tensor(H)).numpy(), H, rtol=1e-12)
    step.bias_x.data[2:4] = -100
    new = step(mg.tensor(X[0]), mg.tensor(H)).numpy()
    step.bias_x.data[:2] = -100  # and with r = 0 it does not know of the old one
    again = step(mg.tensor(X[0]), mg.tensor(-H)).numpy()
    n = np.tanh(X[0] @ step.weight_x.numpy()[:, 4:] + step.bias_x.numpy()[4:])
    assert not np.allclose(new, n) and np.allclose(again, n, rtol=1e-12)


@pytest.mark.numpy_only("as many differences again in the stand-in")
def test_its_gradients_through_time_are_right_to_second_order():
    step = cell(2, 2)

    def last(x, h, *weights):
        for name, w in zip(("weight_x", "weight_h", "bias_x", "bias_h"), weights):
            setattr(step, name, w)
        return ops.stack(through_time(step, [x[0], x[1]], h))

    weights = [p.numpy() for p in step.parameters()]
    assert check_grads(last, X[:2, :2, :2], H[:2], *weights).ok


@pytest.mark.numpy_only("PyTorch's is on the CPU")
def test_states_and_gradients_through_time_equal_pytorchs():
    torch = pytest.importorskip("torch", reason="compares with PyTorch where it is installed")
    step, theirs = cell(), torch.nn.GRUCell(3, 2).double()
    for own, w in zip(step.parameters(), theirs.parameters(), strict=True):
        w.data[...] = torch.tensor(own.numpy().T)  # in one order: of x, of h, and their biases
    x, h = mg.tensor(X, requires_grad=True), mg.tensor(H, requires_grad=True)
    tx, th = (torch.tensor(a, requires_grad=True) for a in (X, H))
    grad = RNG.normal(size=(6, 5, 2))
    ours = ops.stack(through_time(step, [x[t] for t in range(6)], h))
    their = torch.stack(through_time(theirs, tx, th))
    ours.backward(mg.tensor(grad))
    their.backward(torch.tensor(grad))
    close = {"rtol": 1e-12, "atol": 1e-14}
    np.testing.assert_allclose(ours.numpy(), their.detach().numpy(), **close)
    np.testing.assert_allclose(x.grad.numpy(), tx.grad.numpy(), **close)
    np.testing.assert_allclose(h.grad.numpy(), th.grad.numpy(), **close)
    for mine, its in zip(step.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(mine.grad.numpy(), its.grad.numpy().T, **close)


def test_each_gate_starts_from_a_matrix_of_its_own_and_no_bias():
    rng, layer = np.random.default_rng(3), nn.GRUCell(4, 5, rng=np.random.default_rng(3))
    gates = [init.glorot_uniform(shape, rng) for shape in 3 * [(4, 5)] + 3 * [(5, 5)]]
    np.testing.assert_array_equal(layer.weight_x.numpy(), np.concatenate(gates[:3], axis=1))
    np.testing.assert_array_equal(layer.weight_h.numpy(), np.concatenate(gates[3:], axis=1))
    assert not layer.bias_x.numpy().any() and not layer.bias_h.numpy().any()
    layer = nn.GRUCell(4, 5, init.orthogonal, np.random.default_rng(0))
    q = layer.weight_h.numpy()[:, :5]
    np.testing.assert_allclose(q @ q.T, np.eye(5), atol=1e-6)


def test_float32_stays_and_it_says_what_it_is():
    layer = nn.GRUCell(3, 2)
    y = layer(mg.tensor(X[0].astype(np.float32)))
    assert y.dtype == np.float32 and repr(layer) == "GRUCell(3, 2)"
    assert list(layer.state_dict()) == ["weight_x", "weight_h", "bias_x", "bias_h"]


@pytest.mark.filterwarnings("error")
def test_a_captured_step_through_time_is_the_eager_one_bit_for_bit():
    def training(captured):
        layer = nn.GRUCell(3, 2, rng=np.random.default_rng(0))
        rule = mg.optim.Adam(layer.parameters(), 0.05)

        def step(x):
            rule.zero_grad()
            h = None
            for t in range(6):
                h = layer(x[t], h)
            loss = (h * h).mean()
            loss.backward()
            rule.step()
            return loss

        make = mg.capture(step) if captured else step
        losses = [make(mg.tensor((X + k).astype(np.float32))).item() for k in range(6)]
        assert not captured or make.replay is not None
        return [*losses, *[p.numpy() for p in layer.parameters()]]

    for mine, theirs in zip(training(True), training(False), strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("x, h, got", [
    ((5, 4), None, "(5, 4) and no state"), ((6, 5, 3), None, "(6, 5, 3) and no state"),
    ((5, 3), (4, 2), "(5, 3) and a state of shape (4, 2)"),
    ((5, 3), (5, 3), "(5, 3) and a state of shape (5, 3)"),
    ((5, 3), (1, 2), "(5, 3) and a state of shape (1, 2)"), ((3,), None, "(3,) and no state"),
    ((), (2,), "() and a state of shape (2,)")])
def test_other_shapes_are_refused(x, h, got):
    message = re.escape(f"GRUCell(3, 2) needs x (N, 3), one element of a sequence, and a state "
                        f"(N, 2) or none, got x of shape {got}")
    with pytest.raises(ValueError, match=f"^{message}$"):
        nn.GRUCell(3, 2)(mg.tensor(np.ones(x)), h and mg.tensor(np.ones(h)))


def test_a_call_that_lacks_an_argument_is_told_the_others_by_their_names():
    with pytest.raises(TypeError, match=r"GRUCell\(inputs, features, weight_init=glorot_uniform, "):
        nn.GRUCell(3)
