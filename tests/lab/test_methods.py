"""Every method plays, looks into the plane, and is what its name says."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from minigan.data import DISTRIBUTIONS
from minigan.gan.game import GAN
from minigan.gan.several import d2gan
from minigan.lab import METHODS, Described, Experiment, Recipe, Task
from minigan.lab.field import heights, pull
from minigan.lab.recipe import Networks, Waves
from minigan.metrics import mode_figures

TINY = Recipe(steps=3, batch=8, latent=3, width=6, waves=5, warm_up=0)


@pytest.mark.parametrize("method", METHODS)
def test_a_method_makes_steps_and_can_be_looked_at(method):
    experiment = Experiment(Task("ring", method, seed=1, recipe=TINY))
    before = [p.numpy() for p in experiment.game.parameters()]
    for _ in range(2):
        result = experiment.step()
    assert np.isfinite([result.d_loss.item(), result.g_loss.item()]).all()
    moved = [not np.array_equal(a, p.numpy()) for a, p in zip(before, experiment.game.parameters())]
    assert np.mean(moved) > 0.9  # no network is left out
    assert experiment.samples().shape == (2500, 2)
    real = experiment.plane.inward(experiment.real)
    assert heights(experiment.game, real[:5], real).shape == (5,)
    places, arrows = pull(experiment.game, experiment.shown(experiment.real[:8]),
                          experiment.game.latent(8, experiment.rng), experiment.rng)
    assert places.shape == arrows.shape == (8, 2) and arrows.any()
    assert METHODS[method].__doc__


def test_arrows_point_where_g_loses_less():
    experiment = Experiment(Task("ring", "plain", recipe=TINY))
    real = experiment.shown(experiment.real[:8])
    x, arrows = pull(experiment.game, real, experiment.game.latent(8, experiment.rng), None)

    def loss(points):
        return experiment.game.g_loss(real, experiment.shown(experiment.plane.outward(points)),
                                      None).item()

    step = 1e-2 * arrows / np.linalg.norm(arrows)
    assert loss(x + step) < loss(x) < loss(x - step)


def test_the_surface_of_two_discriminators_is_their_mean():
    net = Networks(TINY, np.random.default_rng(0))
    generator, first, second = net.generator(), net.discriminator(), net.discriminator()
    points = np.random.default_rng(1).standard_normal((5, 2)).astype(np.float32)
    one, two = (heights(GAN(generator, d), points, points) for d in (first, second))
    both = heights(d2gan(generator, first, second), points, points)
    np.testing.assert_allclose(both, (one + two) / 2, rtol=1e-5)


def test_noise_on_what_d_sees_fades_until_half_time():
    experiment = Experiment(Task("ring", "instance-noise", recipe=TINY))
    stds = []
    for done in (0, 0.25, 0.5, 1):
        experiment.play.anneal(done)
        stds.append(experiment.game.augment.std)
    assert stds == [0.5, 0.25, 0, 0]


def test_the_learning_rate_rises_is_constant_and_falls_to_nothing():
    recipe = Recipe(steps=100, warm_up=20, constant=0.5)
    assert [recipe.factor(step) for step in (0, 9, 19, 50, 75, 100)] == [0.05, 0.5, 1, 1, 0.5, 0]
    experiment = Experiment(Task("ring", "two-time-scales", recipe=TINY))
    for _ in range(2):
        experiment.step()
    lrs = [o.lr for o in (experiment.players.d_optimizer, experiment.players.g_optimizer)]
    np.testing.assert_allclose(lrs, [TINY.lr * 0.5 * 2 / 3, TINY.lr * 0.125 * 2 / 3])


@pytest.mark.parametrize("described, name", [
    (Described(), "nonsaturating"),
    (Described("hinge", (("r1", 0.5), ("l2", None)), 2, 1), "hinge+r1=0.5+l2+pack=2"),
    (Described("wasserstein", (("gradient", 5.0),), d_steps=3), "wasserstein+gradient=5+d-steps=3"),
    (Described(rule="extragradient"), "nonsaturating+rule=extragradient")])
def test_a_described_method_plays_under_a_name_that_says_it(described, name):
    assert described.name == name
    experiment = Experiment(Task("moons", described, recipe=TINY))
    assert np.isfinite(experiment.step().d_loss.item())
    assert experiment.game.pack == described.pack
    assert experiment.play.d_steps == described.d_steps


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_the_networks_see_data_of_mean_0_and_variance_1_and_figures_are_in_its_own_units(name):
    plane = Experiment(Task(name, "plain", recipe=TINY)).plane
    points = plane.draw(5000, np.random.default_rng(3))
    seen = plane.inward(points)
    np.testing.assert_allclose(seen.mean(axis=0), 0, atol=0.05)
    assert seen.var(axis=0).mean() == pytest.approx(1, abs=0.03)
    np.testing.assert_allclose(plane.outward(seen), points, atol=1e-5)
    if plane.distribution.centers is not None:
        figures = mode_figures(plane.outward(seen), *plane.distribution[1:])
        assert figures.high_quality > 0.98


def test_waves_are_a_pack_and_sines_of_each_of_its_points():
    waves = Waves(3, 0.5, 5, np.random.default_rng(0))
    x = np.random.default_rng(1).standard_normal((4, 4)).astype(np.float32)
    vectors, phases = waves.vectors.numpy(), waves.phases.numpy()
    lengths = np.linalg.norm(vectors, axis=0)
    assert ((0.5 <= lengths) & (lengths <= 5)).all() and not list(waves.parameters())
    expected = np.concatenate([x, *(np.sqrt(2) * np.sin(p @ vectors + phases)
                                    for p in (x[:, :2], x[:, 2:]))], axis=1)
    np.testing.assert_allclose(waves(x).numpy(), expected, atol=1e-6)


def test_without_waves_d_sees_the_point_itself():
    bare = Networks(replace(TINY, waves=0), np.random.default_rng(0))
    assert not any(isinstance(m, Waves) for m in bare.discriminator(2).modules())
    assert bare.discriminator(2)(np.zeros((3, 4), np.float32)).shape == (3, 1)


@pytest.mark.parametrize("method", ["r1", "relativistic-r1r2", "gman-r1r2", "mgan-r1r2"])
def test_a_fading_penalty_falls_at_an_even_rate(method):
    play = Experiment(Task("ring", method, recipe=TINY)).play
    half = 2 if method == "r1" else 1  # its weight is γ/2 of one mean, that of both is γ of one
    for each in play.game.games if method == "gman-r1r2" else [play.game]:
        weights = []
        for done in (0, 0.35, 0.7, 1):
            play.anneal(done)
            weights.append(each.penalties[0].weight * half)
        np.testing.assert_allclose(weights, [0.1, np.sqrt(0.1 * 3e-3), 3e-3, 3e-3])
