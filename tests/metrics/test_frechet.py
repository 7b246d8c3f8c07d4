import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigan.metrics import frechet, frechet_infinity
from minigan.metrics.frechet import _distance, _Moments

SEED = st.integers(0, 2**32)


def features(seed, n=60, d=5):
    """Correlated ones, away from 0."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + rng.normal(size=d)


def by_scipy(x, y):
    """The formula as it is written, with SciPy's root of the product of the covariances."""
    sqrtm = pytest.importorskip("scipy.linalg", reason="the root of a matrix by SciPy").sqrtm
    a, b = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    apart = ((x.mean(axis=0) - y.mean(axis=0)) ** 2).sum()
    return apart + np.trace(a + b - 2 * sqrtm(a @ b).real)


@given(SEED)
def test_frechet_is_the_formula_as_it_is_written(seed):
    x, y = features(seed), features(seed + 1, 80)
    assert frechet(x, y) == pytest.approx(by_scipy(x, y), abs=1e-8, rel=1e-8)


def test_golden_values_of_normal_distributions():
    ones, eye = np.ones(128), np.eye(128)
    assert _distance(_Moments(0 * ones, eye), _Moments(ones, eye)) == pytest.approx(128, abs=1e-10)
    j = np.ones((16, 16))  # of rank 1: all other eigenvalues are 0, or what rounding makes of them
    far = _distance(_Moments(np.ones(16), j), _Moments(2 * np.ones(16), 2 * j))
    assert far == pytest.approx(64 - 32 * np.sqrt(2), abs=1e-12)


@given(SEED)
def test_frechet_obeys_its_laws(seed):
    x, y = features(seed), features(seed + 1)
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    far = frechet(x, y)
    assert 0 <= frechet(x, x) < 1e-10
    assert frechet(y, x) == pytest.approx(far)
    assert frechet(rng.permutation(x), y) == pytest.approx(far)
    assert frechet(x @ rotation + 3, y @ rotation + 3) == pytest.approx(far)
    assert frechet(10 * x, 10 * y) == pytest.approx(100 * far)
    assert frechet(x, x + 2) == pytest.approx(5 * 4)


def test_frechet_falls_with_one_over_n_and_its_extrapolation_does_not():
    rng = np.random.default_rng(0)
    biases = {n: np.mean([frechet(*rng.normal(size=(2, n, 10))) for _ in range(20)])
              for n in (200, 400, 800)}
    assert biases[200] / biases[400] == pytest.approx(2, rel=0.2)
    assert biases[400] / biases[800] == pytest.approx(2, rel=0.2)
    infinite = np.mean([frechet_infinity(*rng.normal(size=(2, 800, 10)), seed=i)
                        for i in range(20)])
    assert abs(infinite) < biases[800] / 4


def test_the_extrapolation_finds_a_distance_that_is_there():
    x, y = np.random.default_rng(0).normal(size=(2, 1000, 4))
    assert frechet_infinity(x, y + 1) == pytest.approx(4, abs=0.3)
    with pytest.raises(ValueError, match="79 points of 4 features are too few .* it takes 80"):
        frechet_infinity(x[:79], y)
