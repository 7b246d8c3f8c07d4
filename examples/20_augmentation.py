"""A classifier of few digits: does it learn more from generated ones, or from shifted ones?

    python examples/20_augmentation.py [--labels 5 10 20 50] [--draws 3] [--data mnist] [--out D]

You learn what a GAN can add to a small set of labelled images, and what it cannot. Half of each
batch of a classifier are the labelled digits, the other half is made of them: the same, shifted or
turned ones, mixtures of two (mixup), or samples of a conditional GAN trained on them, without and
with DiffAugment. The semi-supervised game beside them also sees all other digits, without labels. A
draw is a choice of labelled digits, the same for all. Two minutes; a draw of MNIST half a minute.
"""
from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import minigan as mg
from minigan import nn, viz
from minigan.data import DataError, Loader, few_labels
from minigan.gan import (GAN, Classifier, ConditionalGenerator, SemiSupervisedGAN, Trainer, augment,
                         models, penalties, projection, sample)
from minigan.metrics.judge import split

WIDTH, LATENT, MADE = 128, 16, 2000  # of the networks; numbers of noise; images of an augmentation


def network(x, rng):
    """Ten logits of an image like those of x."""
    layers = models.dense_stack([x[0].size, WIDTH, WIDTH], 0.2, rng)
    return nn.Sequential(nn.Flatten(), *layers, nn.Dense(WIDTH, 10, rng=rng))


def taught(x, y, made, steps, seed):
    """A classifier that has learnt from the labelled digits and as many made of them."""
    classifier = network(x, rng := np.random.default_rng(seed))
    adam = mg.optim.Adam(classifier.parameters(), lr=1e-3, betas=(0.9, 0.999))
    @mg.capture
    def step(x, y):
        adam.zero_grad()
        (-(mg.ops.log_softmax(classifier(x)) * y).sum() / len(y)).backward()
        adam.step()
    for _ in range(steps):
        i, j = rng.integers(len(x), size=32), rng.integers(len(made[0]), size=32)
        step(*[mg.tensor(np.concatenate([a[i], b[j]])) for a, b in zip((x, y), made)])
    return classifier


def shifted(x, rng):
    """Moved by up to an eighth, in whole pixels."""
    most = x.shape[1] // 8
    return mg.ops.translate(mg.tensor(x), *rng.integers(-most, most + 1, (2, len(x)))).numpy()


def turned(x, rng):
    """Turned by up to 15 degrees, moved by 0.7 eighths; between pixels in straight lines."""
    size, most = x.shape[1], 0.7 * x.shape[1] / 8
    angle, down, right = [rng.uniform(-a, a, (len(x), 1, 1)) for a in (np.pi / 12, most, most)]
    (r, c), x = np.mgrid[:size, :size] - (size - 1) / 2, np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    u = (np.cos(angle) * r - np.sin(angle) * c + down + (size + 1) / 2).clip(0, size + 0.999)
    v = (np.sin(angle) * r + np.cos(angle) * c + right + (size + 1) / 2).clip(0, size + 0.999)
    n, i, j = np.arange(len(x))[:, None, None], u.astype(int), v.astype(int)
    p, q = (u - i)[..., None], (v - j)[..., None]
    upper, lower = ((1 - q) * x[n, k, j] + q * x[n, k, j + 1] for k in (i, i + 1))
    return ((1 - p) * upper + p * lower).astype(np.float32)


def mixed(x, y, rng):
    """Mixup (Zhang et al. 2018): a share of one image and label, and the rest of another."""
    i, j = rng.integers(len(x), size=(2, MADE))
    share = rng.beta(0.4, 0.4, MADE).astype(np.float32)
    return tuple(share.reshape(-1, *(1,) * (a.ndim - 1)) * (a[i] - a[j]) + a[j] for a in (x, y))


def generated(x, y, steps, seed, **options):
    """Samples of a conditional GAN that has seen the labelled digits only."""
    rng = np.random.default_rng(seed)
    generator, _ = models.digits(shape=x.shape[1:], latent=LATENT + 10, width=WIDTH, rng=rng)
    _, discriminator = models.digits(shape=x.shape[1:], width=WIDTH, rng=rng)
    game = GAN(ConditionalGenerator(generator, 10), projection(discriminator, 10, rng),
               penalties=[penalties.r1(1)], **options)
    trainer = Trainer(game, Loader(x, y, batch_size=32, seed=seed), lr=1e-3, seed=seed)
    trainer.run(steps)
    wanted = y[rng.integers(len(y), size=MADE)]
    return sample(trainer.average.module, game.latent(MADE, rng, (mg.tensor(wanted),))), wanted


def with_unlabelled(x, known, steps, seed):
    """The classifier of the semi-supervised game; a row of zeros in `known` is no label."""
    often, rng = np.where(known.any(axis=1), len(x) // 1000 or 1, 1), np.random.default_rng(seed)
    x, known = x.repeat(often, axis=0), known.repeat(often, axis=0)  # else MNIST hides its labels
    classifier = network(x, rng)
    generator, _ = models.digits(shape=x.shape[1:], latent=LATENT, width=WIDTH, rng=rng)
    game = SemiSupervisedGAN(generator, Classifier(classifier))
    trainer = Trainer(game, Loader(x, known, batch_size=64, seed=seed), lr=1e-3, seed=seed)
    trainer.run((2 if len(x) < 10_000 else 8) * steps)
    return classifier


def draw(data, n, seed, steps):
    """Print and return the accuracy of each method on unseen digits, with n of each class."""
    (images, labels, test, truth), rng = data, np.random.default_rng(seed)
    known = few_labels(labels, 10 * n, rng)
    x, y = images[known.any(axis=1)], known[known.any(axis=1)]
    i = rng.integers(len(x), size=MADE)
    sets = {"nothing": (x, y), "shifts": (shifted(x[i], rng), y[i]),
            "turned": (turned(x[i], rng), y[i]), "mixup": mixed(x, y, rng),
            "GAN": generated(x, y, steps, seed),
            "DiffAugment": generated(x, y, steps, seed, augment=augment.DiffAugment())}
    networks = {name: taught(x, y, made, steps // 2, seed) for name, made in sets.items()}
    networks["unlabelled"] = with_unlabelled(images, known, steps, seed)
    read = {k: (sample(f, mg.tensor(test)).argmax(1) == truth).mean() for k, f in networks.items()}
    print(f"{n:2} a class:", *[f"{k} {v:.1%}" for k, v in read.items()], flush=True)
    return read


def table(n, rows):
    """Print and return each method's mean accuracy; its gain over nothing and its 95 % interval."""
    means, degrees = {k: np.mean([row[k] for row in rows]) for k in rows[0]}, max(1, len(rows) - 1)
    t = np.quantile(np.abs(np.random.default_rng(0).standard_t(degrees, 100_000)), 0.95)
    for name in rows[0]:
        gains = 100 * np.array([row[name] - row["nothing"] for row in rows])
        width = t * gains.std() / np.sqrt(degrees) if len(rows) > 1 else np.inf
        print(f"{n:2} a class  {name:16}  {means[name]:.1%}  {gains.mean():+5.1f} ± {width:.1f}")
    return means


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--labels", type=int, nargs="+", default=[5, 10, 20, 50])
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--data", choices=["digits", "mnist"], default="digits")
    parser.add_argument("--data-dir", help="where MNIST's files are")
    parser.add_argument("--out", type=Path, default=Path("."))
    args, means = parser.parse_args(), []
    try:
        data = split(args.data, args.data_dir)
    except DataError as error:
        parser.error(str(error))
    for n in args.labels:
        means.append(table(n, [draw(data, n, seed, args.steps) for seed in range(args.draws)]))
    path, lines = args.out / "20_augmentation.svg", {k: [m[k] for m in means] for k in means[0]}
    viz.save_curves(path, args.labels, lines, "share of unseen digits that are read")
    print(f"picture in {path}: over the labelled digits of each class")


if __name__ == "__main__":
    main()
