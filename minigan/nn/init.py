"""Initial weights, by the names of those who proposed them.

An initialiser is a function (shape, rng) → float32 array in host memory, where rng is a
numpy.random.Generator: drawn with NumPy's and moved, a network starts from the same weights on
every device. Shapes are (in, out) for dense and (KH, KW, in, out) for convolution kernels.
"""
from __future__ import annotations

import math
from typing import Callable

import numpy as np

from ..checked import checked

Initializer = Callable[[tuple[int, ...], np.random.Generator], np.ndarray]


@checked
def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """(fan_in, fan_out): how many inputs an output sees, and how many outputs an input reaches."""
    if len(shape) < 2:
        raise ValueError(f"weights of shape {shape} have no fan-in: give at least (in, out)")
    window = math.prod(shape[:-2])
    return window * shape[-2], window * shape[-1]


@checked
def zeros(shape: tuple[int, ...], rng: np.random.Generator | None = None) -> np.ndarray:
    """All zeros, for biases."""
    return np.zeros(shape, np.float32)


@checked
def ones(shape: tuple[int, ...], rng: np.random.Generator | None = None) -> np.ndarray:
    """All ones, for the scales of normalisation layers."""
    return np.ones(shape, np.float32)


def _normal(shape: tuple[int, ...], rng: np.random.Generator, variance: float) -> np.ndarray:
    return rng.standard_normal(shape, np.float32) * np.float32(math.sqrt(variance))


def _uniform(shape: tuple[int, ...], rng: np.random.Generator, variance: float) -> np.ndarray:
    limit = math.sqrt(3 * variance)  # U(−a, a) has variance a² / 3
    return rng.uniform(-limit, limit, shape).astype(np.float32)


@checked
def normal_002(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """N(0, 0.02²), what DCGAN starts from (Radford et al. 2016)."""
    return _normal(shape, rng, 0.02 ** 2)


@checked
def glorot_uniform(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Uniform with variance 2 / (fan_in + fan_out) (Glorot & Bengio 2010, eq. 16)."""
    return _uniform(shape, rng, 2 / sum(fans(shape)))


@checked
def glorot_normal(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Normal with variance 2 / (fan_in + fan_out) (Glorot & Bengio 2010, eq. 12)."""
    return _normal(shape, rng, 2 / sum(fans(shape)))


@checked
def he_uniform(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Uniform with variance 2 / fan_in, for ReLU (He et al. 2015, eq. 10)."""
    return _uniform(shape, rng, 2 / fans(shape)[0])


@checked
def he_normal(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Normal with variance 2 / fan_in, for ReLU (He et al. 2015, eq. 10)."""
    return _normal(shape, rng, 2 / fans(shape)[0])


@checked
def lecun_uniform(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Uniform with variance 1 / fan_in (LeCun et al. 1998, §4.6)."""
    return _uniform(shape, rng, 1 / fans(shape)[0])


@checked
def lecun_normal(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Normal with variance 1 / fan_in (LeCun et al. 1998, §4.6)."""
    return _normal(shape, rng, 1 / fans(shape)[0])


@checked
def orthogonal(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Orthonormal columns or rows, whichever are fewer (Saxe et al. 2014); a kernel counts as
    the matrix (KH · KW · in, out)."""
    fans(shape)  # refuses a shape that is no matrix
    rows, columns = math.prod(shape[:-1]), shape[-1]
    q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
    q *= np.sign(np.diag(r))  # makes the distribution uniform over rotations
    return np.ascontiguousarray(q if rows >= columns else q.T).reshape(shape).astype(np.float32)
