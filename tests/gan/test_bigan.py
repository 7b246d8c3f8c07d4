"""The encoder's game."""
from __future__ import annotations

import numpy as np
import pytest

import minigan as mg
from minigan import nn
from minigan.gan import Conditional, GameError, Players, alternating
from minigan.gan.bigan import Bidirectional, BiGAN
from minigan.gan.models import Generator


def small_game(rng, width=16):
    generator = Generator(1, nn.Dense(1, 1, rng=rng))
    encoder = nn.Dense(1, 1, rng=rng)
    network = nn.Sequential(nn.Dense(2, width, rng=rng), nn.LeakyReLU(0.2),
                            nn.Dense(width, 1, rng=rng))
    return BiGAN(Bidirectional(generator, encoder), Conditional(network))


def test_the_losses_are_those_of_pairs_and_the_generators_side_has_them_exchanged():
    rng = np.random.default_rng(0)
    game = small_game(rng)
    x, z = (mg.tensor(rng.standard_normal((6, 1)).astype(np.float32)) for _ in range(2))
    E, G, D = game.generator.encoder, game.generator, game.discriminator
    real, fake = D(x, E(x)), D(G(z), z)
    made = game.generate((z,))
    expected = game.objective.discriminator(real, fake).item()
    assert game.d_loss((x,), made, rng).loss.item() == pytest.approx(expected, rel=1e-6)
    expected = game.objective.discriminator(fake, real).item()
    assert game.g_loss((x,), made, rng).item() == pytest.approx(expected, rel=1e-6)


def test_the_discriminators_update_does_not_push_the_encoder_and_the_generators_does():
    rng = np.random.default_rng(0)
    game = small_game(rng)
    players = Players(game, mg.optim.SGD(game.discriminator.parameters(), 0.1),
                      mg.optim.SGD(game.generator.parameters(), 0.1))
    x, z = (mg.tensor(rng.standard_normal((6, 1)).astype(np.float32)) for _ in range(2))
    players.d_gradient((x,), game.generate((z,)), rng)
    assert all(p.grad is None for p in game.generator.parameters())
    players.g_gradient((x,), game.generate((z,)), rng)
    assert all(abs(p.grad.numpy()).max() > 0 for p in game.generator.parameters())


@pytest.mark.numpy_only("hundreds of steps")
def test_the_encoder_becomes_the_generators_inverse():
    rng = np.random.default_rng(0)
    game = small_game(rng)
    players = Players(game, mg.optim.Adam(game.discriminator.parameters(), 1e-2),
                      mg.optim.Adam(game.generator.parameters(), 3e-3))
    average = mg.optim.EMA(game.generator, 0.998)  # the game circles round its solution
    for _ in range(1500):
        x = mg.tensor((2 + 0.5 * rng.standard_normal((128, 1))).astype(np.float32))
        alternating(players, [(x,)], [game.latent(128, rng)], rng)
        average.update()
    z = mg.tensor(np.linspace(-1.5, 1.5, 7, dtype=np.float32).reshape(7, 1))
    again = average.module.encoder(average.module(z)).numpy()
    np.testing.assert_allclose(again, z.numpy(), atol=0.25)


def test_labels_are_refused():
    x = mg.tensor(np.ones((2, 1), np.float32))
    with pytest.raises(GameError, match="BiGAN has no use for labels"):
        small_game(np.random.default_rng(0)).latent(2, np.random.default_rng(0), (x,))


def test_another_generator_is_refused():
    with pytest.raises(TypeError, match="generator is a Bidirectional, not Dense"):
        BiGAN(nn.Dense(1, 1), nn.Dense(2, 1))
