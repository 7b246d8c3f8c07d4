import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigan.metrics import parzen_log_likelihood, points


@given(seed=st.integers(0, 2**32), d=st.integers(1, 4), block=st.sampled_from([1, 100, 2**22]))
def test_it_is_the_density_as_it_is_written_at_any_block_size(seed, d, block):
    rng = np.random.default_rng(seed)
    samples, validation, test = (rng.normal(size=(n, d)) for n in (30, 10, 8))

    def mean(x, sigma):
        return np.mean([np.log(np.mean([np.exp(-((y - s) ** 2).sum() / (2 * sigma**2))
                                        / (2 * np.pi * sigma**2) ** (d / 2) for s in samples]))
                        for y in x])
    sigmas = [0.5, 1.0, 2.0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(points, "BLOCK", block)
        likelihood, _, sigma = parzen_log_likelihood(samples, validation, test, sigmas)
    assert sigma == max(sigmas, key=lambda s: mean(validation, s))
    assert likelihood == pytest.approx(mean(test, sigma), abs=1e-9)


def test_one_sample_is_a_normal_distribution_and_repeating_it_changes_nothing():
    x = np.random.default_rng(0).normal(size=(40, 3))
    scores = -(x**2).sum(axis=1) / 2 - 1.5 * np.log(2 * np.pi)
    expected = scores.mean(), scores.std(ddof=1) / np.sqrt(40), 1.0
    for n in (1, 7):
        made = parzen_log_likelihood(np.zeros((n, 3)), x, x, [1.0])
        assert made == pytest.approx(expected)


def test_points_so_far_off_that_every_term_is_0_still_have_a_likelihood():
    likelihood, _, _ = parzen_log_likelihood(np.zeros((5, 2)), np.full((2, 2), 1e3),
                                             np.full((2, 2), 1e3), [0.1])
    assert likelihood == pytest.approx(-2e6 / 0.02 - np.log(2 * np.pi * 0.01))


@pytest.mark.parametrize("test, sigmas, message", [
    (np.zeros((1, 2)), [1.0], "too few for a standard error"),
    (np.zeros((3, 3)), [1.0], "2 and 3 values"), (np.zeros((3, 2)), [0.0], "positive"),
    (np.zeros((3, 2)), [], "at least one"), (np.zeros((3, 2)), [np.inf], "finite")])
def test_what_has_no_likelihood_is_refused(test, sigmas, message):
    with pytest.raises(ValueError, match=message):
        parzen_log_likelihood(np.zeros((4, 2)), np.zeros((4, 2)), test, sigmas)
