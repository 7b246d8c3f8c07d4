"""Training on the device: NumPy's numbers, replayed steps that equal eager ones, and memory that
does not grow."""
from __future__ import annotations

import gc

import numpy as np
import pytest
from strict import StrictArray

import minigan as mg
from minigan.gan import SYSTEMS, train_step

BATCH, SHAPE = 8, (8, 8, 1)
SMALL = {"mlp": {"width": 16}, "mlp-keras": {"width": 16}}
each_system = pytest.mark.parametrize("name", SYSTEMS)


class Game:
    """A system in training on the default backend; `nudge` moves each weight by so many parts."""

    def __init__(self, name, dtype, nudge=0):
        self.system, self.dtype, self.rng = SYSTEMS[name], dtype, np.random.default_rng(0)
        self.networks = self.system.build(shape=SHAPE, rng=self.rng, **SMALL.get(name, {}))
        signs = np.random.default_rng(1)
        for network in self.networks:
            network.astype(dtype).load_state_dict({
                key: x * (1 + nudge * signs.choice([-1, 1], x.shape)).astype(x.dtype)
                for key, x in network.state_dict().items()})
        self.optimizers = [mg.optim.Adam(n.parameters(), self.system.lr) for n in self.networks]
        self.average = mg.optim.EMA(self.networks[0])

    def batch(self):
        real = mg.tensor(self.rng.random((BATCH, *SHAPE)).astype(self.dtype))
        return real, self.system.noise(BATCH, self.networks[0].latent, self.rng).astype(self.dtype)

    def step(self, real, z):
        result = train_step(*self.networks, *self.optimizers, real, z)
        self.average.update()
        return result

    def losses(self, steps, captured=False):
        """Both losses of every step, (steps, 2)."""
        step = mg.capture(self.step) if captured else self.step
        results = (step(*self.batch()) for _ in range(steps))
        return np.array([(r.d_loss.item(), r.g_loss.item()) for r in results])

    def weights(self):
        return {f"{i}.{key}": x for i, network in enumerate([*self.networks, self.average.module])
                for key, x in network.state_dict().items()}


def apart(a, b):
    """The largest difference, in parts of the larger number of the two, or of 1."""
    return np.max(abs(a - b) / np.maximum(np.maximum(abs(a), abs(b)), 1))


@each_system
def test_training_in_float64_equals_numpys(name, device):
    steps = device.steps(50, 2)
    here = Game(name, np.float64)
    expected = here.losses(steps)
    device.use()
    there = Game(name, np.float64)
    # 1e-7: fifty steps enlarge a rounding of 2e-16 by a factor of at most a million
    assert apart(there.losses(steps), expected) < 1e-7
    for key, x in here.weights().items():
        assert apart(there.weights()[key], x) < 1e-7, key


@each_system
def test_training_in_float32_is_as_near_to_numpys_as_rounding_lets_it_be(name, device):
    """Adam makes a whole step of a gradient that is nothing but rounding (that of a bias before
    BatchNorm), so the deep systems drift apart from a single unit in the last place on. How far
    is measured: NumPy against NumPy with every weight moved by one unit. The device may be ten
    times as far from NumPy, or 1e-5."""
    steps, unit = device.steps(50, 2), np.finfo(np.float32).eps
    expected = Game(name, np.float32).losses(steps)
    drift = np.max([apart(Game(name, np.float32, nudge=n * unit).losses(steps), expected)
                    for n in (-1, 1)])
    device.use()
    assert apart(Game(name, np.float32).losses(steps), expected) < max(10 * drift, 1e-5)


@each_system
def test_a_replayed_step_equals_an_eager_one(name, device):
    """On CuPy the products of a captured step are made by another route into cuBLAS, which may
    add in another order; the stand-in's are the same bits."""
    device.use()
    steps = device.steps(20, 4)
    eager, captured = Game(name, np.float64), Game(name, np.float64)
    expected, losses = eager.losses(steps), captured.losses(steps, captured=True)
    tolerance = 1e-7 if device.is_gpu else 0
    assert apart(losses, expected) <= tolerance
    for key, x in eager.weights().items():
        assert apart(captured.weights()[key], x) <= tolerance, key
    assert captured.optimizers[0].steps == captured.average.updates == steps


def test_a_captured_step_follows_a_changed_learning_rate(device):
    device.use()
    games = [Game("mlp-small", np.float64) for _ in range(2)]
    for game, step in zip(games, (games[0].step, mg.capture(games[1].step))):
        for i in range(6):
            game.optimizers[0].lr = 1e-3 / (i + 1)
            step(*game.batch())
    for key, x in games[0].weights().items():
        assert apart(games[1].weights()[key], x) <= (1e-9 if device.is_gpu else 0), key


def bytes_in_use(device):
    """Of the device's memory, by arrays that live."""
    if device.is_gpu:
        import cupy

        cupy.cuda.get_current_stream().synchronize()
        return cupy.get_default_memory_pool().used_bytes()
    owners = {id(o._host): o._host for o in gc.get_objects()
              if type(o) is StrictArray and o._host.base is None}
    return sum(host.nbytes for host in owners.values())


@pytest.mark.parametrize("captured", [False, True])
@pytest.mark.parametrize("name", ["mlp-small", "digits-dcgan"])
def test_memory_is_flat_over_a_thousand_steps(name, captured, device):
    device.use()
    game = Game(name, np.float32)
    step = mg.capture(game.step) if captured else game.step
    batches = [game.batch() for _ in range(3)]
    gc.collect()
    gc.disable()  # memory goes back by itself, when the graph goes
    try:
        in_use = []
        for i in range(device.steps(1000, 12)):
            step(*batches[i % 3])
            if i + 1 in (device.steps(10, 6), device.steps(1000, 12)):
                in_use.append(bytes_in_use(device))
    finally:
        gc.enable()
    assert in_use[1] == in_use[0] > 0
