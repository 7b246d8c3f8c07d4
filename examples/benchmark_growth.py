"""How the cost grows with the work, beside PyTorch's: `benchmark.py growth`.

    python examples/benchmark_growth.py [--rounds N] [--seconds S] [--threads N ...] [--json]
                                        [--svg PATH]

The time of a forward and a backward pass as one size grows and the others stay: the batch of two
dense layers of width 256, their width at a batch of 64, and the side of four images of 32 channels
under a 3 × 3 convolution; on one thread and on two. The libraries are asked in turns, as by
benchmark_ops.py. A slope is how many times as long it takes of twice the size, over the last three
sizes, as a power of two: 1 is proportional to the size, 2 to its square.
"""
from __future__ import annotations

import argparse
import json
import math
import statistics
from typing import Any

from benchmark_libraries.growing import CURVES
from benchmark_libraries.operation import Operation
from benchmark_ops import PASSES, close, compare, libraries

def point(operation: Operation, processes: list[Any], rounds: int, seconds: float) -> list[float]:
    """Milliseconds of a forward and a backward pass, minigan's and PyTorch's: medians of rounds."""
    for process in processes:
        process.send(operation.name)  # both at once: nothing is timed yet
    compare(operation, *[process.recv() for process in processes])
    turns = []
    for _ in range(rounds):
        turn = []
        for process in processes:
            total = 0.0
            for pass_ in PASSES:
                process.send((pass_, seconds))
                total += process.recv()
            turn.append(total)
        turns.append(turn)
    return [statistics.median(column) for column in zip(*turns)]


def slope(times: dict[int, float]) -> float:
    """The power of the size that the last three times grow with."""
    sizes = sorted(times)[-3:]
    return math.log(times[sizes[-1]] / times[sizes[0]]) / math.log(sizes[-1] / sizes[0])


def draw(curves: dict, path: str) -> None:
    """One panel a size, both axes logarithmic: minigan's lines whole, PyTorch's dashed."""
    from matplotlib.figure import Figure
    figure = Figure(figsize=(11, 3.8), layout="constrained")
    for axes, (name, by_threads) in zip(figure.subplots(1, len(curves)), curves.items()):
        for (threads, lines), colour in zip(by_threads.items(), ("#2a6fbb", "#d9730d", "#2e8b57")):
            for library, style in (("minigan", "-"), ("torch", "--")):
                times = lines[library]
                axes.loglog(list(times), list(times.values()), style, marker="o", markersize=4,
                            color=colour, label=f"{library}, {threads} threads")
        axes.set_xlabel(name)
        axes.set_xticks(list(times), map(str, times))
        axes.minorticks_off()
        axes.grid(color="#e4e8ec")
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("forward and backward, ms")
    figure.axes[0].legend(frameon=False, fontsize=9)
    figure.savefig(path, facecolor="white", metadata={"Date": None})


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmark.py growth",
                                     description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.06, help="of a turn")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], metavar="N")
    parser.add_argument("--json", action="store_true", help="the curves as a JSON object")
    parser.add_argument("--svg", metavar="PATH", help="draw them")
    args = parser.parse_args(arguments)
    curves: dict = {name: {} for name in CURVES}
    for threads in args.threads:
        processes = libraries(threads)
        for name, points in CURVES.items():
            times = {n: point(op, processes, args.rounds, args.seconds)
                     for n, op in points.items()}
            curves[name][threads] = {library: {n: t[i] for n, t in times.items()}
                                     for i, library in enumerate(("minigan", "torch"))}
        close(processes)
    if args.json:
        print(json.dumps(curves))
    else:
        for name, by_threads in curves.items():
            for threads, lines in by_threads.items():
                ours, theirs = lines["minigan"], lines["torch"]
                print(f"{name:6} {threads} threads, minigan ÷ torch: "
                      + ", ".join(f"{n}: {ours[n] / theirs[n]:.2f}" for n in ours)
                      + f"; slopes {slope(ours):.2f} and {slope(theirs):.2f}")
    if args.svg:
        draw(curves, args.svg)


if __name__ == "__main__":
    main()
