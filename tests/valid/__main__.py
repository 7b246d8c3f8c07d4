"""`python -m tests.valid`: random valid checks of right functions, and how many raise an alarm.

A check is an operation of the table, or a composition of two or three, at random inputs: as the
table draws them, saturated, with ties, up to ±1,000. It is valid if values and gradients are
finite numbers there.
"""
from __future__ import annotations

import argparse
import sys
import time
import warnings
from contextlib import suppress
from functools import cache
from itertools import islice
from typing import Any, Callable, Iterator

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings

import minigan as mg
from minigan.testing import GradientError, check_grads
from minigan.testing.call import Call

from ..cases import CASES, Case
from . import libraries

Function = Callable[..., Any]
DRAWN = 30   # calls of each case
AROUND = 32  # pairs of points around one, at most


@cache
def calls(case: Case) -> list[Call]:
    """Calls as a test of the case draws them."""
    found = [case.typical]

    @seed(0)
    @settings(max_examples=DRAWN, phases=[Phase.generate], database=None, deadline=None,
              derandomize=False, suppress_health_check=list(HealthCheck))
    @given(case.inputs)
    def record(call: Call) -> None:
        if all(np.asarray(x).size for x in call.args):
            found.append(call)

    record()
    return found


def stretched(rng: np.random.Generator, x: np.ndarray) -> np.ndarray:
    """Other numbers in the place of x's, of one of several kinds; of x's sign if it has one, and
    below 1 if it is."""
    kind, top = rng.integers(6), 10 ** rng.uniform(-3, 3)
    new = [x, rng.normal(size=x.shape), rng.uniform(-top, top, x.shape),
           rng.uniform(-1000, 1000, x.shape), np.round(rng.uniform(-5, 5, x.shape)) * top / 5,
           x * 10 ** rng.uniform(-3, 3)][kind]
    if x.size and x.min() > 0:
        if x.max() < 1:
            return np.clip(abs(new) / (1 + abs(new)), 1e-3, 1 - 1e-3)
        return np.clip(abs(new), 1e-3, 1000)
    return np.clip(new, -1000, 1000)


def drawn(rng: np.random.Generator) -> tuple[str, Function, list[np.ndarray]]:
    """The name of a check, its function, and its inputs."""
    case = CASES[rng.integers(len(CASES))]
    call = calls(case)[rng.integers(len(calls(case)))]
    args = [stretched(rng, x) if np.asarray(x).dtype.kind == "f" else x for x in call.args]
    names, chain = [str(case)], []
    for _ in range(rng.integers(3)):
        outer = UNARY[rng.integers(len(UNARY))]
        options = calls(outer)[rng.integers(len(calls(outer)))].options
        names.append(str(outer))
        positive = bool(outer.typical.args[0].min() > 0)  # its domain
        chain.append((outer.f, options, positive))

    def f(*inputs: Any) -> Any:
        y = case.f(*inputs, **call.options)
        for g, options, positive in chain:
            y = y[0] if isinstance(y, (tuple, list)) else y
            y = g(y * y + 0.1 if positive else y, **options)
        return y

    return " | ".join(names), f, [np.asarray(x) for x in args]


UNARY = [case for case in CASES if len(case.typical.args) == 1]


def gradients(f: Function, args: list[np.ndarray], step: float, seed: int = 0
              ) -> np.ndarray | None:
    """Those of the sum of f, and some second ones, so far from the inputs, in one array; None where
    a number is none."""
    rng = np.random.default_rng(seed)
    inputs = [mg.tensor(x + step * rng.uniform(-1, 1, x.shape) * (1 + abs(x)), True)
              if x.dtype.kind == "f" else mg.tensor(x) for x in args]
    rng = np.random.default_rng(0)
    try:
        values = f(*inputs)
        floats = [y for y in (values if isinstance(values, (tuple, list)) else [values])
                  if y.dtype.kind == "f"]
        tracked = [x for x in inputs if x.requires_grad]
        grads = mg.grad(floats, tracked, [mg.tensor(np.ones(y.shape)) for y in floats],
                        create_graph=True, allow_unused=True)
        twice = mg.grad(grads, tracked, [mg.tensor(rng.normal(size=g.shape)) for g in grads],
                        allow_unused=True)
    except Exception:
        return None
    found = [*floats, *grads, *twice]
    if not floats or not all(np.isfinite(y.numpy()).all() and abs(y.numpy()).max(initial=0) < 1e100
                             for y in found):
        return None
    return np.concatenate([g.numpy().astype(np.float64).reshape(-1) for g in (*grads, *twice)])


def valid(f: Function, args: list[np.ndarray]) -> bool:
    """Whether f has finite values, gradients and second ones, here and close by, of which those
    here are among those around. They are not for |x²| at 0, whose second one is 0 by the rule for
    |x| and 2 on both sides, nor for min(max(x, 0), 0): ¼ by the rules for ties, and 0 around. Such
    are wrong, and the checks say so."""
    if any(gradients(f, args, step) is None for step in (1e-3, -1e-3)):
        return False
    here, low, high = gradients(f, args, 0), np.inf, -np.inf
    for which in range(AROUND) if here is not None else ():
        for step in (1e-9, -1e-9):
            found = gradients(f, args, step, which)
            if found is None:
                return False
            low, high = np.minimum(low, found), np.maximum(high, found)
        slack = 0.1 * (abs(low) + abs(high)) + 1e-6 * np.max(abs(here), initial=0)
        if ((low - slack <= here) & (here <= high + slack)).all():
            return True
    return False


def random_checks(start: int, dtype: type) -> Iterator[tuple[str, Function, list[np.ndarray]]]:
    """Valid ones without end, each from a seed of its own."""
    while True:
        name, f, args = drawn(np.random.default_rng(start))
        args = [x.astype(dtype) if x.dtype.kind == "f" else x for x in args]
        if valid(f, args):
            yield f"seed {start}: {name}", f, args
        start += 1


def main(argv: list[str] | None = None) -> int:
    """Run the command, until Ctrl-C if need be; exit status 0: no alarm."""
    p = argparse.ArgumentParser(prog="python -m tests.valid", description=main.__doc__)
    p.add_argument("--count", type=int, default=1000, metavar="N", help="how many checks")
    p.add_argument("--start", type=int, default=0, metavar="SEED", help="the first one's seed")
    p.add_argument("--float32", action="store_true", help="of float32 inputs")
    p.add_argument("--library", choices=libraries.LIBRARIES, help="right functions of this one")
    args = p.parse_args(argv)
    alarms, nothing, partly, made, began = 0, 0, 0, 0, time.process_time()
    checks = (libraries.checks(args.library) if args.library else
              random_checks(args.start, np.float32 if args.float32 else np.float64))
    with warnings.catch_warnings(), np.errstate(all="ignore"), suppress(KeyboardInterrupt):
        warnings.simplefilter("ignore")
        for name, f, inputs in islice(checks, args.count):
            try:
                partly += bool(check_grads(f, *inputs).skipped)
            except GradientError as error:
                message = str(error).split("\nto see")[0]
                if "nothing could be compared" in message:
                    nothing += 1
                else:
                    alarms += 1
                    print(f"{name}: {message}\n  {inputs}", flush=True)
            made += 1
    print(f"{made} valid checks, {alarms} alarms, {nothing} where nothing, {partly} where "
          f"something could not be compared; {time.process_time() - began:.0f} CPU seconds")
    return int(bool(alarms))


if __name__ == "__main__":
    sys.exit(main())
