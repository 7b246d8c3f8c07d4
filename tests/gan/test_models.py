from __future__ import annotations

import numpy as np
import pytest

import minigan as mg
from minigan import nn
from minigan.data import Loader, Scaled, digits
from minigan.gan import SYSTEMS, models, noise

SMALL = {"mlp": {"width": 16}, "mlp-keras": {"width": 16}}  # for speed


def build(name, shape=(8, 12, 1)):
    return SYSTEMS[name].networks(shape=shape, rng=np.random.default_rng(0), **SMALL.get(name, {}))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", SYSTEMS)
def test_every_system_makes_images_in_its_range_and_judges_them_with_one_logit(name, channels):
    system, (generator, discriminator) = SYSTEMS[name], build(name, (8, 12, channels))
    z = system.noise(7, generator.latent, np.random.default_rng(1))
    images = generator(z)
    low, high = system.value_range
    assert images.shape == (7, 8, 12, channels) and images.dtype == np.float32
    assert low <= images.numpy().min() and images.numpy().max() <= high
    assert discriminator(images).shape == (7, 1)


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_same_seed_builds_the_same_weights_and_another_seed_others(name):
    system, options = SYSTEMS[name], SMALL.get(name, {})
    first, again, other = (
        system.networks(shape=(4, 4, 1), rng=np.random.default_rng(seed), **options)[0].state_dict()
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


def count(module):
    return sum(p.size for p in module.parameters())


def test_dcgan_has_the_layers_of_the_reference_system():
    generator, discriminator = models.dcgan(rng=np.random.default_rng(0))
    assert sizes(generator) == [(100, 7 * 7 * 128), (7 * 7 * 128,), (5, 5, 64, 128), (64,),
                                (5, 5, 1, 64)]
    assert sizes(discriminator) == [(5, 5, 1, 64), (5, 5, 64, 128), (128,), (7 * 7 * 128, 1)]
    assert [n for n, _ in generator.named_parameters() if n.endswith("bias")] == [
        "body.layers.1.bias", "body.layers.5.bias", "body.layers.7.bias"]  # not before BatchNorm
    assert count(generator) == 846_273 and count(discriminator) == 213_121
    assert {m.negative_slope for network in (generator, discriminator)
            for m in network.modules() if isinstance(m, nn.LeakyReLU)} == {0.2}


def test_dense_dcgan_has_the_layers_of_the_reference_system():
    generator, discriminator = models.dense_dcgan(rng=np.random.default_rng(0))
    assert [s for s in sizes(generator) if len(s) > 1] == [
        (100, 128), (128, 256), (256, 512), (512, 1024), (1024, 7 * 7 * 256),
        (5, 5, 128, 256), (5, 5, 64, 128), (7, 7, 1, 64)]
    assert [s for s in sizes(discriminator) if len(s) > 1] == [
        (784, 1024), (1024, 512), (512, 256), (256, 1)]
    assert sum(isinstance(m, nn.BatchNorm) for m in generator.modules()) == 7
    assert sum(isinstance(m, nn.BatchNorm) for m in discriminator.modules()) == 3
    assert count(generator) == 14_617_089 and count(discriminator) == 1_463_809
    assert {m.negative_slope for network in (generator, discriminator)
            for m in network.modules() if isinstance(m, nn.LeakyReLU)} == {0.3}


def test_digits_dcgan_is_a_dcgan_of_half_the_channels_for_the_shipped_digits():
    generator, discriminator = models.digits_dcgan(rng=np.random.default_rng(0))
    assert sizes(generator) == [(32, 2 * 2 * 64), (2 * 2 * 64,), (4, 4, 32, 64), (32,),
                                (4, 4, 1, 32)]
    assert sizes(discriminator) == [(4, 4, 1, 32), (4, 4, 32, 64), (64,), (2 * 2 * 64, 1)]
    assert count(generator) == 42_049 and count(discriminator) == 33_761


def test_dcgan_starts_from_its_papers_weights():
    for network in models.dcgan(rng=np.random.default_rng(0)):
        for module in network.modules():
            if isinstance(module, (nn.BatchNorm, nn.Conv2d, nn.ConvTranspose2d, nn.Dense)):
                centre = 1 if isinstance(module, nn.BatchNorm) else 0
                weight = module.weight.numpy()
                error = 0.02 / np.sqrt(weight.size)
                assert weight.dtype == np.float32 and np.abs(weight.mean() - centre) < 4 * error
                assert np.abs(weight.std() - 0.02) < 4 * error
                assert module.bias is None or not module.bias.numpy().any()


@pytest.mark.parametrize("build", [models.dcgan, models.dense_dcgan, models.digits_dcgan])
def test_images_that_cannot_be_halved_twice_are_refused_with_the_reason(build):
    with pytest.raises(models.ShapeError, match=r"divisible by 4, but the images are 28x30 "
                                                r"\(width x height\); 28x32 would do"):
        build((30, 28, 1))
    with pytest.raises(models.ShapeError, match="32x28 would do"):
        build((28, 29, 3))


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_explicit_loop_of_two_optimisers_trains_every_system(name):
    system, (generator, discriminator) = SYSTEMS[name], build(name, (8, 8, 1))
    bce, rng = mg.losses.bce_with_logits, np.random.default_rng(1)
    g_optimizer = mg.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    d_optimizer = mg.optim.Adam(discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    before = [p.numpy() for network in (generator, discriminator) for p in network.parameters()]
    for real in Loader(Scaled(digits()[0][:24], system.value_range), batch_size=8):
        fake = generator(system.noise(len(real), generator.latent, rng))
        d_optimizer.zero_grad()
        (bce(discriminator(real), 1) + bce(discriminator(fake.detach()), 0)).backward()
        d_optimizer.step()
        g_optimizer.zero_grad()
        bce(discriminator(fake), 1).backward()
        g_optimizer.step()
    after = [p.numpy() for network in (generator, discriminator) for p in network.parameters()]
    assert all(np.isfinite(p).all() and (p != q).any() for p, q in zip(after, before))


def test_the_probability_is_the_sigmoid_of_the_logit():
    _, discriminator = build("mlp-small")
    x = mg.tensor(np.random.default_rng(0).random((3, 8, 12, 1), np.float32))
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
