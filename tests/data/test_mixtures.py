import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigan.data import (DISTRIBUTIONS, DataError, from_points, grid, grid_centers, moons,
                          pinwheel, read_points, ring, ring_centers, spiral)

DRAWS = [ring, grid, spiral, moons, pinwheel]


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


def test_the_pinwheel_has_equal_arms_that_bend_outwards():
    x, y = pinwheel(20_000, np.random.default_rng(0), arms=4, length=0.2, width=0, swirl=0.1).T
    radius = np.hypot(x, y)
    straightened = np.angle((x + 1j * y) * np.exp(-0.2j * np.pi * radius))  # the swirl undone
    arm = straightened / (np.pi / 2)
    np.testing.assert_allclose(arm, np.rint(arm), atol=1e-4)
    shares = np.bincount(np.rint(arm).astype(int) % 4) / len(x)
    np.testing.assert_allclose(shares, 0.25, atol=0.02)
    assert radius.mean() == pytest.approx(1, abs=0.01)
    assert radius.std() == pytest.approx(0.2, abs=0.01)


def test_the_table_names_each_distribution_with_its_modes_if_it_has_any():
    assert {d.draw for d in DISTRIBUTIONS.values()} == set(DRAWS)
    for name, d in DISTRIBUTIONS.items():
        assert (d.centers is None) == (d.std is None) == (name not in ("ring", "grid"))


def test_points_are_read_from_two_columns_with_or_without_a_heading(tmp_path):
    for heading in ("", "x,y\n", "\ufeff", '"x, in m","y ""up"""\n', "\n \nx,y\n",
                    "\ufeff# x,y\r\n"):
        path = tmp_path / "a.csv"
        path.write_text(heading + '1,"2"\r\n\n -3.5 , "4e-1"\n', encoding="utf-8", newline="")
        points = read_points(path)
        assert points.dtype == np.float64
        np.testing.assert_array_equal(points, [[1, 2], [-3.5, 0.4]])


@pytest.mark.parametrize("text, message", [
    ("1,2\n3,4,5\n", "row 2: expected two numbers with a comma between them, got '3,4,5'"),
    ("x,y\n1,2\n3,four\n", "row 3: .* got '3,four'"), ("1,2\n3 4\n", "row 2"),
    ("1,2\nnan,1\n", "row 2"), ("1,2\n1,inf\n", "row 2"), ("1,1e39\n2,1\n", "row 1"),
    ("1\n2\n", "row 1"), ("x,y\nx,y\n", "row 2"), ("1,x\n1,2\n", "row 1"),
    ("nan,nan\n1,2\n3,4\n", "row 1"), ("1e39,1e39\n1,2\n3,4\n", "row 1"), (",\n,\n", "row 2"),
    ('"1","2\n3,4\n', "row 2: .* got '1,2"), ('1,2\n"' + "9" * 200_000, "row 2: field larger"),
    ("x;y\n1;2\n", "row 1"), ("", "holds 0 points"),
    ("x,y\n1,2\n1,2\n", "holds 2 points; two different ones")])
def test_a_row_that_is_no_point_is_named(tmp_path, text, message):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        read_points(tmp_path / "a.csv")


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"\x89PNG\xff")
    with pytest.raises(DataError, match="is no text"):
        read_points(tmp_path / "a.csv")


def test_drawing_from_points_gives_each_of_them_about_equally_often():
    points = np.arange(6, dtype=np.float32).reshape(3, 2)
    drawn = from_points(points).draw(9000, np.random.default_rng(0))
    assert drawn.dtype == np.float32
    for p in points:
        assert (drawn == p).all(axis=1).mean() == pytest.approx(1 / 3, abs=0.02)
