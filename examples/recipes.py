"""Which settings make a reference system good? The search whose results are the systems' recipes.

    python examples/recipes.py SYSTEM [--seeds 0] [--steps N] [--try "WORDS"] [--data-dir D]

tries the system as it is written and the settings in the table below, or the one of --try, which
are arguments of `minigan train`: one trial after another, each in a run folder of its own. What the
average generator then draws is looked at by the judge of the data (`minigan judge`): the share of
the rarest class, the total variation between the classes' shares and the real ones, the share of
the samples of whose class the judge is sure (0.9), and the Fréchet distance of its features, beside
that between two sets of as many real images; of the digits also their coverage (k = 5, pixels).

Each trial adds a line to the record, docs/recipes.jsonl unless --record names another; what stands
there is not tried again, and a trial that was stopped goes on where it was saved last.
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
from minigan.gan import SYSTEMS, Run, sample
from minigan.metrics import Judge, class_shares, coverage, frechet, total_variation

AS_WRITTEN = ""
TRIALS = {}


@cache
def reference(data, n, data_dir):
    """n real images, their classes' shares, their features, and the distance of n others."""
    images, labels = IMAGE_SETS[data](data_dir=data_dir)
    order = np.random.default_rng(0).permutation(len(images))
    judge = Judge.load(data)
    n = min(n, len(images) // 2)
    real, others = (judge.features(images[order[i * n:(i + 1) * n]]) for i in (0, 1))
    return images, class_shares(labels), judge, real, frechet(real, others)


def measured(run, n, data_dir):
    """The figures of a finished run."""
    data = run.config.data
    images, expected, judge, real, floor = reference(data, n, data_dir)
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
    return {name: round(float(value), 4) for name, value in figures.items()}


def trial(system, words, seed, args):
    """Train, or go on, and measure: a line of the record."""
    folder = args.out / "_".join([system, *shlex.split(words.replace("--", "")), f"seed={seed}"])
    steps = args.steps or SYSTEMS[system].steps
    new = ["train", system, "--recipe", "as-written", *shlex.split(words), "--seed", str(seed)]
    new += ["--data-dir", args.data_dir] if SYSTEMS[system].data != "digits" else []
    if (folder / "state.safetensors").exists():
        new = ["train", "--resume"]
    start = time.process_time()
    status = cli.main([*new, "--steps", str(steps), "--out", str(folder)])
    if status:
        sys.exit(status)
    seconds = time.process_time() - start
    run = Run.open(folder)
    return {"system": system, "options": words, "seed": seed, "steps": steps,
            **measured(run, args.n, args.data_dir), "cpu_seconds": round(seconds)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("system", choices=list(SYSTEMS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--steps", type=int)
    parser.add_argument("--try", dest="words", action="append")
    parser.add_argument("--data-dir", default="")
    parser.add_argument("-n", type=int, default=5000, help="how many samples are looked at")
    parser.add_argument("--out", type=Path, default=Path("runs/recipes"))
    parser.add_argument("--record", type=Path, default=Path("docs/recipes.jsonl"))
    args = parser.parse_args()
    key = ("system", "options", "seed", "steps")
    for words in args.words or [AS_WRITTEN, *TRIALS.get(args.system, [])]:
        for seed in args.seeds:
            lines = args.record.read_text().splitlines() if args.record.exists() else []
            mine = (args.system, words, seed, args.steps or SYSTEMS[args.system].steps)
            if mine in {tuple(json.loads(line)[name] for name in key) for line in lines}:
                continue
            line = json.dumps(trial(args.system, words, seed, args))
            print(line, flush=True)
            with open(args.record, "a") as file:
                file.write(line + "\n")


if __name__ == "__main__":
    main()
