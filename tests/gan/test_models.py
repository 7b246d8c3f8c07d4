from __future__ import annotations

import numpy as np
import pytest

import minigan as mg
from minigan import nn
from minigan.gan import SYSTEMS, models, noise

SMALL = {"mlp": {"width": 16}, "mlp-keras": {"width": 16}}  # for speed


def build(name, shape=(6, 5, 1)):
    return SYSTEMS[name].build(shape=shape, rng=np.random.default_rng(0), **SMALL.get(name, {}))


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_system_makes_images_in_its_range_and_judges_them_with_one_logit(name):
    system, (generator, discriminator) = SYSTEMS[name], build(name)
    z = system.noise(7, generator.latent, np.random.default_rng(1))
    images = generator(z)
    low, high = system.value_range
    assert images.shape == (7, 6, 5, 1) and images.dtype == np.float32
    assert low <= images.numpy().min() and images.numpy().max() <= high
    assert discriminator(images).shape == (7, 1)


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_same_seed_builds_the_same_weights_and_another_seed_others(name):
    system, options = SYSTEMS[name], SMALL.get(name, {})
    first, again, other = (
        system.build(shape=(4, 4, 1), rng=np.random.default_rng(seed), **options)[0].state_dict()
        for seed in (0, 0, 1))
    assert all((first[k] == again[k]).all() for k in first)
    assert any((first[k] != other[k]).any() for k in first)


def sizes(module):
    return [p.shape for name, p in module.named_parameters() if name.endswith("weight")]


def test_mlp_has_the_layers_of_the_reference_system():
    generator, discriminator = models.mlp(rng=np.random.default_rng(0))
    assert sizes(generator) == [(100, 1024), (1024, 1024), (1024, 1024), (1024, 784)]
    assert sizes(discriminator) == [(784, 1024), (1024, 1024), (1024, 1024), (1024, 1)]
    assert isinstance(generator.body[len(generator.body) - 2], nn.Sigmoid)
    slopes = {m.negative_slope for m in generator.modules() if isinstance(m, nn.LeakyReLU)}
    assert slopes == {0.2}


def test_mlp_small_has_the_layers_of_the_reference_system():
    generator, discriminator = models.mlp_small(rng=np.random.default_rng(0))
    assert sizes(generator) == [(100, 128), (128, 128), (128, 784)]
    assert sizes(discriminator) == [(784, 128), (128, 128), (128, 1)]
    assert SYSTEMS["mlp-small"].noise is noise.uniform


def test_mlp_keras_has_the_layers_of_the_reference_system():
    generator, discriminator = models.mlp_keras(width=32, rng=np.random.default_rng(0))
    assert sizes(generator) == [(100, 32), (32, 32), (32, 784)]
    assert sizes(discriminator) == [(784, 4096), (4096, 1)]
    assert isinstance(generator.body[len(generator.body) - 2], nn.Tanh)


def test_the_probability_is_the_sigmoid_of_the_logit():
    _, discriminator = build("mlp-small")
    x = mg.tensor(np.random.default_rng(0).random((3, 6, 5, 1), np.float32))
    expected = 1 / (1 + np.exp(-discriminator(x).numpy()))
    np.testing.assert_allclose(discriminator.probability(x).numpy(), expected, rtol=1e-6)


def test_noise_of_the_wrong_size_is_refused_with_the_shapes():
    generator, _ = build("mlp-small")
    with pytest.raises(ValueError, match=r"noise of shape \(N, 100\), got \(3, 99\)"):
        generator(mg.tensor(np.zeros((3, 99), np.float32)))


def test_normal_noise_is_standard_normal_and_uniform_noise_fills_minus_one_to_one():
    n = noise.normal(2000, 50, np.random.default_rng(0)).numpy()
    u = noise.uniform(2000, 50, np.random.default_rng(0)).numpy()
    assert n.dtype == u.dtype == np.float32
    assert abs(n.mean()) < 0.02 and abs(n.std() - 1) < 0.02
    assert -1 <= u.min() < -0.99 and 0.99 < u.max() < 1 and abs(u.std() - 1 / np.sqrt(3)) < 0.01


def test_noise_drawn_in_two_parts_goes_on_where_the_first_stopped():
    rng, other = np.random.default_rng(3), np.random.default_rng(3)
    assert (noise.normal(2, 4, rng).numpy() == noise.normal(2, 4, other).numpy()).all()
    assert (noise.normal(2, 4, rng).numpy() == noise.normal(2, 4, other).numpy()).all()
