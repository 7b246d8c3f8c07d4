"""How good the gradient check is: what it finds, and how often it cries wolf.

    python examples/checking_figures.py detection    # five minutes, and a picture
    python examples/checking_figures.py alarms       # 100,000 checks, half an hour on two cores
    python examples/checking_figures.py time         # a few seconds

`detection` plants an error in one entry of a gradient and counts how often check_grads sees it.
`alarms` checks right gradients of all operations at random inputs, ties and kinks included; it
appends what it found to --out and goes on from there when it is started again. `time` measures a
default check of every operation.
"""
from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from functools import partial
from multiprocessing import Pool
from pathlib import Path

os.environ.setdefault("MINIGAN_NUM_THREADS", "1")  # the cores are for whole checks
sys.path.insert(0, str(Path(__file__).parents[1]))  # where tests/cases is

import matplotlib  # noqa: E402

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
from hypothesis import HealthCheck, Phase, given, seed, settings  # noqa: E402
from tqdm import tqdm  # noqa: E402

from minigan.testing import GradientError, check_grads, from_numpy  # noqa: E402
from minigan.testing.call import Call  # noqa: E402
from tests.cases import CASES  # noqa: E402

BLOCK = 50  # checks of one operation that are made and written down together
ERRORS, SIZES, DIRECTIONS = [1e-1, 1e-2, 1e-3, 1e-4, 1e-5], [100, 1000, 10_000], [1, 2, 4, 8]


def caught(n: int, error: float, directions: int, trial: int) -> bool:
    """Whether an error in one of the n entries of tanh's gradient is found."""
    rng = np.random.default_rng([n, trial])
    slip = np.ones(n)
    slip[rng.integers(n)] += error
    wrong = from_numpy(np.tanh, lambda x, grad: grad * (1 - np.tanh(x) ** 2) * slip[:x.size])
    try:
        check_grads(wrong, rng.standard_normal(n), directions=directions, seed=trial)
    except GradientError:
        return True
    return False


def detection(trials: int, out: Path) -> None:
    """A table and a picture of the share of errors that are found."""
    _, axes = plt.subplots(1, len(SIZES), figsize=(9, 3), sharey=True)
    print(f"| one wrong entry of | by | {' | '.join(f'{d} directions' for d in DIRECTIONS)} |")
    print("|---|---|" + "---|" * len(DIRECTIONS))
    for n, ax in zip(SIZES, axes):
        shares = [[np.mean([caught(n, e, d, t) for t in range(trials)]) for d in DIRECTIONS]
                  for e in ERRORS]
        for e, row in zip(ERRORS, shares):
            print(f"| {n} | {e:.4g} | {' | '.join(f'{share:.0%}' for share in row)} |")
        for d, column in zip(DIRECTIONS, zip(*shares)):
            ax.semilogx(ERRORS, column, "o-", label=f"{d} direction{'s' if d > 1 else ''}")
        ax.set(title=f"one wrong entry of {n:,}", xlabel="relative error", ylim=(-0.05, 1.05))
    axes[0].set_ylabel("share found")
    axes[0].legend(loc="lower right")
    plt.tight_layout()
    plt.savefig(out, dpi=120)
    print(out)


def drawn(case_number: int, block: int) -> list[Call]:
    """Calls of an operation as gradtest draws them, others for each block."""
    calls: list[Call] = []

    @seed(block)
    @settings(max_examples=BLOCK, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))
    @given(CASES[case_number].inputs)
    def collect(call: Call) -> None:
        calls.append(call)

    collect()
    return calls


def checked(work: tuple[int, int]) -> dict:
    """One block of checks, a quarter of them in float32; what went wrong, though nothing is."""
    case_number, block = work
    case, calls, alarms, worst = CASES[case_number], drawn(*work), [], 0.0
    for i in range(BLOCK):
        call = calls[i % len(calls)]
        arrays = call.args
        if case.keeps_dtype and i % 4 == 3:
            arrays = [x.astype(np.float32) if x.dtype.kind == "f" else x for x in arrays]
        try:
            report = check_grads(partial(case.f, **call.options), *arrays, seed=BLOCK * block + i)
            worst = max(worst, report.worst)
        except GradientError as error:
            alarms.append(f"{call}: {error}")
    return {"case": str(case), "block": block, "checks": BLOCK, "worst": worst, "alarms": alarms}


def false_alarms(checks: int, out: Path, jobs: int) -> None:
    """Make so many checks in all, those that `out` has already among them."""
    done = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
    known = {(result["case"], result["block"]) for result in done}
    blocks = -(-checks // (BLOCK * len(CASES)))
    work = [(i, block) for block in range(blocks) for i, case in enumerate(CASES)
            if (str(case), block) not in known]
    try:
        with Pool(jobs) as pool, out.open("a") as lines, tqdm(
                total=len(work) * BLOCK, unit="check") as progress:
            for result in pool.imap_unordered(checked, work):
                lines.write(json.dumps(result) + "\n")
                lines.flush()
                done.append(result)
                progress.update(BLOCK)
    except KeyboardInterrupt:
        print(f"stopped; the same command goes on from {out}")
    total, alarms = sum(r["checks"] for r in done), [a for r in done for a in r["alarms"]]
    print(f"{len(alarms)} false alarms in {total:,} checks of {len({r['case'] for r in done})} "
          f"cases; largest deviation {max((r['worst'] for r in done), default=0):.2g} tolerances")
    for alarm in alarms[:5]:
        print(alarm)


def times() -> None:
    """The median time of a default check of each operation's typical call."""
    medians = {}
    for case in CASES:
        f = partial(case.f, **case.typical.options)
        laps = []
        for _ in range(6):
            begin = time.perf_counter()
            check_grads(f, *case.typical.args)
            laps.append(1000 * (time.perf_counter() - begin))
        medians[str(case)] = statistics.median(laps[1:])
    ordered = sorted(medians, key=medians.get)
    print(f"a default check: median {statistics.median(medians.values()):.1f} ms; the slowest are "
          + ", ".join(f"{name} {medians[name]:.1f}" for name in ordered[:-4:-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("figure", choices=["detection", "alarms", "time"])
    parser.add_argument("--trials", type=int, default=100, help="of each error in detection")
    parser.add_argument("--checks", type=int, default=100_000, help="how many for alarms")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes for alarms")
    parser.add_argument("--out", type=Path, help="the picture, or the lines of alarms")
    args = parser.parse_args()
    if args.figure == "detection":
        detection(args.trials, args.out or Path("detection.png"))
    elif args.figure == "alarms":
        false_alarms(args.checks, args.out or Path("alarms.jsonl"), args.jobs)
    else:
        times()


if __name__ == "__main__":
    main()
