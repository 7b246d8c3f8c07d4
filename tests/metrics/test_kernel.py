import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigan.metrics import kernel_distance, kernel_distance_by_subsets, points

SEED = st.integers(0, 2**32)


def as_written(x, y, degree):
    """All kernels in three matrices."""
    def k(a, b):
        return (a @ b.T / a.shape[1] + 1) ** degree

    def within(a):
        return (k(a, a).sum() - np.trace(k(a, a))) / (len(a) * (len(a) - 1))
    return within(x) + within(y) - 2 * k(x, y).mean()


@given(seed=SEED, degree=st.integers(1, 4), block=st.sampled_from([1, 50, 2**22]))
def test_kernel_distance_is_the_formula_as_it_is_written_at_any_block_size(seed, degree, block):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(20, 3)), rng.normal(size=(30, 3)) + 0.5
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(points, "BLOCK", block)
        assert kernel_distance(x, y, degree) == pytest.approx(as_written(x, y, degree), abs=1e-8)


@given(SEED)
def test_kernel_distance_obeys_its_laws(seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2, 20, 3))
    rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    far = kernel_distance(x, y)
    assert kernel_distance(y, x) == pytest.approx(far)
    assert kernel_distance(rng.permutation(x), y) == pytest.approx(far)
    assert kernel_distance(x @ rotation, y @ rotation) == pytest.approx(far)
    linear = ((x.mean(axis=0) - y.mean(axis=0)) ** 2).sum() / 3  # less what the points add to it
    noise = (x.var(axis=0, ddof=1).sum() + y.var(axis=0, ddof=1).sum()) / 20 / 3
    assert kernel_distance(x, y, degree=1) == pytest.approx(linear - noise)


def test_between_equal_distributions_it_is_0_on_average_whatever_the_number():
    rng = np.random.default_rng(0)
    for n in (10, 80):
        values = [kernel_distance(*rng.normal(size=(2, n, 4))) for _ in range(200)]
        assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(200)
        assert 0.3 < np.mean(np.array(values) < 0) < 0.8


def test_the_error_of_subsets_is_that_of_repetitions():
    rng = np.random.default_rng(0)
    for subsets in (2, 10):
        sets = rng.normal(size=(200, 2, 60, 3))
        means, errors = np.transpose([kernel_distance_by_subsets(*x, subsets) for x in sets])
        assert means.var() == pytest.approx((errors ** 2).mean(), rel=0.3)
    x, y = rng.normal(size=(2, 300, 3))
    mean, error = kernel_distance_by_subsets(x, y + 0.5)
    assert abs(mean - kernel_distance(x, y + 0.5)) < 3 * error
    with pytest.raises(ValueError, match="19 real and 300 fake points make no 10 parts"):
        kernel_distance_by_subsets(x[:19], y)
