"""One look at the distances between real and generated points, for all that ask about them."""
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..backend import array_module
from .points import Array, host, squared_distances


class Crossing(NamedTuple):
    """Of real points (N, D) and generated ones (M, D); distances are squared. What a radius or σ
    was not given for is empty."""

    to_fake: Array      # (N,) from each real point to the nearest generated one
    to_real: Array      # (M,) from each generated point to the nearest real one
    looks_real: Array   # (M,) whether it lies in the ball of a real point
    recalled: Array     # (N,) whether it lies in the ball of a generated one
    inside: Array       # (M,) in how many balls of real points it lies
    log_density: np.ndarray  # (N,) the logarithm of Parzen's density around the generated ones


def crossing(real: Array, fake: Array, support: tuple[Array, Array] | None = None,
             balls: Array | None = None, sigma: float | None = None) -> Crossing:
    """support: squared radii of the balls around real (N,) and around generated points (M,), of
    precision and recall; balls: those of density and coverage (N,). All rows are float64."""
    xp = array_module(real)
    to_fake, to_real = [], xp.full(len(fake), xp.inf)
    looks_real, recalled = xp.zeros(len(fake), "bool"), []
    inside, log_density = xp.zeros(len(fake), "int64"), []
    for block, distance in squared_distances(real, fake):
        to_fake.append(distance.min(axis=1))
        to_real = xp.minimum(to_real, distance.min(axis=0))
        if support:
            looks_real |= (distance <= support[0][block, None]).any(axis=0)
            recalled.append((distance <= support[1]).any(axis=1))
        if balls is not None:
            inside += (distance <= balls[block, None]).sum(axis=0)
        if sigma:
            log_density.append(log_densities(distance, real.shape[1], [sigma])[0])
    return Crossing(xp.concatenate(to_fake), to_real, looks_real,
                    xp.concatenate(recalled or [looks_real[:0]]), inside,
                    np.concatenate(log_density or [np.zeros(0)]))


def log_densities(distance: Array, d: int, sigmas: np.ndarray | list[float]) -> np.ndarray:
    """ln p of each point (axis 1) for each σ (axis 0), from its squared distances to the samples
    (points, N), which are overwritten."""
    xp, n = array_module(distance), distance.shape[1]
    nearest = distance.min(axis=1)  # taken off before exp, where all terms might be 0
    distance -= nearest[:, None]
    made = np.empty((len(sigmas), len(distance)))
    for row, sigma in zip(made, sigmas):
        scale = 2 * float(sigma) ** 2
        row[:] = host(xp.log(xp.exp(distance / -scale).sum(axis=1)) - nearest / scale)
    return made - np.log(n) - d / 2 * np.log(2 * np.pi * np.asarray(sigmas)[:, None]**2)
