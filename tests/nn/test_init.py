"""Initial weights: their variance, range or orthogonality, and what they depend on."""
from __future__ import annotations

import math

import numpy as np
import pytest

from minigan.nn import init

DENSE, KERNEL = (200, 300), (5, 5, 20, 40)

# fans: 200 and 300; 25 · 20 = 500 and 25 · 40 = 1000
VARIANCES = {
    "normal_002": (0.0004, 0.0004),
    "glorot_uniform": (2 / 500, 2 / 1500),
    "glorot_normal": (2 / 500, 2 / 1500),
    "he_uniform": (2 / 200, 2 / 500),
    "he_normal": (2 / 200, 2 / 500),
    "lecun_uniform": (1 / 200, 1 / 500),
    "lecun_normal": (1 / 200, 1 / 500),
}
ALL = [*VARIANCES, "orthogonal"]


def draw(name, shape, seed=0):
    return getattr(init, name)(shape, np.random.default_rng(seed))


def test_fans_count_the_kernels_window():
    assert init.fans((3, 4)) == (3, 4)
    assert init.fans((5, 5, 20, 40)) == (500, 1000)


@pytest.mark.parametrize("name", [n for n in ALL if n != "normal_002"])
def test_a_vector_has_no_fan_in(name):
    with pytest.raises(ValueError, match=r"shape \(3,\) have no fan-in"):
        draw(name, (3,))


@pytest.mark.parametrize("name", VARIANCES)
@pytest.mark.parametrize("which, shape", [(0, DENSE), (1, KERNEL)])
def test_the_variance_is_the_formulas_and_the_mean_zero(name, which, shape):
    w = draw(name, shape)
    variance = VARIANCES[name][which]
    assert w.var() == pytest.approx(variance, rel=0.05)
    assert abs(w.mean()) < 5 * math.sqrt(variance / w.size)


@pytest.mark.parametrize("name", [name for name in VARIANCES if name.endswith("uniform")])
def test_a_uniform_one_fills_its_range_and_stays_in_it(name):
    w, limit = draw(name, DENSE), math.sqrt(3 * VARIANCES[name][0])
    assert 0.999 * limit < w.max() <= limit * (1 + 1e-6)
    assert 0.999 * limit < -w.min() <= limit * (1 + 1e-6)


@pytest.mark.parametrize("name", [name for name in VARIANCES if "normal" in name])
def test_a_normal_one_has_the_tails_of_a_normal(name):
    w = draw(name, DENSE) / math.sqrt(VARIANCES[name][0])
    assert np.mean(np.abs(w) > 1) == pytest.approx(0.3173, abs=0.01)
    assert np.mean(np.abs(w) > 2) == pytest.approx(0.0455, abs=0.005)


@pytest.mark.parametrize("shape", [(6, 6), (9, 4), (4, 9), (3, 3, 2, 5), (1, 1, 2, 7)])
def test_the_orthogonal_one_has_orthonormal_columns_or_rows_whichever_are_fewer(shape):
    w = draw("orthogonal", shape).reshape(-1, shape[-1]).astype(np.float64)
    gram = w.T @ w if w.shape[0] >= w.shape[1] else w @ w.T
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-6)


def test_the_orthogonal_one_is_uniform_over_rotations():
    rng = np.random.default_rng(0)
    mean = np.mean([init.orthogonal((3, 3), rng) for _ in range(2000)], axis=0)
    assert np.abs(mean).max() < 0.06  # a plain QR has a diagonal of one sign


@pytest.mark.parametrize("name, value", [("zeros", 0), ("ones", 1)])
def test_zeros_and_ones_are_what_they_say(name, value):
    w = draw(name, (4,))
    assert (w == value).all() and w.shape == (4,)


@pytest.mark.parametrize("name", [*ALL, "zeros", "ones"])
def test_weights_are_contiguous_float32_of_the_shape(name):
    for shape in (DENSE, KERNEL, (4, 9)):
        w = draw(name, shape)
        assert w.dtype == np.float32 and w.shape == shape and w.flags.c_contiguous


@pytest.mark.parametrize("name", ALL)
def test_weights_depend_on_the_generator_alone(name):
    np.testing.assert_array_equal(draw(name, DENSE, seed=1), draw(name, DENSE, seed=1))
    assert not np.array_equal(draw(name, DENSE, seed=1), draw(name, DENSE, seed=2))
    rng = np.random.default_rng(1)
    first, second = getattr(init, name)(DENSE, rng), getattr(init, name)(DENSE, rng)
    assert not np.array_equal(first, second)
