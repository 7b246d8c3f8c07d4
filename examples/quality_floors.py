"""What measures of samples say of real data: the floor under every figure of a generator.

    python examples/quality_floors.py [--mnist FOLDER] [--n 10000]

Of the shipped digits, or of MNIST's training images in a folder, three parts are drawn: n that play
the samples, n to compare them with, and a tenth of n held out. Pixels in [0, 1]. The seconds are
those of all cores together; 10,000 images of MNIST take 75 of them.
"""
import argparse
import time

import numpy as np

from minigan import metrics
from minigan.data import digits, mnist

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--mnist", metavar="FOLDER")
parser.add_argument("--n", type=int)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()

images = (mnist(args.mnist) if args.mnist else digits())[0]
most = len(images) * 10 // 21
n = min(most, 10_000) if args.n is None else args.n
if not 40 <= n <= most:  # a twentieth has two points, and all three parts have their number
    parser.error(f"--n {n} is not from 40 to {most}")
order = np.random.default_rng(args.seed).permutation(len(images))[:2 * n + n // 10]
a, b, held_out = np.split(images[order].reshape(len(order), -1), [n, 2 * n])

MEASURES = {
    "Parzen: nats, error, sigma": lambda: metrics.parzen_log_likelihood(a, held_out, b),
    "kernel, 10 parts, error": lambda: metrics.kernel_distance_by_subsets(a, b),
    "precision, recall": lambda: metrics.precision_recall(a, b),
    "density, coverage": lambda: metrics.density_coverage(a, b),
    "1-NN: both, one, other": lambda: metrics.one_nearest_neighbour_accuracy(a, b),
    "memorised: share, z": lambda: metrics.memorisation_test(a, held_out, b),
    "copies: share, z": lambda: metrics.memorisation_test(a, held_out, a[:len(held_out)]),
    "pairwise MS-SSIM": lambda: [metrics.pairwise_ms_ssim(a.reshape(n, *images.shape[1:]))],
    "Vendi score": lambda: [metrics.vendi_score(a)],
}
for size in (n // 20, n // 10, n // 5, n // 2, n):
    MEASURES[f"Fréchet, {size}"] = lambda size=size: [metrics.frechet(a[:size], b[:size])]

print(f"{n} real images and {n} others")
for name, measure in MEASURES.items():
    start = time.process_time()
    found = "  ".join(f"{value:.5g}" for value in measure())
    print(f"{name:28}{found:32}{time.process_time() - start:6.1f} s", flush=True)
