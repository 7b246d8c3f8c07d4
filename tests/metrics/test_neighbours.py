import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigan.metrics import (coverage, density_coverage, knn_classify, memorisation_test, points,
                             precision_recall)

SETUP = {"n": st.integers(4, 30), "m": st.integers(1, 30), "k": st.integers(1, 3),
         "block": st.sampled_from([1, 50, 2**22]), "seed": st.integers(0, 2**32)}


def naive_distance(a, b):
    return sum((x - y) ** 2 for x, y in zip(a.ravel().tolist(), b.ravel().tolist(), strict=True))


def naive_knn(real, labels, sample, k):
    nearest = sorted(range(len(real)), key=lambda i: naive_distance(real[i], sample))[:k]
    votes = [sum(labels[i] == c for i in nearest) for c in range(max(labels) + 1)]
    return votes.index(max(votes))


def naive_coverage(real, samples, k):
    covered = 0
    for i, x in enumerate(real):
        radius = sorted(naive_distance(x, y) for j, y in enumerate(real) if j != i)[k - 1]
        covered += any(naive_distance(x, s) <= radius for s in samples)
    return covered / len(real)


@settings(max_examples=40)
@given(**SETUP)
def test_knn_classify_agrees_with_plain_loops_at_any_block_size(n, m, k, block, seed):
    rng = np.random.default_rng(seed)
    real, samples = rng.normal(size=(n, 2, 3, 1)), rng.normal(size=(m, 2, 3, 1))
    labels = rng.integers(4, size=n)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(points, "BLOCK", block)
        predicted = knn_classify(real, labels, samples, k)
    assert predicted.dtype == np.int64
    assert predicted.tolist() == [naive_knn(real, labels, s, k) for s in samples]


@settings(max_examples=40)
@given(**SETUP)
def test_coverage_agrees_with_plain_loops_at_any_block_size(n, m, k, block, seed):
    rng = np.random.default_rng(seed)
    # Small integers have many equal distances, and float64 computes them without an error.
    real, samples = rng.integers(4, size=(n, 2)), rng.integers(6, size=(m, 2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(points, "BLOCK", block)
        assert coverage(real, samples, k) == naive_coverage(real, samples, k)


def test_every_real_point_is_classified_as_itself_by_one_neighbour():
    rng = np.random.default_rng(0)
    real, labels = rng.normal(size=(50, 8)).astype(np.float32), rng.integers(10, size=50)
    np.testing.assert_array_equal(knn_classify(real, labels, real, k=1), labels)


def test_of_classes_with_equally_many_votes_the_smallest_wins():
    assert knn_classify([[0.0], [1.0]], [7, 3], [[0.1]], k=2).tolist() == [3]


def test_labels_are_whole_numbers_of_any_type_and_size():
    for labels in (np.array([255, 3], np.uint8), np.array([127, 3], np.int8), [10 ** 12, 3]):
        assert knn_classify([[0.0], [1.0]], labels, [[0.1]], k=1).tolist() == [labels[0]]
    for wrong in ([-1, 0], [0.5, 1.0], ["a", "b"]):
        with pytest.raises(ValueError, match="whole numbers of at least 0"):
            knn_classify([[0.0], [1.0]], wrong, [[0.1]], k=1)


def test_real_data_covers_itself_and_one_repeated_sample_covers_little():
    real = np.random.default_rng(0).normal(size=(300, 2))
    assert coverage(real, real) == 1
    assert coverage(real, np.repeat(real[:1], 300, axis=0)) < 0.1
    assert coverage(real, real + 100) == 0


def test_coverage_of_the_same_distribution_is_as_the_paper_derives():
    rng = np.random.default_rng(0)
    n, m, k = 2000, 1000, 5
    expected = 1 - np.prod([(n - i) / (m + n - i) for i in range(1, k + 1)])
    assert coverage(rng.normal(size=(n, 2)), rng.normal(size=(m, 2)), k) == \
        pytest.approx(expected, abs=0.03)


def test_distances_survive_a_common_offset_that_would_drown_them_in_float32():
    real = np.random.default_rng(0).normal(size=(40, 2))
    labels = np.arange(40) % 3
    np.testing.assert_array_equal(knn_classify(real + 1e4, labels, real + 1e4, k=1), labels)


REAL = np.zeros((4, 2))


@pytest.mark.parametrize("call, message", [
    (lambda: coverage(REAL, np.zeros((3, 5)), k=1), "2 and 5 values"),
    (lambda: coverage(REAL, np.full((3, 2), np.nan)), "fake holds values that are not finite"),
    (lambda: coverage(REAL, np.zeros((0, 2))), "fake holds no points"),
    (lambda: coverage(REAL, REAL, k=4), "k = 4 neighbours were asked for, of 3"),
    (lambda: coverage(REAL, REAL, k=0), "k is a whole number of at least 1"),
    (lambda: knn_classify(REAL, [0, 1], REAL), r"labels of shape \(4,\), got \(2,\)"),
    (lambda: knn_classify(REAL, [0, 1, 2, 3], REAL, k=5), "k = 5 neighbours were asked for, of 4"),
])
def test_input_that_makes_no_sense_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def naive_support(points, support, k):
    """The share of points within a ball around one of the support."""
    radii = [sorted(naive_distance(x, y) for j, y in enumerate(support) if j != i)[k - 1]
             for i, x in enumerate(support)]
    inside = [[naive_distance(x, p) <= r for x, r in zip(support, radii)] for p in points]
    return np.mean([any(row) for row in inside]), np.sum(inside) / (k * len(points))


@settings(max_examples=20)
@given(**{**SETUP, "m": st.integers(4, 30)})
def test_precision_recall_and_density_agree_with_plain_loops(n, m, k, block, seed):
    rng = np.random.default_rng(seed)
    real, fake = rng.integers(4, size=(n, 2)), rng.integers(6, size=(m, 2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(points, "BLOCK", block)
        precision, recall = precision_recall(real, fake, k)
        density, _ = density_coverage(real, fake, k)
    assert (precision, density) == pytest.approx(naive_support(fake, real, k))
    assert recall == pytest.approx(naive_support(real, fake, k)[0])
    assert precision_recall(fake, real, k) == (recall, precision)


def test_density_and_coverage_of_a_distribution_with_itself_are_as_derived_in_any_dimension():
    rng = np.random.default_rng(0)
    found = [density_coverage(*rng.normal(size=(2, 150, 1000))) for _ in range(25)]
    expected = 1 - np.prod([(150 - i) / (300 - i) for i in range(1, 6)])
    assert np.mean(found, axis=0) == pytest.approx((1, expected), abs=0.06)


def test_density_is_one_for_the_same_distribution_and_large_for_an_average():
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(2, 600, 2))
    assert density_coverage(real, fake)[0] == pytest.approx(1, abs=0.06)
    real = rng.normal(size=(200, 60))
    assert density_coverage(real, np.zeros((1, 60)))[0] == 200 / 5  # it lies in every ball


def test_an_outlier_lets_poor_samples_into_precision_and_not_into_density():
    rng = np.random.default_rng(0)
    real, poor = rng.normal(size=(200, 2)), 10 + rng.normal(size=(200, 2))
    real[0] = 25, 25
    assert precision_recall(real, poor)[0] == 1
    assert density_coverage(real, poor)[0] < 0.4


@given(st.integers(0, 2**32))
def test_the_memorisation_test_is_mann_and_whitneys(seed):
    rng = np.random.default_rng(seed)
    train, held_out, fake = (rng.integers(20, size=(n, 2)) for n in (10, 30, 40))
    nearest = [[min(naive_distance(x, y) for y in train) for x in points]
               for points in (held_out, fake)]
    share, z = memorisation_test(train, held_out, fake)
    assert share == np.mean([(h > f) + (h == f) / 2 for h in nearest[0] for f in nearest[1]])
    assert z == pytest.approx((share - 0.5) * 1200 / np.sqrt(1200 * 71 / 12))
    assert memorisation_test(train, fake, held_out) == pytest.approx((1 - share, -z))


def test_memory_shows_where_coverage_is_content():
    train, held_out, fake = np.random.default_rng(0).normal(size=(3, 400, 3))
    share, z = memorisation_test(train, held_out, fake)
    assert share == pytest.approx(0.5, abs=0.06) and abs(z) < 3
    share, z = memorisation_test(train, held_out, train + 0.01)
    assert share > 0.9 and z > 15 and coverage(train, train + 0.01) > 0.99
    assert memorisation_test(train, held_out, fake + 9)[1] < -15
