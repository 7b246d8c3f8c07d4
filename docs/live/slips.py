"""Runs the programs of slip_table.py, for the page and to measure what it says of them.

    python docs/live/slips.py [SEEDS] [NAME ...]      # the numbers of each, over 5 seeds
"""
from __future__ import annotations

import linecache
import sys
import warnings
from typing import Any, Iterator

import numpy as np
from slip_table import SLIPS, program

import minigan as mg


class Run:
    """A program that trains, step by step."""

    def __init__(self, name: str, source: str):
        self.slip, self.step, self.symptom = SLIPS[name], 0, None
        self.last: dict[str, Any] = {}
        self.file = f"<{name}>"
        linecache.cache[self.file] = (len(source), None, source.splitlines(True), self.file)
        self.names: dict[str, Any] = {"__name__": name}
        exec(compile(source, self.file, "exec"), self.names)
        if "train" not in self.names:
            raise ValueError("the program needs train(), which yields after each player's step")
        self.game: Iterator[str] = self.names["train"]()

    def go(self, steps: int) -> bool:
        """Make so many steps more; whether they were made, and the program has not ended."""
        for _ in range(steps):
            for player in self.game:
                if player == self.slip.at:
                    with mg.no_grad():
                        self.symptom = number(eval(self.slip.measure, HELPERS, self.seen()))
                if player == "G":
                    self.last = self.seen()
                    break
            else:
                if not self.step:
                    raise ValueError("the program has ended without a step of G")
                return False
            self.step += 1
        return True

    def seen(self) -> dict[str, Any]:
        """The program's names, with those of its loop."""
        frame = self.game.gi_frame
        return {**self.names, **frame.f_locals} if frame else self.last

    def numbers(self) -> dict[str, float]:
        """The losses, D's answers as probabilities, the clouds, and the symptom."""
        at, rows = self.seen(), {}
        with mg.no_grad():
            for key in ("d_loss", "g_loss"):
                rows[f"{key[0].upper()}'s loss"] = number(at[key])
            rows["D(x)"], rows["D(G(z))"] = (
                number(mg.ops.sigmoid(at["discriminator"](at[key])).mean())
                for key in ("real", "fake"))
            sample = self.sample()
        if sample.shape[1] == 2:
            rows["points on a cloud"] = on_a_cloud(sample)
            rows["clouds reached"] = clouds(sample)
        return {**rows, self.slip.symptom: self.symptom}

    def sample(self) -> np.ndarray:
        """Points or images of noise that is always the same."""
        width = self.seen()["z"].shape[1]
        noise = np.random.default_rng(1).standard_normal((400 if width == 2 else 12, width))
        with mg.no_grad():
            return self.names["generator"](noise.astype(np.float32)).numpy()


def number(value: Any) -> float:
    """A number of Python's."""
    return float(value.numpy() if isinstance(value, mg.Tensor) else value)


def largest_gradient(network: mg.nn.Module) -> float:
    """The largest number in the gradients of a network's weights; 0 where there is none."""
    return max((float(abs(p.grad.numpy()).max()) for p in network.parameters()
                if p.grad is not None), default=0.0)


def distances(points: Any) -> np.ndarray:
    """Of each point to each cloud's middle."""
    return np.linalg.norm(np.asarray(points)[:, None] - mg.data.ring_centers(), axis=2)


def on_a_cloud(points: Any) -> float:
    """The share of points within three standard deviations of a cloud."""
    return float((distances(points).min(axis=1) < 0.3).mean())


def clouds(points: Any) -> int:
    """How many clouds have 2 % of all points or more."""
    near = distances(points)
    hits = np.bincount(near.argmin(axis=1)[near.min(axis=1) < 0.3], minlength=8)
    return int((hits >= 0.02 * len(near)).sum())


HELPERS = {"largest_gradient": largest_gradient, "on_a_cloud": on_a_cloud,
           "sigmoid": mg.ops.sigmoid}
RUNS: dict[tuple[str, str], Run] = {}


def begin(name: str, column: str, source: str) -> dict[str, Any]:
    """Start a program in a column of a slip's panel. Returns the error, if it raised one."""
    RUNS.pop((name, column), None)
    try:
        RUNS[name, column] = Run(name, source)
    except Exception as error:
        return {"error": told(error, f"<{name}>")}
    return {}


def go(name: str, column: str, steps: int) -> dict[str, Any]:
    """Let it make some steps. Returns where it is: step, numbers, sample (points or images), real
    (the batch); or the error."""
    run = RUNS[name, column]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # overflow: the reader sees the numbers
            going = run.go(steps)
        return {"step": run.step, "going": going, "numbers": run.numbers(),
                "sample": run.sample(), "real": np.float32(run.seen()["real"])}
    except Exception as error:
        return {"error": told(error, run.file)}


def told(error: Exception, file: str) -> str:
    """What an error says, with the line of the program that led to it."""
    line, trace = getattr(error, "lineno", None), error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == file:
            line = trace.tb_lineno
        trace = trace.tb_next
    if line:
        return f"line {line}: {type(error).__name__}: {error}"
    missing = isinstance(error, KeyError)  # what the panel wants to see, and the program has not
    return f"the panel looks for {error} in the program" if missing else str(error)


def measured(name: str, column: str, seed: int, *steps: int) -> list[dict[str, float]]:
    """The numbers after so many steps, and after so many; a program that raises has none."""
    run = Run(name, program(name, column).replace("default_rng(0)", f"default_rng({seed})"))
    found = []
    for more in np.diff(steps, prepend=0):
        run.go(more)
        found.append(run.numbers())
    return found


def report(seeds: int, names: list[str]) -> None:
    """Print the numbers of runs from several seeds, when the symptom shows and at the end."""
    for name in names:
        steps = SLIPS[name].shown, SLIPS[name].steps
        for column in ("wrong", "right"):
            try:
                runs = [measured(name, column, seed, *steps) for seed in range(seeds)]
            except ValueError as error:
                print(f"{name}, {column}: {error}")
                continue
            for step, rows in zip(steps, zip(*runs)):
                print(f"{name}, {column}, step {step}")
                for key in rows[0]:
                    print(f"    {key:40}", *(f"{row[key]:8.3f}" for row in rows), flush=True)


if __name__ == "__main__":
    np.seterr(all="ignore")
    report(int(sys.argv[1]) if len(sys.argv) > 1 else 5, sys.argv[2:] or list(SLIPS))
