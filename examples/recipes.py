"""Which settings make a reference system good? The search that the systems' recipes come from.

    python examples/recipes.py SYSTEM [--seeds 0] [--steps N] [--try "WORDS"] [--data-dir D]
    python examples/recipes.py

tries the system as written and the settings below, or those of --try, which are arguments of
`minigan train`: one trial after another, each in a run folder of its own. The judge of the data
(`minigan judge`) then looks at what the average generator draws: the share of the rarest class, the
total variation between the classes' shares and the real ones, the share of samples of whose class
the judge is sure (0.9), and the Fréchet distance of its features beside the floor, that between two
sets of real images of the same size; of the digits also coverage (k = 5, pixels).

Each trial adds a line to the record, docs/recipes.jsonl unless --record names another. What stands
there is not tried again, and a trial that was stopped goes on where it was saved last. Without
SYSTEM the record is printed as the table of docs/recipes.md.
"""
import argparse
import json
import shlex
import sys
import time
from functools import cache
from pathlib import Path

import numpy as np

from minigan import cli
from minigan.data import IMAGE_SETS
from minigan.errors import UserError
from minigan.gan import Run, sample
from minigan.gan.own import find, short
from minigan.metrics import Judge, class_shares, coverage, frechet, total_variation

RECORD = Path(__file__).parents[1] / "docs" / "recipes.jsonl"
TRIALS = {
    "digits": ["--penalty r1:1", "--lr 0.001 --lr-decay 1",
               "--penalty r1:0.1 --lr 0.001 --lr-decay 1",
               "--penalty r1:0.1 --lr 0.002 --lr-decay 1"],
    "mlp-small": [f"--penalty {penalty} --lr {lr} --lr-decay 1{more}" for penalty, lr, more in [
        ("r1:1", 0.001, ""), ("r1r2:0.1", 0.001, ""), ("r1r2:1", 0.001, ""), ("r1:10", 0.001, ""),
        ("r1:1", 0.001, " --d-steps 3"), ("r1:1", 0.004, ""), ("r1:1", 0.01, ""),
        ("r1:0.1", 0.01, "")]] + [f"--penalty r1:0.1 --lr {lr}" for lr in (0.002, 0.004, 0.01)],
    "mlp": ["--penalty r1:1 --lr 0.001"] + [f"--penalty r1:1 --lr {lr} --lr-decay 1"
                                            for lr in (0.001, 0.002, 0.004)],
    "digits-dcgan": ["--lr 0.001 --lr-decay 1", "--lr 0.002 --lr-decay 1", "--lr 0.002"],
    "dcgan": ["--lr 0.001 --lr-decay 1", "--lr 0.002"],
    "dense-dcgan": ["--instance-noise 0.3 --noise-until 1 --width 32 --lr 0.0005 --d-lr 0.002"],
    "mlp-keras": ["--penalty r1:1 --width 512 --lr 0.001"],
}  # the others as written


@cache
def reference(data, n, data_dir):
    """The images, their classes' shares, the judge, its features of n images, and the distance
    from them to those of n others."""
    images, labels = IMAGE_SETS[data](data_dir=data_dir)
    order, judge = np.random.default_rng(0).permutation(len(images)), Judge.load(data)
    n = min(n, len(images) // 2)
    real, others = (judge.features(images[order[i * n:(i + 1) * n]]) for i in (0, 1))
    return images, class_shares(labels), judge, real, frechet(real, others)


def measured(run, n):
    """The figures of a finished run, by n samples."""
    data = run.config.data
    images, expected, judge, real, floor = reference(data, n, run.config.data_dir)
    generator, _ = run.generator()
    z = run.system.noise(n, generator.latent, np.random.default_rng(12345))
    low, high = run.system.value_range
    samples = (sample(generator, z) - low) / (high - low)
    probabilities = judge.probabilities(samples)
    shares = class_shares(probabilities.argmax(axis=1))
    figures = {"rarest": shares.min(), "total_variation": total_variation(shares, expected),
               "sure": (probabilities.max(axis=1) >= 0.9).mean(),
               "frechet": frechet(real, judge.features(samples[:len(real)])), "floor": floor}
    if data == "digits":
        figures["coverage"] = coverage(images.reshape(len(images), -1),
                                       samples.reshape(n, -1)[:len(images)])
    return {**{name: round(float(value), 4) for name, value in figures.items()},
            "judge": judge.name}


def trial(system, options, seed, steps, args):
    """Train, or go on, and measure: a line of the record."""
    words = [short(system), *options.replace("--", "").split(), f"seed={seed}", f"steps={steps}"]
    folder = args.out / "_".join(words)
    command = ["train", "--resume"]
    if not (folder / "state.safetensors").exists():
        command = ["train", system, "--recipe", "as-written", *shlex.split(options), "--seed",
                   str(seed), *(["--data-dir", args.data_dir] if args.data_dir else [])]
    start = time.process_time()
    if status := cli.main([*command, "--steps", str(steps), "--out", str(folder)]):
        sys.exit(status)
    seconds = round(time.process_time() - start)
    return {"system": short(system), "options": options, "seed": seed, "steps": steps,
            **measured(Run.open(folder), args.n), "cpu_seconds": seconds}


def table(lines):
    """The record, as Markdown; ° marks averages that had the last batches' running statistics."""
    rows = ["| system | options | seed | steps | rarest class | variation | judge sure "
            "| Fréchet (floor) | coverage | CPU s |",
            "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|"]
    order = "system", "steps", "options", "seed"
    for t in sorted(map(json.loads, lines), key=lambda t: [t[name] for name in order]):
        rows.append(f"| {t['system']} | {t['options'] or 'as written'} | {t['seed']} "
                    f"| {t['steps']} | {t['rarest']:.1%} | {t['total_variation']:.3f} "
                    f"| {t['sure']:.0%} "
                    f"| {t['frechet']:.1f}{'°' * ('statistics' in t)} ({t['floor']:.2f}) "
                    f"| {t.get('coverage', '')} | {t['cpu_seconds']} |")
    return "\n".join(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("system", nargs="?", help="of `minigan systems`, or your own: FILE.py:NAME")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--steps", type=int)
    parser.add_argument("--try", dest="options", action="append")
    parser.add_argument("--data-dir")
    parser.add_argument("-n", type=int, default=5000, help="how many samples are looked at")
    parser.add_argument("--out", type=Path, default=Path("runs/recipes"))
    parser.add_argument("--record", type=Path, default=RECORD)
    args = parser.parse_args()
    if args.n < 2:
        parser.error(f"-n {args.n} samples have no covariance: it takes at least 2")

    lines = args.record.read_text().splitlines() if args.record.exists() else []
    if args.system is None:
        return print(table(lines))
    done = {tuple(json.loads(line)[name] for name in ("system", "options", "seed", "steps"))
            for line in lines}
    try:
        steps = args.steps or find(args.system).steps
    except UserError as error:
        parser.error(str(error))
    for options in args.options or ["", *TRIALS.get(args.system, [])]:
        for seed in args.seeds:
            if (short(args.system), options, seed, steps) not in done:
                line = json.dumps(trial(args.system, options, seed, steps, args))
                print(line, flush=True)
                with open(args.record, "a") as file:
                    file.write(line + "\n")


if __name__ == "__main__":
    main()
