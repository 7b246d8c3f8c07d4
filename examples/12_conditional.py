"""A generator that draws the digit it is asked for.

    python examples/12_conditional.py [--conditional HOW] [--r1 1] [--steps 4000] [--seed 0]
                                      [--out DIR]

You learn how a condition enters a GAN (the class beside the noise of G; and D is told it, by a
projection or by concatenation, or is asked for it, in AC-GAN), and two questions that tell whether
it was learnt. Does a classifier of real digits find in a sample what was asked for? And does a
classifier that has seen samples only read real digits that nobody has seen? Ten good pictures, one
for each class, pass the first; the second takes as many as there are ways to write a digit. D's
slope at real digits is penalised (R1): without it the second figure is lower by some points. A
minute or two.
"""
from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import minigan as mg
from minigan import nn, viz
from minigan.data import Loader, digits
from minigan.gan import (ACGAN, GAN, Conditional, ConditionalGenerator, Trainer, models, noise,
                         penalties, projection, sample, two_headed)
from minigan.metrics import coverage

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--conditional", default="projection",
                    choices=["projection", "concatenation", "acgan"])
parser.add_argument("--r1", type=float, default=1, help="weight of the penalty")
parser.add_argument("--steps", type=int, default=4000)
parser.add_argument("--classifier-steps", type=int, default=1500)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--out", type=Path, default=Path("."))
args = parser.parse_args()

images, labels = digits()
order = np.random.default_rng(0).permutation(len(images))
held_out, train = order[:360], order[360:]         # neither GAN nor classifier sees the first
classes = np.eye(10, dtype=np.float32)[labels]     # a class is a unit vector

rng = np.random.default_rng(args.seed)
generator, _ = models.digits(latent=32 + 10, rng=rng)
generator = ConditionalGenerator(generator, classes=10)
if args.conditional == "projection":               # D is told the class, and weighs whether it fits
    _, discriminator = models.digits(rng=rng)
    game = GAN(generator, projection(discriminator, 10, rng), penalties=[penalties.r1(args.r1)])
elif args.conditional == "concatenation":          # D is told the class, as ten more channels
    _, discriminator = models.digits(shape=(8, 8, 1 + 10), rng=rng)
    game = GAN(generator, Conditional(discriminator), penalties=[penalties.r1(args.r1)])
else:                                              # D is asked for the class
    _, discriminator = models.digits(rng=rng)
    game = ACGAN(generator, two_headed(discriminator, 10, rng), penalties=[penalties.r1(args.r1)])
trainer = Trainer(game, Loader(images[train], classes[train], batch_size=64, seed=args.seed),
                  lr=5e-4, seed=args.seed)


def drawn(wanted: np.ndarray, seed: int) -> np.ndarray:
    """An image for each of the classes asked for."""
    conditions = noise.encoded(wanted, 10)
    latent = game.latent(len(wanted), np.random.default_rng(seed), (conditions,))
    return sample(trainer.average.module, latent)


def classifier(x: np.ndarray, t: np.ndarray):
    """A function that says the class of images, learnt from (x, t)."""
    rng = np.random.default_rng(args.seed)
    network = nn.Sequential(
        nn.Flatten(),
        nn.Dense(64, 256, rng=rng), nn.ReLU(), nn.Dropout(0.3, rng=rng),
        nn.Dense(256, 256, rng=rng), nn.ReLU(), nn.Dropout(0.3, rng=rng),
        nn.Dense(256, 10, rng=rng))
    optimizer = mg.optim.Adam(network.parameters(), lr=1e-3, betas=(0.9, 0.999))
    batches = Loader(x, t, batch_size=64, seed=args.seed).forever()
    for _ in range(args.classifier_steps):
        x_batch, t_batch = next(batches)
        optimizer.zero_grad()
        mg.losses.cross_entropy(network(x_batch), t_batch).backward()
        optimizer.step()
    return lambda images: sample(network, mg.tensor(images)).argmax(axis=1)


judge = classifier(images[train], labels[train])
wanted = np.arange(5000) % 10


def measure(trainer, result):
    """How many samples the judge agrees with, four times in a run."""
    if trainer.step % max(1, args.steps // 4) == 0:
        agreed = (judge(drawn(wanted, seed=1)) == wanted).mean()
        print(f"step {trainer.step:5d}  D loss {result.d_loss.item():.3f}  "
              f"G loss {result.g_loss.item():.3f}  samples of the class asked for {agreed:.1%}")


trainer.callbacks.append(measure)
trainer.run(args.steps)

samples = drawn(wanted, seed=2)
pupil = classifier(samples, wanted)
print(f"a classifier of real digits reads {(judge(samples) == wanted).mean():.2%} of the samples "
      "as what was asked for")
print("of 360 real digits that it has not seen, it reads "
      f"{(judge(images[held_out]) == labels[held_out]).mean():.1%}")
print("a classifier that has seen samples only, "
      f"{(pupil(images[held_out]) == labels[held_out]).mean():.1%}")
print(f"coverage of the digits that the GAN has seen: "
      f"{coverage(images[train], samples[:len(train)]):.2f}")
viz.save_grid(args.out / "12_conditional.png", drawn(np.arange(100) % 10, seed=3), columns=10)
print(f"picture in {args.out / '12_conditional.png'}: a class in each column")
