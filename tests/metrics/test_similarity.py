import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigan.data import digits
from minigan.metrics import ms_ssim, pairwise_ms_ssim, similarity, vendi_score

SEED = st.integers(0, 2**32)


def images(seed, n=3, size=(16, 14), channels=2):
    return np.random.default_rng(seed).uniform(size=(n, *size, channels))


def naive_ssim(a, b):
    """One channel: the window at each pixel in turn; SSIM and its structure, both averaged."""
    at = np.arange(11) - 5
    window = np.exp(-(at[:, None]**2 + at**2) / 4.5)
    window /= window.sum()
    found = []
    for i in range(a.shape[0] - 10):
        for j in range(a.shape[1] - 10):
            x, y = a[i:i + 11, j:j + 11], b[i:i + 11, j:j + 11]
            mx, my = (window * x).sum(), (window * y).sum()
            vx, vy = (window * (x - mx)**2).sum(), (window * (y - my)**2).sum()
            both = (window * (x - mx) * (y - my)).sum()
            luminance = (2 * mx * my + 1e-4) / (mx**2 + my**2 + 1e-4)
            found.append((luminance, (2 * both + 9e-4) / (vx + vy + 9e-4)))
    luminance, structure = np.array(found).T
    return (luminance * structure).mean(), structure.mean()


@given(SEED)
def test_small_images_have_ssim_as_it_is_written(seed):
    a = images(seed)
    b = np.clip(a + np.random.default_rng(seed).normal(size=a.shape) / 5, 0, 1)
    expected = [np.mean([naive_ssim(x[..., c], y[..., c])[0] for c in range(2)])
                for x, y in zip(a, b)]
    np.testing.assert_allclose(ms_ssim(a, b), expected, atol=1e-9)


@pytest.mark.parametrize("size", [22, 28, 43])
def test_from_22_to_43_pixels_two_scales_count_by_the_papers_weights(size):
    a = images(0, 1, (size, size), 1)
    b = np.clip(a + 0.2 * images(1, 1, (size, size), 1), 0, 1)

    def half(x):
        x = x[:size // 2 * 2, :size // 2 * 2]
        return (x[::2, ::2] + x[1::2, ::2] + x[::2, 1::2] + x[1::2, 1::2]) / 4
    fine = naive_ssim(a[0, :, :, 0], b[0, :, :, 0])[1]
    coarse = naive_ssim(half(a[0, :, :, 0]), half(b[0, :, :, 0]))[0]
    weight = 0.0448 / (0.0448 + 0.2856)
    np.testing.assert_allclose(ms_ssim(a, b), fine**weight * coarse**(1 - weight))


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (15, 30), (176, 178)])
def test_ms_ssim_obeys_its_laws_at_any_size(size):
    a, b = images(0, size=size), images(1, size=size)
    np.testing.assert_allclose(ms_ssim(a, a), 1)
    np.testing.assert_allclose(ms_ssim(a, b), ms_ssim(b, a), atol=1e-12)
    turned = ms_ssim(a.swapaxes(1, 2), b.swapaxes(1, 2))
    np.testing.assert_allclose(turned, ms_ssim(a, b), atol=1e-12)
    assert ((0 <= ms_ssim(a, b)) & (ms_ssim(a, b) <= 1)).all()
    together = ms_ssim(a, b)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(similarity, "BLOCK", 1)
        np.testing.assert_allclose(ms_ssim(a, b), together)


def test_pairs_of_one_digit_are_more_alike_than_those_of_ten_and_no_image_meets_itself():
    pictures, labels = digits()
    alike, various = pairwise_ms_ssim(pictures[labels == 0]), pairwise_ms_ssim(pictures)
    assert alike > various + 0.2
    assert pairwise_ms_ssim(np.repeat(pictures[:1], 3, axis=0)) == pytest.approx(1)
    assert pairwise_ms_ssim(np.stack([np.zeros((8, 8, 1)), np.ones((8, 8, 1))])) < 0.01


@given(seed=SEED, n=st.integers(1, 6))
def test_vendi_counts_orthogonal_points_and_no_repetition(seed, n):
    rng = np.random.default_rng(seed)
    orthogonal = np.linalg.qr(rng.normal(size=(6, 6)))[0][:n]
    assert vendi_score(orthogonal) == pytest.approx(n)
    assert vendi_score(np.repeat(3 * orthogonal, 4, axis=0)) == pytest.approx(n)
    assert vendi_score(np.tile(rng.normal(size=(1, 6)), (n, 1))) == pytest.approx(1)
    x = rng.normal(size=(n, 6))
    cosines = np.corrcoef(np.hstack([x, -x]))  # rows of mean 0 keep their angles
    own = np.linalg.eigvalsh(np.atleast_2d(cosines) / n)
    own = own[own > 1e-12]
    assert vendi_score(x) == pytest.approx(np.exp(-(own * np.log(own)).sum()))


@pytest.mark.parametrize("call, message", [
    (lambda: ms_ssim(np.zeros((2, 8, 8)), np.zeros((2, 8, 8))), r"images \(N, H, W, C\)"),
    (lambda: ms_ssim(np.zeros((2, 8, 8, 1)), np.zeros((2, 8, 9, 1))), "one size"),
    (lambda: pairwise_ms_ssim(np.full((2, 8, 8, 1), -0.01)), r"outside \[0, 1\].*\(images - low\)"),
    (lambda: pairwise_ms_ssim(np.zeros((1, 8, 8, 1))), "1 points, too few"),
    (lambda: vendi_score(np.zeros((2, 3))), "no direction")])
def test_what_has_no_similarity_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
