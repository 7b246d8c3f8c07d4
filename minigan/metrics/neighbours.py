"""Judging samples by their nearest neighbours among real data. NumPy, on the host.

Points are rows: an array (N, ...) is N points, flattened. All is computed in float64, because
squared distances come from |a|^2 + |b|^2 - 2 a.b: in float32 the difference of such large terms
would leave noise where two points are close, and closeness is what is asked for here.
"""
from __future__ import annotations

from collections.abc import Iterator

import numpy

from ..checked import checked
from ..settings import Positive

_BLOCK = 2 ** 22  # distances held at once: 32 MB


@checked
def knn_classify(real: numpy.ndarray, labels: numpy.ndarray, samples: numpy.ndarray,
                 k: Positive = 5) -> numpy.ndarray:
    """The class that most of a sample's k nearest real points have, for each sample.

    Parameters
    ----------
    real : (N, ...) points whose classes are known
    labels : (N,) integers >= 0, their classes
    samples : (M, ...) points to classify
    k : how many neighbours vote; of classes with equally many votes the smallest wins

    Returns int64 (M,). Raises ValueError for shapes that do not fit, values that are not finite
    and k outside 1..N.
    """
    real, samples = _rows(real, "real"), _rows(samples, "samples")
    labels = numpy.asarray(labels)
    if labels.shape != (len(real),):
        raise ValueError(f"expected labels of shape ({len(real)},), got {labels.shape}")
    _check_k(k, len(real))
    classes = numpy.arange(labels.max() + 1)
    predicted = numpy.empty(len(samples), numpy.int64)
    for block, distance in _squared_distances(samples, real):
        nearest = numpy.argpartition(distance, k - 1, axis=1)[:, :k]
        votes = (labels[nearest][:, :, None] == classes).sum(axis=1)
        predicted[block] = votes.argmax(axis=1)
    return predicted


@checked
def coverage(real: numpy.ndarray, samples: numpy.ndarray, k: Positive = 5) -> float:
    """The share of real points that have a sample near by: 1 is all, 0 is none.

    Near means: in the closed ball that reaches to the k-th nearest other real point. Unlike an
    average over samples it falls when modes are missing. Samples from the very distribution of
    N real points, M of them, are expected to score
    1 - (N-1)...(N-k) / ((M+N-1)...(M+N-k)), which for M = N is about 1 - 2^-k.

    real is (N, ...), samples (M, ...). Raises ValueError for shapes that do not fit, values that
    are not finite, no samples and k outside 1..N-1.

    Source: Naeem et al. 2020, Reliable Fidelity and Diversity Metrics for Generative Models,
    arXiv 2002.09797, section 3.2.
    """
    real, samples = _rows(real, "real"), _rows(samples, "samples")
    _check_k(k, len(real) - 1)
    radius = numpy.empty(len(real))
    for block, distance in _squared_distances(real, real):
        rows = numpy.arange(len(distance))
        distance[rows, block.start + rows] = numpy.inf  # no point is its own neighbour
        radius[block] = numpy.partition(distance, k - 1, axis=1)[:, k - 1]
    covered = sum(numpy.count_nonzero(distance.min(axis=1) <= radius[block])
                  for block, distance in _squared_distances(real, samples))
    return covered / len(real)


@checked
def class_shares(labels: numpy.ndarray, classes: Positive = 10) -> numpy.ndarray:
    """The share of each class 0, ..., classes - 1 among the labels: float64 (classes,), sum 1.

    Raises ValueError for no labels, and for labels outside the classes.
    """
    counts = numpy.bincount(labels, minlength=classes)
    if not 0 < counts.sum() or len(counts) > classes:
        raise ValueError(f"expected at least one label, and all of them in 0..{classes - 1}")
    return counts / counts.sum()


@checked
def total_variation(p: numpy.ndarray, q: numpy.ndarray) -> float:
    """How far apart two distributions over the same classes are: sum |p - q| / 2, in [0, 1].

    It is the share of samples that would have to change class to turn one into the other.
    Raises ValueError for different shapes.
    """
    p, q = numpy.asarray(p), numpy.asarray(q)
    if p.shape != q.shape:
        raise ValueError(f"expected distributions over the same classes, got {p.shape} and "
                         f"{q.shape}")
    return float(numpy.abs(p - q).sum() / 2)


def _rows(points: numpy.ndarray, name: str) -> numpy.ndarray:
    """Points as finite float64 rows (N, D)."""
    points = numpy.asarray(points, numpy.float64)
    if len(points) == 0:
        raise ValueError(f"{name} holds no points")
    if not numpy.isfinite(points).all():
        raise ValueError(f"{name} holds values that are not finite")
    return points.reshape(len(points), -1)


def _check_k(k: Positive, available: int) -> None:
    if not 1 <= k <= available:
        raise ValueError(f"k = {k} neighbours were asked for, of {available} that there are")


def _squared_distances(a: numpy.ndarray,
                       b: numpy.ndarray) -> Iterator[tuple[slice, numpy.ndarray]]:
    """Squared Euclidean distances from rows of a to all rows of b, a block of rows at a time.

    Yields (block, distances (rows in the block, len(b))), where a[block] are the rows.
    """
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"real points and samples differ in size: {a.shape[1]} and "
                         f"{b.shape[1]} values")
    a_norm, b_norm = (a * a).sum(axis=1), (b * b).sum(axis=1)
    rows = max(1, _BLOCK // len(b))
    for start in range(0, len(a), rows):
        block = slice(start, start + rows)
        yield block, a_norm[block, None] + b_norm - 2 * (a[block] @ b.T)
