"""Steps replayed on the CPU: what they share with eager steps, and where they are given up."""
from __future__ import annotations

import tracemalloc
import warnings

import numpy as np
import pytest

import minigan as mg
from minigan import nn, optim
from minigan.backend.cpu import threads
from minigan.data import Loader
from minigan.gan import GAN, SYSTEMS, Players, Trainer, train_step
from minigan.gan.penalties import PENALTIES, clip_weights
from minigan.gan.update import RULES
from minigan.observer import Observer, observing
from minigan.optim import EMA, Schedule, step_decay


class Training:
    """A small network with all that has a state; `step(x)` is a step."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.net = nn.Sequential(nn.Dense(3, 8, rng=rng), nn.BatchNorm(8), nn.LeakyReLU(),
                                 nn.Dense(8, 1, rng=rng))
        self.optimizer, self.scale, self.calls = optim.Adam(self.net.parameters(), 0.01), 1.0, 0
        self.average = EMA(self.net)

    def step(self, x):
        self.calls += 1
        self.optimizer.zero_grad()
        loss = (self.net(x) ** 2).mean() * self.scale
        loss.backward()
        self.optimizer.step()
        clip_weights(2.0)(self.net)  # parts of an array that the optimiser writes to as a whole
        self.average.update()
        return loss.detach()

    def bits(self):
        arrays = {**self.net.state_dict(), **self.average.module.state_dict()}
        return [x.tobytes() for x in (*arrays.values(), *self.optimizer.state.values())] + [
            self.optimizer.steps, self.average.updates]


def batches(count, rows=6):
    rng = np.random.default_rng(1)
    return [mg.tensor(rng.normal(size=(rows, 3)).astype(np.float32)) for _ in range(count)]


def pair(between=lambda i, training: None, count=12, make=Training):
    """An eager training and a captured one, after so many steps with the same between them."""
    trainings = make(), make()
    captured = mg.capture(trainings[1].step)
    for i, x in enumerate(batches(count)):
        for training, step in zip(trainings, (trainings[0].step, captured)):
            between(i, training)
            step(x)
        assert trainings[0].bits() == trainings[1].bits(), i
    return *trainings, captured


def test_a_replay_has_the_bits_of_a_step_and_runs_none_of_its_python():
    _, training, captured = pair()
    assert training.calls == 4  # two to warm up, one recorded, one beside the first replay
    assert captured.replay is not None


@pytest.mark.parametrize("between", [
    lambda i, t: setattr(t.optimizer, "lr", 0.01 / (i + 1)),
    lambda i, t: t.optimizer.zero_grad(),
    lambda i, t: t.net[0].weight.data.__imul__(0.9)])
def test_what_a_replay_reads_anew_is_changed_without_recording_it_again(between):
    _, _, captured = pair(between)
    assert captured.recorded == 1


def at(step, change):
    return lambda i, training: change(training) if i == step else None


@pytest.mark.parametrize("change", [
    lambda t: setattr(t, "scale", 3.0),
    lambda t: t.net.eval(),
    lambda t: setattr(t.net[0].weight, "requires_grad", False),
    lambda t: setattr(t.optimizer, "weight_decay", 0.1),
    lambda t: setattr(t.optimizer, "betas", (0.9, 0.99)),
    lambda t: t.net[1].__setattr__("momentum", 0.5),
    lambda t: setattr(t.net[0].weight, "data", t.net[0].weight.data * 0.5),
    lambda t: optim.Adam(t.net.parameters()),
    lambda t: t.net.layers.append(nn.Tanh())])
def test_what_python_decided_is_looked_at_and_the_step_recorded_anew(change):
    _, _, captured = pair(at(7, change), 14)
    assert captured.recorded == 2 and captured.replay is not None


def test_a_step_that_becomes_another_one_again_and_again_is_made_as_it_is():
    _, _, captured = pair(lambda i, t: setattr(t, "scale", 1.0 + i // 5), 50)
    assert captured.given_up


def test_a_batch_of_another_size_is_made_as_it_is():
    eager, training = Training(), Training()
    captured = mg.capture(training.step)
    for i, x in enumerate(batches(12)):
        x = x[:4] if i in (6, 9) else x
        eager.step(x)
        captured(x)
    assert eager.bits() == training.bits() and captured.recorded == 1


def test_who_observes_sees_a_step():
    training = Training()
    captured = mg.capture(training.step)
    for x in batches(6):
        captured(x)
    calls = training.calls
    with observing(Observer()):
        captured(batches(1)[0])
    captured(batches(1)[0])
    assert training.calls == calls + 1
    with pytest.raises(mg.AnomalyError, match="Dense|Affine|matmul"), mg.anomaly():
        captured(mg.tensor(np.full((6, 3), np.nan, np.float32)))


def test_results_are_their_callers_to_keep_and_inputs_stay_inputs():
    captured = mg.capture(lambda x: (x * 2, x))
    xs = [mg.tensor([float(k)]) for k in range(7)]
    kept = [captured(x) for x in xs]
    assert [y.item() for y, _ in kept] == [0, 2, 4, 6, 8, 10, 12]
    assert all(own.data is x.data for (_, own), x in zip(kept, xs))


def test_a_schedule_within_the_step_moves_on():
    class Scheduled(Training):
        def __init__(self):
            super().__init__()
            self.schedule = Schedule(self.optimizer, step_decay(3, 0.5))

        def step(self, x):
            loss = super().step(x)
            self.schedule.step()
            return loss

    eager, training, _ = pair(make=Scheduled)
    assert training.schedule.steps == eager.schedule.steps == 12
    assert training.optimizer.lr == eager.optimizer.lr < 0.01


def test_errors_of_floats_are_handled_as_within_the_step():
    def step(x):
        with np.errstate(divide="ignore"):
            return 1 / x

    captured = mg.capture(step)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [captured(mg.tensor([0.0])).item() for _ in range(6)] == [np.inf] * 6
    captured = mg.capture(lambda x: 1 / x)
    for _ in range(6):
        with pytest.warns(RuntimeWarning, match="divide by zero"):
            captured(mg.tensor([0.0]))


# Refusals

def refusal(step, x=(1.0, 2.0)):
    """What is said of a step that is refused, in the call that records it."""
    captured = mg.capture(step)
    with pytest.raises(mg.CaptureError, match="cannot be captured") as error:
        for _ in range(3):
            captured(mg.tensor(list(x)))
    assert captured.calls == 2 and "test_cpu_replay.py" in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("read", [
    lambda x: x.sum().item(), lambda x: float(x.sum()), lambda x: bool((x > 0).all().data),
    lambda x: x.numpy(), lambda x: np.asarray(x.data), lambda x: x.data.tolist(),
    lambda x: f"{x.sum().data:.2f}", lambda x: np.allclose(x.data, 0)])
def test_a_number_that_is_read_is_refused(read):
    assert "a number" in refusal(lambda x: (read(x), x)[1])


@pytest.mark.parametrize("other", [
    lambda: mg.tensor([1.0, 2.0]), lambda: np.random.default_rng().normal(size=2),
    lambda: mg.Tensor(np.ones(2)).data])
def test_an_array_that_came_from_nowhere_is_refused(other):
    assert "would be the same in all replays" in refusal(lambda x: x * mg.Tensor(other()) if (
        isinstance(other(), np.ndarray)) else x * other())


def test_masks_and_memory_laid_out_anew_are_refused():
    assert "how many elements a mask chooses" in refusal(lambda x: x[x > 0])
    w = mg.tensor([1.0, 1.0], requires_grad=True)
    optim.SGD([w], 0.1)
    assert "laid out in memory anew" in refusal(lambda x: optim.SGD([w], 0.1) and x)


def test_an_array_that_somebody_keeps_is_refused():
    kept = []
    assert "keeps an array of shape (2,)" in refusal(lambda x: kept.append(x * 2) or x * 3)


@pytest.mark.parametrize("error", [None, ValueError, KeyboardInterrupt])
def test_after_a_refusal_or_an_error_all_is_as_it_was_and_goes_on(error):
    eager, training, late = Training(), Training(), []

    def step(x):
        loss = training.step(x)
        late.append(1)
        if len(late) == 3:
            if error is not None:
                raise error("of the user's own")
            loss.item()
        return loss

    captured = mg.capture(step)
    for i, x in enumerate(batches(9)):
        before = training.bits()
        if i == 2:
            with pytest.raises(error or mg.CaptureError):
                captured(x)
            assert training.bits() == before
        eager.step(x)
        captured(x)
        assert training.bits() == eager.bits()


# Planted errors: the first replay is compared with the step

def given_up(step, *, count=8):
    """Eager and captured results of a step that is not what was recorded."""
    captured, results = mg.capture(step), []
    with pytest.warns(UserWarning, match="the step is not captured, and made as it is each time"):
        for k in range(count):
            results.append(captured(mg.tensor([float(k), 1.0])).numpy().tolist())
    assert captured.given_up
    return results


def test_a_step_that_python_changes_from_call_to_call_is_given_up_and_right():
    calls = []

    def step(x):
        calls.append(1)
        return x * len(calls)

    assert given_up(step) == [[k * (k + 1.0), k + 1.0] for k in range(8)]


def optimistic(wrap):
    """Steps that are given the gradient of the step before (Daskalakis et al. 2018)."""
    p = mg.tensor(np.float32([0.5, 0.25]), requires_grad=True)

    def step(last):
        p.grad = None
        ((p - 1) ** 2).sum().backward()
        p.data[...] -= np.float32(0.1) * (2 * p.grad.data - last.data)
        return (p * p).sum()

    taken, last = wrap(step), mg.tensor(np.zeros(2, np.float32))
    for _ in range(7):
        yield taken(last).item()
        last = p.grad


def test_the_gradient_of_the_step_before_may_be_an_input():
    assert list(optimistic(mg.capture)) == list(optimistic(lambda step: step))


@pytest.mark.parametrize("cleared", [False, True])
def test_an_error_in_the_fourth_call_leaves_the_gradients_as_they_were(cleared):
    p, calls = mg.tensor(np.float32([1, 2]), requires_grad=True), []

    def step(x):
        calls.append(None)
        if len(calls) == 4:
            raise ArithmeticError
        p.grad = None
        (p * x).sum().backward()
        return (p * p).sum()

    captured = mg.capture(step)
    for i in range(3):
        captured(mg.tensor(np.float32([i, i])))
    if cleared:
        p.grad = None
    with pytest.raises(ArithmeticError):
        captured(mg.tensor(np.float32([9, 9])))
    assert p.grad is None if cleared else p.grad.tolist() == [2, 2]


def test_a_count_that_a_step_returns_is_no_constant():
    counts = []

    def step(x):
        counts.append(None)
        return x.sum(), len(counts)

    captured = mg.capture(step)
    with pytest.warns(UserWarning, match="beside Tensors"):
        got = [captured(x)[1] for x in batches(6)]
    assert got == [1, 2, 3, 4, 5, 6]


def test_what_is_computed_out_of_sight_is_given_up_and_right():
    state = np.zeros(2)

    def step(x):
        state[...] += 1
        return x + float(state[0])

    assert given_up(step) == [[k + k + 1.0, 1.0 + k + 1] for k in range(8)]


@pytest.mark.parametrize("plant", ["lifetime", "entry", "scalar"])
def test_an_error_in_the_recorder_is_caught_by_the_first_replay(plant, monkeypatch):
    from minigan import backend
    from minigan.backend.cpu.recording import calls, plan
    from minigan.backend.cpu.recording.recorder import Recorder
    if plant == "lifetime":
        original = plan.Plan._laid_out

        def shorter(self):
            self.last = [min(last, first + 1) for first, last in zip(self.first, self.last)]
            return original(self)
        monkeypatch.setattr(plan.Plan, "_laid_out", shorter)
    elif plant == "entry":
        original = calls.Calls._call
        monkeypatch.setattr(calls.Calls, "_call", lambda self, entry: (
            int if entry.name == "add" else original(self, entry)))
    else:
        monkeypatch.setattr(Recorder, "each_time", lambda self, do, state: do())
    trainings = Training(), Training()
    captured = mg.capture(trainings[1].step)
    with pytest.warns(UserWarning, match="a replay differs from the step in"):
        for x in batches(8):
            trainings[0].step(x)
            captured(x)
    assert backend.current().name == "numpy" and trainings[0].bits() == trainings[1].bits()


# Memory and threads

def test_a_replay_takes_no_more_memory_than_a_step():
    rng = np.random.default_rng(0)
    g, d = SYSTEMS["mlp-small"].networks(shape=(28, 28, 1), rng=rng)
    optimizers = optim.Adam(g.parameters()), optim.Adam(d.parameters())
    real = mg.tensor(rng.random((64, 28, 28, 1), np.float32))
    z = mg.tensor(rng.standard_normal((64, 100), np.float32))

    def step(real, z):
        return train_step(g, d, *optimizers, real, z)

    def peak(step):
        """Of a call, above what is there before and stays there."""
        step(real, z)
        tracemalloc.start()
        try:
            result = step(real, z)
            return result and tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    eager, captured = peak(step), mg.capture(step)
    for _ in range(2):
        captured(real, z)
    compared = peak(captured)  # the fourth call
    state = sum(array.nbytes for array in captured.replay.changes)  # is kept once, not twice
    assert compared < eager + 1.4 * state
    grads = sum(t.grad.data.nbytes for t in (*g.parameters(), *d.parameters()))
    assert peak(captured) + captured.replay.memory.nbytes <= eager + grads / 2


@pytest.mark.parametrize("name", ["mlp-small", "digits-dcgan"])
def test_the_number_of_threads_changes_no_bit_of_a_replay(name, monkeypatch):
    from minigan.backend import thresholds
    for limit in ("SHARED_PASS", "SHARED_PRODUCT", "SHARED_CONVOLUTION", "NORM_LARGE"):
        monkeypatch.setattr(thresholds, limit, 1)
    for kind, block in (("PASS", 500), ("NORM", 500), ("PATCH", 5_000)):
        monkeypatch.setattr(thresholds, f"{kind}_BLOCK", block)

    def train(n):
        monkeypatch.setenv("MINIGAN_NUM_THREADS", str(n))
        threads._forget_pool()
        rng = np.random.default_rng(0)
        networks = SYSTEMS[name].networks(shape=(8, 8, 1), rng=rng)
        adams = [optim.Adam(network.parameters()) for network in networks]
        captured = mg.capture(lambda real, z: train_step(*networks, *adams, real, z))
        for _ in range(7):
            captured(mg.tensor(rng.random((6, 8, 8, 1), np.float32)),
                     mg.tensor(rng.standard_normal((6, networks[0].latent), np.float32)))
        assert captured.replay is not None
        return [x.tobytes() for network in networks for x in network.state_dict().values()]

    try:
        alone = train(1)
        assert train(2) == alone and train(3) == alone
    finally:
        threads._forget_pool()


# Games

@pytest.mark.parametrize("rule", RULES)
def test_every_rule_replays_with_the_same_bits(rule):
    def train(captured):
        rng = np.random.default_rng(0)
        g = nn.Sequential(nn.Dense(2, 8, rng=rng), nn.BatchNorm(8), nn.ReLU(),
                          nn.Dense(8, 2, rng=rng))
        d = nn.Sequential(nn.Dense(2, 8, rng=rng), nn.LeakyReLU(), nn.Dense(8, 1, rng=rng))
        game = GAN(g, d, penalties=[PENALTIES["r1"](1.0)])
        players = Players(game, optim.Adam(d.parameters()), optim.SGD(g.parameters(), 0.1, 0.5),
                          max_norm=1.0)
        draws = mg.Draws(np.random.default_rng(1))

        def step(real, z):
            return RULES[rule](players, [(real,)], [(z,)], draws)

        make = mg.capture(step, draws) if captured else step
        for _ in range(8):
            make(*[mg.tensor(rng.standard_normal((4, 2), np.float32)) for _ in range(2)])
        assert not captured or make.replay is not None
        return [x.tobytes() for x in game.state_dict().values()]

    assert train(True) == train(False)


def trainer(**options):
    rng = np.random.default_rng(0)
    g = nn.Sequential(nn.Dense(2, 8, rng=rng), nn.ReLU(), nn.Dense(8, 2, rng=rng))
    d = nn.Sequential(nn.Dense(2, 8, rng=rng), nn.LeakyReLU(), nn.Dense(8, 1, rng=rng))
    points = rng.normal(size=(50, 2)).astype(np.float32)
    return Trainer(GAN(g, d), Loader(points, batch_size=8, drop_last=False), **options)


def test_a_trainer_replays_and_is_changed_while_it_runs():
    def change(trainer, result):
        if trainer.step == 9:
            trainer.players.max_norm = 0.1
        if trainer.step == 14:
            trainer.game.penalties = (PENALTIES["r1"](1.0),)

    eager, replayed = trainer(callbacks=[change]), trainer(callbacks=[change])
    eager.captured = eager._step
    for t in (eager, replayed):
        t.run(12)
        t.run(20)
    assert replayed.captured.recorded == 3 and replayed.captured.replay is not None
    for key, x in eager.game.state_dict().items():
        assert x.tobytes() == replayed.game.state_dict()[key].tobytes()


def test_a_list_of_kernels_is_given_on_the_cpu():
    training = Training()
    captured = mg.capture(training.step)
    with pytest.raises(mg.CaptureError, match="from its third call on"):
        captured.kernels()
    for x in batches(3):
        captured(x)
    rows = captured.kernels()
    names = [row.name for row in rows]
    assert names.count("update") == 2 and "matmul" in names
    product = rows[names.index("matmul")]
    assert product.reads == [(6, 3), (3, 8)] and product.writes == [(6, 8)]
    assert product.bytes == 4 * (6 * 3 + 3 * 8 + 6 * 8) and len(product.buffers) == 1
