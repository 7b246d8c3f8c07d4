"""Why are some samples no digit? The convolutional pair, with dense layers before its picture.

    python examples/18_deeper_generator.py [--layers 0 1 2 3 4] [--seeds 0 1 2] [--out runs/deeper]
    minigan train examples/18_deeper_generator.py:digits --lr 0.002
    minigan train examples/18_deeper_generator.py:mnist --width 32 --batch-size 64 --lr 0.002

A generator is a continuous function of its noise, so on the way from a 3 to an 8 it passes figures
that are neither. In dcgan the first picture, of 2 × 2 or 7 × 7 pixels, is linear in the noise: the
way is straight. Layers before it can bend the noise and make the way short. The first command
trains the pair with so many of them on the shipped digits, and says of how many samples a judge is
sure (0.9), how far they are from real digits (the Fréchet distance of the judge's features; two
halves of the real ones have 0.9), and how many real digits have one nearby (coverage). Then it goes
from noise to noise in 40 steps: how often does the digit become another one on the way, and for how
many steps is the judge unsure, each time? ways.png shows some. Half a minute of training each; what
is finished is not trained again, and what was stopped goes on.
"""
import argparse
from functools import partial
from pathlib import Path

import numpy as np

from minigan import data, metrics
from minigan.gan import GAN, Run, System, Trainer, models, sample
from minigan.viz import save_grid


def generator(layers, hidden, shape=(8, 8, 1), latent=32, rng=None, **options):
    """dcgan's generator behind so many layers of `hidden` numbers."""
    sizes = [latent] + [hidden] * layers
    drawing = models.dcgan_generator(shape, sizes[-1], rng=rng, **options)
    return models.Generator(latent, *models.dense_stack(sizes, 0.2, rng, batch_norm=True),
                            *drawing.body)


def pair(layers):
    """For the 8 × 8 digits."""
    return models.Pair(partial(generator, layers, 128), models.dcgan_discriminator, 32,
                       shape=(8, 8, 1), width=32, kernel=4)


digits = System("digits-dcgan, two layers deeper", pair(2), 32, data="digits",
                value_range=(-1, 1), batch_size=64, steps=3_500, lr=5e-4)
mnist = System("dcgan, two layers deeper", models.Pair(
    partial(generator, 2, 256), models.dcgan_discriminator, 100, shape=(28, 28, 1)),
    value_range=(-1, 1), batch_size=128)


def ways(net, judge, n=600, steps=40):
    """From noise to noise in so many steps, where the judge is sure of both samples and they are of
    two classes: the images (steps + 1, ways, 8, 8, 1), their classes, and of which it is sure."""
    start, end = np.random.default_rng(0).standard_normal((2, n, net.latent)).astype(np.float32)
    images = np.stack([(sample(net, np.cos(t) * start + np.sin(t) * end) + 1) / 2
                       for t in np.linspace(0, np.pi / 2, steps + 1, dtype=np.float32)])
    answers = np.stack([judge.probabilities(x) for x in images])
    classes, sure = answers.argmax(axis=2), answers.max(axis=2) >= 0.9
    crossing = sure[0] & sure[-1] & (classes[0] != classes[-1])
    return images[:, crossing], classes[:, crossing], sure[:, crossing]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--layers", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=3_500)
    parser.add_argument("--out", type=Path, default=Path("runs/deeper"))
    args = parser.parse_args()

    images, judge = data.digits()[0], metrics.Judge.load("digits")
    real = images[np.random.default_rng(0).permutation(len(images))[:len(images) // 2]]
    rows = []
    print("layers  seed  judge sure  Fréchet  coverage  changes  of steps")
    for layers in args.layers:
        for seed in args.seeds:
            game = GAN(*pair(layers)(rng=np.random.default_rng(seed)))
            loader = data.Loader(2 * images - 1, batch_size=64, seed=seed)
            trainer = Trainer(game, loader, lr=2e-3, seed=seed)
            run = Run.of(args.out / f"{layers}-layers-seed-{seed}", trainer, args.steps)
            net = run.train().average.module
            samples = run.samples(len(images), seed=1)
            sure = (judge.probabilities(samples).max(axis=1) >= 0.9).mean()
            distance = metrics.frechet(judge.features(real), judge.features(samples[:len(real)]))
            covered = metrics.coverage(images.reshape(-1, 64), samples.reshape(-1, 64))
            passed, classes, certain = ways(net, judge)
            n, changes = passed.shape[1], (np.diff(classes, axis=0) != 0).sum()
            print(f"{layers:6}  {seed:4}  {sure:10.1%}  {distance:7.2f}  {covered:8.3f}  "
                  f"{changes / max(1, n):7.2f}  {(~certain).sum() / max(1, changes):8.1f}",
                  flush=True)
            if n and seed == args.seeds[0]:  # three ways, on white where the judge is unsure
                shown = np.where(certain[..., None, None, None], passed, 1 - passed)[::2, :3]
                rows.extend(shown.swapaxes(0, 1))
                save_grid(args.out / "ways.png", np.concatenate(rows), columns=len(shown))


if __name__ == "__main__":
    main()
