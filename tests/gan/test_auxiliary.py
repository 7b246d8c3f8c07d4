from __future__ import annotations

import numpy as np
import pytest
from small_games import batch, by_weights, log_softmax, networks, noisy, players, softplus

import minigan as mg
from minigan import nn
from minigan.gan import auxiliary, models, objectives, penalties
from minigan.gan.game import GAN, GameError
from minigan.gan.several import Generators
from minigan.testing import check_grads

RNG = np.random.default_rng


def two_heads(answers, examples=3, seed=4):
    rng = RNG(seed)
    return noisy([auxiliary.TwoHeads(
        nn.Sequential(nn.Dense(examples, 5, rng=rng), nn.Tanh()), nn.Dense(5, 1, rng=rng),
        nn.Dense(5, answers, rng=rng))], seed)[0]


class Joined(nn.Module):
    """A generator of noise and a code or class."""

    latent = 2

    def __init__(self, code):
        self.body = networks(latent=2 + code)[0]

    def forward(self, z, code):
        return self.body(mg.ops.concatenate([z, code], axis=1))


def units(labels, classes, dtype=np.float64):
    return mg.tensor(np.eye(classes, dtype=dtype)[labels])


def cross_entropy(answers, classes):
    return -(log_softmax(answers) * classes).sum(axis=1).mean()


def heads(game, x):
    return [t.numpy() for t in game.discriminator(x)]


def adversarial(real, fake):
    return softplus(-real).mean() + softplus(fake).mean()


@pytest.fixture
def real():
    """Examples and their classes."""
    return batch(4), units([0, 2, 1, 1], 3)


@pytest.fixture
def fake():
    return batch(4, seed=1), units([2, 2, 0, 1], 3)


def test_acgan_adds_the_class_loss_of_both_kinds_to_ds_and_of_generated_ones_to_gs(real, fake):
    game = auxiliary.ACGAN(Joined(3), two_heads(3), weight=0.7)
    (r, about_r), (f, about_f) = heads(game, real[0]), heads(game, fake[0])
    on_real, on_fake = (cross_entropy(a, s[1].numpy()) for a, s in ((about_r, real),
                                                                    (about_f, fake)))
    judged = game.d_loss(real, fake, RNG(0))
    assert judged.loss.item() == pytest.approx(adversarial(r, f) + 0.7 * (on_real + on_fake))
    np.testing.assert_array_equal(judged.real_logits.numpy(), r)
    np.testing.assert_array_equal(judged.fake_logits.numpy(), f)
    assert game.g_loss(real, fake, RNG(0)).item() == pytest.approx(
        softplus(-f).mean() + 0.7 * on_fake)


def test_the_answers_weigh_one_if_nothing_else_is_said():
    for game in (auxiliary.ACGAN(Joined(3), two_heads(3)),
                 auxiliary.InfoGAN(Joined(3), two_heads(3), categorical=3),
                 auxiliary.MGAN(Generators([nn.Dense(2, 3)] * 2, 2), two_heads(2))):
        assert game.weight == 1


def test_the_class_loss_of_known_logits_is_their_cross_entropy():
    answers = mg.tensor(np.log([[0.2, 0.8], [0.5, 0.5]]))
    assert auxiliary.class_loss(answers, units([1, 0], 2)).item() == pytest.approx(
        -(np.log(0.8) + np.log(0.5)) / 2)


def test_games_of_answers_go_with_relativistic_objectives_and_penalties(real, fake):
    penalty, G = penalties.gradient_penalty(), Joined(3)
    critic = two_heads(3)
    game = auxiliary.ACGAN(G, critic, objectives.OBJECTIVES["relativistic"], [penalty],
                           augment=lambda x, rng: x * 2)
    (r, about_r), (f, about_f) = heads(game, real[0] * 2), heads(game, fake[0] * 2)
    answers = [cross_entropy(a, s[1].numpy()) for a, s in ((about_r, real), (about_f, fake))]
    steepness = penalty(critic, (real[0] * 2,), (fake[0] * 2,), RNG(0)).item()
    assert game.d_loss(real, fake, RNG(0)).loss.item() == pytest.approx(
        adversarial(r - f.mean(), f - r.mean()) + sum(answers) + steepness)
    assert game.g_loss(real, fake, RNG(0)).item() == pytest.approx(
        adversarial(f - r.mean(), r - f.mean()) + answers[1])


def test_games_of_answers_take_label_noise_and_refuse_packing(real, fake):
    game = auxiliary.ACGAN(Joined(3), two_heads(3), label_noise=1)
    (r, about_r), (f, about_f) = heads(game, real[0]), heads(game, fake[0])
    assert game.d_loss(real, fake, RNG(0)).loss.item() == pytest.approx(
        adversarial(f, r) + cross_entropy(about_r, real[1].numpy())
        + cross_entropy(about_f, fake[1].numpy()))
    with pytest.raises(GameError, match="ACGAN takes no pack"):
        auxiliary.ACGAN(Joined(3), two_heads(3), pack=2)


def infogan(**options):
    return auxiliary.InfoGAN(Joined(5), two_heads(3 + 2 * 2), categorical=3, continuous=2,
                             continuous_weight=1, **options)


CODES = np.concatenate([np.eye(3)[[2, 2, 0, 1]], RNG(8).uniform(-1, 1, (4, 2))], axis=1)


def minus_log_density(answers, codes):
    """Of a categorical and two normal distributions, from their definitions."""
    probability = np.exp(answers[:, :3]) / np.exp(answers[:, :3]).sum(axis=1, keepdims=True)
    mean, std = answers[:, 3:5], np.exp(answers[:, 5:])
    normal = np.exp(-((codes[:, 3:] - mean) / std) ** 2 / 2) / (std * np.sqrt(2 * np.pi))
    return -np.log((probability * codes[:, :3]).sum(axis=1) * normal.prod(axis=1)).mean()


def test_infogan_adds_minus_the_log_density_of_the_code_to_both_losses(real, fake):
    game = infogan(weight=0.3)
    fake = fake[0], mg.tensor(CODES)
    (r, _), (f, answers) = heads(game, real[0]), heads(game, fake[0])
    answered = 0.3 * minus_log_density(answers, CODES)
    assert game.d_loss(real[:1], fake, RNG(0)).loss.item() == pytest.approx(
        adversarial(r, f) + answered)
    assert game.g_loss(real[:1], fake, RNG(0)).item() == pytest.approx(
        softplus(-f).mean() + answered)


def test_infogans_latent_is_noise_and_a_code_of_the_declared_distribution():
    z, code = infogan().latent(3000, RNG(0))
    assert z.shape == (3000, 2) and code.shape == (3000, 5)
    categories, continuous = code.numpy()[:, :3], code.numpy()[:, 3:]
    assert set(np.unique(categories)) == {0, 1} and (categories.sum(axis=1) == 1).all()
    np.testing.assert_allclose(categories.mean(axis=0), 1 / 3, atol=0.03)
    assert -1 <= continuous.min() < -0.99 and 0.99 < continuous.max() <= 1
    np.testing.assert_allclose(continuous.std(axis=0), 3 ** -0.5, atol=0.02)
    only = auxiliary.InfoGAN(Joined(3), two_heads(3), categorical=3).latent(5, RNG(0))
    assert only[1].shape == (5, 3)


@pytest.mark.numpy_only("differences; the losses are checked on both")
@pytest.mark.parametrize("weight", [0, 2])
def test_the_mutual_information_is_differentiated_by_the_generators_weights(real, weight):
    game = infogan(weight=weight)
    latent = batch(4, 2), mg.tensor(CODES)
    f, weights = by_weights(game.generator, lambda: game.g_loss(real[:1], game.generate(latent),
                                                                RNG(0)))
    check_grads(f, *weights, order=1)


def test_the_mutual_information_reaches_generator_and_answering_head(real):
    gradients = []
    for weight in 0, 2:
        game = infogan(weight=weight)
        team, fake = players(game), game.generate((batch(4, 2), mg.tensor(CODES)))
        team.d_gradient(real[:1], fake, RNG(0))
        team.g_gradient(real[:1], fake, RNG(0))
        gradients.append([next(m.parameters()).grad.numpy()
                          for m in (game.generator, game.discriminator.answer)])
    (g_without, d_without), (g_with, d_with) = gradients
    assert np.abs(g_with - g_without).max() > 1e-3
    assert not d_without.any() and np.abs(d_with).max() > 1e-3


def k_plus_one(network, x):
    """Softmax over K + 1 classes, of which the last has the logit 0."""
    logits = np.concatenate([network(x).numpy(), np.zeros((len(x), 1))], axis=1)
    return np.exp(log_softmax(logits))


def test_a_semi_supervised_discriminator_is_a_softmax_of_one_class_more(real, fake):
    G, _ = networks()
    network, = noisy([nn.Sequential(nn.Dense(3, 5, rng=RNG(0)), nn.Tanh(),
                                    nn.Dense(5, 3, rng=RNG(1)))])
    game = auxiliary.SemiSupervisedGAN(G, auxiliary.Classifier(network))
    p, q = k_plus_one(network, real[0]), k_plus_one(network, fake[0])
    some = real[1].numpy()
    some[[0, 3]] = 0  # two examples without a label
    genuine = 1 - p[:, 3]
    supervised = -np.mean([np.log(p[1, 2] / genuine[1]), np.log(p[2, 1] / genuine[2])])
    unsupervised = -np.log(genuine).mean() - np.log(q[:, 3]).mean()
    judged = game.d_loss((real[0], mg.tensor(some)), fake[:1], RNG(0))
    assert judged.loss.item() == pytest.approx(unsupervised + supervised)
    assert judged.real_logits.shape == (4, 1)
    np.testing.assert_allclose(judged.real_logits.numpy()[:, 0], np.log(genuine / p[:, 3]))
    without = game.d_loss((real[0], mg.tensor(0 * some)), fake[:1], RNG(0))
    assert without.loss.item() == pytest.approx(unsupervised)
    assert game.g_loss(real, fake[:1], RNG(0)).item() == pytest.approx(
        -np.log(1 - q[:, 3]).mean())
    assert game.discriminator(real[0])[1].shape == (4, 3)


def mgan(weight=0.5):
    rng = RNG(0)
    members = noisy([models.Generator(2, nn.Dense(2, 3, rng=rng)) for _ in range(3)])
    return auxiliary.MGAN(Generators(members, 2), two_heads(3), weight=weight)


def test_mgan_rewards_generators_that_can_be_told_apart():
    game = mgan()
    latent = game.latent(7, RNG(0))
    np.testing.assert_array_equal(latent[1].numpy(), np.eye(3)[[0, 0, 0, 1, 1, 2, 2]])
    latent = latent[0].astype(np.float64), latent[1]
    fake = game.generate(latent)
    for i, rows in enumerate([slice(0, 3), slice(3, 5), slice(5, 7)]):
        np.testing.assert_allclose(fake[0].numpy()[rows],
                                   game.generator.members[i](latent[0][rows]).numpy())
    real = batch(7),
    (r, _), (f, answers) = heads(game, real[0]), heads(game, fake[0])
    told = 0.5 * cross_entropy(answers, latent[1].numpy())
    assert game.d_loss(real, fake, RNG(0)).loss.item() == pytest.approx(adversarial(r, f) + told)
    assert game.g_loss(real, fake, RNG(0)).item() == pytest.approx(softplus(-f).mean() + told)


def test_mgan_without_its_classifiers_weight_is_the_plain_loss():
    game = mgan(weight=0)
    fake = game.generate((batch(6, 2), units([0, 0, 1, 1, 2, 2], 3)))
    plain = GAN(game.generator, game.discriminator)
    assert game.g_loss((batch(6),), fake, RNG(0)).item() == pytest.approx(
        plain.g_loss((batch(6),), fake[:1], RNG(0)).item())


def test_mgan_needs_several_generators():
    with pytest.raises(GameError, match=r"several: Generators\(\[...\]\), not Dense"):
        auxiliary.MGAN(nn.Dense(2, 3), two_heads(3))


def test_a_discriminator_that_answers_with_too_few_numbers_is_refused():
    rng = np.random.default_rng(0)
    x, code = mg.tensor(rng.random((4, 3))), mg.tensor(np.eye(4)[:, :3].copy())
    D = auxiliary.TwoHeads(nn.Dense(3, 5, rng=rng), nn.Dense(5, 1, rng=rng),
                           nn.Dense(5, 3, rng=rng)).astype(np.float64)
    G = nn.Dense(2, 3, rng=rng)
    with pytest.raises(GameError, match="answers with 3 numbers, where 2 for the classes"):
        auxiliary.InfoGAN(G, D, categorical=2, continuous=1).g_loss((x,), (x, code), rng)
    with pytest.raises(GameError, match=r"shape \(4, 3\) about classes of shape \(4, 4\)"):
        auxiliary.ACGAN(G, D).g_loss((x,), (x, mg.tensor(np.eye(4))), rng)


def test_a_semi_supervised_generator_is_told_no_class():
    game = auxiliary.SemiSupervisedGAN(*networks())
    assert len(game.latent(4, RNG(0), (mg.tensor(np.eye(4)),))) == 1


def semi_supervised(D):
    return auxiliary.SemiSupervisedGAN(networks()[0], D)


@pytest.mark.parametrize("classes", [[[1], [0], [2], [1]], [1, 0, 2, 1], [[[1, 0, 0]]] * 4])
def test_classes_that_are_no_unit_vectors_are_refused(classes, real, fake):
    game = semi_supervised(two_heads(3))
    with pytest.raises(GameError, match="both are to be .N, K.: noise.encoded"):
        game.d_loss((real[0], mg.tensor(np.array(classes, float))), fake[:1], RNG(0))


def test_a_semi_supervised_game_without_classes_says_where_they_come_from(real, fake):
    with pytest.raises(GameError, match="a row of zeros for each without a label"):
        semi_supervised(two_heads(3)).d_loss(real[:1], fake[:1], RNG(0))


@pytest.mark.parametrize("n", [2, 4])  # two logits can be taken for two parts of an answer
def test_a_discriminator_that_has_no_answer_is_refused(n):
    game = semi_supervised(networks()[1])
    with pytest.raises(GameError, match="returns logits and answers: two_headed"):
        game.d_loss((batch(n), mg.tensor(np.eye(3)[:n % 3 + 1])), (batch(n),), RNG(0))


@pytest.mark.parametrize("make", [
    lambda weight: auxiliary.ACGAN(*networks(answers=3), weight=weight),
    lambda weight: auxiliary.InfoGAN(*networks(answers=3), continuous_weight=weight)])
@pytest.mark.parametrize("weight", [-1, float("nan")])
def test_weights_of_answers_are_no_rewards(make, weight):
    with pytest.raises(ValueError, match=f"weight is a number of at least 0, not {weight}"):
        make(weight)


@pytest.mark.parametrize("code", [(1, 0), (3, -1)])
def test_a_code_that_says_nothing_is_refused(code):
    with pytest.raises(ValueError, match="is a whole number of at least [02], not"):
        auxiliary.InfoGAN(*networks(answers=3), categorical=code[0], continuous=code[1])


def test_games_that_have_no_use_for_labels_refuse_them():
    for game in mgan(), auxiliary.InfoGAN(*networks(answers=3)):
        with pytest.raises(GameError, match="no use for labels"):
            game.latent(4, RNG(0), (batch(4),))
