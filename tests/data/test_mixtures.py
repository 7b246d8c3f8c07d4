import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigan.data import grid, grid_centers, moons, ring, ring_centers, spiral

DRAWS = [ring, grid, spiral, moons]


def distances(points, centers):
    return np.linalg.norm(points[:, None] - centers[None], axis=2)


@pytest.mark.parametrize("draw", DRAWS)
@given(n=st.integers(0, 50), seed=st.integers(0, 2**32))
def test_a_draw_is_float32_points_in_the_plane_and_repeats_with_its_seed(draw, n, seed):
    points = draw(n, np.random.default_rng(seed))
    assert points.shape == (n, 2) and points.dtype == np.float32
    np.testing.assert_array_equal(points, draw(n, np.random.default_rng(seed)))


def test_the_ring_has_eight_distinct_modes_on_the_unit_circle():
    centers = ring_centers()
    assert centers.shape == (8, 2)
    np.testing.assert_allclose(np.linalg.norm(centers, axis=1), 1, rtol=1e-6)
    apart = distances(centers, centers) + 9 * np.eye(8)
    np.testing.assert_allclose(apart.min(axis=1), 2 * np.sin(np.pi / 8), rtol=1e-6)


def test_the_grid_has_25_modes_at_even_coordinates():
    assert {tuple(c) for c in grid_centers()} == {(x, y) for x in (-4, -2, 0, 2, 4)
                                                  for y in (-4, -2, 0, 2, 4)}


@pytest.mark.parametrize("draw, centers, std", [(ring, ring_centers(), 0.01),
                                                (grid, grid_centers(), 0.05)])
def test_a_mixture_hits_its_modes_equally_and_stays_within_three_sigma(draw, centers, std):
    n = 20_000
    apart = distances(draw(n, np.random.default_rng(0)), centers)
    # In two dimensions a share exp(-9/2) of a normal distribution lies beyond three sigma.
    assert (apart.min(axis=1) < 3 * std).mean() == pytest.approx(1 - np.exp(-4.5), abs=0.004)
    shares = np.bincount(apart.argmin(axis=1), minlength=len(centers)) / n
    np.testing.assert_allclose(shares, 1 / len(centers), atol=0.012)


def test_the_spiral_lies_at_an_angle_proportional_to_its_radius():
    points = spiral(1000, np.random.default_rng(0), turns=1.5, std=0)
    radius = np.linalg.norm(points, axis=1)
    assert radius.max() <= 1 + 1e-6
    angle = 2 * np.pi * 1.5 * radius
    np.testing.assert_allclose(points, radius[:, None] * np.stack([np.cos(angle), np.sin(angle)],
                                                                  axis=1), atol=1e-5)


def test_the_moons_are_two_half_circles_of_equal_weight():
    x, y = moons(10_000, np.random.default_rng(0), std=0).T
    upper = np.isclose(x**2 + y**2, 1, atol=1e-5) & (y >= -1e-6)
    lower = np.isclose((x - 1)**2 + (y - 0.5)**2, 1, atol=1e-5) & (y <= 0.5 + 1e-6)
    assert (upper | lower).all()
    assert upper.mean() == pytest.approx(0.5, abs=0.02)
