"""The trainer, with a callback of your own.

    python examples/05_trainer.py [--steps 5000] [--out DIR]

You learn how to hook into training: a callback is any function of (trainer, result), called after
every step. The one below measures, every so often, how much of the real data the samples cover,
and what share each of the ten digits has among them. About a minute for 5,000 steps.
"""
import argparse
from pathlib import Path

import numpy as np

from minigan import viz
from minigan.data import Loader, digits
from minigan.gan import GAN, Trainer, models, noise, sample
from minigan.metrics import class_shares, coverage, knn_classify

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--steps", type=int, default=5000)
parser.add_argument("--out", type=Path, default=Path("."))
args = parser.parse_args()

images, labels = digits()
real = images.reshape(len(images), -1)
generator, discriminator = models.digits(rng=np.random.default_rng(0))
fixed_noise = noise.normal(len(images), generator.latent, np.random.default_rng(1))
steps, covered, rarest = [], [], []


def measure(trainer, result):
    """Coverage, and the share of the rarest digit, ten times in a run."""
    if trainer.step % max(1, args.steps // 10):
        return
    samples = sample(trainer.average.module, fixed_noise).reshape(real.shape)
    shares = class_shares(knn_classify(real, labels, samples))
    steps.append(trainer.step)
    covered.append(coverage(real, samples))
    rarest.append(shares.min())
    print(f"step {trainer.step:5d}  D loss {result.d_loss.item():.3f}  "
          f"G loss {result.g_loss.item():.3f}  coverage {covered[-1]:.2f}  "
          f"rarest digit {rarest[-1]:.1%}")


trainer = Trainer(GAN(generator, discriminator), Loader(images, batch_size=64), lr=5e-4,
                  callbacks=[measure])
trainer.run(args.steps)

viz.save_grid(args.out / "05_samples.png", sample(trainer.average.module, fixed_noise[:64]))
viz.save_curves(args.out / "05_coverage.png", steps,
                {"coverage": covered, "share of the rarest digit": rarest}, "share")
print(f"pictures in {args.out / '05_samples.png'} and {args.out / '05_coverage.png'}")
