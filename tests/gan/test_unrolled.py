from __future__ import annotations

import numpy as np
import pytest
from small_games import Linear, assert_same_bits, batch, by_weights, networks, play, players

import minigan as mg
from minigan import nn
from minigan.backend import asarray
from minigan.gan import models, objectives, penalties
from minigan.gan.game import GAN, GameError
from minigan.gan.unrolled import UnrolledGAN, substituted
from minigan.nn import frozen
from minigan.testing import check_grads

RNG = np.random.default_rng


def test_unrolling_nothing_is_the_plain_gan_bit_for_bit():
    options = {"penalties": [penalties.gradient_penalty()], "label_noise": 0.2}
    assert_same_bits(UnrolledGAN(*networks(), unroll=0, **options), GAN(*networks(), **options))


REAL, FAKE = (np.random.default_rng(seed).normal(size=(5, 3)) for seed in (0, 1))
WEIGHT, LR = np.array([0.4, -0.3, 0.7]), 0.2
MEANS = REAL.mean(axis=0), FAKE.mean(axis=0)


def linear_game(unroll, objective=objectives.wasserstein, **options):
    return UnrolledGAN(nn.Module(), Linear(WEIGHT), objective, unroll=unroll, unroll_lr=LR,
                       **options)


def loss_and_slope(game):
    """G's loss, and its slope by the generated examples."""
    fake = mg.tensor(FAKE, requires_grad=True)
    with frozen(game.discriminator):
        loss = game.g_loss((mg.tensor(REAL),), (fake,), RNG(0))
    return loss.item(), mg.grad(loss, fake)[0].numpy()


@pytest.mark.parametrize("unroll", [0, 1, 3])
def test_a_linear_critics_steps_are_as_derived_by_hand(unroll):
    # D minimises w · (f − r) of the means: w − k lr (f − r) after k steps, and G minimises −w · f
    real, fake = MEANS
    loss, slope = loss_and_slope(linear_game(unroll))
    ahead = WEIGHT - unroll * LR * (fake - real)
    assert loss == pytest.approx(-(ahead @ fake))
    through = unroll * LR * fake  # by the gap f − r, where the steps depend on f
    np.testing.assert_allclose(slope, np.tile((through - ahead) / 5, (5, 1)), rtol=1e-12)


def test_gradient_flows_through_the_discriminators_steps():
    _, slope = loss_and_slope(linear_game(1))
    detached = -(WEIGHT - LR * (MEANS[1] - MEANS[0])) / 5
    assert np.abs(slope - detached).max() > 1e-3


def test_the_steps_feel_the_penalties():
    # zero-centred: D's loss gains 2 |w|², its gradient 4 w
    game = linear_game(1, penalties=[penalties.zero_centred(2)])
    ahead = WEIGHT - LR * (MEANS[1] - MEANS[0] + 4 * WEIGHT)
    loss, _ = loss_and_slope(game)
    assert loss == pytest.approx(-(ahead @ MEANS[1]))


@pytest.mark.numpy_only("differences through second derivatives; the closed forms are on both")
@pytest.mark.parametrize("unroll, objective", [(1, "nonsaturating"), (3, "minimax"),
                                               (1, "relativistic")])
def test_the_generators_gradient_is_that_of_its_loss_through_all_steps(unroll, objective):
    G, D = networks()
    game = UnrolledGAN(G, D, objectives.OBJECTIVES[objective], unroll=unroll, unroll_lr=0.5)
    real, z = (batch(4),), (batch(4, 2, seed=2),)

    def loss():
        with frozen(D):
            return game.g_loss(real, game.generate(z), RNG(0))

    f, weights = by_weights(G, loss)
    check_grads(f, *weights, order=1)


def test_the_discriminator_itself_stays_where_it_is():
    G, D = networks()
    game = UnrolledGAN(G, D, unroll=2, unroll_lr=0.5)
    parameters, before = list(D.parameters()), [p.numpy() for p in D.parameters()]
    players(game).g_gradient((batch(4),), game.generate((batch(4, 2),)), RNG(0))
    assert [id(p) for p in D.parameters()] == [id(p) for p in parameters]
    for p, q in zip(parameters, before):
        np.testing.assert_array_equal(p.numpy(), q)
        assert p.grad is None and p.requires_grad


def test_the_discriminators_own_loss_is_the_plain_one():
    G, D = networks()
    real, fake = (batch(4),), (batch(4, seed=1),)
    plain, unrolled = GAN(G, D), UnrolledGAN(G, D, unroll=3)
    assert unrolled.d_loss(real, fake, RNG(0)).loss.item() == plain.d_loss(
        real, fake, RNG(0)).loss.item()
    assert unrolled.g_loss(real, fake, RNG(0)).item() != plain.g_loss(real, fake, RNG(0)).item()


def test_unrolled_steps_train():
    ours, _ = play(UnrolledGAN(*networks(), unroll=2), steps=2)
    assert all(np.isfinite(p).all() for p in ours)


def test_weights_are_substituted_by_name_and_put_back_even_after_an_error():
    module = nn.Sequential(nn.Dense(2, 2), nn.Sequential(nn.Dense(2, 1)))
    own = dict(module.named_parameters())
    zeros = {name: mg.tensor(np.zeros(p.shape, np.float32)) for name, p in own.items()}
    x = mg.Tensor(asarray(np.ones((1, 2), np.float32)))
    with pytest.raises(KeyError), substituted(module, zeros):
        assert module(x).item() == 0 and module[1][0].weight is zeros["layers.1.layers.0.weight"]
        raise KeyError
    after = dict(module.named_parameters())
    assert list(after) == list(own) and all(after[name] is p for name, p in own.items())


@pytest.mark.parametrize("penalty", [penalties.l1, penalties.l2])
def test_penalties_of_parameters_are_refused_where_weights_are_computed(penalty):
    with pytest.raises(GameError, match="weight_decay"):
        UnrolledGAN(*networks(), penalties=[penalty()])


def with_statistics(rng=None):
    """A discriminator whose layers keep numbers beside their weights, and those."""
    rng = rng or RNG(3)
    D = models.Discriminator(nn.SpectralNorm(nn.Dense(3, 6, rng=rng), rng=rng), nn.BatchNorm(6),
                             nn.Tanh(), nn.Dense(6, 1, rng=rng)).astype(np.float64)
    return D, [t for _, t in D.named_state() if not isinstance(t, nn.Parameter)]


def test_looking_ahead_leaves_the_discriminators_statistics_where_they_were():
    (G, _), (D, kept) = networks(), with_statistics()
    before = [(t, t.data, t.numpy()) for t in kept]
    assert len(before) == 4
    game = UnrolledGAN(G, D, unroll=2)
    with frozen(D):
        game.g_loss((batch(4),), game.generate((batch(4, 2),)), RNG(0)).backward()
    for t, array, values in before:
        assert t.data is array
        np.testing.assert_array_equal(t.numpy(), values)


def test_statistics_move_by_the_discriminators_own_updates_alone():
    (G, _), (D, _) = networks(), with_statistics()
    other, _ = with_statistics()
    real, fake = (batch(4),), (batch(4, seed=1),)
    game = UnrolledGAN(G, D, unroll=2)
    game.d_loss(real, fake, RNG(0))
    game.g_loss(real, fake, RNG(0))
    GAN(G, other).d_loss(real, fake, RNG(0))
    for (name, t), (_, u) in zip(D.named_state(), other.named_state()):
        np.testing.assert_array_equal(t.numpy(), u.numpy(), err_msg=name)


def test_state_that_does_not_move_can_be_in_the_graph():
    (G, _), (D, _) = networks(), with_statistics()
    D.eval()
    game = UnrolledGAN(G, D, unroll=1)
    with frozen(D):  # a backward of numbers that were changed, even back again, would raise
        game.g_loss((batch(4),), game.generate((batch(4, 2),)), RNG(0)).backward()
    assert all(np.isfinite(p.grad.numpy()).all() for p in G.parameters())


class Tied(nn.Module):
    """The critic x · w + Σ cos(x · w): its weight has two names, one of them in a list."""

    def __init__(self, weight):
        self.first, self.other = Linear(weight), Linear(weight)
        self.other.weight = self.first.weight
        self.listed = [self.first.weight]

    def forward(self, x):
        return self.first(x) + mg.ops.cos(self.other(x)) + x @ self.listed[0]


def test_a_weight_of_several_names_is_substituted_under_all_of_them():
    D = Tied(WEIGHT)
    own, listed = D.first.weight, D.listed
    zeros = mg.tensor(np.zeros((3, 1)))
    with substituted(D, {"first.weight": zeros}):
        assert (D(mg.tensor(REAL)).numpy() == 1).all()
    assert D.first.weight is own and D.other.weight is own and D.listed is listed


def test_the_steps_of_a_tied_weight_are_as_derived_by_hand():
    # D(x) = 2 x · w + cos(x · w), of which Wasserstein's loss has the mean slope below
    def slope(x, w):
        return ((2 - np.sin(x @ w))[:, None] * x).mean(axis=0)

    game = UnrolledGAN(nn.Module(), Tied(WEIGHT), objectives.wasserstein, unroll=1, unroll_lr=LR)
    ahead = WEIGHT - LR * (slope(FAKE, WEIGHT) - slope(REAL, WEIGHT))
    loss = game.g_loss((mg.tensor(REAL),), (mg.tensor(FAKE),), RNG(0)).item()
    assert loss == pytest.approx(-(2 * FAKE @ ahead + np.cos(FAKE @ ahead)).mean())


@pytest.mark.parametrize("unroll", [-1, 1.5])
def test_a_number_of_steps_that_is_none_is_refused(unroll):
    with pytest.raises((TypeError, ValueError), match="unroll is a whole number of at least 0"):
        UnrolledGAN(*networks(), unroll=unroll)


def test_a_parameter_of_d_that_nothing_uses_is_no_reason_to_refuse():
    G, D = models.digits(width=8, latent=3, rng=np.random.default_rng(0))
    D.unused = nn.Dense(2, 2)
    game = UnrolledGAN(G, D, unroll=1)
    rng = np.random.default_rng(0)
    real = (mg.tensor(rng.random((4, 8, 8, 1)).astype(np.float32)),)
    assert np.isfinite(game.g_loss(real, game.generate(game.latent(4, rng)), rng).item())
