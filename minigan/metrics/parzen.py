"""How likely test data are by a density that is put around the samples."""
from __future__ import annotations

import numpy as np

from ..checked import checked
from ..errors import UserError
from .crossing import log_densities
from .points import Array, alike, host, squared_distances

SIGMAS = np.logspace(-1, 0, 10)


@checked
def parzen_log_likelihood(samples: np.ndarray, validation: np.ndarray, test: np.ndarray,
                          sigmas: np.ndarray | None = None) -> tuple[float, float, float]:
    """The mean log-likelihood of test data, in nats, by normal distributions around the samples:

        p(x) = 1/N Σ_i (2πσ²)^(−D/2) exp(−|x − samples_i|² / 2σ²)

    Of the sigmas, 10 from 0.1 to 1 in equal ratios if none are given, the one by which the
    validation data are likeliest is taken. Returns (mean over the test data, its standard error,
    that σ). In the published protocol 10,000 samples, 1,000 validation images and the 10,000 test
    images of MNIST, in [0, 1].

    Poor guidance: 10,000 real training images score 242.6 ± 2.1, and blurred or averaged ones
    more, since the density is as wide as σ = 0.17 and most of the 784 dimensions are its noise.
    A value above that of real data is a sign of blur. Copies of the training data score as real.

    samples is (N, ...), validation (V, ...), test (T, ...), NumPy's or CuPy's arrays. Raises
    ValueError for shapes that do not fit, values that are not finite, one test point only and
    sigmas that are not positive.

    Source: Goodfellow et al. 2014, Generative Adversarial Nets, arXiv 1406.2661, section 5;
    Breuleux et al. 2011. What is wrong with it: Theis et al. 2016, arXiv 1511.01844.
    """
    given = SIGMAS if sigmas is None else sigmas
    sigmas = host(given).astype(float).ravel()
    if sigmas.size == 0 or not (sigmas > 0).all() or not np.isfinite(sigmas).all():
        raise UserError("sigmas must be at least one, all of them positive and finite")
    samples, validation, test = alike(samples=samples, validation=validation, test=test)
    if len(test) < 2:
        raise UserError("test holds 1 point, too few for a standard error: it takes at least 2")
    best = likeliest(samples, validation, sigmas)
    scores = _log_densities(samples, test, [best])[0]
    return (float(scores.mean()), float(scores.std(ddof=1) / np.sqrt(len(scores))), float(best))


def likeliest(samples: Array, validation: Array, sigmas: np.ndarray = SIGMAS) -> float:
    """The σ by which the validation data are likeliest."""
    return sigmas[_log_densities(samples, validation, sigmas).mean(axis=1).argmax()]


def _log_densities(samples: Array, points: Array, sigmas: np.ndarray) -> np.ndarray:
    """ln p of each point (axis 1) for each σ (axis 0)."""
    return np.concatenate([log_densities(distance, samples.shape[1], sigmas) for _, distance
                           in squared_distances(points, samples)], axis=1)
