"""How long single operations take beside PyTorch, forward and backward: `benchmark.py ops`.

    python examples/benchmark_ops.py [WORD ...] [--rounds N] [--seconds S] [--threads N]
                                     [--json] [--markdown]

A WORD chooses the rows whose family or name has it. Each library computes in a process of its own,
which lives as long as the table takes; they are asked in turn, and the one that is not asked
sleeps. Before anything is timed their results and gradients are compared. A time is that of the
shortest call of a turn; a ratio is that of two neighbours, minigan's time divided by PyTorch's: the
median over the rounds, and the range. The slowest beside PyTorch stands at the top. On one thread
the times are the processor's, which a machine that has other work to do lengthens less.

The forward pass keeps its graph, as in training; the backward pass asks for the gradient by every
input, of a cotangent of random numbers. benchmark_libraries/ has the operations.
"""
from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from functools import partial
from multiprocessing import get_context
from typing import Any, Callable

import numpy as np
from benchmark_libraries.growing import CURVES
from benchmark_libraries.operation import FROM_OURS, TO_OURS, Operation
from benchmark_libraries.operations import operations

PASSES = ["forward", "backward"]
TOLERANCE = {np.dtype(np.float32): 2e-4, np.dtype(np.float64): 1e-11}  # of the largest element


class Ours:
    """minigan, as the process that serves it knows it."""

    def __init__(self, threads: int):
        import minigan

        self.library = minigan

    def calls(self, operation: Operation) -> tuple[Callable, Callable]:
        """The forward pass, and the backward pass of what it gave."""
        mg = self.library
        xs = [mg.tensor(array, requires_grad=True) for array in operation.arrays()]
        grads: list[Any] = []

        def forward():
            return operation.ours(mg, *xs)

        def backward(y):
            if not grads:
                grads.append(mg.tensor(cotangent(y.shape, y.dtype)))
            for x in xs:
                x.grad = None
            y.backward(grads[0])
            return [x.grad for x in xs]

        return forward, backward

    def arrays(self, operation: Operation, y: Any, gradients: Any) -> list[np.ndarray]:
        return [t.numpy() for t in (y, *gradients)]


class Theirs:
    """PyTorch, likewise; in its own order of axes."""

    def __init__(self, threads: int):
        import torch

        torch.set_num_threads(threads)
        self.library = torch

    def calls(self, operation: Operation) -> tuple[Callable, Callable]:
        torch, grads = self.library, []
        xs = [torch.from_numpy(turned(array, FROM_OURS.get(letter))).requires_grad_()
              for (letter, *_), array in zip(operation.inputs, operation.arrays())]

        def forward():
            return operation.theirs(torch, torch.nn.functional, *xs)

        def backward(y):
            if not grads:
                images = operation.images(y.ndim)
                shape = [y.shape[i] for i in TO_OURS["i"]] if images else y.shape
                grad = cotangent(shape, operation.dtype)
                grads.append(torch.from_numpy(turned(grad, FROM_OURS["i"] if images else None)))
            for x in xs:
                x.grad = None
            y.backward(grads[0], retain_graph=True)
            return [x.grad for x in xs]

        return forward, backward

    def arrays(self, operation: Operation, y: Any, gradients: Any) -> list[np.ndarray]:
        letters = ["i" if operation.images(y.ndim) else "t",
                   *[letter for letter, *_ in operation.inputs]]
        return [turned(t.detach().numpy(), TO_OURS.get(letter))
                for letter, t in zip(letters, (y, *gradients))]


def turned(array: np.ndarray, axes: Any) -> np.ndarray:
    return (array if axes is None else array.transpose(axes)).copy(order="C")


def cotangent(shape: Any, dtype: Any) -> np.ndarray:
    return np.random.default_rng(2).standard_normal(tuple(shape), np.float32).astype(dtype)


def serve(connection: Any, library: type, threads: int) -> None:
    """The life of a process: it makes the operation of a name and answers with its results, or
    it times a pass of the last one, for so many seconds."""
    os.environ["MINIGAN_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = str(threads)
    there, clock = library(threads), time.process_time if threads == 1 else time.perf_counter
    growing = [op for curve in CURVES.values() for op in curve.values()]
    table = {op.name: op for op in [*operations(), *growing]}
    while (asked := connection.recv()) is not None:
        if isinstance(asked, str):
            forward, backward = there.calls(table[asked])
            y = forward()
            connection.send(there.arrays(table[asked], y, backward(y)))
        else:
            pass_, seconds = asked
            call = forward if pass_ == "forward" else partial(backward, y)
            connection.send(shortest_ms(call, seconds, clock))
    connection.close()


def shortest_ms(call: Callable[[], Any], seconds: float, clock: Callable[[], float]) -> float:
    """The time of the shortest call of as many as the seconds have, one at least: what else the
    machine does can only make a call longer, and that of PyTorch's threads which wait for each
    other much longer."""
    shortest, end = float("inf"), clock() + seconds
    while True:
        start = clock()
        call()
        now = clock()
        shortest = min(shortest, now - start)
        if now > end:
            return 1e3 * shortest


def compare(operation: Operation, ours: list[np.ndarray], theirs: list[np.ndarray]) -> None:
    """End in one line if the libraries do not compute the same."""
    names = ["result", *[f"gradient {i}" for i in range(len(operation.inputs))]]
    for name, a, b in zip(names, ours, theirs):
        off = np.abs(a.reshape(-1) - b.reshape(-1)).max() if a.size == b.size else np.inf
        if a.dtype != b.dtype or not off <= TOLERANCE[a.dtype] * max(1, np.abs(b).max()):
            sys.exit(f"benchmark.py: {operation.name}: the {name}s differ by {off:.2g}, {a.dtype} "
                     f"{a.shape} and {b.dtype} {b.shape}")


def libraries(threads: int) -> list[Any]:
    """A process of each library: the ends of what one talks to them with."""
    context, processes = get_context("spawn"), []
    for library in (Ours, Theirs):
        here, there = context.Pipe()
        context.Process(target=serve, args=(there, library, threads), daemon=True).start()
        there.close()
        processes.append(here)
    return processes


def close(processes: list[Any]) -> None:
    for process in processes:
        process.send(None)


def measure(operation: Operation, processes: list[Any], rounds: int,
            seconds: float) -> list[dict]:
    """The rows of an operation, one for each pass, measured in turns."""
    for process in processes:
        process.send(operation.name)  # both at once: nothing is timed yet
    compare(operation, *[process.recv() for process in processes])
    rows = []
    for pass_ in PASSES:
        times = []
        for _ in range(rounds):
            turn = []
            for process in processes:
                process.send((pass_, seconds))
                turn.append(process.recv())
            times.append(turn)
        ours, theirs = [statistics.median(column) for column in zip(*times)]
        ratios = [a / b for a, b in times]
        rows.append({"operation": operation.name, "family": operation.family, "pass": pass_,
                     "minigan, ms": ours, "torch, ms": theirs,
                     "ratio": statistics.median(ratios), "least": min(ratios),
                     "most": max(ratios)})
    return rows


def show(rows: list[dict], markdown: bool) -> None:
    rows.sort(key=lambda row: -row["ratio"])
    lines = [[f"{row['family']}, {row['operation']}", row["pass"], f"{row['minigan, ms']:.3g}",
              f"{row['torch, ms']:.3g}", f"{row['ratio']:.2f}",
              f"{row['least']:.2f} – {row['most']:.2f}"] for row in rows]
    if markdown:
        head = ["operation", "pass", "minigan, ms", "torch, ms", "ratio", "range"]
        print(f"| {' | '.join(head)} |\n{'|---' * len(head)}|")
    for name, *figures in lines:
        print(f"| {name} | {' | '.join(figures)} |" if markdown else
              f"{name:75}{''.join(f'{figure:>14}' for figure in figures)}")
    ratios = [row["ratio"] for row in rows]
    print(f"\n{len(rows)} rows: median {statistics.median(ratios):.2f}, the largest "
          f"{max(ratios):.2f}; above 3: {sum(r > 3 for r in ratios)}, "
          f"above 1.2: {sum(r > 1.2 for r in ratios)}")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmark.py ops",
                                     description=__doc__.split("\n")[0])
    parser.add_argument("words", nargs="*", metavar="WORD", help="of a family or a name")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.06, help="of a turn")
    parser.add_argument("--threads", type=int, default=2, help="of each library")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="a JSON object for each row")
    form.add_argument("--markdown", action="store_true", help="a table for docs/benchmarks.md")
    args = parser.parse_args(arguments)
    chosen = [op for op in operations()
              if not args.words or any(w in f"{op.family}, {op.name}" for w in args.words)]
    if not chosen:
        parser.exit(2, f"benchmark.py: no operation is called {' or '.join(args.words)}; families "
                       f"are {', '.join(dict.fromkeys(op.family for op in operations()))}\n")
    processes, rows = libraries(args.threads), []
    for operation in chosen:
        new = measure(operation, processes, args.rounds, args.seconds)
        rows += new
        if args.json:
            for row in new:
                print(json.dumps(row, ensure_ascii=False), flush=True)
    close(processes)
    if not args.json:
        show(rows, args.markdown)


if __name__ == "__main__":
    main()
