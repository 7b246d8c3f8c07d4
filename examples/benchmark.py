"""How long a training step takes, beside PyTorch's.

    python examples/benchmark.py [WORKLOAD ...] [--against torch] [--rounds N] [--steps N] [--json]

A step draws noise, updates the discriminator on a real and a generated batch of 100, then the
generator, both with Adam, in float32. PyTorch's is written as its users write it, in eager mode.
The two libraries run in turn, each in a process of its own, because the threads of one disturb
the other; what counts is the ratio of two neighbours. A figure is the median of a process's
steps; the row gives the median over the rounds and the range of the ratios.
"""
import argparse
import json
import statistics
import subprocess
import sys
import time

import numpy as np

WORKLOADS = {  # the hidden layers of both networks, and how many steps to time
    "mlp1024": ([1024, 1024, 1024], 30),
    "mlp128": ([128, 128], 300),
}
BATCH, LATENT, PIXELS = 100, 100, 784


def minigan_step(hidden):
    """One training step of minigan, as a function without arguments."""
    import minigan as mg
    from minigan.gan import train_step
    from minigan.gan.models import dense_stack
    from minigan.nn import Dense, Sequential, Sigmoid

    rng = np.random.default_rng(0)
    generator = Sequential(*dense_stack([LATENT, *hidden], 0.2, rng),
                           Dense(hidden[-1], PIXELS, rng=rng), Sigmoid())
    discriminator = Sequential(*dense_stack([PIXELS, *hidden], 0.2, rng),
                               Dense(hidden[-1], 1, rng=rng))
    g_optimizer = mg.optim.Adam(generator.parameters())
    d_optimizer = mg.optim.Adam(discriminator.parameters())
    real = mg.tensor(rng.random((BATCH, PIXELS), np.float32))

    def step():
        z = mg.tensor(rng.standard_normal((BATCH, LATENT), np.float32))
        train_step(generator, discriminator, g_optimizer, d_optimizer, real, z)
    return step


def torch_step(hidden):
    """The same step in PyTorch."""
    import torch
    from torch import nn
    from torch.nn.functional import binary_cross_entropy_with_logits as bce

    def stack(sizes):
        layers = []
        for inputs, outputs in zip(sizes, sizes[1:]):
            layers += [nn.Linear(inputs, outputs), nn.LeakyReLU(0.2)]
        return layers

    torch.manual_seed(0)
    generator = nn.Sequential(*stack([LATENT, *hidden]),
                              nn.Linear(hidden[-1], PIXELS), nn.Sigmoid())
    discriminator = nn.Sequential(*stack([PIXELS, *hidden]), nn.Linear(hidden[-1], 1))
    adam = {"lr": 2e-4, "betas": (0.5, 0.999)}
    g_optimizer = torch.optim.Adam(generator.parameters(), **adam)
    d_optimizer = torch.optim.Adam(discriminator.parameters(), **adam)
    real, one, zero = torch.rand(BATCH, PIXELS), torch.ones(BATCH, 1), torch.zeros(BATCH, 1)

    def step():
        fake = generator(torch.randn(BATCH, LATENT))
        d_optimizer.zero_grad()
        (bce(discriminator(real), one) + bce(discriminator(fake.detach()), zero)).backward()
        d_optimizer.step()
        g_optimizer.zero_grad()
        bce(discriminator(fake), one).backward()
        g_optimizer.step()
    return step


STEPS = {"minigan": minigan_step, "torch": torch_step}


def time_steps(library, workload, steps):
    """The median time of a step in milliseconds, after a warm-up."""
    step = STEPS[library](WORKLOADS[workload][0])
    times = []
    for _ in range(steps + 5):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return statistics.median(times[5:]) * 1e3


def in_own_process(library, workload, steps):
    """`time_steps` in a fresh interpreter."""
    command = [sys.executable, __file__, workload, "--only", library, "--steps", str(steps)]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        sys.exit(f"benchmark.py: {library} failed: {result.stderr.strip().splitlines()[-1]}")
    return float(result.stdout)


def compare(workload, against, rounds, steps):
    """A row of results: the libraries in turn, `rounds` times."""
    libraries = ["minigan"] + ([against] if against else [])
    times = {library: [] for library in libraries}
    for _ in range(rounds):
        for library in libraries:
            times[library].append(in_own_process(library, workload, steps))
    row = {"workload": workload, "steps": steps, "rounds": rounds}
    row.update({f"{library}_ms": round(statistics.median(t), 3) for library, t in times.items()})
    if against:
        ratios = [ours / theirs for ours, theirs in zip(times["minigan"], times[against])]
        row["ratio"] = round(statistics.median(ratios), 3)
        row["ratio_range"] = [round(min(ratios), 3), round(max(ratios), 3)]
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("workload", nargs="*", metavar="WORKLOAD", help=", ".join(WORKLOADS))
    parser.add_argument("--against", choices=["torch"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, help="timed steps in a round")
    parser.add_argument("--json", action="store_true", help="a JSON object for each workload")
    parser.add_argument("--only", choices=STEPS, help=argparse.SUPPRESS)  # one round of one library
    args = parser.parse_args()
    unknown = [w for w in args.workload if w not in WORKLOADS]
    if unknown:
        parser.exit(2, f"benchmark.py: unknown workload {unknown[0]!r}; known are "
                       f"{', '.join(WORKLOADS)}\n")
    for workload in args.workload or WORKLOADS:
        steps = args.steps or WORKLOADS[workload][1]
        if args.only:
            print(time_steps(args.only, workload, steps))
            continue
        row = compare(workload, args.against, args.rounds, steps)
        if args.json:
            print(json.dumps(row), flush=True)
        else:
            print("  ".join(f"{name} {value}" for name, value in row.items()), flush=True)


if __name__ == "__main__":
    main()
