import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigan.metrics import class_shares, coverage, knn_classify, points, total_variation

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


def test_class_shares_count_every_class_even_those_that_are_missing():
    assert class_shares([0, 0, 2, 3], classes=5).tolist() == [0.5, 0, 0.25, 0.25, 0]


@pytest.mark.parametrize("labels", [[10], [-1], np.zeros(0, int)])
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
