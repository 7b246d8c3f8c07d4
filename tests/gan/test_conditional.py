from __future__ import annotations

import numpy as np
import pytest
from small_games import batch, discriminator, networks, noisy, sigmoid, softplus

import minigan as mg
from minigan import nn
from minigan.gan import conditional, models, noise
from minigan.gan.conditional import Conditional, ConditionalGenerator, Projection
from minigan.gan.game import GAN
from minigan.testing import check_grads

RNG = np.random.default_rng
ONES = np.ones((4, 1))  # the unit vectors of a single class


def plain_and_conditional(how):
    """Two games of the same networks, of which the second sees the class as well, and the weights
    by which it does, all 0."""
    plain = GAN(*networks(dtype=np.float32))
    G, D = networks(dtype=np.float32)
    wide_G = models.Generator(3, nn.Dense(3, 5), *G.body.layers[1:])
    wide_G.body[0].weight.data[:2], wide_G.body[0].weight.data[2:] = G.body[0].weight.data, 0
    wide_G.body[0].bias.data[...] = G.body[0].bias.data
    if how == "projection":
        judge = conditional.projection(D, 1)
        judge.embedding.weight.data[...] = 0
    else:
        wide_D = models.Discriminator(nn.Dense(4, 6), *D.body.layers[1:])
        wide_D.body[0].weight.data[:3], wide_D.body[0].weight.data[3:] = D.body[0].weight.data, 0
        wide_D.body[0].bias.data[...] = D.body[0].bias.data
        judge = Conditional(wide_D)
    game = GAN(ConditionalGenerator(wide_G, 1), judge)
    return [g.astype(np.float64) for g in (plain, game)]


@pytest.mark.parametrize("how", ["concatenation", "projection"])
def test_of_one_class_it_is_the_plain_gan(how):
    plain, game = plain_and_conditional(how)
    real, z, one = batch(4), batch(4, 2, seed=1), mg.tensor(ONES)
    sums = []
    for g, conditions in (plain, ()), (game, (one,)):
        fake = g.generate((z, *conditions))
        judged = g.d_loss((real, *conditions), fake, RNG(0))
        loss = g.g_loss((real, *conditions), fake, RNG(0))
        seen = fake[0]
        slope, = mg.grad(loss, seen)
        sums.append([judged.loss.numpy(), judged.real_logits.numpy(), loss.numpy(), slope.numpy()])
    for a, b in zip(*sums):
        np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize("how", ["concatenation", "projection"])
def test_a_single_class_is_learnt_as_the_weights_beside_it_are(how):
    plain, game = plain_and_conditional(how)
    real, fake, one = batch(4), batch(4, seed=1), mg.tensor(ONES)
    plain.d_loss((real,), (fake,), RNG(0)).loss.backward()
    game.d_loss((real, one), (fake, one), RNG(0)).loss.backward()
    if how == "projection":  # V y is a second ψ
        expected = plain.discriminator.body[2].weight.grad.numpy()
        np.testing.assert_allclose(game.discriminator.logit.weight.grad.numpy(), expected)
        np.testing.assert_allclose(game.discriminator.embedding.weight.grad.numpy(), expected.T)
    else:  # a further input that is always 1 is a second bias
        first, other = plain.discriminator.body[0], game.discriminator.network.body[0]
        np.testing.assert_allclose(other.weight.grad.numpy()[:3], first.weight.grad.numpy())
        np.testing.assert_allclose(other.weight.grad.numpy()[3], first.bias.grad.numpy())


class Seen(nn.Module):
    """Gives back what it gets."""

    def forward(self, x):
        return x


def test_a_vector_gets_the_condition_as_further_numbers():
    x, c = batch(4), batch(4, 5, seed=1)
    seen = Conditional(Seen())(x, c).numpy()
    np.testing.assert_array_equal(seen, np.concatenate([x.numpy(), c.numpy()], axis=1))


def test_an_image_gets_it_as_further_channels_the_same_at_every_pixel():
    x, c = batch(4, 6, 7, 3), batch(4, 2, seed=1)
    seen = Conditional(Seen())(x, c).numpy()
    assert seen.shape == (4, 6, 7, 5)
    np.testing.assert_array_equal(seen[..., :3], x.numpy())
    assert (seen[..., 3:] == c.numpy()[:, None, None, :]).all()


def test_gradients_flow_to_the_examples_and_to_the_condition():
    network = Conditional(nn.Sequential(nn.Dense(5, 4, rng=RNG(0)), nn.Tanh()))
    network.astype(np.float64)
    check_grads(network, RNG(1).normal(size=(3, 3)), RNG(2).normal(size=(3, 2)))
    check_grads(network, RNG(1).normal(size=(2, 2, 2, 3)), RNG(2).normal(size=(2, 2)))


def test_a_condition_of_another_shape_says_how_one_is_made():
    network = Conditional(Seen())
    for condition in mg.tensor(np.arange(4.0)), batch(3, 5):
        with pytest.raises(ValueError, match=r"shape \(4, K\).*noise.encoded\(labels, K\)"):
            network(batch(4), condition)


def test_a_conditional_generators_latent_is_what_the_condition_leaves():
    generator = ConditionalGenerator(networks(latent=7)[0], classes=4)
    assert generator.latent == 3
    classes = noise.encoded(np.array([0, 3, 1]), 4)
    z, condition = GAN(generator, nn.Module()).latent(3, RNG(0), (classes,))
    assert z.shape == (3, 3) and condition is classes


def two_classes(n=4):
    return np.eye(2)[np.arange(n) % 2]


def test_a_projections_logit_is_its_formula():
    D, = noisy([discriminator(rng=RNG(0))])
    judge = conditional.projection(D, 2, RNG(1)).astype(np.float64)
    x, y = batch(4), two_classes()
    dense, logit = D.body[0], D.body[2]
    features = np.tanh(x.numpy() @ dense.weight.numpy() + dense.bias.numpy())
    fit = ((y @ judge.embedding.weight.numpy()) * features).sum(axis=1, keepdims=True)
    expected = features @ logit.weight.numpy() + logit.bias.numpy() + fit
    np.testing.assert_allclose(judge(x, mg.tensor(y)).numpy(), expected, rtol=1e-12)
    assert judge.embedding.bias is None and np.abs(fit).max() > 0


def test_a_projections_gradient_is_its_formulas():
    # φ(x) = x, so the slope of the logit by x is ψ's weights and the class's row of V
    judge = Projection(Seen(), nn.Dense(3, 1), nn.Dense(2, 3, bias=False)).astype(np.float64)
    x, y = mg.tensor(RNG(0).normal(size=(4, 3)), requires_grad=True), two_classes()
    slope, = mg.grad(judge(x, mg.tensor(y)).sum(), x)
    np.testing.assert_allclose(
        slope.numpy(), judge.logit.weight.numpy().T + y @ judge.embedding.weight.numpy())
    by_embedding, = mg.grad(judge(x, mg.tensor(y)).sum(), [judge.embedding.weight])
    np.testing.assert_allclose(by_embedding.numpy(), y.T @ x.numpy())


def test_a_projections_gradients_are_right_to_the_second_order():
    D, = noisy([discriminator(rng=RNG(0))])
    judge = conditional.projection(D, 2, RNG(1)).astype(np.float64)
    check_grads(lambda x: judge(x, mg.tensor(two_classes())), RNG(2).normal(size=(4, 3)))


def test_the_loss_of_a_conditional_game_is_of_the_logits_that_know_the_class():
    G, _ = networks(latent=4)
    D, = noisy([discriminator(5, RNG(0))])
    game = GAN(ConditionalGenerator(G, 2), Conditional(D))
    real, y = batch(4), mg.tensor(two_classes())
    fake = game.generate(game.latent(4, RNG(0), (y,)))
    r, f = (D(mg.ops.concatenate([x, y], axis=1)).numpy() for x in (real, fake[0]))
    assert game.d_loss((real, y), fake, RNG(0)).loss.item() == pytest.approx(
        softplus(-r).mean() + softplus(f).mean(), rel=1e-6)
    assert game.g_loss((real, y), fake, RNG(0)).item() == pytest.approx(
        -np.log(sigmoid(f)).mean(), rel=1e-6)


def test_two_heads_share_the_features_of_a_discriminator():
    D, = noisy([discriminator(rng=RNG(0))])
    heads = conditional.two_headed(D, 7, RNG(1)).astype(np.float64)
    logits, answers = heads(batch(4))
    np.testing.assert_allclose(logits.numpy(), D(batch(4)).numpy())
    assert answers.shape == (4, 7) and heads.answer.weight.shape == (6, 7)


def test_answers_in_place_of_the_logit_are_of_the_same_features():
    D, = noisy([discriminator(rng=RNG(0))])
    network = conditional.answering(D, 7, RNG(1)).astype(np.float64)
    trunk, _ = conditional.parts(D)
    assert list(network.layers[:-1]) == list(trunk.layers)
    np.testing.assert_allclose(network(batch(4)).numpy(),
                               network.layers[-1](trunk(batch(4))).numpy())
    assert network.layers[-1].weight.shape == (6, 7)


@pytest.mark.parametrize("last", [nn.Tanh(), nn.SpectralNorm(nn.Dense(6, 1))])
def test_a_discriminator_that_does_not_end_in_a_dense_layer_has_no_such_parts(last):
    D = models.Discriminator(nn.Dense(3, 6), last)
    for make in (lambda: conditional.parts(D), lambda: conditional.projection(D, 2),
                 lambda: conditional.two_headed(D, 2)):
        with pytest.raises(TypeError, match="last layer of a discriminator is the Dense one"):
            make()


def test_what_is_no_discriminator_has_no_such_parts():
    with pytest.raises(TypeError, match="is a Discriminator, not a Sequential"):
        conditional.answering(nn.Sequential(nn.Dense(3, 1)), 2)
