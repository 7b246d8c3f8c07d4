import numpy as np
import pytest

from minigan.data import grid, grid_centers, ring, ring_centers
from minigan.metrics import mode_figures


@pytest.mark.parametrize("draw, centers, std", [(ring, ring_centers(), 0.01),
                                                (grid, grid_centers(), 0.05)])
def test_real_points_score_what_theory_says(draw, centers, std):
    figures = mode_figures(draw(50_000, np.random.default_rng(0)), centers, std)
    assert figures.captured == len(centers)
    assert figures.high_quality == pytest.approx(1 - np.exp(-4.5), abs=0.002)
    # of N even draws, KL is about (K - 1) / 2N
    assert figures.reverse_kl == pytest.approx((len(centers) - 1) / 1e5, abs=2e-4)


def test_one_mode_alone_has_the_largest_divergence():
    figures = mode_figures(np.tile(ring_centers()[3], (7, 1)), ring_centers(), 0.01)
    assert figures == (1, 1.0, pytest.approx(np.log(8)))


def test_two_modes_of_four_shared_evenly_are_ln_2_away():
    centers = np.array([[0, 0], [1, 0], [0, 1], [1, 1.0]])
    assert mode_figures(centers[[0, 3]], centers, 0.1) == (2, 1.0, pytest.approx(np.log(2)))


def test_uneven_shares_follow_the_formula():
    centers = np.array([[0.0, 0], [5, 5]])
    samples = centers[[0, 0, 0, 1]]
    expected = 0.75 * np.log(1.5) + 0.25 * np.log(0.5)
    assert mode_figures(samples, centers, 1).reverse_kl == pytest.approx(expected)


def test_samples_of_low_quality_neither_capture_nor_count_in_the_divergence():
    centers = np.array([[0.0, 0], [10, 0]])
    samples = np.array([[0.0, 0], [2.99, 0], [3.01, 0], [7.0001, 0], [6.9, 0]])
    figures = mode_figures(samples, centers, 1)
    assert figures == (2, pytest.approx(0.6), pytest.approx(
        2 / 3 * np.log(4 / 3) + 1 / 3 * np.log(2 / 3)))


def test_where_nothing_is_of_high_quality_nothing_is_captured():
    assert mode_figures(np.zeros((5, 2)), ring_centers(), 0.01) == (0, 0, pytest.approx(np.log(8)))


@pytest.mark.parametrize("samples, message", [
    (np.zeros((3, 3)), r"\(3, 3\) and \(8, 2\)"), (np.zeros(3), r"\(3,\)"),
    (np.zeros((0, 2)), "at least one"), (np.full((3, 2), np.nan), "finite")])
def test_what_cannot_be_judged_is_refused(samples, message):
    with pytest.raises(ValueError, match=message):
        mode_figures(samples, ring_centers(), 0.01)
    if samples.ndim == 2 and samples.shape[1] == 2:
        with pytest.raises(ValueError, match=f"centers.*{message}"):
            mode_figures(ring_centers(), samples, 0.01)
