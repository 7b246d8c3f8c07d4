"""One pair of networks, several discriminators, several generators: the same digits, three games.

    python examples/14_many_networks.py [--steps 3000] [--seed 0] [--out DIR]

You learn how games of more than two networks are put together, and what they are good for. In GMAN
one G faces three D, and listens most to whom it loses against. In MGAN five G face one D, which
also says who of them made a picture; each wants to be recognised, and so they share the digits out
among them, without a label. Measured are how many of the real digits have a sample near by, and how
often the rarest digit is made. Three to four minutes.
"""
from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from minigan.data import Loader, digits
from minigan.gan import (GAN, GMAN, MGAN, Generators, Trainer, models, noise, sample, two_headed)
from minigan.gan.several import softmax_weighted
from minigan.metrics import class_shares, coverage, knn_classify, total_variation
from minigan.viz import image_grid

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--steps", type=int, default=3000)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--out", type=Path, default=Path("."))
args = parser.parse_args()

LATENT, MAKERS = 32, 5
images, labels = digits()


def plain(rng: np.random.Generator) -> GAN:
    # no BatchNorm: `models.digits` has it, and hardly needs help
    return GAN(*models.mlp(images.shape[1:], width=256, depth=2, latent=LATENT, rng=rng))


def gman(rng: np.random.Generator) -> GMAN:
    first, *others = [plain(rng) for _ in range(3)]
    return GMAN([first, *[GAN(first.generator, other.discriminator) for other in others]],
                softmax_weighted())


def mgan(rng: np.random.Generator) -> MGAN:
    games = [plain(rng) for _ in range(MAKERS)]
    return MGAN(Generators([game.generator for game in games], LATENT),
                two_headed(games[0].discriminator, MAKERS, rng))


def drawn(generator, n: int) -> np.ndarray:
    """n samples, of several generators an equal share of each, one after another."""
    z = noise.normal(n, LATENT, np.random.default_rng(1))
    return sample(generator, z, batch_size=n)


def trained(name: str, game: GAN):
    """The average generator after training; prints what its samples are worth."""
    start = time.perf_counter()
    trainer = Trainer(game, Loader(images, batch_size=64, seed=args.seed), lr=5e-4, seed=args.seed)
    trainer.run(args.steps)
    seconds = time.perf_counter() - start
    samples = drawn(trainer.average.module, len(images))
    shares = class_shares(knn_classify(images, labels, samples))
    print(f"{name:5}  coverage {coverage(images, samples):.3f}  rarest digit {shares.min():.1%}  "
          "total variation of the shares "
          f"{total_variation(shares, class_shares(labels)):.3f}  {seconds:.0f} s", flush=True)
    return trainer.average.module


makers = None
for name, make in [("plain", plain), ("GMAN", gman), ("MGAN", mgan)]:
    makers = trained(name, make(np.random.default_rng(args.seed)))

# Row by row what each generator of the MGAN makes, and how often which digit.
samples = drawn(makers, 1800).reshape(MAKERS, 1800 // MAKERS, *images.shape[1:])
shares = np.array([class_shares(knn_classify(images, labels, own)) for own in samples])
print("shares of the digits 0 to 9, in %:")
for i, row in enumerate(shares):
    print(f"generator {i}:", *[f"{share:4.0%}" for share in row])

figure = Figure(figsize=(9, 3), dpi=110, layout="constrained")
left, right = figure.subplots(1, 2, width_ratios=[1.5, 1])
left.imshow(image_grid(samples[:, :12].reshape(-1, *images.shape[1:]), columns=12), cmap="gray")
left.set_title("samples, a generator in each row", fontsize=10)
left.set_axis_off()
right.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
for (i, j), share in np.ndenumerate(shares):
    if share >= 0.005:
        right.text(j, i, f"{share:.0%}", ha="center", va="center", fontsize=7,
                   color="white" if share > 0.5 else "black")
right.set_xticks(range(10))
right.set_yticks(range(MAKERS), [f"G {i}" for i in range(MAKERS)])
right.set_title("share of each digit in what it makes", fontsize=10)
figure.savefig(args.out / "14_makers.png")
print(f"picture in {args.out / '14_makers.png'}")
