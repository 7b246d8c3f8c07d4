"""Who shuffled the labels

Chapter: conditions. 5 minutes.

A conditional G ignores what it is asked for, though nothing has crashed. The slip is in the data,
which `batches` puts into random order. Run the file, which prints a figure of the data as they came
and another of those in batches; then mend `batches`.
"""
# %% start
import numpy as np

import minigan as mg


def batches(images, labels, size, rng):
    """The examples in random order, as pairs of (size, 8, 8, 1) images and their labels."""
    images = rng.permutation(images)
    labels = rng.permutation(labels)
    for i in range(0, len(images) - size + 1, size):
        yield images[i:i + size], labels[i:i + size]


def by_class(images, labels):
    """How much of the images' variance is between the classes: 0 where labels say nothing."""
    means = np.stack([images[labels == k].mean(axis=0) for k in range(10)])[labels]
    return float(means.var(axis=0).sum() / images.var(axis=0).sum())


images, labels = mg.data.digits()
shuffled = list(batches(images, labels, 64, np.random.default_rng(0)))
print("as they came", by_class(images, labels))
print("in batches  ", by_class(*map(np.concatenate, zip(*shuffled))))
# %% solution
import numpy as np

import minigan as mg


def batches(images, labels, size, rng):
    """The examples in random order, as pairs of (size, 8, 8, 1) images and their labels."""
    order = rng.permutation(len(images))              # drawn once, for both
    images, labels = images[order], labels[order]
    for i in range(0, len(images) - size + 1, size):
        yield images[i:i + size], labels[i:i + size]


def by_class(images, labels):
    """How much of the images' variance is between the classes: 0 where labels say nothing."""
    means = np.stack([images[labels == k].mean(axis=0) for k in range(10)])[labels]
    return float(means.var(axis=0).sum() / images.var(axis=0).sum())


images, labels = mg.data.digits()
shuffled = list(batches(images, labels, 64, np.random.default_rng(0)))
print("as they came", by_class(images, labels))
print("in batches  ", by_class(*map(np.concatenate, zip(*shuffled))))
# %% check
numbers = np.arange(100)
data = np.broadcast_to(numbers[:, None, None, None], (100, 8, 8, 1)).astype(float)
rng = np.random.default_rng(1)
made = list(batches(data.copy(), numbers.copy(), 20, rng))
assert len(made) == 5, f"100 examples are 5 batches of 20, but batches makes {len(made)}"
seen = np.concatenate([x for x, _ in made])[:, 0, 0, 0]
told = np.concatenate([y for _, y in made])
together = int((seen == told).sum())
assert together == 100, (
    f"{together} of 100 images still have their label: two permutations were drawn, one for "
    "the images and another for the labels")
assert sorted(told) == numbers.tolist(), "some examples are missing, others are there twice"
assert (told != numbers).any(), "the labels fit, but the examples come in their old order"
again = np.concatenate([y for _, y in batches(data.copy(), numbers.copy(), 20, rng)])
assert (told != again).any(), (
    "a second pass has the order of the first: draw it from rng, which goes on, and not from a "
    "generator of a fixed seed")
