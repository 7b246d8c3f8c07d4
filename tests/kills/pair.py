"""Networks of a file, for runs that are killed."""
from minigan.gan import models


def pair(shape, rng, latent=3):
    """Small ones."""
    return models.digits(shape=shape, latent=latent, rng=rng, width=4)
