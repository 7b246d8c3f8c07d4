from __future__ import annotations

import copy

import numpy as np
import pytest
from small_games import (assert_same_bits, batch, discriminator, networks, play, players, sigmoid,
                         softplus)

import minigan as mg
from minigan import nn
from minigan.gan import (Bidirectional, ConditionalGenerator, InfoGAN, models, noise, objectives,
                         train_step)
from minigan.gan.game import GAN, GameError, judge, packed
from minigan.gan.penalties import gradient_penalty

RNG = np.random.default_rng


def plain_step(generator, critic, real, z, lr=0.1):
    """Algorithm 1 of Goodfellow et al. 2014 with G's other loss, by hand."""
    def descend(network, loss):
        parameters = list(network.parameters())
        for p, g in zip(parameters, mg.grad(loss, parameters)):
            p.data = p.data - lr * g.data

    softplus = mg.ops.softplus
    fake = generator(z)
    descend(critic, mg.ops.mean(softplus(-critic(real)))
            + mg.ops.mean(softplus(critic(fake.detach()))))
    descend(generator, mg.ops.mean(softplus(-critic(generator(z)))))


def test_a_gan_of_nothing_else_is_goodfellows_algorithm():
    G, D = networks()
    game = GAN(*networks())
    rng = RNG(5)
    for _ in range(3):
        real = mg.tensor(rng.normal(size=(6, 3)))
        plain_step(G, D, real, game.latent(6, rng)[0])
    ours, _ = play(game)
    for p, q in zip(ours, (*G.parameters(), *D.parameters())):
        np.testing.assert_allclose(p, q.numpy(), rtol=1e-12, atol=1e-15)


def test_packing_by_one_is_the_plain_gan_bit_for_bit():
    assert_same_bits(GAN(*networks(), pack=1), GAN(*networks()))
    x = batch(3)
    assert packed(x, 1) is x


def test_packing_joins_neighbours_along_the_last_axis():
    x, image = batch(6), batch(4, 2, 2, 1)
    np.testing.assert_array_equal(packed(x, 2).numpy(), x.numpy().reshape(3, 6))
    two = packed(image, 2).numpy()
    assert two.shape == (2, 2, 2, 2)
    for k in range(4):
        np.testing.assert_array_equal(two[k // 2, :, :, k % 2], image.numpy()[k, :, :, 0])
    colour = packed(batch(6, 2, 2, 3), 3)
    assert colour.shape == (2, 2, 2, 9)


def test_a_packed_game_shows_groups_of_examples_and_conditions():
    game = GAN(networks()[0], discriminator(6, RNG(0)).astype(np.float64), pack=2)
    ours, result = play(game, n=8)
    assert result.real_logits.shape == result.fake_logits.shape == (4, 1)
    x, c = game.shown((batch(4), batch(4, 5)), RNG(0))
    assert x.shape == (2, 6) and c.shape == (2, 10)


def test_a_batch_that_cannot_be_packed_is_refused():
    with pytest.raises(GameError, match="5 examples cannot be packed by 2.*multiple of 2"):
        packed(batch(5), 2)


def test_networks_that_are_exchanged_and_a_generator_without_a_latent_are_refused():
    G, D = models.digits(width=4, latent=2)
    x, moves = batch(2, 2), [mg.optim.SGD(network.parameters(), 1) for network in (D, G)]
    for exchanged in (lambda: GAN(D, G), lambda: train_step(D, G, *moves, x, x)):
        with pytest.raises(GameError, match="only the second, Generator, has a latent"):
            exchanged()
    bare = nn.Sequential(nn.ReLU(), nn.Dense(2, 3))
    for made in (lambda: GAN(bare, D).latent(4, RNG(0)), lambda: Bidirectional(bare, D),
                 lambda: InfoGAN(bare, D).latent(4, RNG(0)), lambda: ConditionalGenerator(bare, 2)):
        with pytest.raises(GameError, match="Sequential does not say .*: generator.latent = 100"):
            made()
    bare.latent = 2
    assert GAN(bare, D).latent(4, RNG(0))[0].shape == (4, 2)


def test_a_pack_of_none_and_a_label_noise_that_is_no_probability_are_refused():
    for options in {"pack": 0}, {"label_noise": -0.1}, {"label_noise": 1.5}:
        with pytest.raises(ValueError, match="GAN: (pack is a whole|label_noise is a probability)"):
            GAN(*networks(), **options)


def test_gradients_flow_through_packing():
    x = mg.tensor(np.ones((4, 2)), requires_grad=True)
    weights = np.arange(8.0).reshape(2, 4)
    gradient, = mg.grad((packed(x, 2) * mg.tensor(weights)).sum(), x)
    np.testing.assert_array_equal(gradient.numpy(), weights.reshape(4, 2))


def test_label_noise_exchanges_the_labels_of_pairs():
    game = GAN(*networks(), label_noise=0.3)
    real, fake = mg.tensor(np.arange(2000.0)[:, None]), mg.tensor(-1 - np.arange(2000.0)[:, None])
    a, b = (t.numpy()[:, 0] for t in game.labelled(real, fake, RNG(0)))
    exchanged = a < 0
    np.testing.assert_array_equal(a, np.where(exchanged, -1 - np.arange(2000), np.arange(2000)))
    np.testing.assert_array_equal(b, -1 - a)
    assert exchanged.mean() == pytest.approx(0.3, abs=0.03)


def test_label_noise_is_in_the_discriminators_loss_and_not_in_what_it_reports():
    G, D = networks()
    real, fake = (batch(6),), (batch(6, seed=1),)
    r, f = D(real[0]).numpy(), D(fake[0]).numpy()
    wrong = RNG(3).random((6, 1), np.float32) < 0.5
    assert 0 < wrong.sum() < 6
    judged = GAN(G, D, label_noise=0.5).d_loss(real, fake, RNG(3))
    assert judged.loss.item() == pytest.approx(
        softplus(-np.where(wrong, f, r)).mean() + softplus(np.where(wrong, r, f)).mean())
    np.testing.assert_allclose(judged.real_logits.numpy(), r)
    np.testing.assert_allclose(judged.fake_logits.numpy(), f)


def test_without_label_noise_nothing_is_drawn():
    rng = RNG(0)
    GAN(*networks()).d_loss((batch(4),), (batch(4, seed=1),), rng)
    assert rng.random() == RNG(0).random()


def test_both_players_see_augmented_examples_of_both_kinds():
    G, D = networks()
    seen = []

    def augment(x, rng):
        seen.append(x)
        return x * 2

    game = GAN(G, D, objectives.OBJECTIVES["relativistic"], augment=augment)
    real, fake = (batch(4),), (batch(4, seed=1),)
    r, f = D(real[0] * 2).numpy(), D(fake[0] * 2).numpy()
    judged = game.d_loss(real, fake, RNG(0))
    np.testing.assert_allclose(judged.real_logits.numpy(), r)
    np.testing.assert_allclose(judged.fake_logits.numpy(), f)
    assert {id(x) for x in seen} == {id(real[0]), id(fake[0])}
    assert game.g_loss(real, fake, RNG(0)).item() == pytest.approx(
        softplus(-(f - r.mean())).mean() + softplus(r - f.mean()).mean())
    plain = GAN(G, D, augment=augment)
    seen.clear()
    assert plain.g_loss(real, fake, RNG(0)).item() == pytest.approx(-np.log(sigmoid(f)).mean())
    assert [id(x) for x in seen] == [id(fake[0])]  # the real ones are not asked for


def test_all_penalties_are_added_to_the_discriminators_loss_of_augmented_examples():
    G, D = networks()
    real, fake = (batch(4),), (batch(4, seed=1),)
    seen = []

    def penalty(critic, real, fake, rng):
        seen.append((critic, real[0].numpy(), fake[0].numpy()))
        return mg.tensor(0.25)

    plain = GAN(G, D, augment=lambda x, rng: x * 2)
    game = GAN(G, D, penalties=[penalty, penalty], augment=lambda x, rng: x * 2)
    assert game.d_loss(real, fake, RNG(0)).loss.item() == pytest.approx(
        plain.d_loss(real, fake, RNG(0)).loss.item() + 0.5)
    assert game.g_loss(real, fake, RNG(0)).item() == plain.g_loss(real, fake, RNG(0)).item()
    for critic, x, y in seen:
        assert critic is D
        np.testing.assert_array_equal(x, 2 * real[0].numpy())
        np.testing.assert_array_equal(y, 2 * fake[0].numpy())


def test_the_latent_is_the_chosen_noise_and_the_conditions():
    game = GAN(*networks(latent=2), noise=noise.uniform)
    c = batch(4, 5)
    z, condition = game.latent(4, RNG(0), (c,))
    assert condition is c
    np.testing.assert_array_equal(z.numpy(), noise.uniform(4, 2, RNG(0)).numpy())


class Conditioned(nn.Module):
    """A network of an input and a condition, joined."""

    def __init__(self, body):
        self.body, self.latent = body, 2

    def forward(self, x, c):
        return self.body(mg.ops.concatenate([x, c], axis=1))


def test_generator_and_discriminator_see_the_condition():
    rng = RNG(0)
    G = Conditioned(nn.Dense(2 + 4, 3, rng=rng)).astype(np.float64)
    D = Conditioned(nn.Dense(3 + 4, 1, rng=rng)).astype(np.float64)
    game = GAN(G, D, penalties=[gradient_penalty()])
    c = batch(5, 4)
    latent = game.latent(5, rng, (c,))
    fake = game.generate(latent)
    assert fake[1] is c
    np.testing.assert_array_equal(fake[0].numpy(), G(*latent).numpy())
    judged = game.d_loss((batch(5), c), fake, rng)
    np.testing.assert_allclose(judged.real_logits.numpy(), D(batch(5), c).numpy())
    np.testing.assert_allclose(judged.fake_logits.numpy(), D(fake[0], c).numpy())
    assert game.g_loss((batch(5), c), fake, rng).item() == pytest.approx(
        softplus(-D(fake[0], c).numpy()).mean())


def only_the_generator_is_told():
    return ConditionalGenerator(networks(latent=6)[0], 4), networks()[1]


@pytest.mark.parametrize("conditions, parts", [
    (1, networks), (0, only_the_generator_is_told), (1, only_the_generator_is_told)],
    ids=["a condition too many", "one too few", "one too many for D"])
def test_conditions_that_a_network_does_not_take_are_refused_in_words(conditions, parts):
    game, c = GAN(*parts()), (batch(5, 4),) * conditions
    with pytest.raises(GameError, match=f"called with {conditions} condition.* Loader"):
        fake = game.generate(game.latent(5, RNG(0), c))
        game.d_loss((batch(5), *c), fake, RNG(0))


def test_an_error_from_within_a_network_stays_what_it_is():
    class Broken(nn.Module):
        latent = 2

        def forward(self, z):
            return z + None

    with pytest.raises(TypeError, match="NoneType") as raised:
        GAN(Broken(), networks()[1]).generate((batch(5),))
    assert not isinstance(raised.value, GameError)


def test_samples_go_through_the_discriminator_together_only_where_no_module_looks_across(
        monkeypatch):
    seen = []
    forward = models.Discriminator.forward
    monkeypatch.setattr(models.Discriminator, "forward",
                        lambda self, x: seen.append(len(x)) or forward(self, x))
    _, alone = networks()
    across = models.Discriminator(nn.Dense(3, 4, rng=RNG(0)), nn.BatchNorm(4), nn.Dense(4, 1))
    across.astype(np.float64)
    real, fake = (batch(4),), (batch(5, seed=1),)
    for D, lengths in (alone, [9, 4, 5]), (across, [4, 5, 4, 5]):
        seen.clear()
        for logits, sample in zip(judge(D, real, fake), (real, fake)):
            np.testing.assert_allclose(logits.numpy(), D(*sample).numpy(), rtol=1e-12)
        assert seen == lengths


def test_a_game_is_a_module_of_all_its_networks():
    G, D = networks()
    game = GAN(G, D)
    assert list(game.parameters()) == [*G.parameters(), *D.parameters()]
    other = copy.deepcopy(game)
    players(other).move_d()
    other.load_state_dict(game.state_dict())


def test_parts_of_the_wrong_kind_are_refused_in_words():
    G, D = nn.Dense(2, 3), nn.Dense(3, 1)
    with pytest.raises(TypeError, match="objective is an Objective, not 'hinge'"):
        GAN(G, D, "hinge")
    with pytest.raises(TypeError, match="penalties is an iterable, not"):
        GAN(G, D, penalties=gradient_penalty())
