"""What a generator starts from, and all else that is drawn. Drawn with NumPy's generator and moved
to the default device, so that a run sees the same numbers wherever it computes.

`rng` is a generator of NumPy's, or the Draws of a captured step.
"""
from __future__ import annotations

from typing import Callable

import numpy as np

from .. import backend
from ..autodiff import Tensor
from ..replay import Draws

Rng = np.random.Generator | Draws


def drawn(draw: Callable[[np.random.Generator], np.ndarray], rng: Rng) -> Tensor:
    """draw(rng) on the default device. All that is drawn within a training step goes through here.
    What `draw` looks up itself (a width, a probability) it looks up anew in each replay."""
    if rng is None:
        raise TypeError("this game draws random numbers: give the step a generator, such as "
                        "rng=numpy.random.default_rng(0)")
    return rng(draw) if isinstance(rng, Draws) else Tensor(backend.asarray(draw(rng)))


def normal(n: int, latent: int, rng: Rng) -> Tensor:
    """n vectors of N(0, 1), (n, latent), float32."""
    return drawn(lambda rng: rng.standard_normal((n, latent), np.float32), rng)


def uniform(n: int, latent: int, rng: Rng) -> Tensor:
    """n vectors of U(−1, 1), (n, latent), float32."""
    return drawn(lambda rng: rng.random((n, latent), np.float32) * 2 - 1, rng)


def fractions(shape: tuple[int, ...], rng: Rng) -> Tensor:
    """Numbers of U(0, 1), float32."""
    return drawn(lambda rng: rng.random(shape, np.float32), rng)


def one_hot(n: int, classes: int, rng: Rng) -> Tensor:
    """n of the unit vectors of `classes` numbers, (n, classes), float32, all equally likely."""
    return drawn(lambda rng: _unit_vectors(rng.integers(classes, size=n), classes), rng)


def encoded(labels: np.ndarray, classes: int) -> Tensor:
    """Class numbers (n,) as unit vectors, (n, classes), float32."""
    return Tensor(backend.asarray(_unit_vectors(labels, classes)))


def _unit_vectors(labels: np.ndarray, classes: int) -> np.ndarray:
    return np.eye(classes, dtype=np.float32)[labels]
