"""Measures the numbers in minigan/backend/thresholds.py, those of the CPU.

    python examples/thresholds.py [NAME ...] [--rounds 15] [--quick]

For every number a table of times in milliseconds: a line for each size of the problem, a column
for each value of the number, in turns, the median over the rounds. What is taken at a time is tried
smaller and larger than it is. A number that decides between two ways is set to 0, and to more than
any size: the second should win for sizes below the number, the first for those above it, and the
other way round for FEW_CHANNELS. The cores must have nothing else to do. --quick shows that it
runs.
"""
import argparse
import statistics
import time

import numpy as np

from minigan.backend import cpu, thresholds
from minigan.backend.geometry import Window

rng = np.random.default_rng(0)
HALVING, KEEPING = [Window((5, 5), (s, s), ((2, 2), (2, 2))) for s in (2, 1)]
POOLING = Window((3, 3), (2, 2), ((1, 1), (1, 1)))
WAYS = [0, 1 << 60]  # of a number that decides: all sizes are above it, all are below it


def draw(*shape):
    return rng.standard_normal(shape, np.float32)


def activation(elements):
    x = draw(elements)
    return lambda: cpu.leaky_relu(x, 0.2)


def update(elements):
    p, g, m = draw(elements), draw(elements), draw(elements)

    def rule(p, g, m):
        m *= 0.9
        m += g
        p -= 0.01 * m

    return lambda: cpu.update(rule, p, [g], m)


def product(operations):
    n = round((operations / 2) ** (1 / 3))
    x, w = draw(n, n), draw(n, n)
    return lambda: cpu.matmul(x, w)


def convolution(operations, gradient=False):
    n = max(1, operations // (2 * 49 * 25 * 32 * 64))
    x, w, y = draw(n, 14, 14, 32), draw(5, 5, 32, 64), draw(n, 7, 7, 64)
    if gradient:
        return lambda: cpu.conv2d_weight_gradient(x, y, HALVING, 1)
    return lambda: cpu.conv2d(x, w, HALVING, 1)


def transposed(channels):
    grad, w = draw(64, 14, 14, 64), draw(5, 5, channels, 64)
    return lambda: cpu.conv2d_input_gradient(grad, w, KEEPING, 1, (14, 14))


def depthwise(elements):
    x, w = draw(max(1, elements // (28 * 28 * 64)), 28, 28, 64), draw(3, 3, 1, 64)
    return lambda: cpu.conv2d(x, w, Window((3, 3), padding=((1, 1), (1, 1))), 64)


def few_channels(channels):
    x, w = draw(16, 32, 32, channels), draw(3, 3, channels, 32)
    return lambda: cpu.conv2d(x, w, Window((3, 3), padding=((1, 1), (1, 1))), 1)


def pooled(elements):
    x = draw(max(1, elements // (28 * 28 * 64)), 28, 28, 64)
    y = cpu.max_pool(x, POOLING)
    return lambda: cpu.max_pool_gradient(y, x, y, POOLING)


def row_sums(length):
    x = draw((1 << 22) // length, length)
    return lambda: cpu.total(x, (1,), False)


def row_extremes(length):
    x = draw((1 << 20) // length, length)
    return lambda: cpu.largest(x, (1,), False)


def softplus(elements):
    x = draw(elements)
    return lambda: cpu.softplus(x)


def batch_norm(rows, features):
    x, scale, shift = draw(rows, features), draw(features), draw(features)
    return lambda: cpu.batch_norm(x, scale, shift, 1e-5)


def around(size):
    """A quarter of it to four times it."""
    return [size // 4, size // 2, size, 2 * size, 4 * size]


# name: (the kernel, its problems, what the number is set to; None: around what it is)
MEASURED = {
    "SHARED_PASS": (activation, around(thresholds.SHARED_PASS), WAYS),
    "SHARED_PRODUCT": (product, around(thresholds.SHARED_PRODUCT), WAYS),
    "SHARED_CONVOLUTION": (convolution, around(thresholds.SHARED_CONVOLUTION), WAYS),
    "PASS_BLOCK": (update, [1 << 20, 1 << 22], None),
    "NORM_BLOCK": (lambda rows: batch_norm(rows, 64), [1 << 14, 1 << 16], None),
    "PATCH_BLOCK": (convolution, [1 << 28, 1 << 30], None),
    "STRIP": (product, [1 << 28, 1 << 30], None),
    "STRIPS": (product, [1 << 28, 1 << 32], None),
    "PARTS": (lambda size: convolution(size, gradient=True), [1 << 28, 1 << 30], None),
    "SHARED_DEPTHWISE": (lambda size: depthwise(size // 18), around(thresholds.SHARED_DEPTHWISE),
                         WAYS),
    "DEPTHWISE_ROW": (depthwise, [1 << 18, 1 << 22], None),
    "DEPTHWISE_BLOCK": (depthwise, [1 << 18, 1 << 22], None),
    "POOL_BLOCK": (pooled, [1 << 18, 1 << 21], None),
    "SHORT_RUN": (few_channels, [1, 3, 5, 6, 7, 8], WAYS),
    "SHORT_ROW": (row_extremes, [4, 16, 64], WAYS),
    "SUMMED_BY_ONES": (row_sums, [1 << 14, 1 << 18], None),
    "SIMPLE_PASSES": (softplus, around(thresholds.SIMPLE_PASSES), WAYS),
    "FEW_CHANNELS": (transposed, [2, 4, 8, 16, 32], WAYS),
    "NORM_LARGE": (lambda size: batch_norm(size // 64, 64), around(thresholds.NORM_LARGE),
                   WAYS),
    "NORM_ROW": (lambda features: batch_norm((1 << 21) // features, features), [4, 16, 64], None),
}


def timed(call, name, value):
    """Milliseconds of a call with the number set to value."""
    before = getattr(thresholds, name)
    setattr(thresholds, name, value)
    start = time.perf_counter()
    call()
    elapsed = time.perf_counter() - start
    setattr(thresholds, name, before)
    return 1e3 * elapsed


def measure(name, rounds, quick):
    """The table of a number: a line for each problem, a column for each value."""
    make, sizes, values = MEASURED[name]
    values = values or around(getattr(thresholds, name))
    words = ["0", "infinite"] if values is WAYS else values
    print(f"\n{name} = {getattr(thresholds, name)}\n"
          f"{'ms':>12}{''.join(f'{word:>12}' for word in words)}")
    for size in sizes[:1] if quick else sizes:
        call = make(size)
        times = {value: [timed(call, name, value)] for value in values}  # the first is not counted
        for _ in range(rounds):
            for value in values:
                times[value].append(timed(call, name, value))
        medians = [statistics.median(times[value][1:]) for value in values]
        print(f"{size:>12}{''.join(f'{median:12.3f}' for median in medians)}")


parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MEASURED))
parser.add_argument("--rounds", type=int, default=15)
parser.add_argument("--quick", action="store_true")
args = parser.parse_args()
if unknown := set(args.names) - set(MEASURED):
    parser.error(f"no such number: {', '.join(unknown)}; there are {', '.join(MEASURED)}")
for threshold in args.names or MEASURED:
    measure(threshold, 1 if args.quick else args.rounds, args.quick)
