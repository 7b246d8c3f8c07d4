"""WGAN-GP on the digits: a critic whose verdict is a distance.

    python examples/11_wgan_gp.py [--steps 1000] [--seed 0] [--out DIR]

You learn what a Wasserstein critic tells, and how far to trust it. D is trained to be nowhere
steeper than 1; then E[D(real)] − E[D(generated)] is a lower bound of the work that it takes to move
the generated digits onto the real ones. Beside it stands that work itself, from the best pairs of
800 real and 800 generated digits (needs SciPy; without it, the sliced distance). One to two
minutes.
"""
from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from minigan import viz
from minigan.data import Loader, digits
from minigan.gan import GAN, Trainer, models, noise, objectives, penalties, sample
from minigan.metrics import MissingPackage, sliced_wasserstein, wasserstein1

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--steps", type=int, default=1000, help="of G; D makes five to each")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--out", type=Path, default=Path("."))
args = parser.parse_args()

images, _ = digits()
shuffled = np.random.default_rng(2).permutation(images.reshape(len(images), -1))
real, others = shuffled[:800], shuffled[800:1600]

# BatchNorm in G is fine. In D there is none: each digit has to have a slope of its own.
generator, critic = models.digits(rng=np.random.default_rng(args.seed))
game = GAN(generator, critic, objectives.wasserstein, [penalties.gradient_penalty(10)])
fixed_noise = noise.normal(len(real), generator.latent, np.random.default_rng(1))


measured, name = wasserstein1, "distance"
try:
    measured(real[:2], real[:2])
except MissingPackage:
    measured, name = sliced_wasserstein, "sliced distance"
    print("without SciPy it is the sliced distance, which is smaller: the critic's estimate is no "
          "bound of it")


def distance(points: np.ndarray) -> float:
    """Of as many points from the real ones."""
    return measured(real, points.reshape(real.shape))


every = max(1, args.steps // 40)
recent, steps, estimates, distances = [], [], [], []


def measure(trainer, result):
    """Forty times in a run: the critic's estimate since the last time, and the distance."""
    recent.append(result.real_logits.numpy().mean() - result.fake_logits.numpy().mean())
    if trainer.step % every:
        return
    steps.append(trainer.step)
    estimates.append(float(np.mean(recent)))
    distances.append(distance(sample(generator, fixed_noise)))
    recent.clear()
    if len(steps) % 4 == 0:
        print(f"step {trainer.step:5d}  critic's estimate {estimates[-1]:.3f}  "
              f"{name} {distances[-1]:.3f}")


# The critic learns faster, too: a bound is worth something only while it is kept tight.
trainer = Trainer(game, Loader(images, batch_size=64, seed=args.seed), lr=(1e-3, 2e-4), d_steps=5,
                  seed=args.seed, callbacks=[measure])
trainer.run(args.steps)

print(f"correlation over training: {np.corrcoef(estimates, distances)[0, 1]:.3f}")
samples, between_real = sample(trainer.average.module, fixed_noise), distance(others)
print(f"{name} of the average generator's digits: {distance(samples):.3f}, "
      f"of other real digits: {between_real:.3f}")
viz.save_curves(args.out / "11_distance.png", steps, {
    "critic's estimate": estimates, f"{name} to 800 real digits": distances,
    "that of 800 other real digits": [between_real] * len(steps)}, name)
viz.save_grid(args.out / "11_samples.png", samples[:64])
print(f"pictures in {args.out / '11_distance.png'} and {args.out / '11_samples.png'}")
