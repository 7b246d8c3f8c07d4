"""A classifier that learns from a hundred labels, and from a thousand pictures without one.

    python examples/15_few_labels.py [--labels 100] [--steps 2000] [--seed 0]

You learn how a discriminator is made to name classes (Salimans et al. 2016): it is a classifier of
eleven answers, the ten digits and "generated". What has a label teaches it which digit; what has
none, that it is one of the ten; what G made, that it is the eleventh. The same network, trained on
the labelled pictures alone, is what it has to beat, on 360 digits that neither has seen. Half
a minute or a little more.
"""
from __future__ import annotations

import argparse

import numpy as np

import minigan as mg
from minigan import nn
from minigan.data import DataError, Loader, digits, few_labels
from minigan.gan import Classifier, SemiSupervisedGAN, Trainer, models, sample

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--labels", type=int, default=100)
parser.add_argument("--steps", type=int, default=2000)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()

images, labels = digits()
order = np.random.default_rng(0).permutation(len(images))
held_out, train = order[:360], order[360:]
try:
    known = few_labels(labels[train], args.labels, np.random.default_rng(args.seed))
except DataError as error:
    parser.error(str(error))
labelled = train[known.any(axis=1)]


def network() -> nn.Sequential:
    """Ten logits of an image, from the same weights each time."""
    rng = np.random.default_rng(args.seed)
    return nn.Sequential(
        nn.Flatten(),
        nn.Dense(64, 256, rng=rng), nn.LeakyReLU(0.2),
        nn.Dense(256, 256, rng=rng), nn.LeakyReLU(0.2),
        nn.Dense(256, 10, rng=rng))


def report(name: str, classifier: nn.Module) -> None:
    """How many of the digits that nobody has seen it reads."""
    said = sample(classifier, mg.tensor(images[held_out])).argmax(axis=1)
    print(f"{name}: {(said == labels[held_out]).mean():.1%}", flush=True)


alone = network()
optimizer = mg.optim.Adam(alone.parameters(), lr=1e-3, betas=(0.9, 0.999))
batches = Loader(images[labelled], labels[labelled], batch_size=min(64, args.labels),
                 seed=args.seed).forever()
for _ in range(args.steps // 2):
    x, t = next(batches)
    optimizer.zero_grad()
    mg.losses.cross_entropy(alone(x), t).backward()
    optimizer.step()
report(f"{args.labels} labels alone", alone)

with_game = network()
generator, _ = models.digits(rng=np.random.default_rng(args.seed))
game = SemiSupervisedGAN(generator, Classifier(with_game))
Trainer(game, Loader(images[train], known, batch_size=64, seed=args.seed), lr=5e-4,
        seed=args.seed).run(args.steps)
report(f"and {len(train) - args.labels} pictures without one", with_game)
