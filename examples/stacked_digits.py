"""How many of 1,000 modes does a GAN find, and how evenly?

    python examples/stacked_digits.py [GAME ...] [--seeds 0 1 2] [--steps 4800]

Three of the shipped digits, drawn at random, are the channels of an image: 1,000 kinds of image,
known and equally likely (Metz et al. 2017). Of 26,000 samples the judge reads each channel. Printed
are how many of the 1,000 numbers were read at least once, and the KL divergence of their shares
from even ones, in nats; for real stacks, too. The last two games are slips of tutorial code (see
docs/slips.md). A minute and a half of one core a game and seed; the full size, of hours, is
`minigan train dcgan --data stacked-mnist`, which can be stopped and gone on with.
"""
from __future__ import annotations

import argparse
import time

import numpy as np

from minigan.data import IMAGE_SETS, Loader, Scaled
from minigan.gan import SYSTEMS, Options, sample
from minigan.metrics import Judge, stacked_modes

GAMES = {  # the system, its options, and the range to which the images are scaled
    "convolutions": ("digits-dcgan", Options(), (-1, 1)),
    "packed by 2": ("digits-dcgan", Options(pack=2), (-1, 1)),
    "dense layers": ("digits", Options(), (0, 1)),
    "tanh, data in [0, 1]": ("digits-dcgan", Options(), (0, 1)),
    "G minimises log(1 - D)": ("digits-dcgan", Options(objective="minimax"), (-1, 1)),
}

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("games", nargs="*", metavar="GAME", choices=[[], *GAMES],
                    help=", ".join(map(repr, GAMES)))
parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
parser.add_argument("--steps", type=int, default=4800)
parser.add_argument("--n", type=int, default=26_000, help="samples, as in all publications")
args = parser.parse_args()

images, _ = IMAGE_SETS["stacked-digits"]()
judge = Judge.load("digits")


def samples_of(name: str, seed: int) -> np.ndarray:
    """What the average generator of that game draws at the end, in [0, 1]."""
    system, options, value_range = GAMES[name]
    system = SYSTEMS[system]
    game = options.build(system, images.shape[1:], 1000, np.random.default_rng(seed))
    loader = Loader(Scaled(images, value_range), batch_size=64, seed=seed)
    trainer = options.trainer(game, system, loader, seed)
    trainer.run(args.steps)
    z = system.noise(args.n, system.latent, np.random.default_rng(12345))
    low, high = value_range
    return np.clip((sample(trainer.average.module, z) - low) / (high - low), 0, 1)


print(f"judge {judge.name}, {args.n} samples after {args.steps} steps of batch 64")
modes, divergence = stacked_modes(judge.labels_by_channel(images[:args.n]))
print(f"{'real':31}  modes {modes}  KL {divergence:.3f}")
for name in args.games or GAMES:
    for seed in args.seeds:
        start = time.perf_counter()
        modes, divergence = stacked_modes(judge.labels_by_channel(samples_of(name, seed)))
        print(f"{name:24} seed {seed}  modes {modes}  KL {divergence:.3f}  "
              f"{time.perf_counter() - start:.0f} s", flush=True)
