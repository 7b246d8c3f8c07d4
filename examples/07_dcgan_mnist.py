"""A convolutional GAN learns to draw the digits of MNIST.

    python examples/07_dcgan_mnist.py [--steps 3000] [--data-dir D] [--out DIR]

You learn what `minigan train dcgan` does: networks, loader, trainer, and a run folder that keeps
grids of samples, the curves of the losses, the weights, and all that is needed to go on. Stop it
with Ctrl-C and start it again with the same --out, or later with more --steps: it goes on where it
was. D holds the four files of MNIST; without it they are downloaded once. 3,000 steps take about
ten minutes on two cores.
"""
import argparse
import sys
from pathlib import Path

from minigan.cli.train import resolved, stop_on_interrupt
from minigan.data import DataError, Loader, Scaled, mnist
from minigan.gan import Config, Run, RunError, Trainer
from minigan.gan.progress import Progress

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--steps", type=int, default=3000)
parser.add_argument("--data-dir", type=Path)
parser.add_argument("--out", type=Path, default=Path("runs/dcgan-mnist"))
args = parser.parse_args()

try:
    images, _ = mnist(args.data_dir)
    resumed = args.out.exists()
    if resumed:
        run = Run.open(args.out)
        run.config.steps = args.steps
    else:
        run = Run.create(args.out, Config(
            system="dcgan", data="mnist", shape=images.shape[1:], steps=args.steps, batch_size=128,
            lr=2e-4, seed=0, save_every=max(1, args.steps // 10),
            data_dir=resolved(args.data_dir)))

    loader = Loader(Scaled(images, (-1, 1)),         # the range of the tanh that G ends in
                    batch_size=run.config.batch_size, seed=run.config.seed)
    trainer = Trainer(run.config.build(), loader, run.config.lr)
    if resumed:
        run.resume(trainer)
except (DataError, RunError) as error:               # no data, or a folder of something else
    sys.exit(f"07_dcgan_mnist: {error}")

run.write_config()
progress = Progress(args.steps, trainer.step)
trainer.callbacks = [progress, run]                  # `run` writes its folder, step by step
with stop_on_interrupt(trainer):
    trainer.run(args.steps)
progress.close()
if trainer.stop:                                     # Ctrl-C: the last step is not a saved one
    run.save(trainer)
print(f"step {trainer.step}: samples/step-{trainer.step:06d}.png and losses.png in {run.folder}")
