"""The strict stand-in for CuPy refuses what CuPy refuses, and the library runs on it."""
from __future__ import annotations

import numpy as np
import pytest
from strict import STRICT, StrictArray

import minigan as mg
from minigan import nn, ops, optim
from minigan.testing import check_grads

xp = STRICT.xp


@pytest.fixture
def x():
    return xp.asarray([[1.0, 2.0], [3.0, 4.0]])


@pytest.mark.parametrize("misuse", [
    lambda x: np.asarray(x), lambda x: np.exp(x), lambda x: np.sum(x),
    lambda x: np.concatenate([x]), lambda x: x + np.ones(2), lambda x: np.ones(2) * x,
    lambda x: x * np.array(2.0),
    lambda x: xp.maximum(x, np.zeros(2)), lambda x: xp.concatenate([x, np.ones((1, 2))]),
    lambda x: x[np.array([0])], lambda x: x.__setitem__(0, np.ones(2)),
    lambda x: x.__iadd__(np.ones(2)), lambda x: [1, 2, 3][x[0, 0].astype("int64")],
    lambda x: xp.exp(x, where=x > 0), lambda x: x.sum(where=x > 0), lambda x: xp.exp(1.0),
    lambda x: xp.where(np.ones((2, 2), bool), x, x),
], ids=range(17))
def test_what_fails_on_a_gpu_is_refused(x, misuse):
    with pytest.raises(TypeError):
        misuse(x)


def test_a_name_that_is_not_listed_is_missing():
    with pytest.raises(AttributeError, match="no vectorize"):
        _ = xp.vectorize


def test_everything_computed_stays_on_the_device(x):
    for y in (x + 1, 2 / x, x @ x, -x, x > 1, x.sum(), x[0, 0], x.max(axis=0), xp.exp(x), x.T,
              xp.where(x > 2, x, 0), xp.zeros(3), xp.concatenate([x, x])):
        assert type(y) is StrictArray
    assert x.sum().shape == () and float(x.sum()) == 10 and STRICT.to_numpy(x)[1, 0] == 3


def train(steps=3):
    """A few steps of a small network; the losses, the final parameters and their array type."""
    rng = np.random.default_rng(0)
    net = nn.Sequential(nn.Dense(3, 4, rng=rng), nn.BatchNorm(4), nn.LeakyReLU(),
                        nn.Dropout(0.2, rng=rng), nn.Dense(4, 4, rng=rng), nn.LayerNorm(4),
                        nn.Tanh(), nn.Dense(4, 2, rng=rng))
    optimizer = optim.Adam(net.parameters(), lr=0.01)
    data, labels = rng.normal(size=(6, 3)).astype(np.float32), rng.integers(0, 2, 6)
    one_hot = np.eye(2, dtype=np.float32)[labels]
    history = []
    for _ in range(steps):
        net.zero_grad()
        logits = net(mg.tensor(data))
        loss = (mg.losses.cross_entropy(logits, mg.tensor(labels))
                + mg.losses.bce_with_logits(logits, mg.tensor(one_hot))
                + mg.losses.l2(net.parameters()) * 1e-3)
        loss.backward()
        optim.clip_grad_norm(net.parameters(), 1.0)
        optimizer.step()
        history.append(loss.item())
    return history, net.state_dict(), {type(p.data) for p in net.parameters()}


def test_training_gives_the_same_numbers_as_on_numpy(strict):
    expected, expected_state, _ = train()
    mg.use("strict")
    actual, state, types = train()
    assert types == {StrictArray}
    np.testing.assert_allclose(actual, expected, rtol=1e-5)
    for name in expected_state:
        np.testing.assert_allclose(state[name], expected_state[name], rtol=1e-4, atol=1e-5)


def test_derivative_functions_and_gradient_checks_run_on_a_device(strict):
    mg.use("strict")
    w = mg.tensor(np.array([1.0, -2.0]))

    def f(w):
        return (ops.exp(w) * w).sum()

    expected = np.diag(np.exp([1.0, -2.0]) * (2 + np.array([1.0, -2.0])))
    np.testing.assert_allclose(mg.hessian(f, w).numpy(), expected, rtol=1e-12)
    assert check_grads(f, w).ok
    assert check_grads(ops.softmax, mg.tensor([[0.5, -1.0]])).ok
