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
