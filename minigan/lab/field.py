"""What the discriminator says of points in the plane, and where it draws generated ones."""
from __future__ import annotations

import numpy as np

from ..autodiff import Tensor, grad, no_grad
from ..backend import asarray
from ..gan.game import GAN, packed
from ..gan.penalties import Sample, logits_of
from ..gan.several import GMAN
from ..nn import frozen

DRAWS = 8  # of the company in which a packing discriminator sees each point


def heights(game: GAN, points: np.ndarray, real: np.ndarray) -> np.ndarray:
    """D's logit at each of the points (N, 2), float32 (N,): G wants its samples uphill.

    Of several discriminators it is the mean. One that sees `pack` points at once sees each point
    among the first ones of `real` (M, 2), in turns, and in a small `real` again from the first on.
    """
    if isinstance(game, GMAN):
        return np.mean([heights(g, points, real) for g in game.games], axis=0)
    with no_grad():
        if game.pack == 1:
            return logits_of(game.discriminator(_tensor(points))).numpy()[:, 0]
        total = np.zeros(len(points), np.float32)
        for company in np.resize(real, (DRAWS, game.pack - 1, 2)):
            among = [points, *[np.broadcast_to(c, points.shape) for c in company]]
            together = _tensor(np.stack(among, axis=1).reshape(-1, 2))
            total += logits_of(game.discriminator(packed(together, game.pack))).numpy()[:, 0]
        return total / DRAWS


def pull(game: GAN, real: Sample, latent: Sample, rng: np.random.Generator
         ) -> tuple[np.ndarray, np.ndarray]:
    """Samples of G, (N, 2), and the way in which G's loss would have each of them move: minus its
    gradient by the sample."""
    with no_grad():
        made = game.generate(latent)
    x = Tensor(made[0].data, requires_grad=True)
    with frozen(game.discriminator):
        slope, = grad(game.g_loss(real, (x, *made[1:]), rng), x)
    return x.numpy(), -slope.numpy()


def _tensor(x: np.ndarray) -> Tensor:
    return Tensor(asarray(x.astype(np.float32)))
