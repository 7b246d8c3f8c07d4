import tracemalloc

import numpy as np
import pytest

from minigan import metrics
from minigan.metrics import points


def nearest(x, y):
    return lambda others: metrics.knn_classify(x, y, others, k=1)


X, Y = np.random.default_rng(0).uniform(size=(2, 1200, 2))
LABELS = np.arange(1200) % 3

# every measure that looks at all pairs
OF_PAIRS = {
    "classifier_two_sample": lambda: metrics.classifier_two_sample(nearest, X, Y),
    "coverage": lambda: metrics.coverage(X, Y),
    "kernel_distance": lambda: metrics.kernel_distance(X, Y),
    "knn_classify": lambda: metrics.knn_classify(X, LABELS, Y),
    "memorisation_test": lambda: metrics.memorisation_test(X, X[:600], Y),
    "one_nearest_neighbour_accuracy": lambda: metrics.one_nearest_neighbour_accuracy(X, Y),
    "parzen_log_likelihood": lambda: metrics.parzen_log_likelihood(X, Y[:600], Y),
    "precision_recall": lambda: metrics.precision_recall(X, Y),
}


@pytest.mark.parametrize("name", OF_PAIRS)
def test_all_pairs_are_never_held_at_once(name, monkeypatch):
    monkeypatch.setattr(points, "BLOCK", 2 ** 14)
    OF_PAIRS[name]()  # what is imported or kept by the first call is not counted
    tracemalloc.start()
    OF_PAIRS[name]()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1200 * 1200 * 8 / 8  # an eighth of all distances


GOOD = np.random.default_rng(0).uniform(size=(80, 3))
OF_TWO = [metrics.classifier_two_sample, metrics.coverage, metrics.density_coverage,
          metrics.frechet, metrics.frechet_infinity, metrics.kernel_distance,
          metrics.kernel_distance_by_subsets, metrics.one_nearest_neighbour_accuracy,
          metrics.precision_recall]


@pytest.mark.parametrize("fake, message", [
    (GOOD[:, :2], "real and fake differ in size: 3 and 2 values"),
    (np.full((80, 3), np.nan), "fake holds values that are not finite, as NaN is: look"),
    (np.full((80, 3), np.inf), "fake holds values that are not finite"),
    (-1e200 * GOOD, r"fake holds values beyond ±1e\+50"),
    (GOOD[:0], r"fake holds no points: expected \(N, ...\), got \(0, 3\)"),
    (GOOD.astype(complex), "fake holds complex128, not numbers"),
    (GOOD[:1], r"too few|have|equally many|make no|k = \d neighbours")])
def test_every_measure_of_two_sets_says_what_is_wrong_with_them(fake, message):
    for measure in OF_TWO:
        first = [nearest] if measure is metrics.classifier_two_sample else []
        if len(fake) == 1 and measure in (metrics.coverage, metrics.density_coverage):
            continue  # one sample may be asked how much it covers
        with pytest.raises(ValueError, match=message):
            measure(*first, GOOD, fake)


def test_integers_half_precision_and_images_are_taken_for_what_they_hold():
    whole = np.random.default_rng(0).integers(9, size=(2, 20, 2, 2, 1))
    expected = metrics.frechet(*whole.reshape(2, 20, 4).astype(float))
    for dtype in (np.uint8, np.int64, np.float16, np.float32):
        assert metrics.frechet(*whole.astype(dtype)) == expected


def test_no_squared_distance_is_negative_and_blocks_are_in_order():
    x = 1e3 + np.random.default_rng(0).uniform(size=(50, 3))
    blocks = list(points.squared_distances(x, x[::-1]))
    made = np.concatenate([distance for _, distance in blocks])
    assert (made >= 0).all() and (np.diag(made[:, ::-1]) < 1e-8).all()
    np.testing.assert_allclose(made, ((x[:, None] - x[::-1]) ** 2).sum(axis=2), atol=1e-8)


AT = {"at 0": (1, 0), "tenths": (0.1, 0), "far from 0": (2.0 ** -10, 2.0 ** 20),
      "in thirds": (1 / 3, 0)}


@pytest.mark.parametrize("name", AT)
def test_ties_and_copies_are_seen_wherever_the_points_lie_and_however_they_are_cut(
        name, monkeypatch):
    scale, middle = AT[name]
    x, y, z = np.random.default_rng(0).integers(3, size=(3, 60, 7)).astype(float)
    y[:20] = x[20:40]

    def asked(x, y, z):
        return (metrics.precision_recall(x, y), metrics.density_coverage(x, y),
                metrics.one_nearest_neighbour_accuracy(x, y), metrics.memorisation_test(z, x, y))

    exact = asked(x, y, z)  # of small whole numbers all sums are exact
    for block in (2 ** 20, 700, 1):
        monkeypatch.setattr(points, "BLOCK", block)
        assert asked(*[scale * points + middle for points in (x, y, z)]) == exact


def test_a_set_that_is_one_point_again_and_again_is_held_against_itself():
    same = np.full((20, 64), 0.1)
    assert metrics.precision_recall(same, same) == (1, 1)
    assert metrics.density_coverage(same, same) == (4, 1)
    assert metrics.one_nearest_neighbour_accuracy(same, same) == (0.5, 0.5, 0.5)


def test_neither_a_large_offset_nor_one_point_far_off_hides_the_small_distances_of_the_others():
    x = 1e-3 * np.random.default_rng(0).standard_normal((40, 64))
    for some in (1e6 + x, np.concatenate([x[:1] + 1e8, x[1:]])):
        exact = ((some[:, None] - some) ** 2).sum(axis=2)
        made = np.concatenate([distance for _, distance in points.squared_distances(some, some)])
        np.testing.assert_allclose(made, exact, rtol=1e-6)
