"""InfoGAN: a generator that finds the ten digits without being told what they are.

    python examples/13_infogan.py [--steps 4000] [--seed 0] [--instance-noise 0.3]
                                  [--continuous-weight 0.1] [--out DIR]

You learn what mutual information does in a game: G is given a code beside its noise, one of ten
values and two numbers, and D has to read the code off the picture. No label is used in training;
afterwards a classifier of real digits is asked whether a value of the code means a digit. Any ten
heaps would do for the game; that they are the digits takes a small weight of the two numbers. Noise
on all that D sees makes the worst of three seeds better. About a minute.
"""
from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import minigan as mg
from minigan import viz
from minigan.data import Loader, digits
from minigan.gan import ConditionalGenerator, InfoGAN, Trainer, models, noise, sample, two_headed
from minigan.gan.augment import InstanceNoise
from minigan.metrics import coverage, knn_classify

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--steps", type=int, default=4000)
parser.add_argument("--instance-noise", type=float, default=0.3, help="on what D sees")
parser.add_argument("--continuous-weight", type=float, default=0.1, help="of the two numbers")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--out", type=Path, default=Path("."))
args = parser.parse_args()

VALUES, NUMBERS = 10, 2  # the code: one of so many values, and so many numbers between -1 and 1


def drawn(values: np.ndarray, numbers: np.ndarray, z: mg.Tensor) -> np.ndarray:
    """An image for each value (N,) and row of numbers (N, 2), from noise z."""
    code = np.concatenate([np.eye(VALUES)[values], numbers], axis=1)
    return sample(trainer.average.module, (z, mg.tensor(code.astype(np.float32))))


def read(pictures: np.ndarray) -> np.ndarray:
    """What D answers about pictures, (N, 10 + 2 + 2)."""
    with mg.no_grad():
        return game.discriminator(mg.tensor(pictures))[1].numpy()


def best_matching(table: np.ndarray) -> tuple[float, tuple[int, ...]]:
    """The largest sum of a table with one entry of each row and column, and the columns: row after
    row, the best way to have used each set of columns (a set is the bits of an integer)."""
    best = {0: (0.0, ())}
    for row in table:
        ways = [(used | 1 << j, (total + row[j], (*columns, j)))
                for used, (total, columns) in best.items()
                for j in range(len(row)) if not used >> j & 1]
        best = dict(sorted(ways, key=lambda way: way[1][0]))  # of equal sets the last one stays
    return best.popitem()[1]


def agreement(values: np.ndarray, classes: np.ndarray) -> tuple[float, tuple[int, ...]]:
    """The share of values that mean the class they stand beside, if each means one class, and
    which one each means."""
    table = np.zeros((VALUES, 10))
    np.add.at(table, (values, classes), 1)
    total, meaning = best_matching(table)
    return total / len(values), meaning


images, labels = digits()
rng = np.random.default_rng(args.seed)
generator, _ = models.digits(latent=32 + VALUES + NUMBERS, rng=rng)
_, discriminator = models.digits(rng=rng)
game = InfoGAN(ConditionalGenerator(generator, VALUES + NUMBERS),
               two_headed(discriminator, VALUES + 2 * NUMBERS, rng),
               augment=InstanceNoise(args.instance_noise), categorical=VALUES,
               continuous=NUMBERS, continuous_weight=args.continuous_weight)

values, rng = np.arange(2000) % VALUES, np.random.default_rng(1)
numbers, z = rng.uniform(-1, 1, (2000, NUMBERS)), noise.normal(2000, 32, rng)


def measure(trainer, result):
    """How well the values agree with digits, four times in a run."""
    if trainer.step % max(1, args.steps // 4) == 0:
        samples = drawn(values, numbers, z)
        agreed, _ = agreement(values, knn_classify(images, labels, samples))
        print(f"step {trainer.step:5d}  D loss {result.d_loss.item():.3f}  "
              f"G loss {result.g_loss.item():.3f}  agreement {agreed:.1%}  "
              f"coverage {coverage(images, samples[:len(images)]):.2f}")


trainer = Trainer(game, Loader(images, batch_size=64, seed=args.seed), lr=5e-4, seed=args.seed,
                  callbacks=[measure])
trainer.run(args.steps)

samples = drawn(values, numbers, z)
agreed, meaning = agreement(values, knn_classify(images, labels, samples))
on_real, _ = agreement(read(images)[:, :VALUES].argmax(axis=1), labels)
guesses = read(samples)[:, VALUES:VALUES + NUMBERS]
print(f"of the samples, {agreed:.1%} are of the digit that their code's value means")
print(f"of the real digits, D reads {on_real:.1%} as the value that means their class")
print("numbers that went in and numbers that D reads: correlation " + " and ".join(
    f"{np.corrcoef(numbers[:, i], guesses[:, i])[0, 1]:.2f}" for i in range(NUMBERS)))

# A column for each value, in the order of the digits that they mean; the same noise everywhere. In
# the upper five rows the first number goes from -1 to 1, in the lower five the second.
grid = np.zeros((2, 5, 10, NUMBERS))
for i in range(NUMBERS):
    grid[i, :, :, i] = np.linspace(-1, 1, 5)[:, None]
one = mg.tensor(np.repeat(z.numpy()[:1], 100, axis=0))
viz.save_grid(args.out / "13_infogan.png",
              drawn(np.tile(np.argsort(meaning), 10), grid.reshape(100, NUMBERS), one), columns=10)
print(f"picture in {args.out / '13_infogan.png'}: a value of the code in each column")
