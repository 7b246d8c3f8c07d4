"""How long a training step takes on 1, 2 and 4 ranks, and what that says of more of them.

    python examples/many_hands.py [dcgan] [--batch-size 256] [--ranks 1 2 4] [--steps 5] [--quick]

Starts mpiexec itself (pip install 'minigan[mpi]'). One table has the times of a step in
milliseconds, the least of several: as measured; by the model of docs/many_hands.md, whose numbers
are measured too; and with MPI's own sum in place of the fixed tree. The other has what the model
says of a network between machines. --quick shrinks everything: to see that it runs.
"""
import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from minigan.backend import called
from minigan.data import Loader
from minigan.gan import SYSTEMS, Options
from minigan.ranks import Ranks, world
from minigan.wires import mpi

NETWORKS = {  # seconds until the first byte is there, and bytes a second
    "Ethernet, 10 Gbit/s": (30e-6, 1.25e9), "InfiniBand, 200 Gbit/s": (1.5e-6, 25e9)}
SHARDS = 8

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("system", nargs="?", default="dcgan", choices=SYSTEMS)
parser.add_argument("--batch-size", type=int, default=256)
parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2, 4])
parser.add_argument("--steps", type=int, default=5)
parser.add_argument("--quick", action="store_true")
parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)  # a rank
args = parser.parse_args()
if args.quick:
    args.system, args.batch_size, args.ranks, args.steps = "digits", 32, [1, 2], 2


def new_trainer():
    """The system on noise: what the images show costs nothing."""
    system, side = SYSTEMS[args.system], 8 if args.system.startswith("digits") else 28
    images = np.random.default_rng(0).random((2 * args.batch_size, side, side, 1), np.float32)
    options = Options(shards=SHARDS)
    game = options.build(system, images.shape[1:], 10, np.random.default_rng(1))
    return options.trainer(game, system, Loader(images, batch_size=args.batch_size), 2)


class Plain(Ranks):
    """Ranks that add as MPI pleases: each its own shards, one after another, and then Allreduce."""

    def total(self, parts, count):
        return called(self.added, parts)

    def added(self, parts):
        own = np.concatenate([array.reshape(-1) for array in parts[0]])
        for part in parts[1:]:
            start = 0
            for array in part:
                own[start:start + array.size] += array.reshape(-1)
                start += array.size
        self.exchanges = getattr(self, "exchanges", 0) + 1
        self.comm.Allreduce(mpi().IN_PLACE, own)
        return own


def least(f, times):
    """The least time that f took, after one call that is not counted."""
    found = []
    for _ in range(times + 1):
        start = time.perf_counter()
        f()
        found.append(time.perf_counter() - start)
    return min(found[1:])


def step_time(ranks=None):
    """Of a step that is replayed, and how often the ranks exchange something in one."""
    trainer, ends = new_trainer(), []
    trainer.ranks = ranks or trainer.ranks
    trainer.callbacks.append(lambda *of: ends.append(
        (time.perf_counter(), getattr(trainer.ranks, "exchanges", 0))))
    trainer.run(5 + args.steps)  # of which two are Python's, one is recorded, one compared
    seconds = min(b - a for (a, _), (b, _) in zip(ends[4:], ends[5:]))
    return seconds, ends[-1][1] - ends[-2][1], trainer


def child():
    """What a rank measures; rank 0 prints it."""
    ranks = world()
    seconds, _, trainer = step_time()
    plain, exchanges, _ = step_time(Plain(ranks.comm))
    sizes = [opt.flat.array.size for opt in trainer.players.optimizers]
    small, large = ([[np.ones(n, np.float32)]] for n in (64, sum(sizes)))  # a shard each

    def alike():
        for optimizer in trainer.players.optimizers:
            optimizer.step()
        trainer.average.update()

    # and four exchanges more: the losses, whether somebody wants to stop or to record the step
    # anew, and whether the shapes of all are the same
    found = {"step": seconds, "plain": plain, "exchanges": exchanges + 4, "bytes": 4 * sum(sizes),
             "alike": least(alike, args.steps),
             "small": least(lambda: ranks.total(small, ranks.size), 20),
             "large": least(lambda: ranks.total(large, ranks.size), args.steps)}
    if ranks.rank == 0:
        print(json.dumps(found))


def measured(ranks):
    """What a child prints, on so many ranks of one thread each."""
    mpiexec = shutil.which("mpiexec", path=f"{Path(sys.executable).parent}{os.pathsep}"
                                           f"{os.environ.get('PATH', '')}")
    if mpiexec is None:
        raise SystemExit("this needs mpiexec: pip install 'minigan[mpi]'")
    words = [args.system, "--batch-size", args.batch_size, "--steps", args.steps, "--child"]
    said = subprocess.run([mpiexec, "-n", str(ranks), sys.executable, __file__, *map(str, words)],
                          env={**os.environ, "OPENBLAS_NUM_THREADS": "1",
                               "MINIGAN_NUM_THREADS": "1"},
                          stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(said.stdout.splitlines()[-1])


def model(one, ranks, latency, bandwidth):
    """Seconds of a step: what is shared, what all do alike, and what is said meanwhile."""
    shared = one["step"] - one["alike"]
    words = one["exchanges"] * latency * math.log2(ranks) if ranks > 1 else 0
    numbers = 2 * (ranks - 1) / ranks * one["bytes"] / bandwidth
    return shared / ranks + one["alike"] + words + numbers


def main():
    found = {ranks: measured(ranks) for ranks in sorted({1, *args.ranks})}
    one, several = found[1], [ranks for ranks in found if ranks > 1]
    print(f"{args.system}, batches of {args.batch_size} in {SHARDS} shards: "
          f"{one['bytes'] / 1e6:.1f} MB of gradients, {one['exchanges']} exchanges a step, "
          f"{1e3 * one['alike']:.1f} ms that every rank does alike\n")
    print("| ranks | measured | by the model | with MPI's own sum | times one rank |")
    print("|---|---|---|---|---|")
    for ranks in found:
        own, said = found[ranks], found[min(several, default=1)]
        latency = said["small"] / math.log2(max(2, min(several, default=2)))
        spent = max(said["large"] - said["small"], 1e-9)
        predicted = model(one, ranks, latency, one["bytes"] / spent)
        print(f"| {ranks} | {1e3 * own['step']:.1f} | {1e3 * predicted:.1f} | "
              f"{1e3 * own['plain']:.1f} | {one['step'] / own['step']:.2f} |")
    print("\n| ranks | " + " | ".join(NETWORKS) + " |")
    print("|---" * (1 + len(NETWORKS)) + "|")
    for ranks in (1, 8, 64, 1024):
        times = [1e3 * model(one, ranks, *network) for network in NETWORKS.values()]
        print(f"| {ranks} | " + " | ".join(f"{ms:.1f}" for ms in times) + " |")


if __name__ == "__main__":
    child() if args.child else main()
