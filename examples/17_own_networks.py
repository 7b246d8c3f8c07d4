"""Networks of your own, in a run folder.

    python examples/17_own_networks.py [--steps 1000] [--lr 0.0005] [--out runs/own]
    minigan train examples/17_own_networks.py:pair

Change `pair`, and train yours. Run again with more steps, the program goes on where it was; with
another --lr it goes on at that. Either way the folder holds pictures, curves, weights of a tenth of
the steps each, a page, and what is needed to go on. Half a minute for 1,000 steps.
"""
import argparse

import numpy as np

from minigan import nn
from minigan.data import Loader, digits
from minigan.export import to_torch
from minigan.gan import GAN, Run, Trainer, neighbours, walk


def pair(shape, rng, latent=32):
    """A new generator and a new discriminator for images of that shape."""
    pixels = int(np.prod(shape))
    generator = nn.Sequential(
        nn.Dense(latent, 128, rng=rng), nn.BatchNorm(128), nn.ReLU(),
        nn.Dense(128, pixels, rng=rng), nn.Sigmoid(), nn.Reshape(*shape))
    discriminator = nn.Sequential(
        nn.Flatten(), nn.Dense(pixels, 128, rng=rng), nn.LeakyReLU(0.2),
        nn.Dense(128, 1, rng=rng))
    return generator, discriminator


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--lr", type=float, default=5e-4)
    parser.add_argument("--out", default="runs/own")
    args = parser.parse_args()

    images, _ = digits()
    game = GAN(*pair(images.shape[1:], np.random.default_rng(0)))
    trainer = Trainer(game, Loader(images, batch_size=64), lr=args.lr)
    run = Run.of(args.out, trainer, args.steps)  # new, or where the folder was saved last
    run.train()

    print(walk(run, frames=24))                  # a film from noise to noise
    print(to_torch(run))                         # the generator as a file of PyTorch
    print(neighbours(run).verdict)               # is it memorising?


if __name__ == "__main__":
    main()
