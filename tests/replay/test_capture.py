"""Captured steps: on NumPy a list of calls; on the stand-in a tape, as a GPU's graph."""
from __future__ import annotations

import numpy as np
import pytest

import minigan as mg
from minigan import nn, optim
from minigan.data import Loader
from minigan.gan import GAN, SYSTEMS, Trainer, train_step
from minigan.optim import EMA, Schedule, step_decay
from tests.strict import counted

OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, 0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "Adam": lambda p: optim.Adam(p, 0.01, weight_decay=0.01),
    "AdamW": lambda p: optim.AdamW(p, 0.01, weight_decay=0.1),
    "RMSprop": lambda p: optim.RMSprop(p, 0.01),
}


def regression(make, captured, steps=8):
    """A small network with all that has a state, trained step by step; its state and losses."""
    rng = np.random.default_rng(0)
    net = nn.Sequential(nn.Dense(3, 8, rng=rng), nn.BatchNorm(8), nn.LeakyReLU(),
                        nn.SpectralNorm(nn.Dense(8, 8, rng=rng), rng=rng), nn.Tanh(),
                        nn.Dense(8, 1, rng=rng))
    optimizer, average = make(net.parameters()), EMA(net)
    schedule = Schedule(optimizer, step_decay(3, 0.5))

    def step(x, y):
        optimizer.zero_grad()
        loss = mg.losses.mse(net(x), y)
        loss.backward()
        optim.clip_grad_norm(net.parameters(), 1.0)
        optimizer.step()
        average.update()
        return loss.detach()

    run, losses = mg.capture(step) if captured else step, []
    for _ in range(steps):
        x = rng.normal(size=(6, 3)).astype(np.float32)
        losses.append(run(mg.tensor(x), mg.tensor(x.sum(axis=1, keepdims=True))).item())
        schedule.step()
    return losses, {**net.state_dict(), **{f"average {name}": x for name, x
                                           in average.module.state_dict().items()}}, optimizer


@pytest.mark.parametrize("backend", ["numpy", "strict"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_captured_step_equals_the_step(name, backend, strict):
    mg.use(backend)
    expected, state, optimizer = regression(OPTIMIZERS[name], captured=False)
    losses, captured_state, captured_optimizer = regression(OPTIMIZERS[name], captured=True)
    np.testing.assert_array_equal(losses, expected)
    for key, x in state.items():
        np.testing.assert_array_equal(captured_state[key], x, err_msg=key)
    assert optimizer.steps == captured_optimizer.steps == 8
    for key, x in optimizer.state_dict().items():
        np.testing.assert_array_equal(captured_optimizer.state_dict()[key], x)


@pytest.mark.parametrize("backend, made", [("numpy", 4), ("strict", 3)])
def test_a_replay_runs_no_python(backend, made, strict):
    mg.use(backend)
    calls = []

    def step(x):
        calls.append(1)
        return x * 2

    captured = mg.capture(step)
    results = [captured(mg.tensor([float(k)])).numpy()[0] for k in range(6)]
    # two to warm up, one recorded, and on the CPU one beside the first replay
    assert results == [0, 2, 4, 6, 8, 10] and len(calls) == made


def test_the_result_is_overwritten_by_the_next_call(strict):
    mg.use("strict")
    captured = mg.capture(lambda x: x * 2)
    kept = [captured(mg.tensor([float(k)])) for k in range(5)]
    assert kept[2] is kept[3] is kept[4] and kept[2].item() == 8 and kept[1].item() == 2


def failing(step, inputs, strict):
    mg.use("strict")
    captured = mg.capture(step)
    with pytest.raises(mg.CaptureError) as error:
        for x in inputs:
            captured(mg.tensor(x))
    message = str(error.value)
    assert "\n" not in message
    return message


def test_a_number_read_within_the_step_is_refused_with_its_place(strict):
    message = failing(lambda x: x * 2 if x.sum().item() > 0 else x, [[1.0]] * 3, strict)
    assert "cannot be captured: synchronisation" in message and "test_capture.py" in message


def test_a_copy_from_the_host_is_refused_with_its_place(strict):
    rng = np.random.default_rng(0)
    message = failing(lambda x: x + mg.tensor(rng.normal(size=1)), [[1.0]] * 3, strict)
    assert "cannot be captured: upload" in message and "test_capture.py" in message
    dropout = nn.Dropout(0.5, rng=rng)
    assert "nn/layers.py" in failing(lambda x: dropout(x), [[1.0]] * 3, strict)


def test_inputs_of_another_shape_or_dtype_are_refused(strict):
    message = failing(lambda x: x * 2, [[1.0]] * 4 + [[1.0, 2.0]], strict)
    assert "captured with inputs of (((1,), 'float32', 'strict'),)" in message
    assert "called with (((2,)," in message
    mg.use("strict")
    captured = mg.capture(lambda x: x * 2)
    for _ in range(3):
        captured(mg.tensor([1.0]))
    with pytest.raises(mg.CaptureError, match="float64"):
        captured(mg.tensor(np.ones(1)))


def test_what_is_no_tensor_is_refused():
    with pytest.raises(TypeError, match="input 1 is a ndarray, which would stay as it is"):
        mg.capture(lambda x, y: x)(mg.tensor(1.0), np.ones(2))


@pytest.mark.filterwarnings("error:the step is not captured")
@pytest.mark.parametrize("name, backend", [
    *[(name, "strict") for name in ("digits", "mlp-small", "digits-dcgan")],
    *[(name, "numpy") for name in sorted({*SYSTEMS} - {"mlp-keras"})]])  # which is slow
def test_captured_training_equals_the_training_of_each_system(name, backend, strict):
    mg.use(backend)
    side = 28 if name in ("dcgan", "dense-dcgan") else 8  # for which they are made
    images = np.random.default_rng(0).uniform(size=(6, side, side, 1)).astype(np.float32)

    def train(captured):
        system, rng = SYSTEMS[name], np.random.default_rng(1)
        generator, discriminator = system.networks(shape=(side, side, 1), rng=rng)
        g, d = optim.Adam(generator.parameters()), optim.Adam(discriminator.parameters())

        def step(real, z):
            return train_step(generator, discriminator, g, d, real, z)

        run = mg.capture(step) if captured else step
        losses = [run(mg.tensor(images[k:k + 3]), system.noise(3, generator.latent, rng))
                  .g_loss.item() for k in (0, 1, 2, 3, 0, 1, 2, 3)]
        assert not captured or run.replay is not None
        return losses, {**generator.state_dict(), **{
            f"d.{key}": x for key, x in discriminator.state_dict().items()}}

    (expected, state), (losses, captured_state) = train(False), train(True)
    np.testing.assert_array_equal(losses, expected)
    for key, x in state.items():
        np.testing.assert_array_equal(captured_state[key], x)


def trainer(discriminator=lambda d: d):
    """A Trainer of small networks on six images."""
    system = SYSTEMS["mlp-small"]  # without batch norm, whose biases are moved by rounding
    generator, d = system.networks(shape=(8, 8, 1), rng=np.random.default_rng(1))
    images = np.random.default_rng(0).uniform(size=(6, 8, 8, 1)).astype(np.float32)
    return Trainer(GAN(generator, discriminator(d), noise=system.noise),
                   Loader(images, batch_size=3))


def test_the_trainer_replays_its_step_on_a_device(strict):
    host = trainer()
    host.run(6)
    mg.use("strict")
    device = trainer()
    with counted() as counts:
        device.run(6)
    assert device.captured.replay is not None and counts.synchronisations == 0
    for key, x in host.average.module.state_dict().items():
        np.testing.assert_allclose(device.average.module.state_dict()[key], x, rtol=1e-3, atol=1e-5)
    assert device.players.g_optimizer.steps == device.average.updates == 6


def test_counts_that_are_read_or_set_between_replays_go_on(strict):
    mg.use("strict")
    t = trainer()
    for steps in (4, 6, 8):
        t.run(steps)
        assert t.players.g_optimizer.steps == t.average.updates == steps
    t.average.updates = 100
    t.run(10)
    assert t.average.updates == 102 and t.players.g_optimizer.steps == 10


def test_a_resumed_trainer_goes_on_from_the_counts_it_was_saved_with(strict):
    mg.use("strict")
    once, twice = trainer(), trainer()
    once.run(7)
    twice.run(4)
    again = trainer()
    again.load_state_dict(twice.state_dict())
    again.run(7)
    for key, x in once.generator.state_dict().items():
        np.testing.assert_array_equal(again.generator.state_dict()[key], x)


def test_the_trainer_goes_on_without_where_the_step_cannot_be_captured(strict):
    mg.use("strict")

    class Dropped(nn.Module):
        def __init__(self, d):
            self.d, self.rng = d, np.random.default_rng(0)

        def forward(self, x):
            return self.d(x * mg.tensor(self.rng.random(x.shape, np.float32)))

    t = trainer(Dropped)
    with pytest.warns(UserWarning, match="the training step is not captured: .*upload"):
        t.run(5)
    assert t.step == 5


def test_inputs_in_dicts_are_told_apart_by_their_keys(strict):
    mg.use("strict")
    captured = mg.capture(lambda of: of["a"] * 10 + of["b"][0])
    for _ in range(4):
        assert captured({"a": mg.tensor(1.0), "b": [mg.tensor(2.0)]}).item() == 12
    assert captured({"a": mg.tensor(3.0), "b": [mg.tensor(2.0)]}).item() == 32
    with pytest.raises(mg.CaptureError, match="keys in the same order"):  # a step may go by it
        captured({"b": [mg.tensor(2.0)], "a": mg.tensor(3.0)})


def test_a_step_that_goes_by_the_order_of_an_inputs_keys_is_right_for_any():
    captured = mg.capture(lambda of: mg.ops.concatenate([*of.values()], axis=0))
    a, b = mg.tensor([1.0]), mg.tensor([2.0])
    for _ in range(5):
        np.testing.assert_array_equal(captured({"a": a, "b": b}).numpy(), [1, 2])
    np.testing.assert_array_equal(captured({"b": b, "a": a}).numpy(), [2, 1])
