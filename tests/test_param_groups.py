"""Parameter groups: what has a learning rate of its own moves as under an optimiser of its own."""
from __future__ import annotations

import copy
import json
import pickle

import numpy as np
import pytest

import minigan as mg
from minigan import backend, nn, optim
from minigan.backend import asarray
from minigan.errors import UserError
from minigan.gan import GAN, Trainer, models
from tests.test_optim import KINDS, gradients, parameters, set_grads

SHAPES = [(3, 5), (7,), (), (2, 3)]
SETTINGS = {"SGD": {"momentum": 0.9, "nesterov": True}, "Adam": {}, "AdamW": {}, "RMSprop": {}}
BODY, HEAD = {"lr": 0.01, "weight_decay": 0.1}, {"lr": 0.1}


def make(name, dtype=np.float64):
    """Parameters, and an optimiser of two groups, the first of them with two parameters."""
    params, kind = parameters(dtype, SHAPES), getattr(optim, name)
    groups = [{"params": params[:2], **BODY}, {"params": iter(params[2:]), **HEAD}]
    return params, kind(groups, lr=1.0, **SETTINGS[name])


def run(optimizer, params, steps):
    for step in steps:  # with gaps: groups and counts both divide the parameters
        grads = gradients(step, SHAPES)
        set_grads(params, [None if (step + i) % 3 == 0 else g for i, g in enumerate(grads)])
        optimizer.step()


def same(params, others):
    for p, q in zip(params, others, strict=True):
        np.testing.assert_array_equal(p.numpy(), q.numpy())


@pytest.mark.parametrize("name", KINDS)
def test_groups_move_as_under_optimisers_of_their_own_to_the_last_bit(name):
    params, optimizer = make(name)
    others, kind = parameters(shapes=SHAPES), getattr(optim, name)
    body = kind(others[:2], **BODY, **SETTINGS[name])
    head = kind(others[2:], **HEAD, **SETTINGS[name])
    for step in range(6):
        run(optimizer, params, [step])
        grads = gradients(step, SHAPES)
        set_grads(others, [None if (step + i) % 3 == 0 else g for i, g in enumerate(grads)])
        body.step(), head.step()
    same(params, others)


@pytest.mark.parametrize("name", KINDS)
def test_groups_are_pytorchs(name):
    torch = pytest.importorskip("torch", reason="compares with PyTorch where it is installed")
    params, optimizer = make(name)
    theirs = [torch.tensor(p.numpy(), requires_grad=True) for p in params]
    settings = {"betas": (0.5, 0.999)} if "Adam" in name else SETTINGS[name]
    reference = getattr(torch.optim, name)(
        [{"params": theirs[:2], **BODY}, {"params": theirs[2:], **HEAD}], lr=1.0, weight_decay=0,
        **settings)
    for step in range(4):
        for group in (*optimizer.param_groups, *reference.param_groups):
            group["lr"] *= 0.5
        set_grads(params, gradients(step, SHAPES))
        for p, g in zip(theirs, gradients(step, SHAPES)):
            p.grad = torch.tensor(g)
        optimizer.step(), reference.step()
    for p, t in zip(params, theirs):
        np.testing.assert_allclose(p.numpy(), t.detach().numpy(), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("name", KINDS)
def test_an_optimiser_of_groups_goes_on_from_its_state_and_as_a_copy(name):
    params, optimizer = make(name, np.float32)
    run(optimizer, params, range(3))
    optimizer.param_groups[1]["lr"] = 0.05
    copies = [pickle.loads(pickle.dumps((params, optimizer))), copy.deepcopy((params, optimizer))]
    others, other = make(name, np.float32)
    for p, q in zip(others, params):
        p.data = q.data.copy()
    state = optimizer.state_dict()
    assert state["lr"] == json.loads(json.dumps(state["lr"])) == [0.01, 0.05]
    other.load_state_dict(state)
    run(optimizer, params, range(3, 6))
    for its, continued in (*copies, (others, other)):
        run(continued, its, range(3, 6))
        same(params, its)


def test_one_rate_of_all_groups_is_saved_as_a_number_and_read_as_one():
    params = parameters(shapes=SHAPES)
    plain, optimizer = optim.Adam(params, lr=0.5), make("Adam")[1]
    optimizer.lr = 0.25  # of both
    assert optimizer.lr == optimizer.state_dict()["lr"] == 0.25
    optimizer.load_state_dict(plain.state_dict())
    assert [group.lr for group in optimizer.param_groups] == [0.5, 0.5]
    with pytest.raises(ValueError, match="the learning rates of this state are 2, .* to be 1"):
        plain.load_state_dict(make("Adam")[1].state_dict())


def test_a_rate_or_decay_of_groups_that_differ_is_asked_of_them():
    _, optimizer = make("SGD")
    for name in ("lr", "weight_decay"):
        with pytest.raises(ValueError, match=rf"differ in {name}: .*param_groups\[i\]\['{name}'\]"):
            getattr(optimizer, name)


def test_of_a_group_only_what_has_an_effect_can_be_set_and_only_to_what_it_can_be():
    params, optimizer = make("SGD")
    group = optimizer.param_groups[0]
    for name in ("betas", "params", "rate"):
        with pytest.raises(AttributeError, match=f"can be set, not {name}"):
            group[name] = 0
    with pytest.raises(AttributeError, match="append"):
        group["params"].append(params[0])
    for name in ("lr", "weight_decay"):
        with pytest.raises(UserError, match=f"{name} is a number of at least 0, not -1"):
            group[name] = -1
        with pytest.raises(UserError, match=f"{name} is a number of at least 0, not None"):
            setattr(optimizer, name, None)
    assert {name: group[name] for name in BODY} == BODY


def test_schedules_multiply_each_groups_rate_and_go_on_from_their_state():
    rates = []
    _, optimizer = make("Adam")
    schedule = optim.Schedule(optimizer, optim.exponential_decay(0.5))
    for _ in range(2):
        schedule.step()
        rates.append([group.lr for group in optimizer.param_groups])
    np.testing.assert_allclose(rates, [[0.005, 0.05], [0.0025, 0.025]])
    _, other = make("Adam")
    resumed = optim.Schedule(other, optim.exponential_decay(0.5))
    resumed.load_state_dict(json.loads(json.dumps(schedule.state_dict())))
    assert [group.lr for group in other.param_groups] == rates[-1]


def test_a_trainers_schedule_multiplies_each_groups_rate():
    generator, discriminator = models.digits(width=8, latent=4, rng=np.random.default_rng(0))
    first, *rest = discriminator.parameters()
    d_optimizer = optim.Adam([{"params": first, "lr": 1e-3}, {"params": rest}], lr=2e-3)
    seen = []
    trainer = Trainer(
        GAN(generator, discriminator), mg.data.Loader(mg.data.digits()[0][:32], batch_size=16),
        d_optimizer=d_optimizer, schedule=lambda step, steps: 1 - step / steps,
        callbacks=[lambda t, r: seen.append([g.lr for o in t.players.optimizers
                                             for g in o.param_groups])])
    trainer.run(2)
    np.testing.assert_allclose(seen, [[1e-3, 2e-3, 2e-4], [5e-4, 1e-3, 1e-4]])


def test_a_groups_rate_may_be_changed_between_captured_steps(strict):
    mg.use("strict")

    def trained(captured):
        w, v = [mg.tensor(np.array([1.0, 2.0]), requires_grad=True) for _ in range(2)]
        optimizer = optim.Adam([{"params": [w]}, {"params": [v], "lr": 0.5}], lr=0.1)

        def step(x):
            optimizer.zero_grad()
            ((w * w + v * v) * x).sum().backward()
            optimizer.step()
            return w.detach()

        step = mg.capture(step) if captured else step
        for i in range(7):
            optimizer.param_groups[1]["lr"] = 0.5 / (i + 1)
            step(mg.tensor(np.array([1.0, 0.5])))
        return [*w.numpy(), *v.numpy()]

    assert trained(True) == trained(False)


# What is refused, and what is taken

def test_parameters_come_in_any_iterable_and_in_a_group_alone_too():
    net = nn.Sequential(nn.Dense(3, 4), nn.Dense(4, 2))
    for params in (net.parameters(), tuple(net.parameters()), {p: 0 for p in net.parameters()},
                   [{"params": p} for p in net.parameters()]):
        assert [id(p) for p in optim.Adam(params).flat.tensors] == [*map(id, net.parameters())]


@pytest.mark.parametrize("params, error, message", [
    (lambda p: nn.Dense(2, 3), TypeError, r"or module.parameters\(\), not a Dense"),
    (lambda p: nn.Sequential(nn.Dense(2, 3)), TypeError, r"not a Sequential"),
    (lambda p: p, TypeError, "not a Parameter"),
    (lambda p: None, TypeError, "not a NoneType"),
    (lambda p: [{"params": nn.Dense(2, 3)}], TypeError, "not a Dense"),
    (lambda p: [{"params": [p], "eps": 0}], TypeError, r"not \['params', 'eps'\]: for other"),
    (lambda p: [{"lr": 1}], TypeError, r"not \['lr'\]"),
    (lambda p: [{"params": [p]}, p], TypeError, "not Parameter"),
    (lambda p: [{"params": [p]}, {"params": [p]}], ValueError, "listed twice"),
    (lambda p: [{"params": [p], "lr": -1}], ValueError, "lr is a number of at least 0, not -1"),
    (lambda p: [{"params": [p], "lr": None}], ValueError, "lr is a number of .* 0, not None")])
def test_what_is_no_group_is_refused(params, error, message):
    with pytest.raises(error, match=message):
        optim.Adam(params(nn.Parameter(asarray(np.ones(2)))))


def test_clipping_takes_one_parameter_too():
    p = nn.Parameter(asarray(np.zeros(2)))
    p.grad = mg.tensor(np.array([3.0, 4.0]))
    assert optim.clip_grad_norm(p, 1).item() == 5
    np.testing.assert_allclose(backend.to_numpy(p.grad.data), [0.6, 0.8], rtol=1e-6)
    optim.clip_grad_value(p, 0.7)
    np.testing.assert_allclose(p.grad.numpy(), [0.6, 0.7], rtol=1e-6)
