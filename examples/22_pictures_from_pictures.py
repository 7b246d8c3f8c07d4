"""A digit from a damaged digit, and a translation between two kinds of pictures without a pair.

    python examples/22_pictures_from_pictures.py [--tasks NAME ...] [--steps N] [--seed 0] [--out D]

You learn how a picture becomes the condition of a GAN (Isola et al. 2017): G makes the whole of the
damaged one, and D sees both. L1 alone is what the game has to beat, in nearness to the truth (PSNR,
SSIM), in what the judge reads, and in likeness to real digits (Fréchet distance). Then without
pairs: two G lead to other digits, inverted and sheared, and back (Zhu et al. 2017). A minute.
"""
from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import minigan as mg
from minigan import nn, ops, viz
from minigan.data import Loader
from minigan.gan import GAN, Trainer, models, penalties, sample
from minigan.metrics import Judge, frechet, ms_ssim
from minigan.metrics.judge import split

WIDTH, R1, DOWN = 128, [penalties.r1(1)], (1, 1, 1, 0, 0, -1, -1, -1)

DAMAGES = {
    "denoise": lambda x, rng: x + 0.5 * rng.standard_normal(x.shape, np.float32),
    "hole": lambda x, rng: x * (np.arange(8) < 4)[:, None, None],  # the lower half is gone
    "double": lambda x, rng: x.reshape(-1, 4, 2, 4, 2, 1).mean((2, 4)).repeat(2, 1).repeat(2, 2),
    "edges": lambda x, rng: (np.diff(x, 2, 1, 0, 0) + np.diff(x, 2, 2, 0, 0) > 0.8).astype("f"),
}


class Repair(GAN):
    """G makes a picture of the condition alone, without noise, and is pulled to the truth."""

    verdict = 1  # what D's counts beside the distance from the truth

    def latent(self, n, rng, conditions=()):
        return conditions

    def generate(self, latent):
        return self.generator(latent[0]), latent[0]

    def shown(self, sample, rng):
        return (ops.concatenate(sample, axis=-1),)  # D gets the condition as a second channel

    def g_loss(self, real, fake, rng):
        return ops.abs(fake[0] - real[0]).mean() + self.verdict * super().g_loss(real, fake, rng)


class CycleGAN(Repair):
    """Two games, A to B and back. Samples are (b, a), whose rows have nothing in common."""

    def __init__(self, there, back, cycle):
        super().__init__(nn.Sequential(there.generator, back.generator),
                         nn.Sequential(there.discriminator, back.discriminator))
        self.there, self.back, self.cycle = there, back, cycle

    def generate(self, latent):
        return self.there.generator(latent[0]), latent[0]

    def d_loss(self, real, fake, rng):
        there = self.there.d_loss(real[:1], fake[:1], rng)
        back = self.back.d_loss(real[1:], (self.back.generator(real[0]).detach(),), rng)
        return there._replace(loss=there.loss + back.loss)

    def g_loss(self, real, fake, rng):
        (b, a), in_b, in_a = real, fake[0], self.back.generator(real[0])
        loss = self.there.g_loss((b,), (in_b,), rng) + self.back.g_loss((a,), (in_a,), rng)
        lost_a, lost_b = self.back.generator(in_b) - a, self.there.generator(in_a) - b
        return loss + self.cycle * (ops.abs(lost_a) + ops.abs(lost_b)).mean()


def trained(game, batches, args):
    """The average of G after the game."""
    trainer = Trainer(game, batches, lr=1e-3, seed=args.seed)
    trainer.run(args.steps)
    return trainer.average.module


def dense(rng):
    """G that sees the whole picture."""
    return nn.Sequential(nn.Flatten(), models.digits(latent=64, width=WIDTH, rng=rng)[0])


def local(rng):
    """G that sees three lines at a time: of a line, which are its channels, and its neighbours."""
    return nn.Sequential(
        nn.Reshape(8, 1, 8), nn.Conv2d(8, 64, (3, 1), padding="same", rng=rng), nn.LeakyReLU(0.2),
        nn.Conv2d(64, 8, 1, rng=rng), nn.Sigmoid(), nn.Reshape(8, 8, 1))


def repair(name, x, truth, labels, judge, args):
    """Print a task's table; rows of pictures."""
    x, rng = x.repeat(20, axis=0), np.random.default_rng(0)  # each is damaged in 20 ways
    batches = Loader(x, DAMAGES[name](x, rng), batch_size=64, seed=args.seed)
    rows = [DAMAGES[name](truth, rng)]
    for verdict in (0, 0.1, 1):
        rng = np.random.default_rng(args.seed)
        D = models.digits(shape=(8, 8, 2), width=WIDTH, rng=rng)[1]
        game = Repair(dense(rng), D, penalties=R1 if verdict else [])
        game.verdict = verdict
        rows.append(sample(trained(game, batches, args), mg.tensor(rows[0])))
        psnr = -10 * np.log10(((rows[-1] - truth) ** 2).mean(axis=(1, 2, 3))).mean()
        unlike = frechet(judge.features(truth), judge.features(rows[-1]))
        ssim, read = ms_ssim(rows[-1], truth).mean(), (judge.labels(rows[-1]) == labels).mean()
        print(f"{name:9}  L1 + {verdict:3} D  PSNR {psnr:5.2f}  SSIM {ssim:.3f}  read {read:.1%}  "
              f"Fréchet distance {unlike:.1f}", flush=True)
    return [*rows, truth]


def mapped(x, way=1):
    """The true map, or with way = -1 its inverse: black for white, and each column pushed DOWN."""
    return 1 - np.stack([np.roll(x[:, :, i], way * DOWN[i], axis=1) for i in range(8)], axis=2)


def translate(name, x, given, labels, judge, args):
    """The same, of one half of the digits, and of the other half mapped."""
    half, rows, truth = len(x) // 2, [given], mapped(given)
    batches = Loader(mapped(x[-half:]), x[:half], batch_size=64, seed=args.seed)
    for make, cycle in [(dense, 0), (dense, 1), (local, 0), (local, 1)]:
        rng = np.random.default_rng(args.seed)
        games = [GAN(make(rng), models.digits(width=WIDTH, rng=rng)[1], penalties=R1) for _ in "ab"]
        there, back = trained(CycleGAN(*games, cycle), batches, args)
        rows.append(sample(there, mg.tensor(given)))
        again = np.abs(sample(back, mg.tensor(rows[-1])) - given).mean()
        error, read = np.abs(rows[-1] - truth).mean(), judge.labels(mapped(rows[-1], -1)) == labels
        print(f"{name:9}  {make.__name__:5} cycle × {cycle}  error {error:.3f}  there and back "
              f"{again:.3f}  read {read.mean():.1%}", flush=True)
    return [*rows, truth]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    tasks = {**dict.fromkeys(DAMAGES, repair), "translate": translate}
    parser.add_argument("--tasks", nargs="+", choices=tasks, default=list(tasks))
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("."))
    args, (train, _, test, labels) = parser.parse_args(), split("digits")  # as the judge was
    judge, path, rows = Judge.load("digits"), args.out / "22_pictures.png", []
    for name in args.tasks:
        rows += [row[:20] for row in tasks[name](name, train, test, labels, judge, args)]
    viz.save_grid(path, np.concatenate(rows), columns=20)
    print(f"{path}: of each task what is given, the rows of the table, and the truth")


if __name__ == "__main__":
    main()
