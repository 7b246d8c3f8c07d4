from __future__ import annotations

import gc
import tracemalloc

import numpy as np
import pytest

from minigan import nn
from minigan.data import Loader, digits
from minigan.gan import GAN, Trainer, models, noise, sample

IMAGES, _ = digits()


def make(seed=0, callbacks=(), lr=2e-4):
    generator, discriminator = models.digits(width=16, latent=4, rng=np.random.default_rng(seed))
    return Trainer(GAN(generator, discriminator), Loader(IMAGES[:200], batch_size=32, seed=seed),
                   lr, seed=seed, callbacks=callbacks)


def weights(trainer):
    state = trainer.state_dict()
    return {f"{part}.{k}": v for part in ("game", "average")
            for k, v in state[part].items()}


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    first, again, other = make(0), make(0), make(1)
    for trainer in (first, again, other):
        trainer.run(5)
    assert all((v == weights(again)[k]).all() for k, v in weights(first).items())
    assert any((v != weights(other)[k]).any() for k, v in weights(first).items())


@pytest.mark.parametrize("stop", [1, 6, 9])  # in the first epoch, at its end, in the second
def test_a_resumed_run_ends_with_the_bits_of_an_uninterrupted_one(stop):
    whole, first, second = make(), make(), make()
    whole.run(12)
    first.run(stop)
    second.load_state_dict(first.state_dict())
    second.run(12)
    assert second.step == 12
    assert all((v == weights(second)[k]).all() for k, v in weights(whole).items())


def test_a_game_with_dropout_is_captured_and_resumed_to_the_same_bits(recwarn):
    """Its masks are drawn as the noise is, and not from the generator that drew the weights."""
    def dropped():
        trainer = make()
        trainer.discriminator.body.layers.insert(2, nn.Dropout(0.5))
        return Trainer(trainer.game, trainer.loader)

    whole, first, second = dropped(), dropped(), dropped()
    whole.run(8)
    first.run(5)
    second.load_state_dict(first.state_dict())
    second.run(8)
    assert all((v == weights(second)[k]).all() for k, v in weights(whole).items())
    assert whole.captured.replay is not None and not recwarn.list


def test_callbacks_see_every_step_and_can_stop_the_run():
    seen = []

    def watch(trainer, result):
        seen.append((trainer.step, result.d_loss.item()))
        trainer.stop = trainer.step == 3

    make(callbacks=[watch]).run(10)
    assert [step for step, _ in seen] == [1, 2, 3]
    assert all(np.isfinite(loss) for _, loss in seen)


def test_two_learning_rates_are_ds_and_gs():
    for lr in (1e-3, 2e-3), [1e-3, 2e-3]:
        players = make(lr=lr).players
        assert (players.d_optimizer.lr, players.g_optimizer.lr) == (1e-3, 2e-3)


@pytest.mark.parametrize("lr, says", [((1e-3,) * 3, "lr is a number or a tuple"),
                                      (float("nan"), "or a tuple .*, not nan")])
def test_learning_rates_that_are_none_are_refused(lr, says):
    with pytest.raises((TypeError, ValueError), match=says):
        make(lr=lr)


def test_sampling_is_in_evaluation_mode_in_batches_and_changes_nothing():
    trainer = make()
    trainer.run(3)
    before = weights(trainer)
    z = noise.normal(10, 4, np.random.default_rng(5))
    whole, parts = sample(trainer.generator, z), sample(trainer.generator, z, batch_size=3)
    np.testing.assert_allclose(whole, parts, rtol=1e-5, atol=1e-6)
    assert whole.shape == (10, 8, 8, 1) and trainer.generator.training
    assert all((v == weights(trainer)[k]).all() for k, v in before.items())


def test_the_average_follows_the_generator_running_statistics_included():
    trainer = make()
    start = trainer.generator.state_dict()
    trainer.run(1)
    now, average = trainer.generator.state_dict(), trainer.average.module.state_dict()
    for name in start:
        np.testing.assert_allclose(average[name], (2 * start[name] + 9 * now[name]) / 11,
                                   rtol=1e-5, atol=1e-7)


def test_a_sample_of_none_is_empty():
    generator = make().generator
    z = noise.normal(0, generator.latent, np.random.default_rng(0))
    assert sample(generator, z).shape == (0, 8, 8, 1)


@pytest.mark.numpy_only("many steps; test_graph has some on the stand-in")
def test_memory_stays_flat_over_many_steps_without_the_garbage_collector():
    trainer = make()
    trainer.run(20)
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        trainer.run(40)
        objects, memory = len(gc.get_objects()), tracemalloc.get_traced_memory()[0]
        trainer.run(140)
        new_objects = len(gc.get_objects()) - objects
        grown = tracemalloc.get_traced_memory()[0] - memory
    finally:
        tracemalloc.stop()
        gc.enable()
    # a graph kept alive would be some hundred objects and 50 KB a step; Python's own lists of
    # objects to use again account for the rest
    assert new_objects < 100 and grown < 500_000


def test_a_reading_is_of_the_last_step_however_often_it_is_asked_for():
    seen = []

    def read(trainer, result):
        first = trainer.reading(result)
        assert trainer.reading(result) is first
        seen.append((first["d_loss"], result.d_loss.item()))

    make(callbacks=[read]).run(3)
    assert all(loss == pytest.approx(expected) for loss, expected in seen)
    assert len({loss for loss, _ in seen}) == 3
