"""Two GANs on eight points of a ring: the plain one, and one whose D is held flat at real points.

You learn how the laboratory is called from Python: a Task is a distribution, a method and a seed,
and train() gives figures over time and samples. The picture shows the samples; the figures say what
the eye cannot, how many modes there are, how sharp they are and how even.

    python examples/10_laboratory.py

`minigan lab ring --method plain --method r1 --seeds 10` does this over seeds, with a table.
"""
from __future__ import annotations

import argparse

import numpy as np
from matplotlib.figure import Figure

from minigan.data import ring
from minigan.lab import Task, train

parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int, default=1000)
parser.add_argument("--out", default="10_laboratory.png")
args = parser.parse_args()

real = ring(2500, np.random.default_rng(0))
figure = Figure(figsize=(8, 4.4), layout="constrained")
for method, axes in zip(["plain", "r1"], figure.subplots(1, 2, sharex=True, sharey=True)):
    record = train(Task("ring", method, seed=0, steps=args.steps))
    for row in record.rows[4::5]:
        print(f"{method:6} step {row['step']:5}  D loss {row['d_loss']:.3f}  "
              f"G loss {row['g_loss']:.3f}  modes {row['captured']}")
    final = record.final
    said = (f"{final['captured']} of 8 modes, high quality {final['high_quality']:.0%}, "
            f"reverse KL {final['reverse_kl']:.2f}")
    print(f"{method:6} {said}, {final['seconds']:.0f} s\n")
    axes.plot(*real.T, "o", markersize=7, color="#4dabf7", markeredgewidth=0, label="real")
    axes.plot(*record.samples.T, ".", markersize=2, color="#d9480f", label="generated")
    axes.set_title(f"{method}\n{said}", fontsize=9)
    axes.set_aspect("equal")
axes.legend(loc="center", markerscale=2, frameon=False)
figure.savefig(args.out, dpi=120)
print("samples in", args.out)
