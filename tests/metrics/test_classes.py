import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigan.data import digits
from minigan.metrics import (class_shares, gan_test, gan_train, inception_score, knn_classify,
                             stacked_modes, total_variation)


def nearest(x, y):
    """Train for one nearest neighbour."""
    return lambda points: knn_classify(x, y, points, k=1)


def test_class_shares_count_every_class_even_those_that_are_missing():
    assert class_shares([0, 0, 2, 3], classes=5).tolist() == [0.5, 0, 0.25, 0.25, 0]


@pytest.mark.parametrize("labels", [[10], [-1], np.zeros(0, int), [], [0.5], [[1]]])
def test_class_shares_refuse_labels_outside_the_classes_and_none(labels):
    with pytest.raises(ValueError):
        class_shares(labels)


@given(st.integers(0, 2**32))
def test_total_variation_is_a_distance_between_zero_and_one(seed):
    p, q, r = np.random.default_rng(seed).dirichlet(np.ones(6), size=3)
    assert total_variation(p, p) == 0
    assert total_variation(p, q) == total_variation(q, p) <= 1
    assert total_variation(p, r) <= total_variation(p, q) + total_variation(q, r) + 1e-12


def test_total_variation_of_disjoint_distributions_is_one():
    assert total_variation([1, 0, 0], [0, 0.5, 0.5]) == 1
    with pytest.raises(ValueError, match="same classes"):
        total_variation([1, 0], [1, 0, 0])


@pytest.mark.parametrize("dtype", [np.uint8, bool, np.float32])
def test_total_variation_is_of_shares_of_any_type_and_of_nothing_else(dtype):
    one, other = np.array([[0, 1], [1, 0]], dtype)
    assert total_variation(one, other) == 1
    for wrong in ([10, 0], [1.5, -0.5], [np.nan, 1]):
        with pytest.raises(ValueError, match="divide counts by their sum"):
            total_variation(wrong, [0, 1])
    with pytest.raises(ValueError, match="sum 1"):
        total_variation([], [])


@given(seed=st.integers(0, 2**32), splits=st.integers(1, 4))
def test_inception_score_is_the_exponential_of_the_mutual_information(seed, splits):
    p = np.random.default_rng(seed).dirichlet(np.full(5, 0.3), size=22)
    p[0] = [1, 0, 0, 0, 0]  # 0 ln 0 = 0

    def information(part):
        marginal = part.mean(axis=0)
        terms = [x * np.log(x / m) for row in part for x, m in zip(row, marginal) if x > 0]
        return sum(terms) / len(part)
    scores = [np.exp(information(part)) for part in np.array_split(p, splits)]
    assert inception_score(p, splits) == pytest.approx((np.mean(scores), np.std(scores)))


def test_inception_score_is_the_number_of_classes_at_best_and_one_at_worst():
    sure = np.eye(10)[np.arange(100) % 10]
    assert inception_score(sure) == pytest.approx((10, 0))
    assert inception_score(np.full((50, 10), 0.1), splits=5) == pytest.approx((1, 0))
    sorted_by_class = sure[np.argsort(sure.argmax(axis=1))]
    assert inception_score(sorted_by_class)[0] == pytest.approx(1)  # its failure
    with pytest.raises(ValueError, match="9 samples make no 10 parts"):
        inception_score(sure[:9])
    with pytest.raises(ValueError, match="softmax"):
        inception_score(2 * sure)


def test_gan_train_and_gan_test_exchange_what_is_fitted_and_what_is_asked():
    order = np.random.default_rng(0).permutation(1797)
    images, labels = (whole[order] for whole in digits())
    real, fake = (images[:300], labels[:300]), (images[300:600], labels[300:600])
    only_three = (fake[0][fake[1] < 3], fake[1][fake[1] < 3])
    assert gan_train(nearest, *fake, *real) > 0.9 < gan_test(nearest, *fake, *real)
    assert gan_train(nearest, *only_three, *real) < 0.4  # what is missing cannot be learned,
    assert gan_test(nearest, *only_three, *real) > 0.9   # and is not missed here
    assert gan_train(nearest, fake[0], (fake[1] + 1) % 10, *real) < 0.1
    assert gan_test(nearest, *fake, real[0], (real[1] + 1) % 10) < 0.1
    with pytest.raises(ValueError, match=r"fake has points of shape \(300, 8, 8, 1\)"):
        gan_train(nearest, fake[0], fake[1][:5], *real)
    with pytest.raises(ValueError, match=r"labels of shape \(2,\) for 300 points"):
        gan_test(lambda x, y: lambda points: [1, 2], *fake, *real)
    with pytest.raises(ValueError, match="real holds no points"):
        gan_train(nearest, *fake, real[0][:0], real[1][:0])


def test_stacked_real_digits_are_in_all_modes_as_evenly_as_26_000_draws_can_be():
    labels = digits()[1]
    draws = np.random.default_rng(0).choice(labels, size=(9, 26_000, 3))
    modes, divergences = zip(*map(stacked_modes, draws))
    assert set(modes) == {1000}
    assert np.mean(divergences) == pytest.approx(0.0197, abs=6e-4)  # 999 / 52,000, and uneven


def test_stacked_modes_count_tuples_of_labels():
    assert stacked_modes([[0, 1], [1, 0], [1, 1], [0, 0]], classes=2) == (4, 0)
    assert stacked_modes([[0, 1], [0, 1]], classes=3) == (1, pytest.approx(np.log(9)))
    for wrong, message in (([[0.5]], "whole"), ([[10]], "10..10"), ([1, 2], r"\(N, C\)")):
        with pytest.raises(ValueError, match=message):
            stacked_modes(wrong)
