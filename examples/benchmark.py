"""How long a training step takes, beside other libraries' and beside what the machine could do.

    python examples/benchmark.py [WORKLOAD ...] [--against LIBRARY] [--tuned] [--compiled]
                                 [--python PATH] [--device cuda] [--tf32] [--batch-size N ...]
                                 [--rounds N] [--steps N] [--memory] [--json] [--markdown]
    python examples/benchmark.py ops ...      single operations: see benchmark_ops.py
    python examples/benchmark.py growth ...   cost as work grows: see benchmark_growth.py
    python examples/benchmark.py shares [WORKLOAD ...]   what a captured step's time goes into

benchmark_steps.py holds the steps, each library's as its users write it. The libraries run in
turn, each in a process of its own, because the threads of one disturb the other; what counts is
the ratio of two neighbours. A figure is the median of a process's steps; a row gives the medians
over the rounds, and of the ratios also the range.

The share is that of the machine's limit: the floating-point operations that a step needs, divided
by how many the product of two large matrices makes in a second (measured in every round, by
NumPy alone, or on a GPU by CuPy), divided by the step's time.

minigan runs twice, eager and captured. On a GPU (--device cuda) every library has TF32 off, or on
with --tf32.
"""
import argparse
import json
import statistics
import subprocess
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path

import benchmark_growth
import benchmark_ops
import numpy as np
from benchmark_steps import BATCH, LATENT, SIZE, WARM_UP, minigan_networks, minigan_step

import minigan as mg
from minigan.backend import BackendError
from minigan.nn import Conv2d, ConvTranspose2d, Dense

# timed in a round
STEPS = {"mlp1024": 30, "mlp128": 300, "wgan-gp": 20, "dcgan": 15, "dense-dcgan": 8}
OLD = ("chainer", "dezero")  # the libraries that need a NumPy before 2
ON_CPU = (*OLD, "jax")  # whose steps are for the CPU alone


def multiply_adds(network, shape):
    """For each layer with a weight matrix or a kernel, the multiply-adds of its forward pass for
    one example, and the shape of what the network makes of `shape`.

    Where all numbers and all weights are 1, every product is 1, and a layer's outputs add up to
    how many there were. Taps beyond the border do not count: there is nothing to multiply.
    """
    counts = []
    for layer in getattr(network.astype(np.float64), "body", network).layers:
        ones = mg.tensor(np.ones((2, *shape)))
        if isinstance(layer, (Dense, Conv2d, ConvTranspose2d)):
            layer.weight.data[...] = 1
            if layer.bias is not None:
                layer.bias.data[...] = 0
            counts.append(layer(ones).sum().item() / 2)
        shape = layer(ones).shape[1:]
    return counts, shape


def gflop_of_step(workload, batch=None):
    """10⁹ floating-point operations that a training step needs, a multiply-add being two.

    A layer's input gradient and its weight gradient are products of the same three sizes as its
    forward pass, so everything counts in forward passes, of the generator G and of the
    discriminator D; g0 and d0 are those of their first layers.

        forward             G   D(real)   D(fake)                         G + 2 D
        D's update          weight gradients of both passes               2 D
                            input gradients, except for the images        2 (D - d0)
        forward again       D(fake), with D's new weights                 D
        G's update          D's input gradients, down to the images       D
                            G's weight gradients                          G
                            G's input gradients, except for the noise     G - g0

    For WGAN-GP's penalty come D's forward pass, its input gradients, and both gradients of those:
    4 D. Elementwise work, normalisation and Adam are left out: they multiply no matrices.
    """
    generator, discriminator = minigan_networks(workload)
    with mg.no_grad():
        g, image = multiply_adds(generator, (LATENT,))
        d, _ = multiply_adds(discriminator, image)
    penalty = 4 * sum(d) if workload == "wgan-gp" else 0
    return 2e-9 * (batch or BATCH[workload]) * (3 * sum(g) - g[0] + 8 * sum(d) - 2 * d[0] + penalty)


def in_own_process(library, workload, steps, options, python=sys.executable):
    """What benchmark_steps.py prints."""
    program = Path(__file__).with_name("benchmark_steps.py")
    result = subprocess.run([python, str(program), library, workload, "--steps", str(steps),
                             *options], capture_output=True, text=True)
    if result.returncode:
        last = (result.stderr.strip().splitlines() or [f"exit status {result.returncode}"])[-1]
        sys.exit(f"benchmark.py: {library} failed: {last}")
    return json.loads(result.stdout)


def sitting(workload, batch, args):
    """The libraries in turn, args.rounds times, each round with the machine's limit: what each of
    them printed, by library."""
    ours = ["minigan", "minigan-captured"]
    steps = args.steps or STEPS[workload] * (10 if args.device == "cuda" else 1)
    options = ["--device", args.device, *["--tf32"] * args.tf32]
    runs = {library: [] for library in [*ours, *args.against, "numpy"]}
    for _ in range(args.rounds):
        for library, results in runs.items():
            python = args.python if library in OLD else sys.executable
            what = ("product", 5, options) if library == "numpy" else (
                workload, steps, [*options, "--batch-size", str(batch)])
            results.append(in_own_process(library, *what, python))
    return runs


def speed_row(workload, batch, device, runs):
    """The columns of the table of speeds."""
    gflop = gflop_of_step(workload, batch)
    limits = [2e-6 * SIZE[device] ** 3 / run["ms"] for run in runs["numpy"]]  # GFLOP/s
    row = {"workload": named(workload, batch), "GFLOP": round(gflop, 3),
           "limit, GFLOP/s": round(statistics.median(limits))}
    for ours in [library for library in runs if library.startswith("minigan")]:
        shares = [1e3 * gflop / limit / run["ms"] for limit, run in zip(limits, runs[ours])]
        digits = 2 if device == "cpu" else 3  # a GPU's step is short and its share small
        name = "share of limit" if ours == "minigan" else f"{ours}'s share of limit"
        row |= {f"{ours}, ms": median(runs[ours], "ms"),
                name: round(statistics.median(shares), digits)}
    for library in others(runs):
        row |= {f"{library}, ms": median(runs[library], "ms")}
        for ours in [library for library in runs if library.startswith("minigan")]:
            ratios = [a["ms"] / b["ms"] for a, b in zip(runs[ours], runs[library])]
            to = library if ours == "minigan" else f"{library}, captured"
            row |= {f"ratio to {to}": round(statistics.median(ratios), 2),
                    f"range ({to})": f"{min(ratios):.2f} – {max(ratios):.2f}"}
    return row


def named(workload, batch):
    return workload if batch == BATCH[workload] else f"{workload}, batch {batch}"


def memory_row(workload, batch, device, runs):
    """The columns of the table of memory: the peak of the whole process with its libraries, and
    what the networks and the steps added to it."""
    row = {"workload": named(workload, batch)}
    for library in ["minigan", "minigan-captured", *others(runs)]:
        row |= {f"{library}, peak MiB": round(median(runs[library], "peak")),
                f"{library}, added MiB": round(median(runs[library], "added"))}
    return row


def others(runs):
    return [library for library in runs if library.partition("-")[0] not in ("minigan", "numpy")]


def median(runs, key):
    value = statistics.median(run[key] for run in runs)
    return round(value, 2 if value > 1 else 4)


def show(row, form, first):
    """Print a row: as JSON, as a line of a Markdown table, or as names and values."""
    if form == "json":
        print(json.dumps(row, ensure_ascii=False), flush=True)
    elif form == "markdown":
        if first:
            print(f"| {' | '.join(row)} |\n{'|---' * len(row)}|")
        print(f"| {' | '.join(map(str, row.values()))} |", flush=True)
    else:
        print("   ".join(f"{name} {value}" for name, value in row.items()), flush=True)


def kind_of(kernel):
    """The row of the table of shares that a call of a captured step belongs to."""
    if kernel.name.startswith("conv2d"):
        one_channel = any(shape[-1] == 1 for shape in (*kernel.reads, *kernel.writes))
        return f"convolutions {'from or to one channel' if one_channel else 'of many channels'}"
    return {"matmul": "products of dense layers", "batch_norm": "batch normalisation",
            "batch_norm_gradient": "batch normalisation", "update": "Adam",
            }.get(kernel.name, "elementwise work and sums")


def shares(workload, steps=20):
    """What part of a captured step's time each kind of call takes, by the median times of the
    calls; "the rest" is what is left of a step without them: noise, inputs, results, counts."""
    step = minigan_step(workload, BATCH[workload], captured=True)
    for _ in range(WARM_UP):
        step()

    def timed(call, times):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)

    replay, kernels = step.captured.replay, step.captured.kernels()
    times, rest = [[] for _ in kernels], []
    replay.calls = [partial(timed, call, own) for call, own in zip(replay.calls, times)]
    for _ in range(steps):
        step()
    replay.calls = []
    for _ in range(steps):
        timed(step, rest)
    spent = Counter()
    for kind, own in zip([*map(kind_of, kernels), "the rest"], [*times, rest]):
        spent[kind] += statistics.median(own)
    return {kind: seconds / spent.total() for kind, seconds in spent.items()}


def show_shares(workloads):
    """The table of shares, as Markdown."""
    columns = {workload: shares(workload) for workload in workloads}
    kinds = dict.fromkeys(kind for column in columns.values() for kind in column)
    print(f"| share of a captured step | {' | '.join(columns)} |\n|---{'|---' * len(columns)}|")
    for kind in sorted(kinds, key=lambda kind: -sum(c.get(kind, 0) for c in columns.values())):
        parts = [f"{100 * column[kind]:.0f} %" if kind in column else ""
                 for column in columns.values()]
        print(f"| {kind} | {' | '.join(parts)} |")


def main():
    if sys.argv[1:2] == ["shares"]:
        return show_shares(sys.argv[2:] or BATCH)
    if sys.argv[1:2] == ["ops"]:
        return benchmark_ops.main(sys.argv[2:])
    if sys.argv[1:2] == ["growth"]:
        return benchmark_growth.main(sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("workload", nargs="*", metavar="WORKLOAD", help=", ".join(BATCH))
    parser.add_argument("--against", action="append", default=[],
                        choices=["torch", "jax", *OLD], metavar="LIBRARY",
                        help="torch, jax, chainer or dezero; may be repeated")
    parser.add_argument("--tuned", dest="against", action="append_const", const="torch-tuned",
                        help="also PyTorch with its fused Adam, and D frozen in G's update")
    parser.add_argument("--compiled", dest="against", action="append_const",
                        const="torch-compiled", help="the same, its networks by torch.compile")
    parser.add_argument("--python", default=sys.executable, metavar="PATH",
                        help="the interpreter that has Chainer and DeZero, with NumPy 1.26")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu",
                        help="cuda: on the first GPU")
    parser.add_argument("--tf32", action="store_true",
                        help="let a GPU's products round their factors to TF32, in every library")
    parser.add_argument("--batch-size", type=int, nargs="+", metavar="N",
                        help="in place of the workload's own, say 100 256 1024")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, help="timed steps in a round")
    parser.add_argument("--memory", action="store_true",
                        help="the peak resident size in place of the time")
    parser.add_argument("--json", dest="form", action="store_const", const="json",
                        help="a JSON object for each workload")
    parser.add_argument("--markdown", dest="form", action="store_const", const="markdown",
                        help="a table for a page such as docs/benchmarks.md")
    args = parser.parse_args()
    known = [w for w in BATCH if w != "dense-dcgan" or not set(OLD) & set(args.against)]
    unknown = [w for w in args.workload if w not in known]
    if unknown:
        parser.exit(2, f"benchmark.py: workload {unknown[0]!r} is unknown"
                       f"{' to ' + args.against[0] if unknown[0] in BATCH else ''}; known are "
                       f"{', '.join(known)}\n")
    if args.device == "cuda":
        check_gpu(parser, args)
    first = True
    for workload in args.workload or known:
        for batch in args.batch_size or [BATCH[workload]]:
            runs = sitting(workload, batch, args)
            row = (memory_row if args.memory else speed_row)(workload, batch, args.device, runs)
            show(row, args.form, first)
            first = False


def check_gpu(parser, args):
    """End in one line where there is no GPU, or what was asked for does not run on one."""
    if set(ON_CPU) & set(args.against) or args.memory:
        what = "--memory" if args.memory else next(x for x in args.against if x in ON_CPU)
        parser.exit(2, f"benchmark.py: {what} is for --device cpu\n")
    try:
        mg.backend.get("cuda")
    except BackendError as error:
        parser.exit(2, f"benchmark.py: {error}\n")


if __name__ == "__main__":
    main()
