"""Does a conditional GAN on MNIST draw what it is asked for, and as variously as people do?

    python examples/conditional_quality.py [--steps 20000] [--data-dir D] [--out DIR]

Trains as `minigan train digits --data mnist --conditional projection` does (--system changes that,
--options="--width 512" adds arguments of `minigan train`) and asks two classifiers. The judge has
learnt from MNIST's 60,000 training images: of how many samples does it say what was asked for? The
pupil has learnt from as many samples, and from nothing else: how many of the 10,000 real test
images does it read? The judge's own figure on them is the ceiling. Stop it with Ctrl-C and start it
again with the same --out, and it goes on. Six minutes on two cores; --system mlp takes ten times as
long a step.
"""
from __future__ import annotations

import argparse
import shlex
import sys
import time
from pathlib import Path

import numpy as np

import minigan as mg
from minigan import cli, nn
from minigan.data import DataError, Loader, Scaled, mnist
from minigan.gan import Run, sample

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--system", default="digits", help="as `minigan train` takes it")
parser.add_argument("--steps", type=int, default=20_000)
parser.add_argument("--options", default="", help="further arguments of `minigan train`")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--data-dir", type=Path)
parser.add_argument("--classifier-steps", type=int, default=5000)
parser.add_argument("--out", type=Path, default=Path("runs/conditional-mnist"))
args = parser.parse_args()


def trained() -> Run:
    """The run, begun or gone on with, through the command line's own code."""
    command = ["train", "--steps", str(args.steps), "--out", str(args.out)]
    if args.data_dir:
        command += ["--data-dir", str(args.data_dir)]
    if args.out.exists():
        command.append("--resume")
    else:
        command += [args.system, "--data", "mnist", "--conditional", "projection",
                    "--seed", str(args.seed), *shlex.split(args.options)]
    if status := cli.main(command):
        sys.exit(status)
    return Run.open(args.out)


def draw(run: Run, n: int, seed: int) -> np.ndarray:
    """n samples in [0, 1], the classes one after another."""
    game, _ = run.game()
    low, high = run.system.value_range
    return (sample(game.generator, run.config.latent(game, n, seed)) - low) / (high - low)


def classifier(images: np.ndarray | Scaled, labels: np.ndarray):
    """A function that says the class of images, learnt from these."""
    rng = np.random.default_rng(args.seed)
    network = nn.Sequential(
        nn.Flatten(), nn.Dropout(0.1, rng=rng),
        nn.Dense(784, 512, rng=rng), nn.ReLU(), nn.Dropout(0.4, rng=rng),
        nn.Dense(512, 512, rng=rng), nn.ReLU(), nn.Dropout(0.4, rng=rng),
        nn.Dense(512, 10, rng=rng))
    optimizer = mg.optim.Adam(network.parameters(), lr=1e-3, betas=(0.9, 0.999))
    schedule = mg.optim.Schedule(optimizer, mg.optim.cosine_decay(args.classifier_steps))
    batches = Loader(images, labels, batch_size=128, seed=args.seed).forever()
    for _ in range(args.classifier_steps):
        x, t = next(batches)
        optimizer.zero_grad()
        mg.losses.cross_entropy(network(x), t).backward()
        optimizer.step()
        schedule.step()
    return lambda x: sample(network, mg.tensor(x)).argmax(axis=1)


try:
    real, real_labels = mnist(args.data_dir)
    test, test_labels = mnist(args.data_dir, split="test")
except DataError as error:
    sys.exit(f"conditional_quality: {error}")
start = time.perf_counter()
run = trained()
print(f"trained in {time.perf_counter() - start:.0f} s")

start = time.perf_counter()
real, test = Scaled(real), Scaled(test)[:]
judge = classifier(real, real_labels)
wanted = np.arange(len(real)) % 10
samples = draw(run, len(real), seed=1)
agreed = (judge(samples[:10_000]) == wanted[:10_000]).mean()
print(f"the judge reads {agreed:.2%} of 10,000 samples as what was asked for")
print(f"the judge reads {(judge(test) == test_labels).mean():.2%} of the real test images")
pupil = classifier(samples, wanted)
print(f"a classifier that has seen samples only, {(pupil(test) == test_labels).mean():.2%}")
print(f"classifiers in {time.perf_counter() - start:.0f} s")
