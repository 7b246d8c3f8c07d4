"""What goes with an optimiser: clipping, schedules, and the average of the weights."""
from __future__ import annotations

import math

import numpy as np
import pytest

import minigan as mg
from minigan import nn, optim
from minigan.backend import asarray


def with_grads(*grads, dtype=np.float64):
    params = [nn.Parameter(asarray(np.zeros(np.shape(g), dtype))) for g in grads]
    for p, g in zip(params, grads):
        p.grad = mg.tensor(np.asarray(g, dtype))
    return params


# Clipping

def test_the_joint_norm_of_all_gradients_is_limited_and_their_direction_kept():
    params = with_grads([3.0, 0.0], [[4.0]])
    norm = optim.clip_grad_norm(params, 1.0)
    assert norm.item() == 5
    np.testing.assert_allclose(params[0].grad.numpy(), [0.6, 0], rtol=1e-6)
    np.testing.assert_allclose(params[1].grad.numpy(), [[0.8]], rtol=1e-6)


def test_a_norm_within_the_limit_changes_nothing():
    params = with_grads([3.0, 4.0], 0.0)
    assert optim.clip_grad_norm(params, 6.0).item() == 5
    assert params[0].grad.numpy().tolist() == [3, 4]


def test_gradients_of_zero_stay_zero():
    params = with_grads([0.0, 0.0])
    assert optim.clip_grad_norm(params, 1.0).item() == 0
    assert params[0].grad.numpy().tolist() == [0, 0]


def test_gradients_of_half_precision_whose_squares_overflow_are_clipped_and_not_lost():
    p = nn.Parameter(asarray(np.zeros(4, np.float16)))
    p.grad = mg.tensor(asarray(np.full(4, 300, np.float16)))
    assert optim.clip_grad_norm([p], 1.0).item() == 600
    assert p.grad.dtype == np.float16 and p.grad.numpy().tolist() == [0.5] * 4


def test_clipping_the_norm_skips_parameters_without_a_gradient_but_needs_one():
    params = with_grads([30.0])
    bare = nn.Parameter(asarray(np.ones(2)))
    optim.clip_grad_norm([bare, *params], 3.0)
    assert bare.grad is None
    np.testing.assert_allclose(params[0].grad.numpy(), [3.0], rtol=1e-6)
    with pytest.raises(ValueError, match=r"no parameter has a gradient: call backward\(\) first"):
        optim.clip_grad_norm([bare], 3.0)


def test_every_element_is_limited_to_the_value():
    params = with_grads([-3.0, 0.5, 3.0], [[2.0]])
    bare = nn.Parameter(asarray(np.ones(2)))
    optim.clip_grad_value([*params, bare], 1.0)
    assert params[0].grad.numpy().tolist() == [-1, 0.5, 1]
    assert params[1].grad.numpy().tolist() == [[1]]
    assert bare.grad is None


@pytest.mark.parametrize("clip", [optim.clip_grad_norm, optim.clip_grad_value])
def test_clipping_takes_a_modules_parameters_and_keeps_the_dtype(clip):
    net = nn.Dense(3, 2)
    net(mg.tensor(np.full((4, 3), 100, np.float32))).sum().backward()
    clip(net.parameters(), 0.5)
    for p in net.parameters():
        assert p.grad.dtype == np.float32 and np.abs(p.grad.numpy()).max() <= 0.5
        assert not p.grad.requires_grad


# Schedules

@pytest.mark.parametrize("factor, expected", [
    (optim.step_decay(2, 0.1), [1, 1, 0.1, 0.1, 0.01, 0.01]),
    (optim.exponential_decay(0.5), [1, 0.5, 0.25, 0.125, 0.0625, 0.03125]),
    (optim.linear_decay(4), [1, 0.75, 0.5, 0.25, 0, 0]),
    (optim.cosine_decay(4), [1, (1 + math.sqrt(0.5)) / 2, 0.5, (1 - math.sqrt(0.5)) / 2, 0, 0]),
    (optim.warmup(4), [0.25, 0.5, 0.75, 1, 1, 1]),
    (optim.warmup(2, optim.linear_decay(4)), [0.5, 1, 1, 0.75, 0.5, 0.25])])
def test_a_schedule_multiplies_the_first_learning_rate_by_its_factor(factor, expected):
    optimizer = optim.SGD([nn.Parameter(asarray(np.ones(1)))], lr=8.0)
    schedule = optim.Schedule(optimizer, factor)
    rates = []
    for _ in expected:
        rates.append(optimizer.lr)
        optimizer.step()
        schedule.step()
    np.testing.assert_allclose(rates, 8 * np.array(expected), atol=1e-12)


def test_a_schedule_goes_on_from_its_saved_state():
    optimizer = optim.SGD([nn.Parameter(asarray(np.ones(1)))], lr=8.0)
    schedule = optim.Schedule(optimizer, optim.exponential_decay(0.5))
    schedule.step()
    schedule.step()
    saved = schedule.state_dict()
    assert saved == {"initial_lr": 8.0, "steps": 2}
    other = optim.SGD([nn.Parameter(asarray(np.ones(1)))], lr=1.0)
    resumed = optim.Schedule(other, optim.exponential_decay(0.5))
    resumed.load_state_dict(saved)
    assert other.lr == 2
    resumed.step()
    assert other.lr == 1


# The average of the weights

def moved(net, step):
    """Give the network's state new values, as a step of training would."""
    rng = np.random.default_rng(step)
    for _, t in net.named_state():
        t.data = asarray(rng.normal(size=t.shape).astype(t.dtype))


def test_the_average_starts_at_the_weights_and_moves_far_at_first_then_by_one_minus_decay():
    net = nn.Sequential(nn.Dense(3, 5), nn.Dense(5, 2)).astype(np.float64)
    average = optim.EMA(net, decay=0.2)
    expected = [p.numpy() for p in net.parameters()]
    for p, e in zip(average.module.parameters(), expected):
        np.testing.assert_array_equal(p.numpy(), e)
    for step, rate in enumerate([9 / 11, 0.8, 0.8]):  # 9 / 12 and less are below 1 - 0.2
        moved(net, step)
        average.update()
        expected = [(1 - rate) * e + rate * p.numpy() for e, p in zip(expected, net.parameters())]
    for p, e in zip(average.module.parameters(), expected):
        np.testing.assert_allclose(p.numpy(), e, rtol=1e-12)


def test_running_statistics_are_averaged_as_the_weights_are():
    """Those of the last batches do not fit the average weights."""
    net = nn.Sequential(nn.Dense(3, 4), nn.BatchNorm(4)).astype(np.float64)
    average = optim.EMA(net, decay=0.5)
    before = net.state_dict()
    moved(net, 0)
    average.update()
    for name, array in average.module.state_dict().items():
        expected = (2 * before[name] + 9 * net.state_dict()[name]) / 11
        np.testing.assert_allclose(array, expected, rtol=1e-12)


class Counting(nn.Dense):
    """With a count, in float64, beside its weights in float32."""

    def __init__(self):
        super().__init__(2, 1)
        self.seen = mg.tensor(np.array(0.0))


def test_what_is_of_another_dtype_than_the_weights_is_copied():
    net = Counting()
    average = optim.EMA(net, decay=0.5)
    x = mg.tensor(np.array(1.0), requires_grad=True)
    pending = x * average.module.seen
    net.seen.data += 7
    average.update()
    assert average.module.seen.item() == 7 and average.module.seen.data is not net.seen.data
    with pytest.raises(RuntimeError, match="changed since"):
        pending.backward()


def test_updating_the_average_leaves_the_original_alone():
    net = nn.Dense(3, 2)
    average = optim.EMA(net, decay=0.5)
    moved(net, 0)
    before = net.state_dict()
    average.update()
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_the_average_follows_an_optimiser_and_survives_saving():
    net = nn.Dense(2, 1)
    optimizer, average = optim.SGD(net.parameters(), lr=0.1), optim.EMA(net, decay=0.5)
    start = net.state_dict()
    net(mg.tensor(np.ones((1, 2), np.float32))).sum().backward()
    optimizer.step()
    average.module.load_state_dict(average.module.state_dict())
    average.update()
    for name, array in average.module.state_dict().items():
        np.testing.assert_allclose(array, start[name] - 0.1 * 9 / 11, rtol=1e-5)


def test_a_pending_backward_through_the_average_notices_its_update():
    net = nn.Dense(2, 1)
    average = optim.EMA(net, decay=0.5)
    x = mg.tensor([[1.0, 1.0]], requires_grad=True)
    loss = average.module(x).sum()
    average.update()
    with pytest.raises(RuntimeError, match="changed since"):
        loss.backward()
