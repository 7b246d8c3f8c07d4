"""Random numbers in a captured step: those of eager steps, drawn before each replay."""
from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import minigan as mg
from minigan import nn, optim
from minigan.gan import GAN, Players, alternating, models, noise
from minigan.replay import Draws
from minigan.gan.augment import DiffAugment, InstanceNoise
from minigan.gan.objectives import OBJECTIVES
from minigan.gan.penalties import PENALTIES, Consistency
from tests.strict import counted

GAMES = {
    "WGAN-GP": {"objective": OBJECTIVES["wasserstein"], "penalties": [PENALTIES["gradient"](10)]},
    "DRAGAN": {"penalties": [PENALTIES["dragan"](10)]},
    "instance noise": {"augment": InstanceNoise(0.3)},
    "DiffAugment": {"augment": DiffAugment()},
    "consistency": {"penalties": [Consistency(10, DiffAugment())]},
    "label noise": {"label_noise": 0.3},
}


@pytest.fixture(autouse=True)
def device(strict):
    mg.use("strict")


def generator(seed=0):
    return np.random.default_rng(seed)


def training(options, captured):
    """Eight steps of a game on images: the numbers of each, and the weights."""
    rng = generator()
    g = models.Generator(2, nn.Dense(2, 64, rng=rng), nn.Tanh(), nn.Reshape(8, 8, 1))
    d = models.Discriminator(nn.Flatten(), nn.Dense(64, 4, rng=rng), nn.Tanh(),
                             nn.Dense(4, 1, rng=rng))
    game = GAN(g, d, **options)
    players = Players(game, *(optim.Adam(network.parameters(), 0.01) for network in (d, g)))
    draws = Draws(generator(1))

    def step(real, z):
        return alternating(players, [(real,)], [(z,)], draws)

    make = mg.capture(step, draws) if captured else step
    losses = []
    for _ in range(8):
        real = mg.tensor(rng.uniform(-1, 1, (3, 8, 8, 1)).astype(np.float32))
        result = make(real, noise.normal(3, 2, draws.rng))  # the latents: before the step
        losses.append([result.d_loss.item(), result.g_loss.item()])
    assert not captured or make.replay is not None
    return losses, game.state_dict(), draws.rng.bit_generator.state


@pytest.mark.filterwarnings("error:the step is not captured")
@pytest.mark.parametrize("backend", ["numpy", "strict"])
@pytest.mark.parametrize("name", GAMES)
def test_a_captured_game_that_draws_equals_the_eager_one_bit_for_bit(name, backend):
    mg.use(backend)
    losses, state, numbers = training(GAMES[name], captured=False)
    again, captured, captured_numbers = training(GAMES[name], captured=True)
    np.testing.assert_array_equal(again, losses)
    for key, x in state.items():
        np.testing.assert_array_equal(captured[key], x)
    assert captured_numbers == numbers  # the generator is where it would be, too


def test_a_replay_uploads_its_inputs_and_draws_and_waits_for_nothing():
    draws = Draws(generator())
    captured = mg.capture(lambda x: InstanceNoise()(x, draws) + noise.uniform(2, 3, draws), draws)
    x = mg.tensor(np.ones((2, 3)))
    for _ in range(3):
        captured(x)
    with counted() as counts:
        captured(x)
    assert counts.synchronisations == 0 and counts.uploads == 2  # one for each draw


def test_the_same_seed_draws_the_same_on_the_host():
    expected = noise.one_hot(5, 3, generator(4)).numpy()
    np.testing.assert_array_equal(noise.one_hot(5, 3, Draws(generator(4))).numpy(), expected)


def test_what_a_draw_looks_up_is_looked_up_anew_in_each_replay():
    def results(captured):
        draws, blur = Draws(generator()), InstanceNoise(1)

        def step(x):
            return blur(x, draws)

        make, sums = mg.capture(step, draws) if captured else step, []
        for k in range(6):
            blur.std = 1 / (k + 1)
            sums.append(make(mg.tensor(np.zeros(4))).numpy())
        return sums

    np.testing.assert_array_equal(results(True), results(False))


def test_a_captured_step_does_not_keep_the_tensors_that_noise_was_added_to():
    draws, kept = Draws(generator()), []

    def step(x):
        y = x * 2
        kept.append(weakref.ref(y))
        return DiffAugment()(InstanceNoise()(y, draws), draws)

    captured = mg.capture(step, draws)
    for _ in range(4):
        captured(mg.tensor(np.ones((2, 8, 8, 1))))
    gc.collect()
    assert len(kept) == 3 and all(y() is None for y in kept)


def changing(later):
    """A step whose third call draws otherwise than the first two."""
    draws, calls = Draws(generator()), []

    def step(x):
        calls.append(1)
        draw = later if len(calls) > 2 else lambda draws: noise.normal(1, 2, draws)
        return x + draw(draws)

    return mg.capture(step, draws), draws


@pytest.mark.parametrize("later, message", [
    (lambda draws: noise.normal(1, 3, draws)[:, :2], "draw 1 of this step is another than"),
    (lambda draws: noise.uniform(1, 2, draws), "draw 1 of this step is another than"),
    (lambda draws: noise.normal(1, 2, draws) + noise.normal(1, 2, draws), "draw 2 of this step"),
    (lambda draws: 0, "drew 0 times, 1 times in the step before"),
])
def test_a_step_that_draws_otherwise_each_time_is_refused_and_draws_nothing(later, message):
    captured, draws = changing(later)
    x = mg.tensor(np.zeros((1, 2), np.float32))
    captured(x)
    captured(x)
    before = draws.rng.bit_generator.state
    with pytest.raises(mg.CaptureError, match=message):
        captured(x)
    assert draws.rng.bit_generator.state == before
    assert draws(lambda rng: rng.random(2)).shape == (2,)  # and is as good as new


def test_a_draw_of_another_shape_in_a_replay_is_refused():
    draws, shape = Draws(generator()), [2, 3]
    captured = mg.capture(lambda x: x + draws(lambda rng: rng.random(shape)), draws)
    for _ in range(3):
        captured(mg.tensor(np.zeros((2, 3))))
    shape[0] = 1
    with pytest.raises(mg.CaptureError, match=r"shape \(2, 3\) when .* is of \(1, 3\) now"):
        captured(mg.tensor(np.zeros((2, 3))))


def test_random_numbers_past_the_draws_are_refused():
    captured = mg.capture(lambda x: x + noise.normal(1, 2, generator()), Draws(generator()))
    with pytest.raises(mg.CaptureError, match="upload .*gan/noise.py"):
        for _ in range(3):
            captured(mg.tensor(np.zeros((1, 2), np.float32)))
