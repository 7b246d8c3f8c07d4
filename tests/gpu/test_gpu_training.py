"""Training on the device: NumPy's numbers, replayed steps that equal eager ones, and memory that
does not grow."""
from __future__ import annotations

import gc

import numpy as np
import pytest

import minigan as mg
from minigan import backend
from minigan.gan import SYSTEMS
from tests.game import Game
from tests.strict import StrictArray

each_system = pytest.mark.parametrize("name", SYSTEMS)


def nudged(game, roundings):
    """The game, with each weight moved by so many parts, up or down."""
    signs = np.random.default_rng(1)
    for network in game.networks:
        network.load_state_dict({
            key: x * (1 + roundings * signs.choice([-1, 1], x.shape)).astype(x.dtype)
            for key, x in network.state_dict().items()})
    return game


def losses(game, steps, captured=False):
    """Both losses of every step, (steps, 2)."""
    step = mg.capture(game.step) if captured else game.step
    results = (step(*game.batch()) for _ in range(steps))
    return np.array([(r.d_loss.item(), r.g_loss.item()) for r in results])


def apart(a, b, axis=None):
    """The largest difference, in parts of the larger number of the two, or of 1."""
    return np.max(abs(a - b) / np.maximum(np.maximum(abs(a), abs(b)), 1), axis)


def drift(name, steps, dtype):
    """How far NumPy is from NumPy by each step if every weight is moved by one rounding."""
    unit, expected = np.finfo(dtype).eps, losses(Game(name, dtype), steps)
    moved = [losses(nudged(Game(name, dtype), n * unit), steps) for n in (-1, 1)]
    return expected, np.maximum.accumulate(np.max([apart(m, expected, axis=1) for m in moved], 0))


@pytest.mark.gpu  # on the stand-in test_device_steps.py does it
@each_system
def test_training_in_float64_equals_numpys(name, device):
    """To 1e-7 in each of fifty steps. `dense-dcgan` is chaotic: from its fifteenth step on NumPy
    is as far from NumPy as two runs are, if the weights are moved by a rounding; so the device may
    be ten times as far from it as that."""
    steps, here = 50, Game(name, np.float64)
    expected, allowed = drift(name, steps, np.float64)
    allowed = np.maximum(10 * allowed, 1e-7)
    losses(here, steps)
    device.use()
    there = Game(name, np.float64)
    found = apart(losses(there, steps), expected, axis=1)
    assert np.all(found <= allowed), (found, allowed)
    found = there.state()
    for key, x in here.state().items():
        assert apart(found[key], x) < allowed[-1], key


@each_system
def test_training_in_float32_is_as_near_to_numpys_as_rounding_lets_it_be(name, device):
    """Adam makes a whole step of a gradient that is nothing but rounding (that of a bias before
    BatchNorm), so the deep systems drift apart from a single unit in the last place on. How far
    is measured: NumPy against NumPy with every weight moved by one unit. The device may be ten
    times as far from NumPy, or 1e-5."""
    steps = device.steps(50, 2)
    expected, allowed = drift(name, steps, np.float32)
    device.use()
    found = apart(losses(Game(name), steps), expected, axis=1)
    assert np.all(found <= np.maximum(10 * allowed, 1e-5)), (found, allowed)


@each_system
def test_a_replayed_step_equals_an_eager_one(name, device):
    """On a GPU the products of a captured step are made by another route into cuBLAS, which may
    add in another order; elsewhere they are the same bits."""
    device.use()
    steps = device.steps(20, 4)
    eager, captured = Game(name, np.float64), Game(name, np.float64)
    expected = losses(eager, steps)
    tolerance = 0 if device.is_cpu else 1e-7
    assert apart(losses(captured, steps, captured=True), expected) <= tolerance
    found = captured.state()
    for key, x in eager.state().items():
        assert apart(found[key], x) <= tolerance, key
    assert captured.optimizers[0].steps == captured.average.updates == steps


def test_a_captured_step_follows_a_changed_learning_rate(device):
    device.use()
    games = [Game("mlp-small", np.float64) for _ in range(2)]
    for game, step in zip(games, (games[0].step, mg.capture(games[1].step))):
        for i in range(6):
            game.optimizers[0].lr = 1e-3 / (i + 1)
            step(*game.batch())
    found = games[1].state()
    for key, x in games[0].state().items():
        assert apart(found[key], x) <= (0 if device.is_cpu else 1e-9), key


def test_a_replay_writes_to_no_memory_but_its_own(device):
    device.use()
    game = Game("mlp-small")
    step, batch = mg.capture(game.step), game.batch()
    for _ in range(3):
        step(*batch)
    if device.is_gpu:
        import cupy

        cupy.get_default_memory_pool().free_all_blocks()  # as CuPy does where memory is short
    # small ones lie wherever there is room: where the step computed, too, if that was let go
    ours = [backend.current().xp.full(128, 7, np.float32) for _ in range(2000)]
    step(*batch)
    assert all((backend.to_numpy(x) == 7).all() for x in ours)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_recorded_product_of_matrices_that_lie_anyhow_is_the_eager_one(dtype, device):
    device.use()
    rng = np.random.default_rng(0)
    a, b = (mg.tensor(rng.normal(size=(8, 8)).astype(dtype)) for _ in range(2))
    views = {"in order": lambda x: x, "transposed": lambda x: x.T, "lines": lambda x: x[::2, :4],
             "columns": lambda x: x[:4, ::2], "both": lambda x: x.T[::2, ::2],
             "reversed": lambda x: x[::-1, ::-1], "thin": lambda x: x[:, :1].T[:, :4]}
    for left, x in views.items():
        for right, y in views.items():
            if x(a).shape[1] == y(b).shape[0]:
                def product(a, b):
                    return x(a) @ y(b)  # noqa: B023 (it is called in this turn)

                captured = mg.capture(product)
                for _ in range(3):
                    found = captured(a, b).numpy()
                near = 0 if device.is_cpu else 100 * np.finfo(dtype).eps
                np.testing.assert_allclose(found, product(a, b).numpy(), rtol=near, atol=near,
                                           err_msg=f"{left} @ {right}")


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
    game = Game(name)
    step = mg.capture(game.step) if captured else game.step
    batches = [game.batch() for _ in range(3)]
    gc.collect()
    gc.disable()  # memory goes back by itself, when the graph goes
    try:
        in_use = []
        for i in range(device.steps(1000, 7)):
            step(*batches[i % 3])
            if i + 1 in (device.steps(10, 4), device.steps(1000, 7)):
                in_use.append(bytes_in_use(device))
    finally:
        gc.enable()
    assert in_use[1] == in_use[0] > 0
