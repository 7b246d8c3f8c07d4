"""What a captured step reads and changes has to stay where it lies: what is done to it between the
calls is seen, or refused."""
from __future__ import annotations

import numpy as np
import pytest

import minigan as mg
from minigan import nn, optim

AFTER = "moved, converted or given other data since the step was captured.*capture the step again"


@pytest.fixture(autouse=True)
def device(strict):
    mg.use("strict")


class Training:
    """A small network with all that has a state; `step(x)` is a step."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.net = nn.Sequential(nn.Dense(3, 4, rng=rng), nn.BatchNorm(4), nn.Tanh(),
                                 nn.Dense(4, 1, rng=rng))
        self.optimizer = optim.Adam(self.net.parameters(), 0.01)
        self.average = optim.EMA(self.net)

    def loss(self, x):
        return (self.net(x) ** 2).mean()

    def step(self, x):
        self.optimizer.zero_grad()
        loss = self.loss(x)
        loss.backward()
        self.optimizer.step()
        self.average.update()
        return loss.detach()

    def numbers(self):
        return {**self.net.state_dict(), **{f"average {name}": x for name, x
                                           in self.average.module.state_dict().items()}}


def batches(n):
    rng = np.random.default_rng(1)
    return [mg.tensor(rng.normal(size=(6, 3)).astype(np.float32)) for _ in range(n)]


def replaced(training):
    for p in training.net.parameters():
        p.data = p.data * 0.5


def scaled(training):
    for p in training.net.parameters():
        p.data[...] = p.data * 0.5


def moved(training):
    training.net.to("numpy").to("strict")


def converted(training):
    training.net.astype("float64").astype("float32")


def shared(training):
    optim.Adam(training.net.parameters())


def loaded(training):
    training.net.load_state_dict({name: x + 1 for name, x in training.net.state_dict().items()})
    state = training.optimizer.state_dict()
    training.optimizer.load_state_dict({**state, "lr": 0.1, "m": state["m"] + 1})


def stepped(training):
    training.step(batches(1)[0])


def cleared(training):
    training.optimizer.zero_grad()


def slower(training):
    training.optimizer.lr = 0.001


def run(between, at, captured, n=9):
    """Losses and numbers of n steps, with something done before the one of index `at`."""
    training, losses = Training(), []
    step = mg.capture(training.step) if captured else training.step
    for i, x in enumerate(batches(n)):
        if i == at:
            between(training)
        losses.append(step(x).item())
    return losses, training.numbers(), step


def assert_same(between, at):
    (losses, numbers, _), (again, captured, step) = (run(between, at, c) for c in (False, True))
    assert again == losses and step.replay is not None
    for name, x in numbers.items():
        np.testing.assert_array_equal(captured[name], x, err_msg=name)


@pytest.mark.parametrize("at", [1, 2, 3, 5])
@pytest.mark.parametrize("between", [scaled, loaded, stepped, cleared, slower])
def test_what_is_changed_in_place_between_the_calls_is_seen_by_the_next(between, at):
    assert_same(between, at)


@pytest.mark.parametrize("at", [1, 2])
@pytest.mark.parametrize("between", [replaced, moved, converted, shared])
def test_parameters_that_are_replaced_before_the_recording_put_it_off(between, at):
    assert_same(between, at)


@pytest.mark.parametrize("at", [3, 5])
@pytest.mark.parametrize("between", [replaced, moved, converted, shared])
def test_parameters_that_are_replaced_after_the_recording_are_refused(between, at):
    with pytest.raises(mg.CaptureError, match=AFTER):
        run(between, at, captured=True)


def test_so_are_those_that_are_only_read_and_running_statistics():
    training = Training()
    training.net.eval()
    frozen = mg.capture(lambda x: training.net(x).detach())
    x, = batches(1)
    for _ in range(4):
        frozen(x)
    mean = training.net[1].running_mean
    mean.data[...] = mean.data + 1
    np.testing.assert_array_equal(frozen(x).numpy(), training.net(x).numpy())
    mean.data = mean.data + 1
    with pytest.raises(mg.CaptureError, match=r"a tensor of shape \(4,\) was moved"):
        frozen(x)


def test_a_step_that_replaces_its_own_arrays_each_time_is_given_up():
    w = mg.tensor([1.0, 2.0])

    def step(x):
        w.data = w.data * 2
        return w * x

    captured = mg.capture(step)
    with pytest.raises(mg.CaptureError, match=r"shape \(2,\) another array each time: .* in place"):
        for _ in range(10):
            captured(mg.tensor([1.0, 1.0]))
    assert w.numpy().tolist() == [2.0 ** 5, 2.0 ** 6]  # five steps, and none of them wrong


def test_a_pending_backward_is_refused_after_a_replay_as_after_a_step():
    training, xs = Training(), batches(5)
    captured = mg.capture(training.step)
    for x in xs[:4]:
        captured(x)
    pending = training.loss(xs[0])
    captured(xs[4])
    with pytest.raises(RuntimeError, match="was changed since|it was changed"):
        pending.backward()


def test_a_pending_backward_that_reads_an_overwritten_result_is_refused():
    w = mg.tensor([1.0, 2.0], requires_grad=True)
    captured = mg.capture(lambda x: {"twice": [(x * 2,)]})
    for k in range(4):
        result = captured(mg.tensor([1.0, float(k)]))
    pending = (result["twice"][0][0] * w).sum()
    captured(mg.tensor([5.0, 5.0]))
    with pytest.raises(RuntimeError, match="it was changed since"):
        pending.backward()


def accumulating(clear, captured):
    """Gradients of two batches for each update; `clear` says where they are forgotten."""
    training, losses = Training(), []

    def micro(x):
        if clear == "within":
            training.optimizer.zero_grad()
        loss = training.loss(x)
        loss.backward()
        return loss.detach()

    step = mg.capture(micro) if captured else micro
    for i, x in enumerate(batches(8)):
        losses.append(step(x).item())
        if i % 2:
            training.optimizer.step()
            if clear == "outside":
                training.optimizer.zero_grad()
    return losses


@pytest.mark.parametrize("clear", ["outside", "nowhere"])
def test_gradients_that_grow_over_several_calls_are_refused(clear):
    accumulating(clear, captured=False)
    with pytest.raises(mg.CaptureError, match=r"call zero_grad\(\) inside the step|Call zero_grad"):
        accumulating(clear, captured=True)


def test_gradients_of_a_captured_step_can_be_used_by_an_optimiser_outside_of_it():
    assert accumulating("within", captured=True) == accumulating("within", captured=False)


def test_gradients_that_the_step_forgets_at_its_end_are_fine():
    def losses(captured):
        training = Training()

        def step(x):
            for part in (x[:3], x[3:]):  # and those of several batches in one step
                loss = training.loss(part)
                loss.backward()
            training.optimizer.step()
            training.optimizer.zero_grad()
            return loss.detach()

        make = mg.capture(step) if captured else step
        return [make(x).item() for x in batches(6)]

    assert losses(True) == losses(False)


def test_two_captured_steps_may_share_an_optimiser():
    def losses(captured):
        training = Training()

        def other(x):
            training.optimizer.zero_grad()
            loss = ((training.net(x) - 1) ** 2).mean()
            loss.backward()
            training.optimizer.step()
            return loss.detach()

        steps = [mg.capture(s) if captured else s for s in (training.step, other)]
        return [steps[i % 2](x).item() for i, x in enumerate(batches(12))]

    assert losses(True) == losses(False)


@pytest.mark.parametrize("error", [ValueError, RuntimeError, KeyboardInterrupt])
def test_after_an_error_while_it_is_recorded_everything_is_where_it_was(error):
    training, xs, calls = Training(), batches(8), []

    def step(x):
        calls.append(1)
        loss = training.step(x)
        if len(calls) == 3:
            optim.SGD(training.net.parameters(), 0.1)  # moves them
            raise error("of the user's own")
        return loss

    captured = mg.capture(step)
    captured(xs[0])
    captured(xs[1])
    before = [(p.data, p.grad) for p in training.net.parameters()]
    with pytest.raises(error, match="own"):
        captured(xs[2])
    assert all(p.data is data and p.grad is grad
               for p, (data, grad) in zip(training.net.parameters(), before))
    for x in xs[3:]:
        captured(x)
    assert captured.replay is not None and len(calls) == 4


def test_after_a_replay_the_gradients_are_those_of_its_step():
    eager, other = Training(), Training()
    captured = mg.capture(other.step)
    for i, x in enumerate(batches(6)):
        eager.step(x)
        captured(x)
        for own, expected in zip(other.net.parameters(), eager.net.parameters()):
            np.testing.assert_array_equal(own.grad.numpy(), expected.grad.numpy(), err_msg=str(i))
        other.optimizer.zero_grad()  # somebody forgets them between the steps
