"""How far apart two normal distributions are that have the means and covariances of the data."""
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..backend import array_module, kernels
from ..checked import checked
from ..errors import UserError
from ..settings import Seed
from .points import Array, alike, host, like

_SIZES = 15  # at which the distance is measured to extrapolate, as in the paper


class _Moments(NamedTuple):
    mean: np.ndarray        # (D,)
    covariance: np.ndarray  # (D, D)


@checked
def frechet(real: np.ndarray, fake: np.ndarray) -> float:
    """The Fréchet distance of features (N, D) and (M, D), as if each were normally distributed:

        |μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2 (Σ₁ Σ₂)^½)

    with means μ and unbiased covariances Σ, in float64. With features of the Inception network it
    is known as FID; with others say which, for the numbers are not comparable.

    It is 0 for equal distributions of any number, but not for samples of them: the covariances'
    errors add about C/N, where C depends on the data and on the generator. Compare at equal N only,
    and with the distance of real data to real; frechet_infinity takes the bias off. Blind to all
    but two moments of the features: to memory, to repetitions, and to whatever the features leave
    out. What it rewards: docs/quality.md.

    NumPy's or CuPy's arrays. Raises ValueError for fewer than two points, features of different
    number and values that are not finite.

    Source: Heusel et al. 2017, GANs Trained by a Two Time-Scale Update Rule, arXiv 1706.08500,
    equation 6; Dowson and Landau 1982.
    """
    return _distance(*map(_moments, alike(2, real=real, fake=fake)))


@checked
def frechet_infinity(real: np.ndarray, fake: np.ndarray, seed: Seed = 0) -> float:
    """The Fréchet distance that infinitely many points would have, extrapolated.

    The distance at N points is a line in 1/N where N is some times D. It is measured at 15 numbers,
    from a tenth of the points there are to all of them, drawn by the seed from real and fake alike;
    the line of least squares through them meets 1/N = 0 at the value. (The paper keeps all real
    points, so its value keeps their part of the bias.) It has an error, may be negative, and does
    not see more than frechet does.

    Raises ValueError as frechet does, and for fewer than 20 D points in either set, of which a
    tenth would be too few for a line.

    Source: Chong and Forsyth 2020, Effectively Unbiased FID and Inception Score and Where to Find
    Them, arXiv 1911.07023 (FID_∞).
    """
    sets = alike(2, real=real, fake=fake)
    n, d = min(map(len, sets)), sets[0].shape[1]
    if n < 20 * d:
        raise UserError(f"{n} points of {d} features are too few to extrapolate from: it takes "
                        f"{20 * d}; give more, or fewer features")
    rng = np.random.default_rng(seed)
    sizes = np.linspace(n // 10, n, _SIZES).astype(int)
    distances = [_distance(*[_moments(x[like(rng.permutation(len(x))[:size], x)]) for x in sets])
                 for size in sizes]
    return float(np.polyfit(1 / sizes, distances, 1)[1])


def _moments(x: Array) -> _Moments:
    """The sums are made where x lies; what is left is small, and goes to the host."""
    mean = array_module(x).mean(x, axis=0)
    centred = x - mean
    return _Moments(host(mean), host(kernels(x).matmul(centred.T, centred)) / (len(x) - 1))


def _distance(a: _Moments, b: _Moments) -> float:
    # tr (Σ₁ Σ₂)^½ is the sum of the singular values of Aᵀ B, where Σ₁ = A Aᵀ and Σ₂ = B Bᵀ. The
    # eigenvalues of Σ₁ Σ₂ are their squares: where one is 0, rounding makes it 1e-16, its root 1e-8
    shared = np.linalg.svd(_factor(a).T @ _factor(b), compute_uv=False).sum()
    apart = ((a.mean - b.mean) ** 2).sum()
    # of equal sets rounding may fall below 0
    return max(0.0, float(apart + a.covariance.trace() + b.covariance.trace() - 2 * shared))


def _factor(x: _Moments) -> np.ndarray:
    values, vectors = np.linalg.eigh(x.covariance)
    return vectors * np.sqrt(np.maximum(values, 0))
