"""What a generator starts from. Drawn with NumPy's generator and moved to the default device, so
that a run sees the same noise wherever it computes."""
from __future__ import annotations

import numpy as np

from .. import backend
from ..autodiff import Tensor


def normal(n: int, latent: int, rng: np.random.Generator) -> Tensor:
    """n vectors of N(0, 1), (n, latent), float32."""
    return Tensor(backend.asarray(rng.standard_normal((n, latent), np.float32)))


def uniform(n: int, latent: int, rng: np.random.Generator) -> Tensor:
    """n vectors of U(−1, 1), (n, latent), float32."""
    return Tensor(backend.asarray(rng.random((n, latent), np.float32) * 2 - 1))
