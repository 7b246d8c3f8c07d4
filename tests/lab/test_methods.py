"""Every method plays, looks into the plane, and is what its name says."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from minigan import tensor
from minigan.data import DISTRIBUTIONS
from minigan.gan import GAN, GameError, Options, d2gan
from minigan.lab import METHODS, PLANE, Experiment, Task
from minigan.lab.field import heights, pull
from minigan.lab.plane import Waves, discriminator, schedule
from minigan.metrics import mode_figures
from tests.laboratory import TINY, task


@pytest.mark.parametrize("method", METHODS)
def test_a_method_makes_steps_and_can_be_looked_at(method):
    experiment = Experiment(task("ring", method, seed=1))
    before = [p.numpy() for p in experiment.game.parameters()]
    losses = []
    experiment.trainer.callbacks = [lambda trainer, result: losses.extend(
        [result.d_loss.item(), result.g_loss.item()])]
    experiment.trainer.run(3)
    assert np.isfinite(losses).all() and len(losses) == 6
    moved = [not np.array_equal(a, p.numpy()) for a, p in zip(before, experiment.game.parameters())]
    assert np.mean(moved) > 0.9  # no network is left out
    assert experiment.samples().shape == (2500, 2)
    real, rng = experiment.plane.inward(experiment.real), np.random.default_rng(0)
    assert heights(experiment.game, real[:5], real).shape == (5,)
    places, arrows = pull(experiment.game, experiment.shown(experiment.real[:8]),
                          experiment.game.latent(8, rng), rng)
    assert places.shape == arrows.shape == (8, 2) and arrows.any()
    assert METHODS[method].about


def test_arrows_point_where_g_loses_less():
    experiment = Experiment(task("ring", "plain"))
    real, rng = experiment.shown(experiment.real[:8]), np.random.default_rng(0)
    x, arrows = pull(experiment.game, real, experiment.game.latent(8, rng), None)

    def loss(points):
        return experiment.game.g_loss(real, experiment.shown(experiment.plane.outward(points)),
                                      None).item()

    step = 1e-2 * arrows / np.linalg.norm(arrows)
    assert loss(x + step) < loss(x) < loss(x - step)


def test_the_surface_of_two_discriminators_is_their_mean():
    rng = np.random.default_rng(0)
    generator, first = TINY.networks(rng=rng)
    _, second = TINY.networks(rng=rng)
    points = np.random.default_rng(1).standard_normal((5, 2)).astype(np.float32)
    one, two = (heights(GAN(generator, d), points, points) for d in (first, second))
    both = heights(d2gan(generator, first, second), points, points)
    np.testing.assert_allclose(both, (one + two) / 2, rtol=1e-5)


def test_a_packing_discriminators_height_is_its_mean_over_the_company():
    game = Experiment(task("ring", "packing-4")).game
    points = np.random.default_rng(1).standard_normal((30, 2)).astype(np.float32)
    rows = [np.concatenate([points[5], *points[3 * i:3 * i + 3]]) for i in range(8)]
    expected = game.discriminator(tensor(np.stack(rows))).numpy().mean()
    np.testing.assert_allclose(heights(game, points[5:6], points), [expected], rtol=1e-5)


def test_a_point_is_seen_in_a_company_larger_than_the_real_points_there_are():
    game = Experiment(task("ring", "packing-4")).game  # 8 times 3 are asked for
    points = np.random.default_rng(1).standard_normal((20, 2)).astype(np.float32)
    again = np.concatenate([points, points])
    np.testing.assert_array_equal(heights(game, points[:5], points),
                                  heights(game, points[:5], again))


def test_noise_on_what_d_sees_fades_until_half_time():
    noise = Experiment(task("ring", "instance-noise")).game.augment
    stds = []
    for done in (0, 0.25, 0.5, 1):
        noise.anneal(done)
        stds.append(noise.std * noise.left)
    assert stds == [0.5, 0.25, 0, 0]


def test_the_learning_rate_rises_is_constant_and_falls_to_nothing():
    assert [schedule(step, 4000) for step in (0, 149, 299, 2000, 3000, 4000)] == [
        1 / 300, 0.5, 1, 1, 0.5, 0]
    experiment = Experiment(task("ring", "two-time-scales"))
    experiment.trainer.run(3)
    lrs = [o.lr for o in experiment.trainer.players.optimizers]
    np.testing.assert_allclose(lrs, [2e-3 * 3 / 300, 5e-4 * 3 / 300])


@pytest.mark.parametrize("options", [
    {"objective": "hinge", "penalty": ("r1:0.5", "l2"), "pack": 2},
    {"objective": "wasserstein", "penalty": ("gradient:5",), "d_steps": 3}, {"codes": (4, 1)},
    {"rule": "extragradient", "label_smoothing": 0.1, "max_norm": 1}])
def test_a_method_of_ones_own_plays_under_the_name_of_its_options(options):
    mine = task("moons", Options(**options))
    assert mine.method_name == Options(**options).name
    experiment, losses = Experiment(mine), []
    experiment.trainer.callbacks = [lambda _, result: losses.append(result.d_loss.item())]
    experiment.trainer.run(1)
    assert np.isfinite(losses[0]) and experiment.game.pack == options.get("pack", 1)
    assert experiment.trainer.d_steps == options.get("d_steps", 1)


@pytest.mark.parametrize("options, says", [
    ({"pack": 3}, "8 examples cannot be packed by 3"), ({"diff_augment": True}, "is for images"),
    ({"conditional": "acgan"}, "conditional needs classes"),
    ({"unroll": 2, "penalty": ("l2",)}, "weight_decay")])
def test_what_cannot_be_played_on_points_is_refused(options, says):
    with pytest.raises(GameError, match=says):
        Experiment(task("ring", Options(**options)))


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_the_networks_see_data_of_mean_0_and_variance_1_and_figures_are_in_its_own_units(name):
    plane = Experiment(task(name, "plain")).plane
    points = plane.draw(5000, np.random.default_rng(3))
    seen = plane.inward(points)
    np.testing.assert_allclose(seen.mean(axis=0), 0, atol=0.05)
    assert seen.var(axis=0).mean() == pytest.approx(1, abs=0.03)
    np.testing.assert_allclose(plane.outward(seen), points, atol=1e-5)
    if plane.distribution.centers is not None:
        figures = mode_figures(plane.outward(seen), *plane.distribution[1:])
        assert figures.high_quality > 0.98


def test_waves_are_a_pack_and_sines_of_each_of_its_points():
    waves = Waves(3, np.random.default_rng(0))
    x = np.random.default_rng(1).standard_normal((4, 4)).astype(np.float32)
    vectors, phases = waves.vectors.numpy(), waves.phases.numpy()
    lengths = np.linalg.norm(vectors, axis=0)
    assert ((0.5 <= lengths) & (lengths <= 5)).all() and not list(waves.parameters())
    expected = np.concatenate([x, *(np.sqrt(2) * np.sin(p @ vectors + phases)
                                    for p in (x[:, :2], x[:, 2:]))], axis=1)
    np.testing.assert_allclose(waves(x).numpy(), expected, atol=1e-6)


def test_a_discriminator_of_packs_has_waves_for_each_point():
    D = discriminator((4,), width=6, waves=5)
    assert D(np.zeros((3, 4), np.float32)).shape == (3, 1)
    assert D.body[1].weight.shape == (2 * (2 + 5), 6)


def test_a_task_is_played_with_the_systems_numbers_unless_it_says_others():
    whole = Task("ring", "plain")
    assert whole.settings()["recipe"] == {"steps": 4000, "batch": 256, "latent": 2, "lr": 4e-3,
                                          "betas": [0.0, 0.99]}
    assert Experiment(whole).trainer.rates == [1e-3, 1e-3]
    assert Experiment(replace(whole, system=replace(PLANE, lr=1.0), method="r1")
                      ).trainer.rates == [1, 1]
