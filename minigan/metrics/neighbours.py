"""Judging samples by their nearest neighbours among real data.

Points are rows: an array (N, ...) of NumPy or CuPy is N points, flattened, be they images or
features. Distances are Euclidean, so the answers are as good as distances are: between images of
some hundred pixels they mean something, between larger ones those of features do.
"""
from __future__ import annotations

import numpy as np

from ..backend import array_module
from ..checked import checked
from ..errors import UserError
from ..settings import Positive
from .crossing import crossing
from .points import alike, check_k, host, squared_distances, to_neighbour


@checked
def knn_classify(real: np.ndarray, labels: np.ndarray, samples: np.ndarray,
                 k: Positive = 5) -> np.ndarray:
    """The class that most of a sample's k nearest real points have, for each sample.

    real     (N, ...) points whose classes are known
    labels   (N,) integers >= 0, their classes
    samples  (M, ...) points to classify
    k        how many neighbours vote; of classes with equally many votes the smallest wins

    Returns int64 (M,), of NumPy. Raises ValueError for shapes that do not fit, values that are not
    finite, labels that are no such numbers and k outside 1..N.
    """
    real, samples = alike(real=real, samples=samples)
    xp, labels = array_module(real), host(labels)
    if labels.shape != (len(real),):
        raise UserError(f"expected labels of shape ({len(real)},), got {labels.shape}")
    if labels.dtype.kind not in "iub" or labels.min() < 0:
        raise UserError("expected labels that are whole numbers of at least 0, not such as "
                        f"{min(labels.tolist())}")
    check_k(k, len(real), "real")
    classes = np.unique(labels)
    predicted = np.empty(len(samples), np.int64)
    for block, distance in squared_distances(samples, real):
        nearest = host(xp.argpartition(distance, k - 1, axis=1)[:, :k])
        votes = (labels[nearest][:, :, None] == classes).sum(axis=1)
        predicted[block] = classes[votes.argmax(axis=1)]
    return predicted


@checked
def precision_recall(real: np.ndarray, fake: np.ndarray, k: Positive = 3) -> tuple[float, float]:
    """The share of samples that look real, and the share of real points that could be samples:
    two numbers in [0, 1], since one alone cannot tell poor samples from missing ones.

    The support of a set is taken to be the union of closed balls around its points, each of which
    reaches to the point's k-th nearest other one, NND_k:

        precision = mean_j 1[fake_j in the support of real] = mean_j max_i 1[|fake_j − real_i| ≤
        NND_k(real_i)],    recall = the same with real and fake exchanged.

    Blind to how often: a single sample near each point of the data is all that recall asks. One
    outlier has a ball so large that it lets in much that is poor (see density_coverage). Real data
    against real do not score 1: N(0, I) in 1,000 dimensions, 10,000 points each and k = 5, scores
    0.48 and 0.47, give or take 0.02. So compare with held-out data of the same number.

    real is (N, ...), fake (M, ...). Raises ValueError for shapes that do not fit, values that are
    not finite and k outside 1..N−1 and 1..M−1.

    Source: Kynkäänniemi et al. 2019, Improved Precision and Recall Metric for Assessing Generative
    Models, arXiv 1904.06991, equation 1 (k = 3).
    """
    real, fake = alike(real=real, fake=fake)
    found = crossing(real, fake, (to_neighbour(real, k, "real"), to_neighbour(fake, k, "fake")))
    return float(found.looks_real.mean()), float(found.recalled.mean())


@checked
def density_coverage(real: np.ndarray, fake: np.ndarray, k: Positive = 5) -> tuple[float, float]:
    """How deep samples lie in the real data, and the share of real points with a sample near by.

    With the ball B_i around each real point i, which reaches to its k-th nearest other real point:

        density = 1/(kM) Σ_j Σ_i 1[fake_j in B_i],    coverage = 1/N Σ_i max_j 1[fake_j in B_i].

    Samples of the very distribution have a density of about 1 and an expected coverage of
    1 − (N−1)...(N−k) / ((M+N−1)...(M+N−k)), which for M = N is about 1 − 2^−k whatever the data
    are: 0.969 for k = 5. Print that beside it. Averages of data, which in many dimensions lie
    in nearly all balls, have a density far above 1, and copies of the real points a coverage of 1:
    neither can tell memory from skill (memorisation_test does).

    real is (N, ...), fake (M, ...). Raises ValueError for shapes that do not fit, values that
    are not finite and k outside 1..N−1.

    Source: Naeem et al. 2020, Reliable Fidelity and Diversity Metrics for Generative Models,
    arXiv 2002.09797, section 3.2.
    """
    real, fake = alike(real=real, fake=fake)
    radius = to_neighbour(real, k, "real")
    found = crossing(real, fake, balls=radius)
    return float(found.inside.mean()) / k, float((found.to_fake <= radius).mean())


@checked
def coverage(real: np.ndarray, fake: np.ndarray, k: Positive = 5) -> float:
    """The share of real points that have a sample near by, 1 is all: density_coverage's second.

    Unlike an average over samples it falls when modes are missing. real is (N, ...), fake
    (M, ...). Raises ValueError as density_coverage does.
    """
    return density_coverage(real, fake, k)[1]


@checked
def memorisation_test(train: np.ndarray, held_out: np.ndarray,
                      fake: np.ndarray) -> tuple[float, float]:
    """Whether samples lie nearer to the training data than held-out data of the same source do.

    Returns (share, z). Of all pairs of a sample and a held-out point, share is the part in which
    the sample is nearer to its nearest training point, ties by half (Mann and Whitney's U / NM):
    0.5 for samples of the true distribution, 1 for copies, 0 for what is no data at all. z is how
    many standard deviations U is from its mean, (U − NM/2) / sqrt(NM (N + M + 1) / 12): above 3 the
    generator repeats what it was shown, below −3 its samples are farther off than real ones.

    A generator that copies half of the time and dreams else may end at 0.5: look at the pairs,
    too. Held-out data have to be drawn as the training data were: MNIST's test set is not, so hold
    back training images.

    train is (K, ...), held_out (N, ...), fake (M, ...). Raises ValueError for shapes that do not
    fit and values that are not finite.

    Source: Meehan, Chaudhuri and Dasgupta 2020, A Non-Parametric Test to Detect Data-Copying in
    Generative Models, arXiv 2004.05675, section 3 (their Z_U has the other sign).
    """
    train, held_out, fake = alike(train=train, held_out=held_out, fake=fake)
    of_held_out, of_fake = (np.concatenate([host(distance.min(axis=1)) for _, distance
                                            in squared_distances(points, train)])
                            for points in (held_out, fake))
    return nearer(of_held_out, of_fake)


def nearer(of_held_out: np.ndarray, of_fake: np.ndarray) -> tuple[float, float]:
    """The memorisation test's share and z, of the distances (N,) and (M,) to the training data."""
    n, m = len(of_held_out), len(of_fake)
    of_held_out = np.sort(of_held_out)
    or_equal = n - np.searchsorted(of_held_out, of_fake, "left")
    strictly = n - np.searchsorted(of_held_out, of_fake, "right")
    u = (or_equal + strictly).sum() / 2
    return float(u / (n * m)), float((u - n * m / 2) / np.sqrt(n * m * (n + m + 1) / 12))
