"""Is a run memorising: copies are seen, also a few of them, and what is new is not accused."""
from __future__ import annotations

import numpy as np
import pytest

from minigan.data import Scaled, digits
from minigan.gan import Run, RunError, nearest, neighbours
from minigan.metrics import comparison

PICTURE = np.zeros((1, 8, 8, 1), np.float32)


def found(distances, real):
    """Neighbours at these distances."""
    return nearest.Neighbours("run", 5, 1797, PICTURE, PICTURE, np.asarray(distances), PICTURE,
                              PICTURE, np.asarray(real))


def test_the_nearest_of_many_blocks_is_that_of_all_and_never_the_image_itself(monkeypatch):
    monkeypatch.setattr(comparison, "BLOCK", 7)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (40, 3, 3, 1), np.uint8)
    images[31] = images[4]  # a duplicate is a neighbour
    scaled = Scaled(images)
    apart = np.linalg.norm((scaled[:][:, None] - scaled[:]).reshape(40, 40, -1), axis=2)
    own = np.array([4, 0, 39, 31])
    shown = comparison.Shown(scaled, np.arange(40))
    which, squared = shown.nearest(scaled[own], own)
    np.fill_diagonal(apart, np.inf)
    np.testing.assert_array_equal(which, apart[own].argmin(axis=1))
    np.testing.assert_allclose(np.sqrt(squared), apart[own].min(axis=1), atol=1e-6)
    assert which[0] == 31 and which[3] == 4
    np.testing.assert_array_equal(shown.nearest(scaled[own])[0], [4, 0, 39, 4])


@pytest.mark.numpy_only("they are numbers")
def test_new_images_are_rarely_accused_and_few_copies_are_found():
    rng, accused, missed = np.random.default_rng(0), 0, 0
    for _ in range(300):
        fresh, real = rng.gamma(9, size=1000), rng.gamma(9, size=449)
        accused += not found(fresh, real).verdict.startswith("No sign")
        fresh[:100] = 0.01  # a tenth are copies, which the mean would hide
        missed += not found(fresh, real).verdict.startswith(("Some", "It may be memorising"))
    assert accused <= 3 and missed == 0


def test_copies_and_what_is_far_off_are_told_apart():
    real = np.random.default_rng(0).gamma(9, size=449)
    copies, far = found(real * 0.01, real), found(real * 1.5, real)
    assert copies.verdict.startswith("It may be memorising")
    assert copies.z > 20 and copies.share > 0.99
    assert far.verdict.startswith("It is not memorising") and far.z < -3 and far.near < 0.05
    assert "z = " in str(far) and "1,797 training images" in str(far)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    run = Run.new(tmp_path_factory.mktemp("nearest") / "run", "digits", steps=1, batch_size=8)
    run.save_losses = lambda: None
    run.trainer().run(1)
    return Run.open(run.folder)


def test_a_run_that_gives_back_what_it_was_shown_is_found_out(run, monkeypatch, tmp_path):
    fresh = neighbours(run)
    assert fresh.samples.shape == (1000, 8, 8, 1) and fresh.z < -3 and len(fresh.real) == 1000
    np.testing.assert_allclose(
        fresh.distances[:9], np.linalg.norm((fresh.samples - fresh.nearest).reshape(1000, -1),
                                            axis=1)[:9], rtol=1e-5)
    monkeypatch.setattr(Run, "painted", lambda run, game, latent: digits()[0][:len(latent[0])])
    copied = neighbours(run)
    assert copied.share > 0.99 and copied.distances.max() < 1e-6
    pytest.importorskip("matplotlib")
    copied.save(tmp_path / "pairs.png", 3)
    assert (tmp_path / "pairs.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.numpy_only("of indices and distances")
def test_a_seed_gives_the_same_and_too_few_images_are_told(run, monkeypatch):
    assert str(neighbours(run, seed=1)) == str(neighbours(run, seed=1)) != str(neighbours(run))
    monkeypatch.setattr(run, "data", (digits()[0][:5], None))
    with pytest.raises(RunError, match="5 training images are too few"):
        neighbours(run)
