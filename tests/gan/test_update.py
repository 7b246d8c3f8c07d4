from __future__ import annotations

import numpy as np
import pytest
from small_games import batch, networks, play, players

import minigan as mg
from minigan import nn
from minigan.backend import asarray
from minigan.gan import Players, penalties, update
from minigan.gan.augment import InstanceNoise
from minigan.gan.game import GAN, GameError, Judgement

RNG = np.random.default_rng


class Point(nn.Module):
    """A number that is moved."""

    def __init__(self, start):
        self.at = nn.Parameter(asarray(np.array([start])))

    def forward(self, z):
        return self.at * 1


class Bilinear(GAN):
    """min over x, max over y of x · y. G is x, D is y, and the latent is not looked at."""

    def __init__(self, x=1.0, y=0.5, **options):
        super().__init__(Point(x), Point(y), **options)
        self.seen = []

    def d_loss(self, real, fake, rng):
        self.seen.append(fake[0].requires_grad)
        y = self.discriminator.at
        return Judgement(-(y * fake[0]).sum(), y, y)

    def g_loss(self, real, fake, rng):
        self.seen.append(self.discriminator.at.requires_grad)
        return (self.discriminator.at * fake[0]).sum()

    @property
    def place(self):
        return np.array([self.generator.at.numpy()[0], self.discriminator.at.numpy()[0]])


def path(rule, steps=20, lr=0.3, d_steps=1):
    """The places that a rule goes through."""
    game = Bilinear()
    team, sample, places = players(game, lr), [(mg.tensor(np.zeros(1)),)] * d_steps, [game.place]
    for _ in range(steps):
        rule(team, sample, sample)
        places.append(game.place)
    return np.array(places)


def linear(matrix, steps=20):
    """The places of a linear map's iterations from the same start."""
    places = [np.array([1.0, 0.5])]
    for _ in range(steps):
        places.append(np.array(matrix) @ places[-1])
    return np.array(places)


def test_simultaneous_steps_spiral_outward_on_the_bilinear_game():
    lr, places = 0.3, path(update.simultaneous)
    np.testing.assert_allclose(places, linear([[1, -lr], [lr, 1]]), rtol=1e-12)
    radius = (places ** 2).sum(axis=1)
    np.testing.assert_allclose(radius[1:] / radius[:-1], 1 + lr ** 2)


def test_extragradient_steps_converge_on_the_bilinear_game():
    lr, places = 0.3, path(update.extragradient)
    stay = 1 - lr ** 2
    np.testing.assert_allclose(places, linear([[stay, -lr], [lr, stay]]), rtol=1e-11)
    radius = (places ** 2).sum(axis=1)
    np.testing.assert_allclose(radius[1:] / radius[:-1], 1 - lr ** 2 + lr ** 4)


@pytest.mark.parametrize("d_steps", [1, 3])
def test_alternating_steps_take_the_generator_through_the_moved_discriminator(d_steps):
    lr = 0.3
    up = d_steps * lr
    np.testing.assert_allclose(path(update.alternating, d_steps=d_steps),
                               linear([[1 - up * lr, -lr], [up, 1]]), rtol=1e-12)


def test_rules_of_one_move_refuse_several_updates_of_the_discriminator():
    for rule in update.simultaneous, update.extragradient:
        with pytest.raises(GameError, match="3 updates of D go with alternating"):
            path(rule, d_steps=3)


@pytest.mark.parametrize("rule", update.RULES.values())
def test_the_discriminator_learns_from_detached_examples_and_is_frozen_for_the_generator(rule):
    game = Bilinear()
    sample = [(mg.tensor(np.zeros(1)),)]
    result = rule(players(game), sample, sample)
    assert not any(game.seen)
    assert game.discriminator.at.requires_grad
    assert all(t.creator is None and not t.requires_grad for t in result)


def test_each_players_gradient_is_its_own():
    game = GAN(*networks())
    team, real, latent = players(game), (batch(4),), (batch(4, 2),)
    fake = game.generate(latent)
    team.d_gradient(real, fake, None)
    assert all(p.grad is None for p in game.generator.parameters())
    before = [p.grad.numpy() for p in game.discriminator.parameters()]
    team.g_gradient(real, fake, None)
    assert all(np.abs(p.grad.numpy()).sum() > 0 for p in game.generator.parameters())
    for p, g in zip(game.discriminator.parameters(), before):
        np.testing.assert_array_equal(p.grad.numpy(), g)
    expected = mg.grad(game.d_loss(real, tuple(t.detach() for t in fake), None).loss,
                       game.discriminator.parameters())
    for g, e in zip(before, expected):
        np.testing.assert_allclose(g, e.numpy())


def test_gradients_of_an_earlier_step_do_not_remain():
    game = GAN(*networks())
    team, real, fake = players(game), (batch(4),), game.generate((batch(4, 2),))
    for _ in range(2):
        team.d_gradient(real, fake, None)
        team.g_gradient(real, fake, None)
        norms = [np.abs(p.grad.numpy()).sum() for p in game.parameters()]
    fresh = GAN(*networks())
    once = players(fresh)
    again = fresh.generate((batch(4, 2),))
    once.d_gradient(real, again, None), once.g_gradient(real, again, None)
    np.testing.assert_allclose(norms, [np.abs(p.grad.numpy()).sum() for p in fresh.parameters()])


def norm(arrays):
    return np.sqrt(sum((a ** 2).sum() for a in arrays))


def test_gradient_clipping_bounds_the_norm_of_each_player_and_keeps_the_direction():
    gradients = {}
    for max_norm in None, 0.01, 1e6:
        game = GAN(*networks())
        team, real, latent = players(game, max_norm=max_norm), (batch(4),), (batch(4, 2),)
        fake = game.generate(latent)
        team.d_gradient(real, fake, None), team.g_gradient(real, fake, None)
        gradients[max_norm] = [[p.grad.numpy() for p in network.parameters()]
                               for network in (game.generator, game.discriminator)]
    for free, clipped, loose in zip(*gradients.values()):
        assert norm(free) > 0.02
        assert norm(clipped) == pytest.approx(0.01, rel=1e-3)
        for g, c, same in zip(free, clipped, loose):
            np.testing.assert_allclose(c, g * norm(clipped) / norm(free))
            np.testing.assert_array_equal(same, g)


@pytest.mark.parametrize("rule, d_steps, moves", [
    (update.alternating, 1, 1), (update.alternating, 3, 3), (update.simultaneous, 1, 1),
    (update.extragradient, 1, 2)])
def test_the_constraint_comes_after_each_move_of_the_discriminator(rule, d_steps, moves):
    clip, seen = penalties.clip_weights(0.05), []

    def constraint(critic):
        clip(critic)
        seen.append(critic)

    game = GAN(*networks(), constraint=constraint)
    play(game, rule, steps=1, d_steps=d_steps)
    assert seen == [game.discriminator] * moves
    assert max(np.abs(p.numpy()).max() for p in game.discriminator.parameters()) == 0.05
    assert max(np.abs(p.numpy()).max() for p in game.generator.parameters()) > 0.05


@pytest.mark.parametrize("rule", update.RULES.values())
def test_a_step_reports_the_logits_before_the_discriminators_last_move(rule):
    game = GAN(*networks())
    team, real, latent = players(game), (batch(4),), (batch(4, 2),)
    logits = game.discriminator(real[0]).numpy()
    result = rule(team, [real], [latent])
    if rule is not update.extragradient:  # there they are those of the place ahead
        np.testing.assert_allclose(result.real_logits.numpy(), logits)
    assert result.real_logits.shape == result.fake_logits.shape == (4, 1)
    np.testing.assert_array_equal(result.real.numpy(), real[0].numpy())
    assert result.fake.shape == (4, 3)


def test_several_updates_of_the_discriminator_see_several_samples():
    game, seen = GAN(*networks()), []
    d_loss = game.d_loss
    game.d_loss = lambda real, fake, rng: seen.append((real[0], fake[0])) or d_loss(real, fake, rng)
    reals = [(batch(4, seed=i),) for i in range(3)]
    latents = [(batch(4, 2, seed=10 + i),) for i in range(3)]
    expected = [game.generate(latent)[0].numpy() for latent in latents]
    result = update.alternating(players(game), reals, latents)
    for (real, fake), (x,), y in zip(seen, reals, expected):
        assert real is x
        np.testing.assert_array_equal(fake.numpy(), y)
    np.testing.assert_array_equal(result.fake.numpy(), expected[-1])


def test_extragradient_starts_from_where_parameters_were_put_in_the_meantime():
    moved, expected = Bilinear(), path(update.extragradient, steps=1)[-1]
    moved.generator.at.data = asarray(np.array([7.0]))
    team, sample = players(moved, 0.3), [(mg.tensor(np.zeros(1)),)]
    moved.generator.at.data = asarray(np.array([1.0]))
    update.extragradient(team, sample, sample)
    np.testing.assert_allclose(moved.place, expected)


def test_two_time_scales_and_different_optimisers_go_together():
    game = GAN(*networks())
    d, g = ([p.numpy() for p in network.parameters()]
            for network in (game.discriminator, game.generator))
    team = update.Players(game, mg.optim.SGD(game.discriminator.parameters(), 0.5),
                          mg.optim.Adam(game.generator.parameters(), 1e-3))
    update.alternating(team, [(batch(4),)], [(batch(4, 2),)])
    for p, q in zip(game.discriminator.parameters(), d):
        np.testing.assert_allclose(p.numpy() - q, -0.5 * p.grad.numpy(), atol=1e-12)
    for p, q in zip(game.generator.parameters(), g):  # Adam's first step is as long everywhere
        np.testing.assert_allclose(np.abs(p.numpy() - q), 1e-3, rtol=1e-3)


def test_a_game_that_draws_says_so_where_it_is_given_nothing_to_draw_with():
    rng = np.random.default_rng(0)
    G, D = nn.Dense(2, 3, rng=rng), nn.Dense(3, 1, rng=rng)
    noisy = Players(GAN(G, D, augment=InstanceNoise()), mg.optim.SGD(D.parameters(), 0.1),
                    mg.optim.SGD(G.parameters(), 0.1))
    x, z = (mg.tensor(rng.standard_normal((4, n)).astype(np.float32)) for n in (3, 2))
    with pytest.raises(TypeError, match="draws random numbers: give the step a generator"):
        update.alternating(noisy, [(x,)], [(z,)])


@pytest.mark.parametrize("max_norm", [0, -1, float("nan")])
def test_a_limit_of_gradients_that_is_not_positive_is_refused(max_norm):
    G, D = nn.Dense(2, 3), nn.Dense(3, 1)
    with pytest.raises(ValueError, match="max_norm is a positive number or None"):
        Players(GAN(G, D), mg.optim.SGD(D.parameters(), 0.1), mg.optim.SGD(G.parameters(), 0.1),
                max_norm)


# Optimisers that are exchanged

def swapped(which):
    generator, discriminator = networks()
    d, g = (mg.optim.SGD(n.parameters(), 0.1) for n in (discriminator, generator))
    everything = mg.optim.SGD([*generator.parameters(), *discriminator.parameters()], 0.1)
    strangers = mg.optim.SGD(networks()[0].parameters(), 0.1)
    return generator, discriminator, *{
        "exchanged": (g, d), "D's twice": (d, d), "everything for D": (everything, g),
        "everything for G": (d, everything), "another network's": (d, strangers)}[which]


@pytest.mark.parametrize("which, player, has", [
    ("exchanged", "discriminator", "none of them"), ("D's twice", "generator", "none of them"),
    ("everything for D", "discriminator", "those of both networks"),
    ("everything for G", "generator", "those of both networks"),
    ("another network's", "generator", "none of them")])
def test_an_optimiser_of_the_wrong_parameters_is_refused(which, player, has):
    generator, discriminator, d, g = swapped(which)
    message = f"the {player}'s optimiser is to have the {player}'s parameters, and has {has}"
    with pytest.raises(GameError, match=message):
        Players(GAN(generator, discriminator), d, g)
    with pytest.raises(GameError, match=message):
        update.train_step(generator, discriminator, g, d, *batch()[:2])


def test_an_optimiser_of_some_parameters_or_of_shared_ones_is_taken():
    generator, discriminator = networks()
    d, g = list(discriminator.parameters()), list(generator.parameters())
    Players(GAN(generator, discriminator), mg.optim.SGD(d[1:], 0.1), mg.optim.SGD(g[-1:], 0.1))
    generator.shared = discriminator.shared = nn.Dense(2, 2).astype(np.float64)
    both = [mg.optim.SGD(n.parameters(), 0.1) for n in (discriminator, generator)]
    assert list(Players(GAN(generator, discriminator), *both).optimizers) == both
