import sys
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigan.metrics import MissingPackage, sliced_wasserstein, wasserstein1


@pytest.fixture
def scipy():
    return pytest.importorskip("scipy", reason="the exact distance is an assignment by SciPy")


def test_on_a_line_a_shift_by_d_is_d(scipy):
    x = np.random.default_rng(0).standard_normal(50)
    assert wasserstein1(x, x + 3) == pytest.approx(3)
    assert sliced_wasserstein(x, x + 3) == pytest.approx(3)


def test_in_the_plane_a_shift_by_d_is_d_and_sliced_2_d_over_pi(scipy):
    x = np.random.default_rng(0).standard_normal((50, 2))
    assert wasserstein1(x, x + [3, 4]) == pytest.approx(5)
    assert sliced_wasserstein(x, x + [3, 4], directions=100_000) == pytest.approx(10 / np.pi,
                                                                                  rel=0.01)


def test_the_order_of_the_points_does_not_matter(scipy):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((40, 2))
    assert wasserstein1(x, rng.permutation(x)) == 0
    assert sliced_wasserstein(x, rng.permutation(x)) == pytest.approx(0, abs=1e-12)


@given(seed=st.integers(0, 1000), n=st.integers(1, 5))
def test_it_is_the_best_of_all_pairings(scipy, seed, n):
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((2, n, 2))
    best = min(np.linalg.norm(a - b[list(p)], axis=1).mean() for p in permutations(range(n)))
    assert wasserstein1(a, b) == pytest.approx(best)


@given(seed=st.integers(0, 1000))
def test_on_a_line_both_are_the_mean_difference_of_the_sorted(scipy, seed):
    a, b = np.random.default_rng(seed).standard_normal((2, 30))
    expected = abs(np.sort(a) - np.sort(b)).mean()
    assert wasserstein1(a, b) == pytest.approx(expected)
    assert sliced_wasserstein(a, b) == pytest.approx(expected)


def test_a_disc_blown_up_to_twice_its_size_moves_by_its_mean_radius(scipy):
    x = np.random.default_rng(0).standard_normal((60, 2))  # 2x is the gradient of |x|²: optimal
    moved = np.linalg.norm(x, axis=1).mean()
    assert wasserstein1(x, x * 1.0001) == pytest.approx(0.0001 * moved, rel=1e-6)
    assert wasserstein1(x, 2 * x) <= moved + 1e-12  # for the distance itself others may be cheaper


@given(seed=st.integers(0, 1000))
def test_sliced_is_a_lower_bound(scipy, seed):
    a, b = np.random.default_rng(seed).standard_normal((2, 20, 2))
    assert sliced_wasserstein(a, b, seed=seed) <= wasserstein1(a, b) + 1e-12


@pytest.mark.parametrize("distance", [wasserstein1, sliced_wasserstein])
@pytest.mark.parametrize("a, b, message", [
    (np.zeros(3), np.zeros(4), "one shape"), (np.zeros((3, 2)), np.zeros((3, 1)), "one shape"),
    (np.zeros((0, 2)), np.zeros((0, 2)), "one shape"), (np.zeros(3), np.full(3, np.inf), "finite")])
def test_what_has_no_distance_is_refused(scipy, distance, a, b, message):
    with pytest.raises(ValueError, match=message):
        distance(a, b)


def test_without_scipy_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(MissingPackage, match=r"pip install minigan\[lab\]"):
        wasserstein1(np.zeros(3), np.zeros(3))
