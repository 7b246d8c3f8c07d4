"""The engine's own figures: lines executed, deep graphs, shared graphs, memory, import time.

    python examples/engine_figures.py [--steps 1000] [--links 100000] [--imports 5]

Prints how many lines of minigan a learner has to read who follows one backward pass, and one step
of Adam, through every function that is entered: the source of these functions, docstrings and
comments included. A function within another is counted as its own, too; lambdas and comprehensions
are lines of the function that they stand in. It is the first pass of the process, so that what
starts the threads is among it.

Then it prints how long the backward pass of a chain of 100,000 additions takes, and that of 30
stacked y = y + y (a walk that visits a node once for every path to it would need 2³⁰ visits); how
much the process grows over 1,000 training steps with Python's garbage collector switched off; and
how long `import minigan` takes beyond NumPy's own import.
"""
import argparse
import gc
import inspect
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import minigan as mg
from minigan.data import Loader, digits
from minigan.gan import GAN, Trainer, models

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--steps", type=int, default=1000)
parser.add_argument("--links", type=int, default=100_000, help="of the chain")
parser.add_argument("--imports", type=int, default=5, help="of which the median is told")
args = parser.parse_args()



def lines_executed(call):
    """The lines of minigan's functions that a call enters."""
    home, entered = str(Path(mg.__file__).parent), set()

    def note(frame, event, argument):
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(home) and code.co_name[0] != "<":
            entered.add(code)

    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(None)
    return sum(len(inspect.getsourcelines(code)[0]) for code in entered)


rng = np.random.default_rng(0)
x = mg.tensor(rng.standard_normal((5, 3)))
w = mg.tensor(rng.standard_normal((3, 4)), requires_grad=True)
b = mg.tensor(rng.standard_normal(4), requires_grad=True)
adam = mg.optim.Adam([w, b])
lines = lines_executed(lambda: ((x @ w + b) * (x @ w)).sum().backward())
print(f"lines executed for ((x @ w + b) * (x @ w)).sum().backward(): {lines}")
print(f"lines executed for a step of Adam: {lines_executed(adam.step)}")

x = mg.tensor(1.0, requires_grad=True)
y = x
for _ in range(args.links):
    y = y + x
start = time.perf_counter()
y.backward()
print(f"chain of {args.links:,} additions, backward: {time.perf_counter() - start:.2f} s "
      f"(gradient {x.grad.item():.0f})")

del y
x = mg.tensor(1.0, requires_grad=True)
start = time.perf_counter()
y = x
for _ in range(30):
    y = y + y
y.backward()
print(f"30 stacked y + y, forward and backward: {(time.perf_counter() - start) * 1e3:.1f} ms "
      f"(gradient 2^{np.log2(x.grad.item()):.0f})")


def resident_kib():
    """The memory of this process, in KiB (Linux)."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


del y
generator, discriminator = models.digits(rng=np.random.default_rng(0))
trainer = Trainer(GAN(generator, discriminator), Loader(digits()[0], batch_size=64))
trainer.run(100)
gc.collect()
gc.disable()
try:
    before = resident_kib()
    trainer.run(100 + args.steps)
    grown = resident_kib() - before
    print(f"{args.steps} training steps without garbage collector: {grown} KiB on {before} KiB")
except FileNotFoundError:
    print("memory: /proc/self/status is Linux's")

code = ("import numpy, time; start = time.perf_counter(); import minigan; "
        "print(time.perf_counter() - start)")
times = [float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                              check=True).stdout) for _ in range(args.imports)]
print(f"import minigan, beyond numpy: {sorted(times)[len(times) // 2]:.3f} s")
