"""The optimisers against naive loops over parameters, written from the papers."""
from __future__ import annotations

import math

import numpy as np
import pytest

import minigan as mg
from minigan import backend, nn, optim
from minigan.backend import array_module, asarray, thresholds

SHAPES = [(3, 5), (), (7,), (1,), (2, 3, 4), (0, 2), (17,)]  # 65 elements in blocks of 8


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Parameters cross the borders of the blocks, and blocks hold several parameters."""
    monkeypatch.setattr(thresholds, "PASS_BLOCK", 8)


def parameters(dtype=np.float64, shapes=SHAPES):
    rng = np.random.default_rng(0)
    return [nn.Parameter(asarray(rng.normal(size=shape).astype(dtype))) for shape in shapes]


def gradients(step, shapes=SHAPES):
    rng = np.random.default_rng(100 + step)
    return [rng.normal(size=shape) for shape in shapes]


def set_grads(params, grads):
    for p, g in zip(params, grads):
        p.grad = None if g is None else mg.tensor(np.asarray(g, p.dtype))


def run(optimizer, params, steps=range(5)):
    for step in steps:
        set_grads(params, gradients(step, [p.shape for p in params]))
        optimizer.step()


# Each takes a parameter, its gradient, its own state and the number of the step, from 1 on.

def sgd(p, g, s, t, lr, momentum=0, weight_decay=0, nesterov=False):
    g = g + weight_decay * p
    s["b"] = momentum * s.get("b", 0) + g
    return p - lr * (g + momentum * s["b"] if nesterov else s["b"])


def adam(p, g, s, t, lr=2e-4, betas=(0.5, 0.999), eps=1e-8, weight_decay=0):
    g = g + weight_decay * p
    s["m"] = betas[0] * s.get("m", 0) + (1 - betas[0]) * g
    s["v"] = betas[1] * s.get("v", 0) + (1 - betas[1]) * g ** 2
    m, v = s["m"] / (1 - betas[0] ** t), s["v"] / (1 - betas[1] ** t)
    return p - lr * m / (np.sqrt(v) + eps)


def adamw(p, g, s, t, lr=2e-4, weight_decay=0, **settings):
    return adam(p * (1 - lr * weight_decay), g, s, t, lr, **settings)


def rmsprop(p, g, s, t, lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0):
    g = g + weight_decay * p
    s["v"] = alpha * s.get("v", 0) + (1 - alpha) * g ** 2
    return p - lr * g / (np.sqrt(s["v"]) + eps)


RULES = [
    (optim.SGD, sgd, {"lr": 0.1}),
    (optim.SGD, sgd, {"lr": 0.1, "weight_decay": 0.3}),
    (optim.SGD, sgd, {"lr": 0.1, "momentum": 0.9}),
    (optim.SGD, sgd, {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.3, "nesterov": True}),
    (optim.Adam, adam, {}),
    (optim.Adam, adam, {"lr": 0.1, "betas": (0.9, 0.99), "eps": 1e-3, "weight_decay": 0.3}),
    (optim.AdamW, adamw, {"lr": 0.1}),
    (optim.AdamW, adamw, {"lr": 0.1, "betas": (0.9, 0.99), "weight_decay": 0.3}),
    (optim.RMSprop, rmsprop, {}),
    (optim.RMSprop, rmsprop, {"lr": 0.1, "alpha": 0.9, "eps": 1e-3, "weight_decay": 0.3}),
]
each_rule = pytest.mark.parametrize(
    "kind, rule, settings", RULES, ids=[f"{k.__name__} {' '.join(s)}" for k, _, s in RULES])
KINDS = {"SGD": lambda p: optim.SGD(p, lr=0.1, momentum=0.9),
         "Adam": lambda p: optim.Adam(p, lr=0.1),
         "AdamW": lambda p: optim.AdamW(p, lr=0.1, weight_decay=0.1),
         "RMSprop": lambda p: optim.RMSprop(p, lr=0.1)}
each_kind = pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)


@each_rule
def test_five_steps_equal_a_naive_loop(kind, rule, settings):
    params = parameters()
    expected, states = [p.numpy() for p in params], [{} for _ in params]
    optimizer = kind(params, **settings)
    for step in range(5):
        grads = gradients(step)
        set_grads(params, grads)
        optimizer.step()
        expected = [rule(p, g, s, step + 1, **settings)
                    for p, g, s in zip(expected, grads, states)]
    for p, e in zip(params, expected):
        np.testing.assert_allclose(p.numpy(), e, rtol=1e-12, atol=1e-14)


@each_rule
def test_five_steps_equal_pytorchs(kind, rule, settings):
    torch = pytest.importorskip("torch", reason="compares with PyTorch where it is installed")
    params = parameters()
    theirs = [torch.tensor(p.numpy(), requires_grad=True) for p in params]
    if kind is optim.Adam or kind is optim.AdamW:  # PyTorch's defaults are others
        settings = {"lr": 2e-4, "betas": (0.5, 0.999), "weight_decay": 0, **settings}
    reference = getattr(torch.optim, kind.__name__)(theirs, **settings)
    run(kind(params, **settings), params)
    for step in range(5):
        for p, g in zip(theirs, gradients(step)):
            p.grad = torch.tensor(g)
        reference.step()
    for p, t in zip(params, theirs):
        np.testing.assert_allclose(p.numpy(), t.detach().numpy(), rtol=1e-12, atol=1e-14)


@each_kind
def test_float32_parameters_stay_float32_and_near_the_float64_ones(make):
    single, double = parameters(np.float32), parameters()
    run(make(single), single)
    run(make(double), double)
    for p, q in zip(single, double):
        assert p.dtype == np.float32
        np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-4, atol=1e-5)


@each_kind
def test_a_parameter_without_a_gradient_stays_with_its_state_as_it_is(make):
    params = parameters()
    optimizer = make(params)
    run(optimizer, params, [0])
    before, state = [p.numpy() for p in params], optimizer.state_dict()
    grads = gradients(1)
    skipped = (0, 2, 3, 6)
    set_grads(params, [None if i in skipped else g for i, g in enumerate(grads)])
    optimizer.step()
    starts = np.cumsum([0, *[p.size for p in params]])
    for i, p in enumerate(params):
        where = slice(starts[i], starts[i + 1])
        assert np.array_equal(p.numpy(), before[i]) == (i in skipped or p.size == 0)
        for name in optimizer.state_names:
            assert (np.array_equal(optimizer.state_dict()[name][where], state[name][where])
                    == (i in skipped or p.size == 0))


@each_kind
def test_a_step_without_any_gradient_changes_nothing(make):
    params = parameters()
    before = [p.numpy() for p in params]
    make(params).step()
    for p, b in zip(params, before):
        np.testing.assert_array_equal(p.numpy(), b)


@each_kind
def test_a_step_leaves_the_gradients_alone_and_zero_grad_forgets_them(make):
    params = parameters()
    optimizer = make(params)
    run(optimizer, params, [0])
    for p, g in zip(params, gradients(0)):
        np.testing.assert_array_equal(p.grad.numpy(), g)
    optimizer.zero_grad()
    assert all(p.grad is None for p in params)


# Parameters that others move

@each_kind
def test_data_assigned_after_construction_is_what_is_updated(make):
    params, moved = parameters(), parameters()
    optimizer, other = make(params), make(moved)
    run(optimizer, params, [0])
    run(other, moved, [0])
    for p in moved:
        p.data = p.data.copy()
    run(optimizer, params, [1, 2])
    run(other, moved, [1, 2])
    for p, q in zip(params, moved):
        np.testing.assert_array_equal(p.numpy(), q.numpy())


def test_new_values_count():
    p = nn.Parameter(asarray(np.array([1.0, 2.0])))
    optimizer = optim.SGD([p], lr=1)
    p.data = asarray(np.array([10.0, 20.0]))
    p.grad = mg.tensor(np.array([1.0, 2.0]))
    optimizer.step()
    assert p.numpy().tolist() == [9, 18]


def test_parameters_stay_views_of_one_array_from_step_to_step():
    params = parameters()
    optimizer = optim.Adam(params)
    run(optimizer, params, [0])
    array = optimizer.flat.array
    run(optimizer, params, [1])
    assert optimizer.flat.array is array
    assert all(array_module(array).shares_memory(p.data.reshape(-1), array)
               for p in params if p.size)


@each_kind
def test_two_optimisers_that_share_parameters_take_turns_rightly(make):
    params = parameters()
    twins = [nn.Parameter(asarray(p.numpy())) for p in params]
    first, second = make(params), make(params[2:])
    alone, after = make(twins), make(twins[2:])
    for step in range(3):
        set_grads(params, gradients(step))
        first.step()
        second.step()
        set_grads(twins, gradients(step))
        alone.step()
        for p in twins:  # so that nothing is shared but the values
            p.data = p.data.copy()
        after.step()
    for p, q in zip(params, twins):
        np.testing.assert_array_equal(p.numpy(), q.numpy())


@each_kind
def test_conversion_to_float64_after_construction_takes_the_state_along(make):
    net = nn.Sequential(nn.Dense(3, 4), nn.Dense(4, 2))
    optimizer = make(net.parameters())
    params = list(net.parameters())
    run(optimizer, params, [0])
    state = optimizer.state_dict()
    net.astype(np.float64)
    set_grads(params, [np.zeros(p.shape) for p in params])
    optimizer.step()
    assert all(p.dtype == np.float64 for p in params)
    for name in optimizer.state_names:
        assert optimizer.state[name].dtype == np.float64
        decay = backend.to_numpy(optimizer.state[name]) / state[name]
        np.testing.assert_allclose(decay, decay[0], rtol=1e-6)  # all went on, none began anew


@each_kind
def test_training_lowers_a_loss(make):
    w = mg.tensor([3.0, -2.0], requires_grad=True)
    optimizer = make([w])
    for _ in range(200):
        optimizer.zero_grad()
        (w * w).sum().backward()
        optimizer.step()
    assert np.abs(w.numpy()).max() < 0.2


# State

@each_kind
def test_training_goes_on_from_a_saved_state_to_the_last_bit(make):
    params = parameters(np.float32)
    optimizer = make(params)
    run(optimizer, params, [0, 1, 2])
    optimizer.lr = 0.05
    saved, values = optimizer.state_dict(), [p.numpy() for p in params]
    run(optimizer, params, [3, 4])

    resumed = [nn.Parameter(asarray(value)) for value in values]
    other = make(resumed)
    other.load_state_dict(saved)
    run(other, resumed, [3, 4])
    for p, q in zip(params, resumed):
        np.testing.assert_array_equal(p.numpy(), q.numpy())
    assert other.steps == 5 and other.lr == 0.05


@each_kind
def test_a_saved_state_is_a_copy_of_numbers_and_numpy_arrays(make):
    params = parameters()
    optimizer = make(params)
    run(optimizer, params, [0])
    saved = optimizer.state_dict()
    assert set(saved) == {"steps", "lr", *optimizer.state_names} and saved["steps"] == 1
    for name in optimizer.state_names:
        assert type(saved[name]) is np.ndarray and saved[name].shape == (65,)
        saved[name][:] = 99
        assert not (backend.to_numpy(optimizer.state[name]) == 99).any()


def test_the_state_of_another_optimiser_is_refused():
    params = parameters()
    adam = optim.Adam(params)
    keys = r"does not fit Adam: missing \['m', 'v'\], unknown \['momentum_buffer'\]"
    with pytest.raises(KeyError, match=keys):
        adam.load_state_dict(optim.SGD(params, lr=1).state_dict())
    with pytest.raises(ValueError, match=r"state 'm' is \(15,\) .*, Adam's is \(65,\)"):
        adam.load_state_dict(optim.Adam(params[:1]).state_dict())
    assert adam.steps == 0


# What is refused

@pytest.mark.parametrize("params, error, message", [
    (lambda p: [], TypeError, "at least one parameter"),
    (lambda p: [np.ones(3)], TypeError, "expected at least one parameter"),
    (lambda p: [p, p], ValueError, "listed twice"),
    (lambda p: [p * 2], ValueError, r"shape \(2,\) was computed from others; only leaves"),
    (lambda p: [p, nn.Parameter(asarray(np.ones(2)))], ValueError,
     r"one dtype on one device, not float32 on (\w+), float64 on \1$")])
def test_what_cannot_be_optimised_is_refused(params, error, message):
    with pytest.raises(error, match=message):
        optim.Adam(params(nn.Parameter(asarray(np.ones(2, np.float32)))))


@pytest.mark.parametrize("settings", [{"lr": -1}, {"lr": 1, "weight_decay": -1}, {"lr": "1"},
                                      {"lr": float("inf")}, {"lr": None}])
def test_negative_rates_are_refused(settings):
    with pytest.raises((TypeError, ValueError), match="SGD: .* is a number of at least 0, not"):
        optim.SGD(parameters(), **settings)


def test_nesterov_without_momentum_is_refused():
    with pytest.raises(ValueError, match="nesterov is a way to use momentum"):
        optim.SGD(parameters(), lr=1, nesterov=True)


@pytest.mark.parametrize("shape", [(3, 2), (6,), (), (1, 3)])
def test_a_gradient_of_another_shape_moves_nothing(shape):
    p = nn.Parameter(asarray(np.ones((2, 3))))
    optimizer, p.grad = optim.Adam([p]), mg.tensor(np.ones(shape))
    with pytest.raises(ValueError, match=r"of shape \(2, 3\) has a gradient of shape \("):
        optimizer.step()
    assert (p.numpy() == 1).all() and optimizer.steps == 0


def test_an_optimiser_of_ones_own_is_a_rule():
    class Sign(optim.Optimizer):
        def rule(self, p, g):
            p -= self.lr * array_module(g).sign(g)

    p = nn.Parameter(asarray(np.array([1.0, 2.0])))
    p.grad = mg.tensor(np.array([5.0, -5.0]))
    Sign([p], lr=0.5).step()
    assert p.numpy().tolist() == [0.5, 2.5]
    with pytest.raises(NotImplementedError, match="Optimizer has no update rule"):
        optim.Optimizer([p], lr=1).step()


def test_the_first_step_of_adam_is_the_learning_rate_against_the_gradients_sign():
    p = nn.Parameter(asarray(np.zeros(3)))
    p.grad = mg.tensor(np.array([1e-3, -5.0, 1e3]))
    optim.Adam([p], lr=0.25).step()
    np.testing.assert_allclose(p.numpy(), [-0.25, 0.25, -0.25], rtol=1e-4)
    assert math.isclose(optim.Adam([p]).lr, 2e-4) and optim.Adam([p]).betas == (0.5, 0.999)
