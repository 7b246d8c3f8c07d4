from __future__ import annotations

import copy

import numpy as np
import pytest
from small_games import (assert_same_bits, batch, discriminator, networks, noisy, play, players,
                         softplus)

import minigan as mg
from minigan import nn
from minigan.backend import asarray
from minigan.gan import noise, objectives, penalties, several, update
from minigan.gan.auxiliary import InfoGAN
from minigan.gan.conditional import ConditionalGenerator, two_headed
from minigan.gan.game import GAN, GameError
from minigan.testing import check_grads

RNG = np.random.default_rng
MIXES = {"average": several.average, "worst": several.worst, "softmax": several.softmax_weighted(3)}
LOSSES = np.array([0.3, -1.2, 0.9])


def three_games(**options):
    G, _ = networks()
    return [GAN(G, noisy([discriminator(rng=RNG(i))], i)[0], **options) for i in range(3)]


@pytest.mark.parametrize("mix", MIXES.values(), ids=MIXES)
def test_one_discriminator_is_the_plain_gan_bit_for_bit(mix):
    game = GAN(*networks(), label_noise=0.2, penalties=[penalties.gradient_penalty()],
               constraint=penalties.clip_weights(0.2))
    assert_same_bits(several.GMAN([copy.deepcopy(game)], mix), game)


def mixed(mix):
    losses = mg.tensor(LOSSES, requires_grad=True)
    total = mix(losses)
    return total.item(), mg.grad(total, losses)[0].numpy()


def test_the_average_is_the_mean_and_the_worst_is_the_largest_loss():
    value, slopes = mixed(several.average)
    assert value == pytest.approx(LOSSES.mean())
    np.testing.assert_allclose(slopes, 1 / 3)
    value, slopes = mixed(several.worst)
    assert value == 0.9
    assert slopes.tolist() == [0, 0, 1]


def test_softmax_weighs_losses_by_their_exponential_and_its_weights_are_constants():
    weights = np.exp(2 * LOSSES) / np.exp(2 * LOSSES).sum()
    value, slopes = mixed(several.softmax_weighted(2))
    assert value == pytest.approx((weights * LOSSES).sum())
    np.testing.assert_allclose(slopes, weights)


def test_a_sharpness_of_zero_is_the_average_and_a_large_one_the_worst():
    for sharpness, other in (0, several.average), (1e3, several.worst):
        (value, slopes), (expected, theirs) = mixed(several.softmax_weighted(sharpness)), mixed(
            other)
        assert value == pytest.approx(expected)
        np.testing.assert_allclose(slopes, theirs, atol=1e-12)


def test_every_discriminator_plays_its_own_game_and_the_generator_a_mixture():
    games = three_games()
    G = games[0].generator
    real, fake = (batch(4),), (G(batch(4, 2)),)
    team = several.GMAN(games, several.softmax_weighted(3))
    judged = team.d_loss(real, tuple(t.detach() for t in fake), RNG(0))
    reals, fakes = ([game.discriminator(x[0]).numpy() for game in games] for x in (real, fake))
    assert judged.loss.item() == pytest.approx(
        sum(softplus(-r).mean() + softplus(f).mean() for r, f in zip(reals, fakes)))
    np.testing.assert_allclose(judged.real_logits.numpy(), sum(reals) / 3)
    np.testing.assert_allclose(judged.fake_logits.numpy(), sum(fakes) / 3)
    lost = np.array([softplus(-f).mean() for f in fakes])
    weights = np.exp(3 * lost) / np.exp(3 * lost).sum()
    assert team.g_loss(real, fake, RNG(0)).item() == pytest.approx((weights * lost).sum())


def test_a_step_moves_each_discriminator_as_its_own_game_would_and_constrains_each():
    games = three_games(constraint=penalties.clip_weights(0.3))
    alone = [copy.deepcopy(game) for game in games]  # each with a generator of its own
    play(several.GMAN(games), steps=1)
    for game, other in zip(games, alone):
        play(other, steps=1)
        for p, q in zip(game.discriminator.parameters(), other.discriminator.parameters()):
            np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-12)
            assert np.abs(p.numpy()).max() <= 0.3


def test_the_games_share_one_generator():
    with pytest.raises(GameError, match="share one generator"):
        several.GMAN([GAN(*networks()), GAN(*networks())])


def log_softplus(v):
    return np.log(softplus(v))


def test_d2gan_is_its_equation():
    G, first = networks()
    second, = noisy([discriminator(rng=RNG(1))], 1)
    game = several.d2gan(G, first, second, alpha=0.3, beta=0.05)
    real, fake = (batch(5),), (batch(5, seed=1),)
    one, two = (lambda x: softplus(first(x).numpy())), (lambda x: softplus(-second(x).numpy()))
    J = (0.3 * np.log(one(real[0])).mean() - one(fake[0]).mean()
         - two(real[0]).mean() + 0.05 * np.log(two(fake[0])).mean())
    assert game.d_loss(real, fake, RNG(0)).loss.item() == pytest.approx(-J)
    of_generated = -one(fake[0]).mean() + 0.05 * np.log(two(fake[0])).mean()
    assert game.g_loss(real, fake, RNG(0)).item() == pytest.approx(of_generated)


def test_both_of_d2gans_discriminators_learn_to_give_real_examples_larger_logits():
    D = [nn.Dense(1, 1, weight_init=nn.init.zeros).astype(np.float64) for _ in range(2)]
    game = several.d2gan(networks(examples=1)[0], *D)
    team = players(game, lr=0.5)
    one = np.ones((4, 1))
    for _ in range(5):
        team.d_gradient((mg.tensor(one),), (mg.tensor(-one),), RNG(0))
        team.move_d()
    assert all(d.weight.item() > 0.1 for d in D)


def test_the_logarithm_of_d2gans_outputs_is_exact_and_has_a_gradient_far_out():
    game = several.d2gan(*[networks()[0]], nn.Dense(1, 1), nn.Dense(1, 1), alpha=1, beta=1)
    first, second = (g.objective for g in game.games)
    for v, value, slope in ((-800.0, -800, 1), (-20.5, -20.5, 1), (-19.5, -19.5, 1),
                            (3.0, log_softplus(3), 1 / (1 + np.exp(-3)) / softplus(3))):
        for loss, sign in (first.on_real, 1), (second.on_fake, -1), (second.on_generated, -1):
            x = mg.tensor(np.array([sign * v]), requires_grad=True)
            log = loss(x) * (1 if loss is second.on_generated else -1)
            assert log.item() == pytest.approx(value, rel=1e-8)
            assert mg.grad(log, x)[0].item() == pytest.approx(sign * slope, rel=1e-6)


@pytest.mark.numpy_only("differences")
def test_d2gans_gradients_are_right():
    game = several.d2gan(networks()[0], nn.Dense(1, 1), nn.Dense(1, 1))
    for g in game.games:
        check_grads(lambda r, f, o=g.objective: o.discriminator(r, f) + o.generator(f),
                    batch(4, 1), batch(4, 1, seed=1))


class Constant(nn.Module):
    """A generator that makes its own number, added to its noise."""

    def __init__(self, number):
        self.number = nn.Parameter(asarray(np.array([number])))

    def forward(self, z):
        return z + self.number


def test_generators_make_their_shares_one_after_another():
    several_ones = several.Generators([Constant(100.0), Constant(200.0), Constant(300.0)], 1)
    assert several_ones.shares(8) == [3, 3, 2] and several_ones.shares(2) == [1, 1, 0]
    assert several_ones.makers(8).tolist() == [0, 0, 0, 1, 1, 1, 2, 2]
    z = np.arange(8.0)[:, None]
    np.testing.assert_array_equal(several_ones(mg.tensor(z)).numpy(), z + 100 * (
        several_ones.makers(8)[:, None] + 1))
    assert several_ones(mg.tensor(z[:2])).numpy().ravel().tolist() == [100, 201]


def test_generators_share_a_body_and_get_gradients_of_their_shares_only():
    members = [Constant(1.0), Constant(2.0)]
    body = Constant(5.0)
    x = several.Generators(members, 1, body)(mg.tensor(np.zeros((3, 1))))
    assert x.numpy().ravel().tolist() == [6, 6, 7]
    gradients = mg.grad((x * mg.tensor(np.array([[1.0], [10], [100]]))).sum(),
                        [m.number for m in (*members, body)])
    assert [g.item() for g in gradients] == [11, 100, 111]


@pytest.mark.parametrize("rule", update.RULES.values())
def test_all_networks_of_a_team_move_by_every_rule(rule):
    game = several.GMAN(three_games(objective=objectives.hinge))
    before = [p.numpy() for p in game.parameters()]
    play(game, rule, steps=1)
    moved = [np.abs(p.numpy() - q).max() > 0 for p, q in zip(game.parameters(), before)]
    assert all(moved) and len(moved) == 4 + 3 * 4


def test_a_team_looks_like_a_gan_with_what_its_first_game_has():
    games = three_games(objective=objectives.hinge, label_noise=0.1, pack=1,
                        penalties=[penalties.r1(3)])
    team = several.GMAN(games)
    plain = vars(games[0])
    assert plain.keys() <= vars(team).keys()
    for name in plain.keys() - {"discriminator", "constraint"}:
        assert getattr(team, name) == plain[name], name


def test_a_team_starts_from_what_its_games_start_from():
    games = three_games(noise=noise.uniform)
    z, = several.GMAN(games).latent(4, RNG(0))
    np.testing.assert_array_equal(z.numpy(), noise.uniform(4, 2, RNG(0)).numpy())
    games[1].noise = noise.normal
    with pytest.raises(GameError, match="one kind of noise"):
        several.GMAN(games)


def test_an_auxiliary_game_can_be_in_a_team():
    G, D = networks(latent=5)
    generator = ConditionalGenerator(G, 3)
    games = [InfoGAN(generator, two_headed(d, 3), categorical=3).astype(np.float64)
             for d in (D, *noisy([discriminator(rng=RNG(7))]))]
    before = G.state_dict()
    play(several.GMAN(games), steps=1)
    assert any((x != before[name]).any() for name, x in G.state_dict().items())


@pytest.mark.parametrize("options", [{"alpha": 0}, {"beta": 1.5}, {"alpha": float("nan")},
                                     {"objective": objectives.hinge}])
def test_d2gans_parts_that_do_not_go_together_are_refused(options):
    G, D = networks()
    with pytest.raises(ValueError, match="d2gan is of two|a number above 0 and of at most 1"):
        several.d2gan(G, D, copy.deepcopy(D), **options)
    with pytest.raises(GameError, match="two discriminators"):
        several.d2gan(G, D, D)
