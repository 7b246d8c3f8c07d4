from __future__ import annotations

import math

import numpy as np
import pytest

import minigan as mg
from minigan.gan import minimax, nonsaturating, objectives

LOGITS = np.array([[-3.0], [-0.5], [0.0], [2.0]])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def slope(loss, logits):
    x = mg.tensor(logits, requires_grad=True)
    return mg.grad(loss(x), x)[0].numpy() * len(logits)


def test_the_value_is_minus_two_ln_two_where_the_discriminator_cannot_tell():
    zero = mg.tensor(np.zeros((5, 1)))
    assert objectives.value(zero, zero).item() == pytest.approx(-2 * math.log(2))


def test_the_discriminator_loss_is_binary_cross_entropy_of_ones_and_zeros():
    real, fake = mg.tensor(LOGITS), mg.tensor(LOGITS + 1)
    expected = -np.log(sigmoid(LOGITS)).mean() - np.log(1 - sigmoid(LOGITS + 1)).mean()
    for objective in (minimax, nonsaturating):
        assert objective.discriminator(real, fake).item() == pytest.approx(expected)
    bce = mg.losses.bce_with_logits
    assert (bce(real, 1) + bce(fake, 0)).item() == pytest.approx(expected)


def test_minimax_minimises_the_log_of_one_minus_d_with_slope_minus_d():
    assert minimax.generator(mg.tensor(LOGITS)).item() == pytest.approx(
        np.log(1 - sigmoid(LOGITS)).mean())
    np.testing.assert_allclose(slope(minimax.generator, LOGITS), -sigmoid(LOGITS))


def test_nonsaturating_minimises_minus_the_log_of_d_with_slope_d_minus_one():
    assert nonsaturating.generator(mg.tensor(LOGITS)).item() == pytest.approx(
        -np.log(sigmoid(LOGITS)).mean())
    np.testing.assert_allclose(slope(nonsaturating.generator, LOGITS), sigmoid(LOGITS) - 1)


def test_a_losing_generator_learns_from_nonsaturating_but_not_from_minimax():
    losing = np.full((1, 1), -30.0)  # D is sure that these are generated
    assert abs(slope(minimax.generator, losing)) < 1e-12
    assert slope(nonsaturating.generator, losing) == pytest.approx(-1)


def three_slopes(objective, logits):
    """Of D's loss on real, of its loss on generated, and of G's loss."""
    x = mg.tensor(logits, requires_grad=True)
    return [mg.grad(part(x).sum(), x)[0].numpy()
            for part in (objective.on_real, objective.on_fake, objective.on_generated)]


E = np.exp
SLOPES = {
    "minimax": lambda v: (-sigmoid(-v), sigmoid(v), -sigmoid(v)),
    "nonsaturating": lambda v: (-sigmoid(-v), sigmoid(v), -sigmoid(-v)),
    "least-squares": lambda v: (v - 1, v, v - 1),
    "wasserstein": lambda v: (-1, 1, -1),
    "hinge": lambda v: (-1 * (v < 1), 1 * (v > -1), -1),
    "kl": lambda v: (-1, E(v - 1), -1),
    "reverse-kl": lambda v: (-E(-v), 1, -E(-v)),
    "pearson": lambda v: (-1, v / 2 + 1, -1),
    "neyman": lambda v: (-E(-v), E(-v / 2), -E(-v)),
    "squared-hellinger": lambda v: (-E(-v), E(v), -E(-v)),
    "jensen-shannon": lambda v: (-sigmoid(-v), sigmoid(v), -sigmoid(-v)),
    "total-variation": lambda v: (-0.5 / np.cosh(v) ** 2, 0.5 / np.cosh(v) ** 2,
                                  -0.5 / np.cosh(v) ** 2),
}


@pytest.mark.parametrize("name", SLOPES)
def test_slopes_are_as_derived_on_saturated_logits_too(name):
    logits = np.array([[-30.0], [-3], [-0.4], [0.3], [2], [30]])
    objective = objectives.OBJECTIVES[name]
    for got, expected in zip(three_slopes(objective, logits), SLOPES[name](logits)):
        # tanh and softplus are exact to rounding of 1, not of the slope
        np.testing.assert_allclose(got, expected + 0 * logits, rtol=1e-9, atol=1e-15)


def test_every_objective_gives_one_finite_float32_for_saturated_float32_logits():
    wide = mg.tensor(np.array([[-40.0], [0], [40]], np.float32))
    for objective in objectives.OBJECTIVES.values():
        for loss in objective.discriminator(wide, wide), objective.generator(wide, wide):
            assert loss.shape == () and loss.dtype == np.float32 and np.isfinite(loss.item())


P, Q = np.array([6, 5, 4, 3, 1, 1]) / 20, np.array([1, 2, 3, 4, 5, 5]) / 20


def of_densities(objective, logits, p, q):
    """D's loss on samples in which each of six points is as frequent as p and q say."""
    points = np.arange(6)
    real, fake = (mg.ops.stack([logits[i] for i in np.repeat(points, np.rint(20 * density)
                                                             .astype(int)).tolist()])
                  for density in (p, q))
    return objective.discriminator(real, fake)


def optimal_logits(objective, p, q, steps=60):
    """By Newton's method; the loss is a sum of functions of one logit each, so the Hessian is
    diagonal."""
    def loss(logits):
        return (mg.tensor(p) * objective.on_real(logits)
                + mg.tensor(q) * objective.on_fake(logits)).sum()

    logits = np.zeros(6)
    for _ in range(steps):
        x, ones = mg.tensor(logits, requires_grad=True), mg.tensor(np.ones(6))
        curvature = mg.hvp(loss, x, ones)[1].numpy()
        step = mg.grad(loss(x), x)[0].numpy() / (np.abs(curvature) + 1e-12)
        logits = logits - np.clip(step, -1, 1)
    loss = of_densities(objective, mg.tensor(logits), p, q)
    assert loss.item() == pytest.approx(
        (p * objective.on_real(mg.tensor(logits)).numpy()
         + q * objective.on_fake(mg.tensor(logits)).numpy()).sum())
    return logits, loss.item()


@pytest.mark.parametrize("objective", [minimax, nonsaturating])
def test_the_optimal_discriminator_is_p_over_p_plus_q(objective):
    logits, loss = optimal_logits(objective, P, Q)
    np.testing.assert_allclose(sigmoid(logits), P / (P + Q), rtol=1e-9)
    m = (P + Q) / 2
    divergence = 0.5 * (P * np.log(P / m)).sum() + 0.5 * (Q * np.log(Q / m)).sum()
    assert -loss == pytest.approx(-math.log(4) + 2 * divergence)


def test_at_equal_densities_the_optimal_value_is_minus_log_four():
    logits, loss = optimal_logits(minimax, P, P)
    np.testing.assert_allclose(sigmoid(logits), 0.5)
    assert -loss == pytest.approx(-math.log(4))


def test_the_optimum_of_least_squares_is_p_over_p_plus_q_itself():
    logits, loss = optimal_logits(objectives.least_squares, P, Q, steps=3)
    np.testing.assert_allclose(logits, P / (P + Q))
    assert loss == pytest.approx(0.5 * (P * Q / (P + Q)).sum())


def test_one_sided_smoothing_scales_the_optimum_by_its_label():
    logits, _ = optimal_logits(objectives.smoothed(minimax, 0.1), P, Q)
    np.testing.assert_allclose(sigmoid(logits), 0.9 * P / (P + Q), rtol=1e-9)


U = np.geomspace(1e-9, 1e9, 400_001)  # likelihood ratios, 1 among them
F_GAN = {  # f, and its slope, which is T at the optimum
    "kl": (lambda u: u * np.log(u), lambda u: 1 + np.log(u)),
    "reverse-kl": (lambda u: -np.log(u), lambda u: -1 / u),
    "pearson": (lambda u: (u - 1) ** 2, lambda u: 2 * (u - 1)),
    "neyman": (lambda u: (1 - u) ** 2 / u, lambda u: 1 - u ** -2.0),
    "squared-hellinger": (lambda u: (np.sqrt(u) - 1) ** 2, lambda u: 1 - u ** -0.5),
    "jensen-shannon": (lambda u: u * np.log(u) - (u + 1) * np.log((u + 1) / 2),
                       lambda u: np.log(2 * u / (u + 1))),
    "total-variation": (lambda u: np.abs(u - 1) / 2, lambda u: np.sign(u - 1) / 2),
}


@pytest.mark.parametrize("name", F_GAN)
def test_the_conjugate_is_the_supremum_over_likelihood_ratios(name):
    f, _ = F_GAN[name]
    objective = objectives.OBJECTIVES[name]
    logits = np.array([-1.9, -0.7, 0.0, 0.4, 1.1, 2.5])
    activation = -objective.on_real(mg.tensor(logits)).numpy()
    supremum = [(U * t - f(U)).max() for t in activation]
    np.testing.assert_allclose(objective.on_fake(mg.tensor(logits)).numpy(), supremum,
                               rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(objective.on_generated(mg.tensor(logits)).numpy(), -activation)


@pytest.mark.parametrize("name", F_GAN)
def test_the_activation_rises_with_the_logit(name):
    logits = mg.tensor(np.linspace(-6, 6, 101))
    assert (np.diff(-objectives.OBJECTIVES[name].on_real(logits).numpy()) > 0).all()


@pytest.mark.parametrize("name", F_GAN)
def test_the_bound_is_the_divergence_at_the_optimal_discriminator(name):
    f, optimum = F_GAN[name]
    objective = objectives.OBJECTIVES[name]
    logits, loss = optimal_logits(objective, P, Q)
    assert -loss == pytest.approx((Q * f(P / Q)).sum(), rel=1e-9)
    np.testing.assert_allclose(-objective.on_real(mg.tensor(logits)).numpy(), optimum(P / Q),
                               rtol=1e-6)


def test_hinge_is_at_its_best_at_plus_and_minus_one():
    hinge, rng = objectives.hinge, np.random.default_rng(0)
    best = of_densities(hinge, mg.tensor(np.sign(P - Q)), P, Q).item()
    assert best == pytest.approx(2 * np.minimum(P, Q).sum())
    for logits in rng.normal(0, 2, (50, 6)):
        assert of_densities(hinge, mg.tensor(logits), P, Q).item() >= best
    disjoint = [np.array([1, 1, 1, 0, 0, 0]) / 3, np.array([0, 0, 0, 1, 1, 1]) / 3]
    apart = (disjoint[0] > 0) * 2.0 - 1
    for logits, expected in (apart, 0), (2 * apart, 0), (0.5 * apart, 1), (0 * apart, 2):
        assert hinge.discriminator(mg.tensor(logits[:3]), mg.tensor(logits[3:])).item() == expected
    assert hinge.generator(mg.tensor(apart[3:])).item() == 1


def test_a_wasserstein_critic_of_slope_one_measures_the_distance_of_shifted_samples():
    x = np.random.default_rng(0).normal(size=40)
    y = x[::-1] - 1.7
    distance = np.abs(np.sort(x) - np.sort(y)).mean()
    critics = [lambda t: t, lambda t: -t, mg.ops.sin, mg.ops.softplus, mg.ops.tanh]
    estimates = [-objectives.wasserstein.discriminator(D(mg.tensor(x)), D(mg.tensor(y))).item()
                 for D in critics]
    assert estimates[0] == pytest.approx(distance) == pytest.approx(1.7)
    assert max(estimates) == estimates[0]
    assert objectives.wasserstein.generator(mg.tensor(y)).item() == pytest.approx(-y.mean())


def f_real_f_fake(name):
    return {"relativistic": (lambda v: np.logaddexp(0, -v), lambda v: np.logaddexp(0, v)),
            "relativistic-hinge": (lambda v: np.maximum(0, 1 - v), lambda v: np.maximum(0, 1 + v)),
            "relativistic-least-squares": (lambda v: (v - 1) ** 2 / 2, lambda v: (v + 1) ** 2 / 2),
            }[name]


@pytest.mark.parametrize("name", ["relativistic", "relativistic-hinge",
                                  "relativistic-least-squares"])
def test_relativistic_average_losses_are_of_differences_to_the_other_kinds_mean(name):
    objective, (f_real, f_fake) = objectives.OBJECTIVES[name], f_real_f_fake(name)
    rng = np.random.default_rng(1)
    real, fake = rng.normal(0.5, 1, (5, 1)), rng.normal(-0.2, 1, (4, 1))
    of_real, of_fake = real - fake.mean(), fake - real.mean()
    r, f = mg.tensor(real), mg.tensor(fake)
    assert objective.relativistic
    assert objective.discriminator(r, f).item() == pytest.approx(
        f_real(of_real).mean() + f_fake(of_fake).mean())
    assert objective.generator(f, r).item() == pytest.approx(
        f_real(of_fake).mean() + f_fake(of_real).mean())
    assert objective.discriminator(r + 3, f + 3).item() == pytest.approx(
        objective.discriminator(r, f).item())


def test_the_relativistic_discriminator_learns_through_both_means():
    real, fake = (mg.tensor(np.array(x), requires_grad=True) for x in ([0.3, 1.0], [0.1, -0.5]))
    loss = objectives.OBJECTIVES["relativistic-least-squares"].discriminator(real, fake)
    slopes = [g.numpy() for g in mg.grad(loss, (real, fake))]
    away = 1.0 - (0.65 + 0.2)  # of the means' difference from 1, which counts twice
    np.testing.assert_allclose(slopes[0], ((np.array([0.3, 1.0]) + 0.2 - 1) - away) / 2)
    np.testing.assert_allclose(sum(slopes[0]) + sum(slopes[1]), 0, atol=1e-15)


@pytest.mark.parametrize("name", ["nonsaturating", "relativistic"])
def test_smoothing_changes_what_the_discriminator_is_told_of_real_examples_only(name):
    plain = objectives.OBJECTIVES[name]
    objective = objectives.smoothed(plain, 0.1)
    real, fake = mg.tensor(LOGITS), mg.tensor(LOGITS[::-1] - 1)
    a, b = ((real - mg.ops.mean(fake), fake - mg.ops.mean(real)) if plain.relativistic
            else (real, fake))
    bce = mg.losses.bce_with_logits
    assert objective.discriminator(real, fake).item() == pytest.approx(
        (bce(a, 0.9) + bce(b, 0)).item())
    assert objective.generator(fake, real).item() == plain.generator(fake, real).item()
    assert type(objective) is type(plain)


def test_smoothing_by_nothing_changes_nothing_and_by_everything_is_refused():
    real, fake = mg.tensor(LOGITS), mg.tensor(LOGITS + 1)
    assert objectives.smoothed(minimax, 0).discriminator(real, fake).item() == (
        minimax.discriminator(real, fake).item())
    for share in (1, -0.1):
        with pytest.raises(ValueError, match=r"at least 0 and below 1"):
            objectives.smoothed(minimax, share)
