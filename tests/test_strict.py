"""The strict stand-in for CuPy refuses what CuPy refuses, and the library runs on it."""
from __future__ import annotations

import copy

import numpy as np
import pytest

import minigan as mg
from minigan import nn, ops, optim
from minigan.testing import check_grads
from tests.strict import STRICT, StrictArray, counted

xp = STRICT.xp


@pytest.fixture
def x():
    return xp.asarray([[1.0, 2.0], [3.0, 4.0]])


def host(x):
    return STRICT.to_numpy(x)


@pytest.mark.parametrize("misuse", [
    lambda x: np.asarray(x), lambda x: np.exp(x), lambda x: np.sum(x),
    lambda x: np.concatenate([x]), lambda x: x + np.ones(2), lambda x: np.ones(2) * x,
    lambda x: x * np.array(2.0), lambda x: x + [1.0, 2.0], lambda x: x + None,
    lambda x: xp.maximum(x, np.zeros(2)), lambda x: xp.concatenate([x, np.ones((1, 2))]),
    lambda x: x[np.array([0])], lambda x: x[True], lambda x: x.__setitem__(0, np.ones(2)),
    lambda x: x.__setitem__(0, [1.0, 2.0]),
    lambda x: x.__iadd__(np.ones(2)), lambda x: [1, 2, 3][x[0, 0].astype("int64")],
    lambda x: x[:x[0, 0].astype("int64")], lambda x: range(x[0, 0].astype("int64")),
    lambda x: xp.exp(x, where=x > 0), lambda x: x.sum(where=x > 0), lambda x: x.max(initial=0),
    lambda x: xp.exp(1.0), lambda x: xp.exp(x, order="K"), lambda x: xp.sum(x, initial=0),
    lambda x: xp.where(np.ones((2, 2), bool), x, x), lambda x: xp.where(x > 1),
    lambda x: xp.matmul(x, x, where=x > 0), lambda x: xp.zeros(2, like=x),
    lambda x: xp.copyto(x, np.ones((2, 2))), lambda x: xp.full(2, np.ones(2)),
    lambda x: xp.add.at(xp.zeros(3, "int64"), xp.asarray([0]), xp.asarray([1])),
], ids=range(32))
def test_what_fails_on_a_gpu_is_refused(x, misuse):
    with pytest.raises(TypeError):
        misuse(x)


def test_names_that_are_not_listed_are_missing(x):
    with pytest.raises(AttributeError, match="no vectorize"):
        _ = xp.vectorize
    with pytest.raises(AttributeError):
        _ = x.nonsense
    with pytest.raises(AttributeError):
        _ = x.ctypes
    assert not hasattr(x, "__index__")


def test_everything_computed_stays_on_the_device(x):
    for y in (x + 1, 2 / x, x @ x, -x, x > 1, x.sum(), x[0, 0], x.max(axis=0), xp.exp(x), x.T,
              xp.where(x > 2, x, 0), xp.zeros(3), xp.concatenate([x, x]), x.argmax(), x.mean(),
              xp.random.default_rng(0).random()):
        assert type(y) is StrictArray
    assert x.sum().shape == () and float(x.sum()) == 10 and host(x)[1, 0] == 3
    assert xp.exp(x, out=x) is x


def test_an_element_is_a_view_as_on_a_gpu(x):
    element = x[0, 0]
    x[0, 0] = 7
    assert element.item() == 7 and element.shape == ()


def test_indices_out_of_range_wrap_and_a_number_does_not():
    x = xp.arange(5)
    assert host(x[xp.asarray([5, -6, 12])]).tolist() == [0, 4, 2]
    assert host(xp.take(x, xp.asarray([7]))).tolist() == [2]
    y = xp.zeros((2, 3))
    y[:, xp.asarray([4])] = 1.0
    assert host(y).tolist() == [[0, 1, 0]] * 2
    with pytest.raises(IndexError):
        _ = x[5]


def test_among_duplicate_indices_another_one_than_the_last_may_win_but_always_the_same():
    def assigned():
        x = xp.zeros(4)
        x[xp.asarray([1] * 50 + [2])] = xp.arange(51.0)
        return host(x)

    first = assigned()
    assert first[1] != 49 and first[2] == 50 and first[0] == first[3] == 0
    np.testing.assert_array_equal(first, assigned())


def test_assignments_without_duplicates_are_numpys():
    expected, x = np.zeros((3, 4)), xp.zeros((3, 4))
    rows, mask = np.array([2, 0]), np.array([True, False, True, True])
    expected[rows, 1:3] = [[1, 2], [3, 4]]
    x[xp.asarray(rows), 1:3] = xp.asarray([[1.0, 2], [3, 4]])
    expected[1, mask], expected[..., 0] = [5, 6, 7], 8
    x[1, xp.asarray(mask)], x[..., 0] = xp.asarray([[5.0, 6, 7]]), 8
    np.testing.assert_array_equal(host(x), expected)
    np.testing.assert_array_equal(host(x[xp.asarray(rows), None, 1]), expected[rows, None, 1])


def test_adding_at_indices_is_counted_as_not_deterministic():
    x = xp.zeros(3)
    with counted() as counts:
        xp.add.at(x, (xp.asarray([0, 0, 5]),), xp.ones(3))
    assert host(x).tolist() == [2, 0, 1] and counts.nondeterministic == 1


@pytest.mark.parametrize("name", ["max", "min", "argmax", "argmin"])
def test_an_extreme_of_nothing_raises(name):
    with pytest.raises(ValueError):
        getattr(xp.zeros((0, 3)), name)()


def test_new_memory_holds_what_nobody_wants_to_read():
    assert np.isnan(host(xp.empty(3))).all() and (host(xp.empty_like(xp.arange(3))) > 9).all()


def test_warnings_of_numpy_are_unknown_on_a_gpu():
    with np.errstate(all="raise"):
        assert host(xp.log(xp.zeros(1))) == -np.inf


def test_the_generator_has_cupys_methods_and_streams_of_its_own():
    ours, theirs = xp.random.default_rng(3), np.random.default_rng(3)
    assert not np.array_equal(host(ours.random(5)), theirs.random(5))
    np.testing.assert_array_equal(host(xp.random.default_rng(3).standard_normal((2, 3), "float32")),
                                  host(xp.random.default_rng(3).standard_normal((2, 3), "float32")))
    assert ours.uniform(-1, 1, 4, dtype=np.float32).dtype == np.float32
    assert xp.random.default_rng(ours) is ours
    for name in ("normal", "permutation", "shuffle", "choice", "spawn"):
        with pytest.raises(AttributeError, match=f"no {name}"):
            getattr(ours, name)
    with pytest.raises(TypeError, match="CuPy's standard_normal takes"):
        ours.standard_normal(2, loc=1)


# The library on it

def train(steps=3):
    """A few steps of a small network; the losses, the final parameters and their array type."""
    rng = np.random.default_rng(0)
    net = nn.Sequential(nn.Dense(3, 4, bias=False, rng=rng), nn.BatchNorm(4), nn.LeakyReLU(),
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


@pytest.mark.parametrize("mix", [
    lambda x, a: x * a, lambda x, a: a * x, lambda x, a: x @ a,
    lambda x, a: ops.where(a > 0, x, a), lambda x, a: nn.Dense(2, 1)(a)])
def test_data_on_two_devices_is_refused_with_what_to_do(strict, mix):
    mg.use("strict")
    with pytest.raises(TypeError, match=r"got data on numpy and strict: mg.tensor\(array\) puts"):
        mix(mg.tensor(np.ones((2, 2))), np.ones((2, 2)))


def test_a_copy_of_an_array_is_deep(x):
    for made in (copy.copy(x), copy.deepcopy(x)):
        made[0] = 9
    assert host(x)[0, 0] == 1
