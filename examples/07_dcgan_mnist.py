"""A convolutional GAN learns to draw the digits of MNIST.

    python examples/07_dcgan_mnist.py [--steps 3000] [--data-dir D] [--out DIR]

You learn what `minigan train dcgan` does: a run trains in its folder, and keeps there
grids of samples, the curves of the losses, the weights, and all that is needed to go on. Stop it
with Ctrl-C and start it again with the same --out, or later with more --steps: it goes on where it
was. D holds the four files of MNIST; without it they are downloaded once. 3,000 steps take about
ten minutes on two cores.
"""
import argparse
import sys
from pathlib import Path

from minigan.errors import UserError
from minigan.gan import Run

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--steps", type=int, default=3000)
parser.add_argument("--data-dir", type=Path)
parser.add_argument("--out", type=Path, default=Path("runs/dcgan-mnist"))
args = parser.parse_args()

try:
    if args.out.exists():
        run = Run.open(args.out)
        if args.data_dir:                            # the files may have been moved
            run.config.data_dir = str(args.data_dir.resolve())
    else:
        run = Run.new(args.out, "dcgan", data_dir=args.data_dir, steps=args.steps,
                      save_every=max(1, args.steps // 10))
    trainer = run.train(args.steps)                  # from where the run was last saved
except UserError as error:                           # no data, or a folder of something else
    sys.exit(f"07_dcgan_mnist: {error}")
except KeyboardInterrupt:                            # Ctrl-C, after the step was saved
    sys.exit(130)
print(f"step {trainer.step}: samples/step-{trainer.step:06d}.png and losses.png in {run.folder}")
