"""How alike samples are to each other: variety, without any real data."""
from __future__ import annotations

import numpy as np

from ..backend import array_module, kernels
from ..checked import checked
from ..errors import UserError
from ..settings import Positive, Seed
from .points import BLOCK, Array, array, host, like, rows

_WEIGHTS = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])  # of the scales; the paper's
_WINDOW, _SIGMA, _C1, _C2 = 11, 1.5, 0.01 ** 2, 0.03 ** 2         # of a normal window; the paper's


@checked
def ms_ssim(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The multi-scale structural similarity of each image of a to that of b: float64 (N,), of
    NumPy, 1 for equal ones.

    With means, variances and covariance μ, σ², σ_ab under a normal window of 11 pixels, σ = 1.5,

        l = (2 μ_a μ_b + C₁) / (μ_a² + μ_b² + C₁),   cs = (2 σ_ab + C₂) / (σ_a² + σ_b² + C₂),

    it is the product of mean(cs)^w over the scales, each half as large as the one before, and of
    mean(l · cs)^w at the last. Of the paper's five scales as many are taken as keep 11 pixels,
    their weights w scaled to the sum 1: all five from 176 pixels on, two for 28, and for less than
    22 only one, which is SSIM. So it compares images of one size. A mean below 0 counts as 0.

    a and b are images (N, H, W, C) in [0, 1], of NumPy or CuPy. Raises ValueError for other shapes
    and values.

    Source: Wang, Simoncelli and Bovik 2003, Multi-scale structural similarity for image quality
    assessment, equation 7.
    """
    a, b = _images(a, "a"), _images(b, "b")
    if a.shape != b.shape or array_module(a) is not array_module(b):
        raise UserError(f"expected as many images of one size and on one device, got {a.shape} and "
                        f"{b.shape}")
    step = max(1, BLOCK // a[0].size)
    return np.concatenate([host(_of_block(a[i:i + step], b[i:i + step]))
                           for i in range(0, len(a), step)])


@checked
def pairwise_ms_ssim(images: np.ndarray, pairs: Positive = 1000, seed: Seed = 0) -> float:
    """The mean MS-SSIM of pairs of different images, drawn by the seed: low is various.

    Compare with the same of real images, of one class at a time: classes differ among themselves,
    so the mean over all of them hides a generator that knows one image a class. Blind to quality:
    noise is as various as can be. images is (N, H, W, C) in [0, 1], of NumPy or CuPy; raises
    ValueError as ms_ssim does, and for a single image.

    Source: Odena, Olah and Shlens 2017, Conditional Image Synthesis with Auxiliary Classifier GANs,
    arXiv 1610.09585.
    """
    images = _images(images, "images", 2)
    rng = np.random.default_rng(seed)
    first = rng.integers(len(images), size=pairs)
    second = (first + rng.integers(1, len(images), size=pairs)) % len(images)
    return float(ms_ssim(images[like(first, images)], images[like(second, images)]).mean())


@checked
def vendi_score(features: np.ndarray) -> float:
    """How many different points there seem to be: exp(−Σ λ ln λ), with λ the eigenvalues of K/N and
    K the cosines between features (N, D). N orthogonal points are N, N equal ones are 1.

    Never above D. Blind to quality, as every measure is that sees no real data: noise scores high.
    NumPy's or CuPy's array. Raises ValueError for values that are not finite and for points of
    zeros, which have no direction.

    Source: Friedman and Dieng 2023, The Vendi Score, arXiv 2210.02410, definition 3.1.
    """
    x = rows(features, "features")
    xp, norms = array_module(x), (x * x).sum(axis=1, keepdims=True)
    if not (norms > 0).all():
        raise UserError("features holds points of zeros alone, which have no direction: leave them "
                        "out, or add 1 to all")
    x = x / xp.sqrt(norms)
    # XᵀX and XXᵀ have the same eigenvalues but zeros: the smaller one is made
    square = kernels(x).matmul(*((x.T, x) if x.shape[1] < len(x) else (x, x.T)))
    shares = np.linalg.eigvalsh(host(square) / len(x))
    shares = shares[shares > 0]
    return float(np.exp(-(shares * np.log(shares)).sum()))


def _images(images: Array, name: str, least: int = 1) -> Array:
    """Images as float64 (N, H, W, C) in [0, 1]."""
    shape = array(images).shape
    flat = rows(images, name, least)
    if len(shape) != 4:
        raise UserError(f"expected {name} as images (N, H, W, C), got {shape}")
    if not ((flat >= -1e-6) & (flat <= 1 + 1e-6)).all():
        raise UserError(f"{name} holds values outside [0, 1]: of images in [low, high] take "
                        "(images - low) / (high - low)")
    return flat.reshape(shape)


def _of_block(a: Array, b: Array) -> Array:
    xp, size = array_module(a), min(a.shape[1:3])
    a, b = xp.moveaxis(a, 3, 1), xp.moveaxis(b, 3, 1)
    scales = 1
    while scales < len(_WEIGHTS) and size >> scales >= _WINDOW:
        scales += 1
    weights = (_WEIGHTS[:scales] / _WEIGHTS[:scales].sum()).tolist()
    product = 1.0
    for i, weight in enumerate(weights):
        if i > 0:
            a, b = _halved(a), _halved(b)
        luminance, structure = _similarity(a, b)
        seen = structure * luminance if i == scales - 1 else structure
        product = product * xp.maximum(seen.mean(axis=(1, 2, 3)), 0) ** weight
    return product


def _similarity(a: Array, b: Array) -> tuple[Array, Array]:
    """l and cs at each pixel around which the window fits, of images (N, C, H, W)."""
    width = min(_WINDOW, *a.shape[2:])
    down, across = (like(_band(width, n), a) for n in a.shape[2:])

    def mean(x: Array) -> Array:
        return kernels(x).matmul(kernels(x).matmul(down, x), across.T)

    mean_a, mean_b = mean(a), mean(b)
    squares, product = mean_a * mean_a + mean_b * mean_b, mean_a * mean_b
    variances, covariance = mean(a * a + b * b) - squares, mean(a * b) - product
    return ((2 * product + _C1) / (squares + _C1), (2 * covariance + _C2) / (variances + _C2))


def _band(width: int, n: int) -> np.ndarray:
    """The matrix (n - width + 1, n) that takes a normal window's mean along an axis."""
    window = np.exp(-((np.arange(width) - (width - 1) / 2) / _SIGMA) ** 2 / 2)
    band = np.zeros((n - width + 1, n))
    for i, row in enumerate(band):
        row[i:i + width] = window / window.sum()
    return band


def _halved(x: Array) -> Array:
    """The means of 2 x 2 pixels of images (N, C, H, W); an odd last row or column is left out."""
    h, w = x.shape[2] // 2, x.shape[3] // 2
    return x[:, :, :2 * h, :2 * w].reshape(*x.shape[:2], h, 2, w, 2).mean(axis=(3, 5))
