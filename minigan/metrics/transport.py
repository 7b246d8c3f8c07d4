"""How far mass must be moved to make one sample of another. In float64."""
from __future__ import annotations

import numpy as np

from ..backend import array_module, kernels
from ..checked import checked
from ..settings import Positive, Seed
from .points import Array, alike, array, host, like


class MissingPackage(ImportError):
    """A package that only this needs is not installed; the message says how to install it."""


@checked
def wasserstein1(a: np.ndarray, b: np.ndarray) -> float:
    """The 1-Wasserstein distance of two samples of N points each, (N,) or (N, D), exactly.

    With equally many points of equal weight, the cheapest way to move the mass is one of the N!
    ways to pair them (Birkhoff's theorem): the mean Euclidean distance within the best pairs. The
    assignment takes time N³ at worst: for 1,000 points in the plane 0.1 s if the samples are alike
    and 1 s if all of one lies at a point, for 2,500 points 1 and 18 s. Two samples of one
    distribution are not at distance 0: it falls as they grow.

    Raises ValueError for samples that differ in shape, are empty or not finite, and MissingPackage
    without SciPy.
    """
    try:
        from scipy.optimize import linear_sum_assignment
    except ImportError:
        raise MissingPackage("the exact Wasserstein distance needs SciPy: pip install "
                             "minigan[lab]") from None
    a, b = map(host, _pair(a, b))
    cost = np.sqrt(sum((x[:, None] - y) ** 2 for x, y in zip(a.T, b.T)))
    rows, columns = linear_sum_assignment(cost)
    return float(cost[rows, columns].mean())


@checked
def sliced_wasserstein(a: np.ndarray, b: np.ndarray, directions: Positive = 128,
                       seed: Seed = 0) -> float:
    """The 1-Wasserstein distance of the samples' shadows on a line, averaged over random
    directions (Rabin et al. 2011; Bonneel et al. 2015).

    a and b are (N,) or (N, D), both of one shape. On a line the best pairs are found by sorting,
    so large samples are cheap. For D = 1 it is the exact distance; in the plane a shift by d comes
    to 2 d / π. Raises ValueError for samples that differ in shape, are empty or not finite.
    """
    a, b = _pair(a, b)
    rng = np.random.default_rng(seed)
    lines = rng.standard_normal((a.shape[1], directions))  # evenly in all directions
    lines = like(lines / np.linalg.norm(lines, axis=0), a)
    shadows = [array_module(x).sort(kernels(x).matmul(x, lines), axis=0) for x in (a, b)]
    return float(abs(shadows[0] - shadows[1]).mean())


def _pair(a: Array, b: Array) -> list[Array]:
    """Both as float64 (N, D)."""
    a, b = array(a), array(b)
    if a.shape != b.shape or a.ndim not in (1, 2) or a.size == 0:
        raise ValueError(f"expected two samples of one shape, (N,) or (N, D), got {a.shape} and "
                         f"{b.shape}")
    return alike(a=a, b=b)
