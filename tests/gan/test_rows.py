"""The generator of a table's rows: scalars, and choices among categories."""
from __future__ import annotations

from functools import partial

import numpy as np
import pytest

import minigan as mg
from minigan import nn
from minigan.gan import models, noise, sample
from minigan.testing import check_grads

RNG = np.random.default_rng
GROUPS = [(2, 1), (3, 2)]  # one choice of two categories, then two of three


def generator(dtype=np.float32):
    return models.RowGenerator(2, GROUPS, 0.5, 4, 6, nn.Dense(4, 6, rng=RNG(0)),
                               rng=RNG(1)).astype(dtype)


def test_a_row_is_scalars_and_unit_vectors_made_soft():
    G = generator()
    assert G.latent == 4 + 8
    rows = sample(G, noise.with_gumbel(8, 50, G.latent, RNG(1)))
    assert rows.shape == (50, 10) and (np.abs(rows[:, :2]) < 1).all() and (rows[:, :2] < 0).any()
    for start, end in (2, 4), (4, 7), (7, 10):
        assert (rows[:, start:end] > 0).all()
        np.testing.assert_allclose(rows[:, start:end].sum(axis=1), 1, rtol=1e-5)


def test_a_category_is_chosen_as_often_as_the_softmax_of_its_logits_says():
    G, n = generator(), 20_000
    G.choose.weight.data[...] = 0
    logits = np.array([0, 1, -1, 0, 2, 0.5, 0.5, 0.5], np.float32)
    G.choose.bias.data[...] = mg.tensor(logits).data
    z = noise.with_gumbel(8, n, G.latent, RNG(2))
    rows = sample(G, z, 5000)
    for start, end in (2, 4), (4, 7), (7, 10):
        expected = np.exp(logits[start - 2:end - 2])
        expected /= expected.sum()
        share = np.bincount(rows[:, start:end].argmax(axis=1), minlength=end - start) / n
        assert np.abs(share - expected).max() < 4 * np.sqrt(0.25 / n)
    np.testing.assert_array_equal(sample(G, z, 5000), rows)  # the same noise, the same rows


@pytest.mark.numpy_only("in float64")
def test_the_gradient_of_a_row_by_the_noise_is_right():
    G = generator(np.float64)
    check_grads(G, RNG(3).normal(size=(3, G.latent)))


def test_noise_has_the_gumbel_distribution_first_and_then_the_normal_one():
    z = noise.with_gumbel(3, 20_000, 5, RNG(4))
    assert z.shape == (20_000, 5) and z.dtype == np.float32
    mean, std = z.numpy().mean(axis=0), z.numpy().std(axis=0)
    np.testing.assert_allclose(mean, [np.euler_gamma] * 3 + [0] * 2, atol=0.04)
    np.testing.assert_allclose(std, [np.pi / np.sqrt(6)] * 3 + [1] * 2, atol=0.04)
    np.testing.assert_array_equal(partial(noise.with_gumbel, 3)(9, 5, RNG(4)).numpy()[0],
                                  noise.with_gumbel(3, 9, 5, RNG(4)).numpy()[0])


def test_noise_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"noise of shape \(N, 12\), got \(3, 4\)"):
        generator()(mg.tensor(np.zeros((3, 4), np.float32)))


def test_scalars_see_the_other_noise_and_what_was_chosen():
    G = generator()
    z = noise.with_gumbel(8, 6, G.latent, RNG(5)).numpy()
    first = sample(G, mg.tensor(z))
    for part in (slice(0, 8), slice(8, None)):
        other = z.copy()
        other[:, part] += 1 + RNG(6).random(other[:, part].shape)
        assert (sample(G, mg.tensor(other))[:, :2] != first[:, :2]).all()
    G.fill.weight.data[6:] = 0  # now they do not see what was chosen
    first, other = sample(G, mg.tensor(z)), z.copy()
    other[:, :8] += RNG(7).normal(size=(6, 8))
    made = sample(G, mg.tensor(other))
    np.testing.assert_array_equal(made[:, :2], first[:, :2])
    assert (made[:, 2:] != first[:, 2:]).all()


@pytest.mark.parametrize("scalars, groups", [(3, ()), (0, [(2, 2)])])
def test_rows_may_be_of_scalars_alone_or_of_choices_alone(scalars, groups):
    G = models.RowGenerator(scalars, groups, 0.5, 4, 6, nn.Dense(4, 6, rng=RNG(0)), rng=RNG(1))
    rows = sample(G, noise.with_gumbel(G.choices, 5, G.latent, RNG(1)))
    assert rows.shape == (5, scalars + G.choices)
