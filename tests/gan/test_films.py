"""Films of a run: the way keeps the noise's distribution, and shows what it says it shows."""
from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

import minigan as mg
from minigan.gan import GameError, Options, Run, RunError, noise, training_film, walk
from minigan.gan.films import between
from minigan.viz import save_grid
from minigan.viz.grid import as_bytes, image_grid

Image = pytest.importorskip("PIL.Image")
QUANTILES = {noise.normal: NormalDist().inv_cdf, noise.uniform: lambda p: 2 * p - 1}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A finished tiny run, and a conditional one."""
    made = []
    for name, options in ("plain", Options()), ("told", Options(conditional="concatenation")):
        folder = tmp_path_factory.mktemp("films") / name
        run = Run.new(folder, "digits", options, steps=3, batch_size=8, save_every=1)
        run.save_losses = lambda: None
        run.trainer().run(3)
        made.append(Run.open(folder))
    return made


def frames(path):
    """The pictures of a GIF, each as often as it is shown in a twentieth of a second."""
    with Image.open(path) as gif:
        shown = []
        for i in range(gif.n_frames):
            gif.seek(i)
            shown += [np.asarray(gif.convert("L"))] * round(gif.info["duration"] / 50)
    return shown


@pytest.mark.parametrize("kind", QUANTILES)
def test_everywhere_on_the_way_noise_has_the_distribution_that_it_was_drawn_from(kind):
    n, shares = 4000, np.array([0.01, 0.1, 0.3, 0.5, 0.8, 0.95, 0.99])
    stops = [(kind(n, 4, np.random.default_rng(seed)),) for seed in range(3)]
    way = [latent[0].numpy() for latent in between(stops, 12, kind)]
    for place, z in enumerate(way):
        assert z.dtype == np.float32 and z.shape == (n, 4)
        below = [(z <= QUANTILES[kind](p)).mean() for p in shares]
        assert np.abs(below - shares).max() < 5 * math.sqrt(0.25 / (4 * n)), place
        assert np.abs(np.corrcoef(z.T) - np.eye(4)).max() < 0.1  # independent of each other
    for k in range(3):
        np.testing.assert_allclose(way[4 * k], stops[k][0].numpy(), atol=1e-6)
    straight = (stops[0][0].numpy() + stops[1][0].numpy()) / 2
    assert straight.var() / way[2].var() == pytest.approx(0.5, abs=0.05)  # what it is not


@pytest.mark.parametrize("kind", QUANTILES)
def test_steps_are_small_also_from_the_last_frame_to_the_first(kind):
    stops = [(kind(4, 1000, np.random.default_rng(seed)),) for seed in range(2)]
    way = [latent[0].numpy() for latent in between(stops, 20, kind)]
    jumps = [np.sqrt(((b - a) ** 2).mean()) for a, b in zip(way, way[1:] + way[:1])]
    assert max(jumps) < 2 * min(jumps) < 0.5


def test_noise_that_is_the_same_everywhere_stays_and_conditions_go_straight():
    z = noise.normal(2, 3, np.random.default_rng(0))
    stops = [(z, noise.encoded(np.array([k, k]), 3)) for k in range(3)]
    way = between(stops, 6, noise.normal)
    assert all((latent[0].numpy() == z.numpy()).all() for latent in way)
    assert [latent[1].numpy()[0].tolist() for latent in way] == [
        [1, 0, 0], [0.5, 0.5, 0], [0, 1, 0], [0, 0.5, 0.5], [0, 0, 1], [0.5, 0, 0.5]]


def test_noise_of_another_kind_is_refused():
    stops = [(mg.tensor(np.ones((1, 2))),)] * 2
    with pytest.raises(GameError, match="no way is known .* there are noise.normal"):
        between(stops, 2, lambda n, latent, rng: None)


def test_a_walk_begins_with_the_samples_of_its_seed_and_is_the_same_every_time(runs, tmp_path):
    run, _ = runs
    made = [walk(run, tmp_path / f"{i}.gif", frames=6, stops=3, seed=s, grid=(2, 3))
            for i, s in enumerate([5, 5, 6])]
    a, b, c = (path.read_bytes() for path in made)
    assert a == b != c
    shown = frames(made[0])
    assert len(shown) == 6 and shown[0].shape == (8 * 19, 8 * 28)
    expected = as_bytes(image_grid(run.samples(6, seed=5), columns=3), 8)
    assert np.abs(shown[0] - expected.astype(int)).max() <= 5  # of 32 greys
    assert walk(run, frames=2, stops=2) == run.folder / "walk-step-000003-seed-0.gif"


def test_a_conditional_walk_goes_from_class_to_class_or_within_one(runs, tmp_path):
    _, run = runs
    between_all = frames(walk(run, tmp_path / "all.gif", frames=20, grid=(1, 2)))
    for k in (0, 3, 9):
        expected = as_bytes(image_grid(run.samples(2, label=k), columns=2), 8)
        assert np.abs(between_all[2 * k] - expected.astype(int)).max() <= 5
    within = walk(run, frames=4, stops=2, labels=[7], grid=(1, 2))
    assert within.name == "walk-step-000003-seed-0-label-7.gif"
    two = walk(run, frames=2, labels=[7, 3], grid=(1, 2))
    assert two.name == "walk-step-000003-seed-0-label-7-3.gif"
    np.testing.assert_array_less(np.abs(frames(within)[0] - as_bytes(
        image_grid(run.samples(2, label=7), columns=2), 8).astype(int)), 6)


@pytest.mark.parametrize("which, options, says", [
    (0, {"labels": [3]}, "only a run of a conditional game"),
    (0, {"labels": [3, 4]}, "only a run of a conditional game"),
    (1, {"labels": [3, 14]}, "the classes are 0 to 9, not 14"),
    (1, {"stops": 3}, "are the 10 classes: name one class"),
    (0, {"frames": 5}, "6 stops in 5 frames are none"),
    (0, {"step": 7}, "no weights of step 7"),
    (0, {"path": "x.avi"}, "'x.avi' ends in neither")])
def test_what_cannot_be_walked_is_told(runs, which, options, says):
    with pytest.raises(ValueError, match=says):
        walk(runs[which], **options)


def test_the_film_of_the_training_shows_what_was_saved_with_the_steps_below(runs, tmp_path):
    run, _ = runs
    shown = frames(training_film(run))
    still = np.asarray(Image.open(run.folder / "samples" / "step-000001.png"))
    assert (run.folder / "training.gif").exists()
    assert np.abs(shown[0][:len(still)] - still.astype(int)).max() <= 5
    assert len(shown[0]) == len(still) + 20 and shown[0][len(still):].any()
    with Image.open(training_film(run, tmp_path / "two.gif", frames=2)) as gif:
        assert gif.n_frames == 2


def test_large_pictures_are_shown_smaller_and_a_run_without_pictures_is_told(tmp_path):
    run = Run.new(tmp_path, "digits", steps=3, batch_size=8)
    with pytest.raises(RunError, match="has no pictures in samples yet"):
        training_film(run)
    images = np.random.default_rng(0).random((64, 28, 28, 1), np.float32)
    save_grid(tmp_path / "samples" / "step-000000.png", images)
    with Image.open(training_film(run)) as gif:
        assert gif.size == (466, 486)
