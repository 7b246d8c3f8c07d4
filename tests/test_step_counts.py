"""Steps are counted for each parameter: one that joins late has its own bias correction."""
from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigan as mg
from minigan import backend, nn, optim
from minigan.backend import asarray
from tests.test_optim import adam, adamw, gradients, parameters, rmsprop, set_grads, sgd

RULES = {"Adam": (optim.Adam, adam, {"lr": 0.1, "betas": (0.5, 0.999), "weight_decay": 0.1}),
         "AdamW": (optim.AdamW, adamw, {"lr": 0.1, "betas": (0.9, 0.99), "weight_decay": 0.1}),
         "RMSprop": (optim.RMSprop, rmsprop, {"lr": 0.1}),
         "SGD": (optim.SGD, sgd, {"lr": 0.1, "momentum": 0.9})}
each_rule = pytest.mark.parametrize("name", RULES)
SHAPES = [(3, 5), (), (7,), (2, 3)]
PATTERNS = st.lists(st.tuples(*[st.booleans()] * len(SHAPES)), min_size=1, max_size=6)


def give(params, step, pattern):
    """Gradients to those parameters of which the pattern says so."""
    grads = [g if there else None for g, there in zip(gradients(step, SHAPES), pattern)]
    set_grads(params, grads)
    return grads


def run(optimizer, params, patterns, start=0):
    for step, pattern in enumerate(patterns, start):
        give(params, step, pattern)
        optimizer.step()


def late(kind=optim.Adam):
    """A parameter that has its first gradient when the other has stepped four times."""
    early, joining = [nn.Parameter(asarray(np.zeros(2))) for _ in range(2)]
    optimizer = kind([early, joining], lr=0.25)
    for step in range(5):
        early.grad = mg.tensor(np.ones(2))
        joining.grad = mg.tensor(np.array([3.0, -1e-3])) if step == 4 else None
        optimizer.step()
    return joining, optimizer


@pytest.mark.parametrize("kind", [optim.Adam, optim.AdamW])
def test_the_first_step_of_a_parameter_that_joins_late_is_the_learning_rate(kind):
    joining, optimizer = late(kind)
    np.testing.assert_allclose(joining.numpy(), [-0.25, 0.25], rtol=2e-5)
    assert optimizer.steps == 5 and optimizer.state_dict()["steps"] == [5, 1]


@each_rule
@given(patterns=PATTERNS)
def test_each_parameter_steps_as_if_it_were_alone(name, patterns):
    kind, rule, settings = RULES[name]
    params = parameters(shapes=SHAPES)
    expected, states, steps = [p.numpy() for p in params], [{} for _ in params], [0] * len(params)
    optimizer = kind(params, **settings)
    for step, pattern in enumerate(patterns):
        for i, g in enumerate(give(params, step, pattern)):
            if g is not None:
                steps[i] += 1
                expected[i] = rule(expected[i], g, states[i], steps[i], **settings)
        optimizer.step()
    for p, e in zip(params, expected):
        np.testing.assert_allclose(p.numpy(), e, rtol=1e-11, atol=1e-13)
    saved = optimizer.state_dict()["steps"]
    assert saved == (steps if len(set(steps)) > 1 else steps[0])
    assert optimizer.steps == max(steps)


@each_rule
def test_it_is_what_pytorch_does(name):
    torch = pytest.importorskip("torch", reason="compares with PyTorch where it is installed")
    kind, _, settings = RULES[name]
    params = parameters(shapes=SHAPES)
    theirs = [torch.tensor(p.numpy(), requires_grad=True) for p in params]
    ours, reference = kind(params, **settings), getattr(torch.optim, name)(theirs, **settings)
    for step, pattern in enumerate([(1, 1, 0, 1), (1, 0, 0, 1), (1, 1, 1, 0), (0, 1, 1, 1)]):
        for p, g in zip(theirs, give(params, step, pattern)):
            p.grad = None if g is None else torch.tensor(g)
        ours.step()
        reference.step()
    for p, t in zip(params, theirs):
        np.testing.assert_allclose(p.numpy(), t.detach().numpy(), rtol=1e-11, atol=1e-13)


# Gaps, over many steps

def torch_sgd(p, g, s, lr, momentum=0, weight_decay=0, nesterov=False):
    """torch.optim.SGD's documented algorithm, dampening 0: b is g in the parameter's first step."""
    g = g + weight_decay * p
    s["b"] = momentum * s["b"] + g if "b" in s else g
    return p - lr * (g + momentum * s["b"] if nesterov else s["b"])


def torch_rmsprop(p, g, s, lr, alpha=0.99, eps=1e-8, weight_decay=0):
    """torch.optim.RMSprop's, not centered and without momentum."""
    g = g + weight_decay * p
    s["v"] = alpha * s.get("v", 0) + (1 - alpha) * g * g
    return p - lr * g / (np.sqrt(s["v"]) + eps)


def counting(rule):
    """A rule that is told the parameter's own step."""
    def counted(p, g, s, **settings):
        s["t"] = s.get("t", 0) + 1
        return rule(p, g, s, s["t"], **settings)

    return counted


@pytest.mark.parametrize("kind, rule, settings", [
    (optim.Adam, counting(adam), {"lr": 0.02, "betas": (0.5, 0.99), "weight_decay": 0.1}),
    (optim.AdamW, counting(adamw), {"lr": 0.02, "betas": (0.9, 0.99), "weight_decay": 0.1}),
    (optim.SGD, torch_sgd, {"lr": 0.02, "momentum": 0.9}),
    (optim.SGD, torch_sgd, {"lr": 0.02, "momentum": 0.9, "weight_decay": 0.1, "nesterov": True}),
    (optim.RMSprop, torch_rmsprop, {"lr": 0.02, "alpha": 0.9}),
    (optim.RMSprop, torch_rmsprop, {"lr": 0.02, "weight_decay": 0.1})],
    ids=["adam", "adamw", "momentum", "nesterov", "rmsprop", "rmsprop that decays"])
@pytest.mark.parametrize("seed", range(2))
def test_fifty_steps_with_gaps_are_pytorchs(kind, rule, settings, seed):
    """Parameters are frozen, left out of the loss, or join it in the middle: they stay where they
    are, and so does what the optimiser knows of them. One that is frozen before the gradients are
    forgotten has its last one, and moves by it once more."""
    rng, params = np.random.default_rng(seed), parameters(shapes=SHAPES)
    expected, states = [p.numpy() for p in params], [{} for _ in params]
    targets = [rng.normal(size=p.shape) for p in params]
    left = [None] * len(params)  # the gradients
    optimizer = kind(params, **settings)
    for step in range(50):
        if rng.random() < 0.8:
            optimizer.zero_grad()
            left = [None] * len(params)
        frozen, used = rng.random((2, len(params))) < [[0.2], [0.7]]
        used[3] = step >= 20
        for p, fixed in zip(params, frozen):
            p.requires_grad = not fixed
        terms = [((p - mg.tensor(t)) ** 2).sum() for p, t, u in zip(params, targets, used) if u]
        loss = sum(terms, mg.tensor(np.float64(0)))
        if loss.requires_grad:
            loss.backward()
        for i in np.flatnonzero(used & ~frozen):
            left[i] = 2 * (expected[i] - targets[i]) + (0 if left[i] is None else left[i])
        optimizer.step()
        for i, g in enumerate(left):
            if g is not None:
                expected[i] = rule(expected[i], g, states[i], **settings)
        for p, e in zip(params, expected):
            np.testing.assert_allclose(p.numpy(), e, rtol=1e-11, atol=1e-13)


# State

@each_rule
@given(before=PATTERNS, after=PATTERNS)
def test_training_goes_on_from_a_state_that_went_through_json(name, before, after):
    kind, _, settings = RULES[name]
    params = parameters(shapes=SHAPES)
    optimizer = kind(params, **settings)
    run(optimizer, params, before)
    state, values = optimizer.state_dict(), [p.numpy() for p in params]
    state["steps"] = json.loads(json.dumps(state["steps"]))
    resumed = [nn.Parameter(asarray(value)) for value in values]
    other = kind(resumed, **settings)
    run(other, resumed, [(True, False, True, False)])  # whatever it has counted is forgotten
    for p, value in zip(resumed, values):
        p.data = asarray(value)
    other.load_state_dict(state)
    for continued, its in ((optimizer, params), (other, resumed)):
        run(continued, its, after, start=len(before))
    for p, q in zip(params, resumed):
        np.testing.assert_array_equal(p.numpy(), q.numpy())
    assert optimizer.state_dict()["steps"] == other.state_dict()["steps"]


def test_one_number_of_steps_is_that_of_all_parameters():
    params = parameters(shapes=SHAPES)
    optimizer = optim.Adam(params)
    run(optimizer, params, [(True, False, True, False)])
    state = {**optimizer.state_dict(), "steps": 3}  # as older checkpoints have it
    optimizer.load_state_dict(state)
    assert optimizer.steps == optimizer.state_dict()["steps"] == 3


def test_steps_of_another_number_of_parameters_are_refused():
    optimizer = optim.Adam(parameters(shapes=SHAPES))
    with pytest.raises(ValueError, match="the steps of this state are 2, .* to be 4"):
        optimizer.load_state_dict({**optimizer.state_dict(), "steps": [1, 2]})


def test_counts_go_along_to_another_device_and_back(restored_backends, strict):
    mg.use("numpy")
    params, stay = parameters(shapes=SHAPES), parameters(shapes=SHAPES)
    optimizer, other = optim.Adam(params, lr=0.1), optim.Adam(stay, lr=0.1)
    patterns = [(True, False, True, True), (True, True, True, False), (False, True, True, True)]
    for step, (device, pattern) in enumerate(zip(["numpy", "strict", "numpy"], patterns)):
        for p in params:
            p.data = backend.to_device(p.data, device)
        give(stay, step, pattern)
        other.step()
        mg.use(device)
        give(params, step, pattern)
        optimizer.step()
        mg.use("numpy")
    for p, q in zip(params, stay):
        np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-12)
    assert optimizer.state_dict()["steps"] == other.state_dict()["steps"] == [2, 2, 3, 2]


# Captured steps

class Halves:
    """Two parameters, of which the second has a gradient in some steps only."""

    def __init__(self):
        self.w, self.v = [mg.tensor(np.array([1.0, 2.0]), requires_grad=True) for _ in range(2)]
        self.optimizer = optim.Adam([self.w, self.v], lr=0.1)

    def step(self, x, both=False):
        self.optimizer.zero_grad()
        loss = (self.w * self.w * x).sum() + ((self.v * self.v * x).sum() if both else 0)
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    def numbers(self):
        return [*self.w.numpy(), *self.v.numpy(), self.optimizer.state_dict()["steps"]]


def halves(captured, both_at, n=9, load_at=None):
    game = Halves()
    step, losses = (mg.capture(game.step) if captured else game.step), []
    for i in range(n):
        if i == load_at:
            game.optimizer.load_state_dict({**game.optimizer.state_dict(), "steps": [4, 1]})
        x = mg.tensor(np.array([1.0, 0.5 + i]))
        losses.append((game.step(x, both=True) if i == both_at else step(x)).item())
    return losses, game.numbers()


def test_a_captured_step_counts_those_that_step(strict):
    mg.use("strict")
    assert halves(True, both_at=None) == halves(False, both_at=None)


@pytest.mark.parametrize("at", [0, 1, 2, 5])
def test_a_step_of_all_between_captured_ones_of_some_is_counted(at, strict):
    mg.use("strict")
    assert halves(True, both_at=at) == halves(False, both_at=at)


@pytest.mark.parametrize("at", [1, 5])
def test_counts_that_are_loaded_between_captured_steps_are_gone_on_from(at, strict):
    mg.use("strict")
    assert halves(True, None, load_at=at) == halves(False, None, load_at=at)


def test_a_captured_step_that_counts_together_what_differs_by_now_is_recorded_anew(strict):
    mg.use("strict")

    def numbers(captured):
        game, x = Halves(), mg.tensor(np.ones(2))
        step = partial(game.step, both=True)
        step = mg.capture(step) if captured else step
        for _ in range(4):
            step(x)
        game.step(x)  # the first alone
        for _ in range(4):
            step(x)
        return game.numbers()

    assert numbers(True) == numbers(False)


def test_a_step_in_which_fewer_move_for_the_first_time_cannot_be_recorded(strict):
    mg.use("strict")
    game, both = Halves(), iter([True, True, False])
    captured, x = mg.capture(lambda x: game.step(x, both=next(both))), mg.tensor(np.ones(2))
    captured(x)
    captured(x)
    before = game.numbers()
    with pytest.raises(mg.CaptureError, match="cannot be captured"):
        captured(x)
    assert game.numbers() == before
