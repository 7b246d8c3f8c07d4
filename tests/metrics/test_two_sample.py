from math import erfc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigan.metrics import (classifier_two_sample, knn_classify, one_nearest_neighbour_accuracy,
                             points)

SEED = st.integers(0, 2**32)


def nearest(x, y):
    """Train for one nearest neighbour."""
    return lambda points: knn_classify(x, y, points, k=1)


def naive(real, fake):
    both, right = np.concatenate([real, fake]), []
    kinds = [0] * len(real) + [1] * len(fake)
    for i, x in enumerate(both):
        others = [(((x - y) ** 2).sum(), kinds[j]) for j, y in enumerate(both) if j != i]
        least = min(others)[0]
        at_least = {kind for distance, kind in others if distance == least}
        right.append(0.5 if len(at_least) == 2 else float(at_least == {kinds[i]}))
    return np.mean(right), np.mean(right[:len(real)]), np.mean(right[len(real):])


@given(seed=SEED, block=st.sampled_from([1, 50, 2**22]))
def test_one_nearest_neighbour_agrees_with_plain_loops_at_any_block_size(seed, block):
    real, fake = np.random.default_rng(seed).integers(5, size=(2, 15, 2))  # with many ties
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(points, "BLOCK", block)
        made = one_nearest_neighbour_accuracy(real, fake)
    assert made == pytest.approx(naive(real, fake))
    both, of_real, of_fake = one_nearest_neighbour_accuracy(fake, real)
    assert (both, of_fake, of_real) == made


def test_copies_are_0_sets_apart_1_and_the_same_distribution_a_half():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 500, 3))
    assert one_nearest_neighbour_accuracy(x, x) == (0, 0, 0)
    assert one_nearest_neighbour_accuracy(x, x + 100) == (1, 1, 1)
    assert one_nearest_neighbour_accuracy(x, y) == pytest.approx((0.5,) * 3, abs=0.07)
    of_atoms = one_nearest_neighbour_accuracy(np.sign(x), np.sign(y))
    assert of_atoms == (0.5, 0.5, 0.5)  # nothing but ties


def test_the_mean_hides_what_the_two_sides_show():
    x, y = np.random.default_rng(0).normal(size=(2, 500, 20))
    both, of_real, of_fake = one_nearest_neighbour_accuracy(x, 0.8 * y)
    assert of_real < 0.35 and of_fake > 0.8 and abs(both - 0.5) < 0.2


def test_a_classifier_that_sees_a_difference_proves_it_and_p_is_even_where_there_is_none():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 200, 2))
    both, of_real, of_fake, p = classifier_two_sample(nearest, x, y + 3)
    assert both == (of_real + of_fake) / 2 > 0.9 and p < 1e-6
    ps = [classifier_two_sample(nearest, *rng.normal(size=(2, 60, 2)), seed=i)[3]
          for i in range(60)]
    of_42 = classifier_two_sample(nearest, np.zeros((41, 1)), np.ones((41, 1)))  # 21 a side
    assert of_42 == (1, 1, 1, pytest.approx(erfc(np.sqrt(42 / 2)) / 2, rel=1e-9))
    assert 0.35 < np.mean(ps) < 0.65 and np.mean(np.array(ps) < 0.1) < 0.25


def test_the_classifier_is_never_asked_about_what_it_was_fitted_to():
    x, y = np.random.default_rng(0).normal(size=(2, 41, 2))
    seen, asked = [], []

    def train(points, labels):
        assert labels.tolist() == [1] * 20 + [0] * 20
        seen.extend(map(tuple, points))
        return lambda others: asked.extend(map(tuple, others)) or np.ones(len(others))

    both, of_real, of_fake, p = classifier_two_sample(train, x, y)
    assert (both, of_real, of_fake, p) == (0.5, 1, 0, 0.5)
    assert sorted(seen + asked) == sorted(map(tuple, np.concatenate([x, y])))


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(ValueError, match="4 real and 3 fake points"):
        one_nearest_neighbour_accuracy(np.zeros((4, 2)), np.zeros((3, 2)))
    with pytest.raises(ValueError, match=r"labels of shape \(1,\) for 2 points"):
        classifier_two_sample(lambda x, y: lambda t: [1], np.zeros((4, 2)), np.zeros((4, 2)))
