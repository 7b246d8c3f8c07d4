"""Every measure takes arrays of the device, and finds what it finds with NumPy's."""
from __future__ import annotations

import numpy as np
import pytest

import minigan as mg
from minigan import backend, metrics
from minigan.metrics import density_coverage, precision_recall


def nearest(x, y):
    return lambda points: metrics.knn_classify(x, y, points, k=1)


def draws(*shape):
    return np.random.default_rng(len(shape)).uniform(size=shape)


A, B, C = draws(3, 60, 4)
IMAGES = draws(2, 6, 24, 24, 2)
LABELS = np.arange(60) % 3

CALLS = {
    "class_shares": lambda to: metrics.class_shares(to(LABELS)),
    "classifier_two_sample": lambda to: metrics.classifier_two_sample(nearest, to(A), to(B)),
    "coverage": lambda to: metrics.coverage(to(A), to(B)),
    "density_coverage": lambda to: density_coverage(to(A), to(B)),
    "frechet": lambda to: metrics.frechet(to(A), to(B)),
    "frechet_infinity": lambda to: metrics.frechet_infinity(to(A[:, :2]), to(B[:, :2])),
    "gan_test": lambda to: metrics.gan_test(nearest, to(A), to(LABELS), to(B), LABELS),
    "gan_train": lambda to: metrics.gan_train(nearest, to(A), to(LABELS), to(B), LABELS),
    "inception_score": lambda to: metrics.inception_score(to(A / A.sum(axis=1, keepdims=True))),
    "kernel_distance": lambda to: metrics.kernel_distance(to(A), to(B)),
    "kernel_distance_by_subsets": lambda to: metrics.kernel_distance_by_subsets(to(A), to(B)),
    "knn_classify": lambda to: metrics.knn_classify(to(A), to(LABELS), to(B)),
    "memorisation_test": lambda to: metrics.memorisation_test(to(A), to(B), to(C)),
    "mode_figures": lambda to: metrics.mode_figures(to(A), to(B[:3]), 0.2),
    "ms_ssim": lambda to: metrics.ms_ssim(*map(to, IMAGES)),
    "one_nearest_neighbour_accuracy":
        lambda to: metrics.one_nearest_neighbour_accuracy(to(A), to(B)),
    "pairwise_ms_ssim": lambda to: metrics.pairwise_ms_ssim(to(IMAGES[0])),
    "parzen_log_likelihood": lambda to: metrics.parzen_log_likelihood(to(A), to(B), to(C)),
    "precision_recall": lambda to: precision_recall(to(A), to(B)),
    "sliced_wasserstein": lambda to: metrics.sliced_wasserstein(to(A), to(B)),
    "stacked_modes": lambda to: metrics.stacked_modes(to(LABELS.reshape(20, 3))),
    "total_variation": lambda to: metrics.total_variation(*(to(x[0] / x[0].sum()) for x in (A, B))),
    "vendi_score": lambda to: metrics.vendi_score(to(A)),
    "wasserstein1": lambda to: metrics.wasserstein1(to(A), to(B)),
}


def test_every_measure_is_the_same_on_the_device_and_of_its_tensors(device):
    assert set(CALLS) == set(metrics.__all__) - {"Judge", "MissingPackage", "Modes", "train_judge"}
    to_device = backend.get(device.name).from_numpy
    for name, call in CALLS.items():
        if name == "wasserstein1":
            pytest.importorskip("scipy", reason="the exact distance is an assignment by SciPy")
        expected = call(lambda x: x)
        for to in (to_device, lambda x: mg.Tensor(to_device(x))):
            np.testing.assert_allclose(call(to), expected, rtol=1e-9, atol=1e-9, err_msg=name)


def test_arrays_of_two_devices_are_refused_with_what_to_do(device):
    with pytest.raises(ValueError, match="real is an array of numpy, fake of .*: move one"):
        metrics.frechet(A, backend.get(device.name).from_numpy(B))


def test_normal_points_in_1000_dimensions_score_as_published(device):
    n = device.steps(10_000, 100)
    to_device = backend.get(device.name).from_numpy
    real, fake = np.random.default_rng(0).normal(size=(2, n, 1000))
    found = *precision_recall(to_device(real), to_device(fake), 5), \
        *density_coverage(to_device(real), to_device(fake), 5)
    if not device.is_gpu:
        there = *precision_recall(real, fake, 5), *density_coverage(real, fake, 5)
        assert found == pytest.approx(there)
        return
    # Naeem et al. draw once; between draws the deviations are 0.02, 0.02, 0.10 and 0.011
    for value, published, room in zip(found, (0.477, 0.471, 1.056, 0.974), (0.08, 0.08, 0.4, 0.04)):
        assert value == pytest.approx(published, abs=room)
