"""How far apart two samples are by a kernel: the squared maximum mean discrepancy."""
from __future__ import annotations

from functools import reduce
from operator import mul

import numpy as np

from ..backend import kernels
from ..checked import checked
from ..errors import UserError
from ..settings import Positive, Seed, TwoOrMore
from .points import Array, alike, host, like, products

PARTS = 10


@checked
def kernel_distance(real: np.ndarray, fake: np.ndarray, degree: Positive = 3) -> float:
    """The squared maximum mean discrepancy of features (N, D) and (M, D), without bias:

        mean_{i≠j} k(x_i, x_j) + mean_{i≠j} k(y_i, y_j) − 2 mean_{i,j} k(x_i, y_j)

    with k(x, y) = (x·y/D + 1)^degree. With features of the Inception network it is known as KID.

    Its expectation does not depend on the number of points, so it can be compared where
    frechet cannot, and around 0, between equal distributions, it is negative half of the time. The
    kernel sees the features' moments up to the degree, and, as they do, neither memory nor
    repetitions. Its scale is the features': alone it says nothing, beside the distance of real data
    to real and its error (kernel_distance_by_subsets) it does.

    NumPy's or CuPy's arrays. Raises ValueError for fewer than two points, features of different
    number and values that are not finite.

    Source: Bińkowski et al. 2018, Demystifying MMD GANs, arXiv 1801.01401; Gretton et al. 2012, A
    Kernel Two-Sample Test, lemma 6.
    """
    return _distance(*alike(2, real=real, fake=fake), degree)


@checked
def kernel_distance_by_subsets(real: np.ndarray, fake: np.ndarray, subsets: TwoOrMore = 10,
                               degree: Positive = 3, seed: Seed = 0) -> tuple[float, float]:
    """The mean of the kernel distances of parts of the data, and the mean's standard error.

    Both sets are shuffled by the seed and cut into so many parts. No two have a point in common, so
    the parts' distances are independent and their standard deviation over √subsets is an honest
    error. (Published figures draw 100 overlapping subsets of 1,000; the error of those does not
    fall as subsets are added.)

    Raises ValueError as kernel_distance does, and for parts of fewer than two points.
    """
    sets = alike(2, real=real, fake=fake)
    if min(map(len, sets)) < 2 * subsets:
        raise UserError(f"{len(sets[0])} real and {len(sets[1])} fake points make no {subsets} "
                        "parts of two and more: give more points or fewer subsets")
    rng = np.random.default_rng(seed)
    parts = [[x[like(part, x)] for part in np.array_split(rng.permutation(len(x)), subsets)]
             for x in sets]
    distances = [_distance(x, y, degree) for x, y in zip(*parts)]
    return float(np.mean(distances)), float(np.std(distances, ddof=1) / np.sqrt(subsets))


def kernel_jackknife(real: np.ndarray, fake: np.ndarray, between: np.ndarray, n: int,
                     m: int) -> tuple[float, float]:
    """The kernel distance of n and m points, and its standard error by the distances without each
    of ten parts, from the sums of `kernel_sums`: of real points, of fake ones, and between them.

    Between equal distributions it errs √10 times less than the mean of the parts' distances. Raises
    UserError for parts of fewer than two points.
    """
    if min(n, m) < 2 * PARTS:
        raise UserError(f"{n} real and {m} fake points make no {PARTS} parts of two and more: give "
                        "more points")
    sizes = np.array([np.bincount(np.arange(points) % PARTS) for points in (n, m)])

    def distance(kept: np.ndarray) -> float:
        xx, yy, xy = (sums[kept][:, kept].sum() for sums in (real, fake, between))
        n, m = sizes[:, kept].sum(axis=1)
        return float(xx / (n * (n - 1)) + yy / (m * (m - 1)) - 2 * xy / (n * m))

    each = np.arange(PARTS)
    without = [distance(each != part) for part in each]
    return distance(each >= 0), float(np.std(without)) * (PARTS - 1) ** 0.5


def kernel_sums(x: np.ndarray, y: np.ndarray, degree: int = 3) -> np.ndarray:
    """The kernel's sums (10, 10) over pairs of a part of x and a part of y, the points i with i mod
    10 alike; of a set and itself without those of a point and itself."""
    same = x is y
    x, y = alike(x=x, y=y)
    of_x, of_y = (np.arange(len(z)) % PARTS for z in (x, y))
    member = like((of_x[:, None] == np.arange(PARTS)).astype(float), x)
    rows = np.concatenate([host(kernels(x).matmul(_kernel(block, x, degree), member))
                           for _, block in products(y, x)])
    sums = np.stack([rows[of_y == part].sum(axis=0) for part in range(PARTS)], axis=1)
    if same:
        own = host(_kernel((x * x).sum(axis=1), x, degree))
        sums -= np.diag(np.bincount(of_x, own, PARTS))
    return sums


def _distance(x: Array, y: Array, degree: int) -> float:
    within = sum((_total(z, z, degree) - float(_kernel((z * z).sum(axis=1), z, degree).sum()))
                 / (len(z) * (len(z) - 1)) for z in (x, y))
    return within - 2 * _total(x, y, degree) / (len(x) * len(y))


def _total(x: Array, y: Array, degree: int) -> float:
    return sum(float(_kernel(block, x, degree).sum()) for _, block in products(x, y))


def _kernel(product: Array, x: Array, degree: int) -> Array:
    product /= x.shape[1]
    product += 1
    return reduce(mul, [product] * degree)  # many times faster than a power
