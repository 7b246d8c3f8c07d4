"""A file of networks, and a program's trainer, that the tests of runs of one's own take."""
from __future__ import annotations

from pathlib import Path

import numpy as np

from minigan import nn
from minigan.cli import main
from minigan.data import Loader, digits
from minigan.gan import GAN, ConditionalGenerator, Trainer, models, projection

PAIR = """
from minigan import nn
from sizes import WIDTH

def pair(shape, rng, latent=4):
    pixels = shape[0] * shape[1] * shape[2]
    generator = nn.Sequential(nn.Dense(latent, WIDTH, rng=rng), nn.ReLU(),
                              nn.Dense(WIDTH, pixels, rng=rng), nn.Tanh(), nn.Reshape(*shape))
    return generator, nn.Sequential(nn.Flatten(), nn.Dense(pixels, WIDTH, rng=rng),
                                    nn.LeakyReLU(), nn.Dense(WIDTH, 1, rng=rng))
"""
TINY = ["--batch-size", "8", "--save-every", "2", "--device", "cpu"]


def bits(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in Path(folder).rglob("*")
            if p.is_file() and p.name != ".lock"}


def train(*words):
    return main(["train", *words, *TINY])


def trainer(lr=1e-3, conditional=False):
    """Of a plain Sequential, or of networks that are told a class."""
    rng, (images, labels) = np.random.default_rng(0), digits()
    G = nn.Sequential(nn.Dense(3 + 10 * conditional, 64, rng=rng), nn.Sigmoid(),
                      nn.Reshape(8, 8, 1))
    D = models.Discriminator(nn.Flatten(), nn.Dense(64, 4, rng=rng), nn.ReLU(),
                             nn.Dense(4, 1, rng=rng))
    if conditional:
        G, D = ConditionalGenerator(G, 10), projection(D, 10, rng)
    beside = [np.eye(10, dtype=np.float32)[labels[:40]]] * conditional
    return Trainer(GAN(G, D), Loader(images[:40], *beside, batch_size=8), lr=lr)
