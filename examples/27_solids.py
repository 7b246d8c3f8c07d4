"""Tables of 16 x 16 x 16 voxels, made by a convolutional game and counted.

    python examples/27_solids.py [--steps 1000] [--seed 0] [--count 500] [--out DIR]

You learn what a three-dimensional convolution is for, and how a generator is judged where every
right answer is known: there are 108 tables, half of them are shown to the game, and what it makes
is looked up in the list. It is held against voxels drawn one by one, as often filled as they are in
the tables, and against a Gaussian with the tables' means and covariances. A minute.
"""
from __future__ import annotations

import argparse
from itertools import product
from pathlib import Path

import numpy as np

from minigan import viz
from minigan.data import Loader
from minigan.gan import GAN, Trainer, models, noise, penalties, sample
from minigan.nn import (BatchNorm, Conv3d, ConvTranspose3d, Dense, Flatten, LeakyReLU, Reshape,
                        Tanh)

SIDE = 16


def table(width: int, depth: int, height: int, top: int) -> np.ndarray:
    """A board on four legs in the middle of the floor, bool (height, depth, width)."""
    solid = np.zeros((SIDE, SIDE, SIDE), bool)
    y, x = (SIDE - depth) // 2, (SIDE - width) // 2
    inside = solid[:height, y:y + depth, x:x + width]
    inside[:, :2, :2] = True
    inside |= inside[:, ::-1] | inside[..., ::-1] | inside[:, ::-1, ::-1]
    inside[height - top:] = True
    return solid


def tables() -> np.ndarray:
    """All of them: three widths and depths, six heights, two boards."""
    sizes = product((8, 12, 16), (8, 12, 16), range(6, 17, 2), (2, 4))
    return np.array([table(*each) for each in sizes])


def networks(rng: np.random.Generator) -> tuple[models.Generator, models.Discriminator]:
    """DCGAN's pair with an axis more; where there are many channels, the windows are small."""
    def down(inputs, outputs, size):
        return Conv3d(inputs, outputs, size, stride=2, padding="same", rng=rng)

    def up(inputs, outputs, size):
        return ConvTranspose3d(inputs, outputs, size, stride=2, padding="same", rng=rng)

    generator = models.Generator(
        32, Dense(32, 4 ** 3 * 64, rng=rng), Reshape(4, 4, 4, 64), BatchNorm(64), LeakyReLU(0.2),
        up(64, 16, 2), BatchNorm(16), LeakyReLU(0.2), up(16, 1, 4), Tanh())
    discriminator = models.Discriminator(
        down(1, 16, 4), LeakyReLU(0.2), down(16, 64, 2), LeakyReLU(0.2), Flatten(),
        Dense(4 ** 3 * 64, 1, rng=rng))
    return generator, discriminator


def connected(solids: np.ndarray) -> np.ndarray:
    """Which of them are of one piece: what a flood from one voxel reaches is everything."""
    flat = solids.reshape(len(solids), -1)
    reached = np.zeros_like(flat)
    reached[np.arange(len(flat)), flat.argmax(axis=1)] = flat.any(axis=1)
    reached = reached.reshape(solids.shape)
    while True:
        grown = reached.copy()
        for axis in (1, 2, 3):
            new, old = np.moveaxis(grown, axis, 0), np.moveaxis(reached, axis, 0)
            new[1:] |= old[:-1]
            new[:-1] |= old[1:]
        grown &= solids
        if (grown == reached).all():
            return (reached == solids).all((1, 2, 3)) & flat.any(axis=1)
        reached = grown


def counted(name: str, solids: np.ndarray, family: np.ndarray, shown: np.ndarray) -> None:
    """A line of what is known exactly of solids, bool (N, 16, 16, 16): how many are of one piece
    and mirrored both ways; how many voxels the middle one has wrong beside the table that it is
    nearest to; how many are tables, how many different ones, and how many of these were never
    shown; and how far the volumes are from the family's."""
    mirrored = [(solids == np.flip(solids, axis)).all((1, 2, 3)) for axis in (2, 3)]
    a, b = (x.reshape(len(x), -1).astype(np.float32) for x in (solids, family))
    wrong = a.sum(1)[:, None] + b.sum(1) - 2 * a @ b.T
    nearest, off = wrong.argmin(axis=1), wrong.min(axis=1)
    kinds = np.unique(nearest[off == 0])
    levels = np.linspace(0, 1, 101)
    volume = np.abs(np.quantile(a.sum(1), levels) - np.quantile(b.sum(1), levels)).mean()
    print(f"{name:22s} one piece {connected(solids).mean():4.0%}  mirrored "
          f"{(mirrored[0] & mirrored[1]).mean():4.0%}  wrong voxels {np.median(off):4.0f}  tables "
          f"{(off == 0).mean():4.0%}  kinds {len(kinds):3d}  never shown {(~shown[kinds]).sum():3d}"
          f"  volumes off {volume:4.1f}", flush=True)


def gaussian(solids: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """n solids from the normal distribution with the mean and the covariance of these, cut at one
    half."""
    flat = solids.reshape(len(solids), -1).astype(np.float32)
    centred = flat - flat.mean(axis=0)
    drawn = rng.standard_normal((n, len(flat)), np.float32) @ centred / np.sqrt(len(flat) - 1)
    return (drawn + flat.mean(axis=0) > 0.5).reshape(n, *solids.shape[1:])


def drawn(solid: np.ndarray) -> np.ndarray:
    """A picture of a solid from above one of its corners, (H, W, 3)."""
    picture = np.full((4 * SIDE + 2, 4 * SIDE + 2, 3), 0.12)
    for z, y, x in sorted(np.argwhere(solid).tolist(), key=sum):  # the nearest voxel last
        row, column = 2 * SIDE + x + y - 2 * z, 2 * (SIDE - 1 + x - y)
        picture[row:row + 2, column:column + 4] = [0.95, 0.85, 0.6]
        picture[row + 2:row + 4, column:column + 2] = [0.75, 0.55, 0.3]
        picture[row + 2:row + 4, column + 2:column + 4] = [0.5, 0.33, 0.17]
    return picture


parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--steps", type=int, default=1000)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--count", type=int, default=500, help="how many solids of a kind")
parser.add_argument("--out", type=Path, default=Path("."))
args = parser.parse_args()

family, rng = tables(), np.random.default_rng(args.seed)
shown = np.isin(np.arange(len(family)), rng.permutation(len(family))[:len(family) // 2])
train = family[shown]
independent = rng.random((args.count, *family.shape[1:])) < train.mean(axis=0)
print(f"{len(family)} tables, {len(train)} of them shown; of each kind of solid {args.count}")
counted("the tables not shown", family[~shown], family, shown)
counted("voxels one by one", independent, family, shown)
normal = gaussian(train, args.count, rng)
counted("Gaussian", normal, family, shown)

generator, discriminator = networks(np.random.default_rng(args.seed))
fixed = noise.normal(args.count, generator.latent, np.random.default_rng(1))

real = np.where(train, np.float32(1), np.float32(-1))[..., None]
game = GAN(generator, discriminator, penalties=[penalties.r1(0.1)])
trainer = Trainer(game, Loader(real, batch_size=16, seed=args.seed), lr=2e-3, seed=args.seed,
                  schedule=lambda done, steps: 1 - done / steps)
trainer.steps = args.steps  # over which lr falls to 0
for fifth in range(1, 6):
    trainer.run(args.steps * fifth // 5)
    made = sample(trainer.average.module, fixed, 100)[..., 0] > 0
    counted(f"the game, step {trainer.step}", made, family, shown)

rows = [train[rng.permutation(len(train))[:8]], normal[:8], made[:24]]
args.out.mkdir(parents=True, exist_ok=True)
viz.save_grid(args.out / "27_solids.png", np.array([drawn(s) for s in np.concatenate(rows)]),
              columns=8, scale=2)
print(f"wrote {args.out / '27_solids.png'}: tables, Gaussian, and what the game made")
