"""What each step towards the fast kernels gains, on layers of the DCGANs and on Adam.

    python examples/kernel_steps.py [--rounds 5] [--quick]

Prints a table of times in milliseconds, all but the last column on one thread, the BLAS included.
`plain` is the kernel of backend/reference.py (for Adam, its formula on one parameter after
another). The others are backend/cpu/'s: first with all the data in one block, then in blocks
that stay in the cache, then with a thread for every core. docs/fast_cpu.md explains them.

The columns are measured in turn, each in a process of its own, and a figure is the least time of
all calls in all rounds: what disturbs a kernel never makes it faster. --quick shrinks everything:
to see that it runs.
"""
import argparse
import json
import os
import subprocess
import sys
import time

import numpy as np

import minigan as mg
from minigan.backend import cpu, reference, thresholds
from minigan.backend.cpu import threads
from minigan.backend.geometry import Window

COLUMNS = ["plain", "one block", "blocks", "threads"]
HALVING = Window((5, 5), (2, 2), ((1, 2), (1, 2)))  # 14 x 14 → 7 x 7
KEEPING = Window((7, 7), (1, 1), ((3, 3), (3, 3)))  # 28 x 28 → 28 x 28
WHOLE = 1 << 40                                     # a block that nothing exceeds

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--quick", action="store_true")
parser.add_argument("--column", choices=COLUMNS, help=argparse.SUPPRESS)  # one round of it
args = parser.parse_args()
rng = np.random.default_rng(0)


def draw(*shape):
    return rng.standard_normal(shape, np.float32)


def plain_adam(params, grads, ms, vs, lr=2e-4, beta1=0.5, beta2=0.999, eps=1e-8, step=10):
    """The paper's algorithm, line by line."""
    for p, g, m, v in zip(params, grads, ms, vs):
        m[...] = beta1 * m + (1 - beta1) * g
        v[...] = beta2 * v + (1 - beta2) * g * g
        m_hat, v_hat = m / (1 - beta1 ** step), v / (1 - beta2 ** step)
        p -= lr * m_hat / (np.sqrt(v_hat) + eps)


def adam(plain):
    """A step of Adam over the parameters of `mlp1024`, 5.9 million."""
    width = 64 if args.quick else 1024
    generator, discriminator = mg.gan.models.mlp(width=width, rng=rng)
    params = [*generator.parameters(), *discriminator.parameters()]
    grads = [draw(*p.shape) for p in params]
    if plain:
        ms, vs = [[np.zeros_like(g) for g in grads] for _ in range(2)]
        return lambda: plain_adam([p.data for p in params], grads, ms, vs)
    for p, g in zip(params, grads):
        p.grad = mg.Tensor(g)
    return mg.optim.Adam(params).step


def calls(column):
    """What to measure: functions by the name of their row."""
    kernels, n = reference if column == "plain" else cpu, 2 if args.quick else 128
    x, w, y = draw(n, 14, 14, 64), draw(5, 5, 64, 128), draw(n, 7, 7, 128)
    thin_y, thin_w = draw(n, 28, 28, 64), draw(7, 7, 1, 64)
    grad, scale, shift = draw(n, 14, 14, 64), draw(64), draw(64)

    def thin():
        return kernels.conv2d_input_gradient(thin_y, thin_w, KEEPING, 1, (28, 28))

    def thin_by_phases():
        few, thresholds.FEW_CHANNELS = thresholds.FEW_CHANNELS, 0  # no number of channels is few
        thin()
        thresholds.FEW_CHANNELS = few

    rows = {
        "convolution": lambda: kernels.conv2d(x, w, HALVING, 1),
        "its weight gradient": lambda: kernels.conv2d_weight_gradient(x, y, HALVING, 1),
        "its input gradient (plain: scatter, then: phases)":
            lambda: kernels.conv2d_input_gradient(y, w, HALVING, 1, (14, 14)),
        "thin transposed convolution, by phases": thin_by_phases,
        "the same by planes": thin,
        "batch norm": lambda: kernels.batch_norm(x, scale, shift, 1e-5),
        "its gradient": lambda: kernels.batch_norm_gradient(grad, x, scale, 1e-5),
        "Adam": adam(plain=column == "plain"),
    }
    if column == "plain":
        del rows["thin transposed convolution, by phases"]
    return rows


def measure(call):
    """The least time in milliseconds of as many calls as half a second has, 3 at least."""
    times, end = [], time.perf_counter() + (0 if args.quick else 0.5)
    call()
    while len(times) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times) * 1e3


def in_own_process(column):
    """The names of the rows and their times, measured in a fresh interpreter."""
    environment = dict(os.environ)
    if column != "threads":
        environment["MINIGAN_NUM_THREADS"] = "1"
    command = [sys.executable, __file__, "--column", column, *["--quick"] * args.quick]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(done.returncode)
    return json.loads(done.stdout)


if args.column:
    threads.count()  # holds the BLAS to one thread, for `plain` too
    if args.column == "one block":
        thresholds.PASS_BLOCK = thresholds.PATCH_BLOCK = thresholds.NORM_BLOCK = WHOLE
    print(json.dumps({name: measure(call) for name, call in calls(args.column).items()}))
    sys.exit()

rounds = [{column: in_own_process(column) for column in COLUMNS} for _ in range(args.rounds)]
print(f"| ms | {' | '.join(COLUMNS)} |\n|---{'|---' * len(COLUMNS)}|")
for row in rounds[0]["threads"]:
    figures = [f"{min(r[column][row] for r in rounds):.1f}"
               if row in rounds[0][column] else "" for column in COLUMNS]
    print(f"| {row} | {' | '.join(figures)} |")
