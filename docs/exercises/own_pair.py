"""A pair that is accepted

Chapter: own_networks. 6 minutes.

`pair(shape, rng)` is to make two networks that `minigan train mine.py:pair` takes, for images of
any `shape`, (height, width, channels), with pixels from −1 to 1. This one has faults, and
minigan names them one after the other. All weights are to come from `rng`, so that a seed tells
what is drawn.
"""
# %% start
from minigan import nn


def pair(shape, rng, latent=16):
    generator = nn.Sequential(
        nn.Dense(latent, 32, rng=rng), nn.ReLU(),
        nn.Dense(32, 64, rng=rng), nn.Tanh())
    discriminator = nn.Sequential(
        nn.Flatten(), nn.Dense(64, 32, rng=rng), nn.LeakyReLU(0.2),
        nn.Dense(32, 1), nn.Sigmoid())
    return generator, discriminator


# %% solution
from minigan import nn


def pair(shape, rng, latent=16):
    height, width, channels = shape
    pixels = height * width * channels
    generator = nn.Sequential(
        nn.Dense(latent, 32, rng=rng), nn.ReLU(),
        nn.Dense(32, pixels, rng=rng), nn.Tanh(), nn.Reshape(*shape))
    discriminator = nn.Sequential(
        nn.Flatten(), nn.Dense(pixels, 32, rng=rng), nn.LeakyReLU(0.2),
        nn.Dense(32, 1, rng=rng))                          # the loss has the sigmoid
    return generator, discriminator


# %% check
import numpy as np

from minigan.gan import GAN
from minigan.gan.own import check_networks
from minigan.nn import Module
from minigan.user_code import said


def made(shape, **more):
    try:
        both = pair(shape, np.random.default_rng(0), **more)
    except Exception as error:
        raise AssertionError(f"pair({shape}, rng) raised {said(error)}") from None
    assert isinstance(both, tuple) and [isinstance(m, Module) for m in both] == [True, True], (
        f"pair returns {both!r}, and is to return a generator and a discriminator")
    return both


def weights(networks):
    return [p.numpy() for network in networks for p in network.parameters()]


for shape in (8, 8, 1), (4, 6, 3):
    game = GAN(*made(shape))
    check_networks(game, game.latent(4, np.random.default_rng(0)), (), shape, (-1, 1),
                   f"data of shape {shape}")
    low = game.generate(game.latent(64, np.random.default_rng(0)))[0].numpy().min()
    assert -1 <= low < 0, (f"the least pixel of 64 samples is {low:.2f}, and the data begin at -1: "
                           "in what does your generator end?")
once, again = weights(made((8, 8, 1))), weights(made((8, 8, 1)))
assert all(map(np.array_equal, once, again)), (
    "two pairs of the same seed have other weights: a layer was not told rng, and draws by itself")
first = weights(made((8, 8, 1), latent=5)[:1])[0]
assert first.shape[0] == 5, f"with latent=5 the first layer still takes {first.shape[0]} numbers"
