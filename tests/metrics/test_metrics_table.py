"""The measures by name: each figure is that of its public function, and each interval honest."""
from __future__ import annotations

import numpy as np
import pytest

from minigan import metrics
from minigan.data import Scaled, digits
from minigan.metrics import table
from minigan.metrics.comparison import Comparison, Seen, Shown, blurred, noisy
from minigan.metrics.kernel import kernel_jackknife, kernel_sums
from minigan.metrics.neighbours import nearer
from minigan.metrics.table import METRICS, WIDTHS, Figure, lacking, scored

IMAGES, LABELS = digits()
ROWS = np.random.default_rng(0).permutation(len(IMAGES))
JUDGE = metrics.Judge.load("digits")
N = 300


def beside(images, labels=None):
    reference = Seen(IMAGES[ROWS[:N]], JUDGE, LABELS[ROWS[:N]])
    return Comparison(Seen(images, JUDGE, labels), reference, Shown(Scaled(IMAGES), ROWS[2 * N:]))


REAL = beside(IMAGES[ROWS[N:2 * N]], LABELS[ROWS[N:2 * N]])
BLUR, NOISE = (beside(bad, REAL.fake.labels) for bad in (blurred(REAL.fake.images),
                                                         noisy(REAL.fake.images, 0)))


def test_each_figure_is_that_of_its_public_function():
    real, fake = REAL.real.pixels, NOISE.fake.pixels
    of_real, of_fake = (JUDGE.features(x) for x in (real, fake))
    answers, labels = JUDGE.probabilities(fake), NOISE.fake.labels
    shares = [metrics.class_shares(x) for x in (answers.argmax(axis=1), JUDGE.labels(real))]
    precision, recall = metrics.precision_recall(real, fake)
    density, coverage = metrics.density_coverage(real, fake)
    _, nearest_real, nearest_fake = metrics.one_nearest_neighbour_accuracy(real, fake)
    expected = {
        "frechet": metrics.frechet(of_real, of_fake),
        "kernel": metrics.kernel_distance(of_real, of_fake),
        "vendi": metrics.vendi_score(of_fake),
        "inception": metrics.inception_score(answers)[0],
        "sure": (answers.max(axis=1) >= 0.9).mean(),
        "classes": metrics.total_variation(*shares), "rarest": shares[0].min(),
        "gan-test": (answers.argmax(axis=1) == labels).mean(),
        "gan-train": metrics.gan_train(table.dense(0, 1500), fake, labels, real, REAL.real.labels),
        "precision": precision, "recall": recall, "density": density, "coverage": coverage,
        "nearest-real": nearest_real, "nearest-fake": nearest_fake,
        "classifier": metrics.classifier_two_sample(table.dense(0, 600), real, fake)[0],
        "parzen": metrics.parzen_log_likelihood(fake, real[:N // 10], real[N // 10:])[0],
        "sliced": metrics.sliced_wasserstein(real, fake),
    }
    found = {name: scored(name, NOISE) for name, metric in METRICS.items()
             if "stacked" not in metric.needs}
    for name, value in expected.items():
        np.testing.assert_allclose(found[name].value, value, rtol=1e-6, err_msg=name)
    assert found.keys() - expected.keys() == {"frechet-infinity", "memorisation", "ms-ssim"}
    assert "1280" in found["frechet-infinity"]  # why it is missing
    assert abs(found["ms-ssim"].value - metrics.pairwise_ms_ssim(NOISE.fake.images)) < 0.02


def test_real_images_are_better_than_blurred_ones_by_every_measure_that_has_a_better():
    for name, metric in METRICS.items():
        real, blur = scored(name, REAL), scored(name, BLUR)
        if metric.better != "as real" and isinstance(real, Figure):
            assert metric.aim(real.value) > metric.aim(blur.value), name


def test_the_interval_of_real_data_holds_what_is_expected_of_it():
    for name, expected in [("kernel", 0), ("nearest-real", 0.5), ("nearest-fake", 0.5),
                           ("memorisation", 0.5), ("coverage", 0.969), ("density", 1)]:
        value, half = scored(name, REAL)
        assert abs(value - expected) < 1.6 * half, (name, value, half)


def test_copies_of_the_training_images_are_known_by_the_memorisation_test():
    assert scored("memorisation", beside(IMAGES[ROWS[2 * N:3 * N]])).value == 1
    shown = REAL.shown
    distances = ((REAL.fake.pixels[:, None] - IMAGES[ROWS[2 * N:]].reshape(1, -1, 64)) ** 2).sum(2)
    which, squared = shown.nearest(REAL.fake.pixels)
    np.testing.assert_allclose(squared, distances.min(axis=1), atol=1e-9)
    np.testing.assert_array_equal(which, distances.argmin(axis=1))
    own = IMAGES[ROWS[2 * N:]].reshape(-1, 64).astype(float)
    among = ((own[:50, None] - own) ** 2).sum(2)
    among[np.arange(50), np.arange(50)] = np.inf
    np.testing.assert_allclose(shown.held_out[:50], among.min(axis=1), atol=1e-9)


def test_the_jackknife_of_a_mean_is_its_standard_error_and_a_share_of_0_is_uncertain():
    x = np.random.default_rng(1).normal(size=200)
    value, error = table._jackknife(np.mean, x)
    parts = [x[np.arange(200) % 10 == i].mean() for i in range(10)]
    np.testing.assert_allclose((value, error), (x.mean(), np.std(parts, ddof=1) / 10 ** 0.5))
    assert table._jackknife(np.mean, x[:9]) == (x[:9].mean(), None)  # nine points have no tenths
    assert table._jackknife(np.mean, x[:10])[1] == pytest.approx(x[:10].std(ddof=1) / 10 ** 0.5)
    x, y = np.random.default_rng(2).normal(size=(57, 3)), np.ones((43, 3))
    without = [metrics.kernel_distance(x[np.arange(57) % 10 != i], y[np.arange(43) % 10 != i])
               for i in range(10)]
    sums = [kernel_sums(a, b) for a, b in ((x, x), (y, y), (x, y))]
    np.testing.assert_allclose(kernel_jackknife(*sums, 57, 43), (
        metrics.kernel_distance(x, y), np.std(without) * 3))
    share, error = table._share(np.zeros(100))
    assert share == 0 and 0.01 < WIDTHS["binomial"] * error < 0.04


def test_what_is_lacking_is_named_and_what_is_not_finite_refused():
    assert "a judge" in lacking("kernel", {"told"}) and lacking("coverage", set()) is None
    assert "conditional" in lacking("gan-train", {"judge", "labels"})
    assert lacking("gan-test", {"judge", "told"}) is None
    with pytest.raises(ValueError, match="not finite.*--step"):
        Seen(np.full((2, 8, 8, 1), np.nan, np.float32))
    assert "no 10 parts" in scored("kernel", Comparison(*[Seen(IMAGES[:4], JUDGE)] * 2, REAL.shown))


def test_the_error_of_a_share_is_that_of_two_more_of_either_kind():
    assert table._share([True] * 10) == (1, pytest.approx((12 / 14 * 2 / 14 / 14) ** 0.5))


def test_what_is_known_from_ten_parts_has_students_interval():
    stats = pytest.importorskip("scipy.stats", reason="it knows Student's distribution")
    for how in ("parts", "jackknife"):
        assert WIDTHS[how] == pytest.approx(stats.t(9).ppf(0.975), abs=1e-3)
    for how in ("bootstrap", "binomial", "deviation"):
        assert WIDTHS[how] == pytest.approx(stats.norm.ppf(0.975), abs=1e-3)
    parts = [metrics.inception_score(part, splits=1)[0]
             for part in np.array_split(NOISE.fake.probabilities, 10)]
    assert scored("inception", NOISE) == pytest.approx(
        (np.mean(parts), WIDTHS["parts"] * np.std(parts, ddof=1) / 10 ** 0.5))


def test_the_interval_of_memorisation_is_by_its_z():
    train = IMAGES[ROWS[2 * N:]]
    held_out = NOISE.shown.held_out
    share, z = nearer(held_out, NOISE.shown.nearest(NOISE.fake.pixels)[1])
    assert len(held_out) == min(1000, len(train))
    assert scored("memorisation", NOISE) == pytest.approx((share, 1.96 * (share - 0.5) / z))


def test_the_width_of_the_density_is_chosen_by_a_tenth_and_read_from_the_others():
    tenth = N // 10
    real = np.concatenate([REAL.fake.images[:tenth], BLUR.fake.images[tenth:]])  # copies, and not
    value, _ = scored("parzen", Comparison(REAL.fake, Seen(real), REAL.shown))
    of_real, of_fake = real.reshape(N, -1), REAL.fake.pixels
    expected, _, sigma = metrics.parzen_log_likelihood(of_fake, of_real[:tenth], of_real[tenth:])
    by_all = metrics.parzen_log_likelihood(of_fake, of_real, of_real[tenth:])[2]
    assert value == pytest.approx(expected) and sigma < by_all


def test_shares_drawn_anew_deviate_as_shares_do_and_a_class_that_is_missing_is_uncertain():
    c = Comparison(NOISE.fake, NOISE.real, NOISE.shown)
    p = (c.fake.classes == 1).mean()
    value, error = table._resampled(lambda shares: float(shares[1]), c, c.fake.classes)
    assert (value, error) == pytest.approx((p, (p * (1 - p) / N) ** 0.5), rel=0.15)
    one = beside(np.repeat(REAL.fake.images[:1], N, axis=0))
    value, half = scored("rarest", one)
    assert value == 0 and 2 / N < half < 4 / N
