"""Two rare digits: what makes a classifier see them, and does a GAN forget them?

    python examples/21_unbalanced.py [--percent 1 3 10] [--draws 3] [--steps 800] [--out DIR]

You learn what is done about classes of which there are few images. Threes and eights are cut to a
few percent (two images at least). A classifier of ten digits learns from what is left, with larger
weights for the rare, or with rare ones repeated (oversampling), shifted, interpolated (SMOTE) or
made by a conditional GAN; counted is how many of the others it finds. Then the judge counts those
that a GAN without classes draws, with two remedies. Three minutes; with --draws 10 about ten.
"""
from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import minigan as mg
from minigan import nn, viz
from minigan.data import Loader
from minigan.gan import GAN, ConditionalGenerator, Trainer, models, penalties, projection, sample
from minigan.gan.game import Judgement
from minigan.metrics import Judge
from minigan.metrics.judge import split

RARE, WIDTH, LATENT, UNITS = [3, 8], 128, 16, np.eye(10, dtype=np.float32)


def taught(x, labels, weights, steps, seed):
    """A classifier; an example counts as much as the weight of its class."""
    rng = np.random.default_rng(seed)
    network = nn.Sequential(nn.Flatten(), *models.dense_stack([64, WIDTH, WIDTH], 0.2, rng),
                            nn.Dense(WIDTH, 10, rng=rng))
    adam = mg.optim.Adam(network.parameters(), lr=1e-3, betas=(0.9, 0.999))
    batches = Loader(x, UNITS[labels] * weights[labels, None], batch_size=64, seed=seed).forever()

    @mg.capture
    def step(x, y):
        adam.zero_grad()
        (-(mg.ops.log_softmax(network(x)) * y).sum() / len(y)).backward()
        adam.step()

    for _ in range(steps):
        step(*map(mg.tensor, next(batches)))
    return network


def smote(x, n, rng, k=5):
    """n points between an image and one of its k nearest of the class (Chawla et al. 2002)."""
    nearest = ((x[:, None] - x[None]) ** 2).sum(axis=(2, 3, 4)).argsort(axis=1)[:, 1:k + 1]
    i = rng.integers(len(x), size=n)
    j = nearest[i, rng.integers(nearest.shape[1], size=n)]
    return x[i] + rng.random((n, 1, 1, 1), np.float32) * (x[j] - x[i])


class Weighted(GAN):
    """D's loss of a real example counts as much as the weight that comes with it."""

    def latent(self, n, rng, conditions=()):
        return super().latent(n, rng)

    def d_loss(self, real, fake, rng):
        on_real, on_fake = self.discriminator(real[0]), self.discriminator(fake[0])
        loss = (self.objective.on_real(on_real) * real[1] + self.objective.on_fake(on_fake)).mean()
        return Judgement(self.penalised(loss, real[:1], fake[:1], rng), on_real, on_fake)


def generator(kind, steps, seed, *arrays):
    """make(n, class), of a game that has learnt from the arrays; without a class: what G likes."""
    rng = np.random.default_rng(seed)
    (G, _), (_, D) = [models.digits(latent=LATENT + extra, width=WIDTH, rng=rng)
                      for extra in (10 * (kind == "conditional"), 0)]
    if kind == "conditional":
        G, D = ConditionalGenerator(G, 10), projection(D, 10, rng)
    game = (Weighted if kind == "weighted" else GAN)(G, D, penalties=[penalties.r1(1)])
    trainer = Trainer(game, Loader(*arrays, batch_size=64, seed=seed), lr=1e-3, seed=seed)
    trainer.run(steps)

    def make(n, k=None):
        asked = () if k is None else (mg.tensor(UNITS[[k] * n]),)
        return sample(trainer.average.module, game.latent(n, rng, asked))
    return make


def draw(percent, seed, steps, judge):
    """Of one choice of the rare digits: recall (of the rare, of all), shares drawn; pictures."""
    (x, labels, test, truth), rng = split("digits"), np.random.default_rng(seed)
    kept = np.ones(len(labels), bool)
    for k in RARE:
        own = rng.permutation(np.flatnonzero(labels == k))
        kept[own[max(2, round(len(own) * percent / 100)):]] = False
    test, truth = np.concatenate([test, x[~kept]]), np.concatenate([truth, labels[~kept]])
    x, labels, ones = x[kept], labels[kept], np.ones(10, np.float32)
    counts, rare = np.bincount(labels), {k: x[labels == k] for k in RARE}
    weights = (len(labels) / 10 / counts).astype(np.float32)

    def filled(make):
        """The set with as many rare images, by make(n, class), as there are of the largest."""
        missing = counts.max() - counts[RARE]
        return (np.concatenate([x, *[make(n, k) for n, k in zip(missing, RARE)]]),
                np.concatenate([labels, np.repeat(RARE, missing)]), ones)

    def repeated(n, k):
        return rare[k][rng.integers(len(rare[k]), size=n)]

    even = filled(repeated)
    told = generator("conditional", steps, seed, x, UNITS[labels])
    evenly = generator("conditional", steps, seed, even[0], UNITS[even[1]])
    sets = {"nothing": (x, labels, ones), "class weights": (x, labels, weights),
            "oversampling": even, "shifts": filled(lambda n, k: mg.ops.translate(
                mg.tensor(repeated(n, k)), *rng.integers(-1, 2, (2, n))).numpy()),
            "SMOTE": filled(lambda n, k: smote(rare[k], n, rng)),
            "GAN": filled(told), "GAN, even batches": filled(evenly)}
    rows = {}
    for name, data in sets.items():
        said = sample(taught(*data, steps // 2, seed), mg.tensor(test)).argmax(axis=1)
        recall = np.array([(said == k)[truth == k].mean() for k in range(10)])
        rows[name] = recall[RARE].mean(), recall.mean()
    seen = {"a plain GAN": [x], "one without them": [x[~np.isin(labels, RARE)]],
            "even batches": even[:1], "weights": [x, weights[labels, None]]}
    rows["rare of the data"] = [np.isin(labels, RARE).mean()]
    for name, arrays in seen.items():
        make = generator("weighted" if len(arrays) > 1 else "plain", steps, seed, *arrays)
        rows[f"rare of {name}"] = [np.isin(judge.labels(make(2000)), RARE).mean()]
    return rows, [make(10, k) for make in (told, evenly) for k in RARE]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--percent", type=float, nargs="+", default=[1, 3, 10])
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--out", type=Path, default=Path("."))
    args, pictures, judge = parser.parse_args(), [], Judge.load("digits")
    for percent in args.percent:
        draws = []
        for seed in range(args.draws):
            draws.append(draw(percent, seed, args.steps, judge))
            print(*[f"{name} {100 * row[0]:.1f}" for name, row in draws[-1][0].items()], flush=True)
        pictures += draws[0][1]
        for name in draws[0][0]:
            shares = 100 * np.array([rows[name] for rows, _ in draws])
            print(f"{percent:3g} %  {name:20}", *[f"{mean:5.1f}" for mean in shares.mean(axis=0)],
                  f"  the first from {shares[:, 0].min():.1f} to {shares[:, 0].max():.1f}")
    viz.save_grid(args.out / "21_unbalanced.png", np.concatenate(pictures), columns=20)
    print(f"{args.out / '21_unbalanced.png'}: the GAN's threes and eights, then with even batches")


if __name__ == "__main__":
    main()
