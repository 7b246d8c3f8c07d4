"""How good are the digits that `minigan train` learns to draw?

    python examples/digits_quality.py [SYSTEM] [--recipe as-written] [--seeds 0 1 2] [--steps N]
                                      [--out runs/quality]

SYSTEM is digits or digits-dcgan. For each seed it trains as the command does, then draws 1,797
digits, as many as there are real ones, and compares them in three ways. The share of the rarest
class, by a 5-nearest-neighbour classifier fitted on the real digits. The total variation between
the class histograms of the generated and the real digits: 0 is equal, 1 disjoint. And coverage
(Naeem et al. 2020, k = 5, raw pixels): the share of the real digits that have a generated one
nearby. About a minute a seed.
"""
import argparse
import sys
import time
from pathlib import Path

import numpy as np

from minigan import cli
from minigan.data import digits
from minigan.gan import Run, sample
from minigan.metrics import class_shares, coverage, knn_classify, total_variation

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("system", nargs="?", default="digits", choices=["digits", "digits-dcgan"])
parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
parser.add_argument("--recipe", default="own", choices=["own", "as-written"])
parser.add_argument("--steps", type=int)
parser.add_argument("--out", type=Path, default=Path("runs/quality"))
args = parser.parse_args()

images, labels = digits()
real = images.reshape(len(images), -1)
for seed in args.seeds:
    folder = args.out / f"{args.system}-seed-{seed}"
    command = ["train", args.system, "--recipe", args.recipe, "--seed", str(seed),
               "--out", str(folder)]
    start = time.perf_counter()
    if status := cli.main(command + (["--steps", str(args.steps)] if args.steps else [])):
        sys.exit(status)
    seconds = time.perf_counter() - start

    run = Run.open(folder)
    generator, step = run.generator()
    z = run.system.noise(len(real), generator.latent, np.random.default_rng(12345))
    low, high = run.system.value_range
    samples = (sample(generator, z).reshape(real.shape) - low) / (high - low)
    shares = class_shares(knn_classify(real, labels, samples))
    print(f"seed {seed}  steps {step}  seconds {seconds:.0f}  rarest class {shares.min():.3f}  "
          f"total variation {total_variation(shares, class_shares(labels)):.3f}  "
          f"coverage {coverage(real, samples):.3f}", flush=True)
