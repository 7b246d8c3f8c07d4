"""Nine epochs in one

Chapter: slips. 4 minutes.

In an epoch every example is seen once. This one is 128 steps for 1,797 examples in batches of 128,
where 14 would do. Mend `epoch`: each example once, in an order that is random and new in each
epoch. An incomplete batch at the end may be left out or given.
"""
# %% start
import numpy as np

import minigan as mg


def epoch(images, batch_size, step, rng):
    for _ in range(batch_size):
        step(images[rng.integers(len(images), size=batch_size)])


images, _ = mg.data.digits()
sizes = []
epoch(images, 128, lambda batch: sizes.append(len(batch)), np.random.default_rng(0))
print(len(sizes), "steps in an epoch,", sum(sizes), "examples of", len(images))
# %% solution
import numpy as np

import minigan as mg


def epoch(images, batch_size, step, rng):
    order = rng.permutation(len(images))               # every number once
    for i in range(0, len(images), batch_size):        # over the data, whatever the batch's size
        step(images[order[i:i + batch_size]])


images, _ = mg.data.digits()
sizes = []
epoch(images, 128, lambda batch: sizes.append(len(batch)), np.random.default_rng(0))
print(len(sizes), "steps in an epoch,", sum(sizes), "examples of", len(images))
# %% check
def seen(n, batch_size, rng):
    batches = []
    epoch(np.arange(n), batch_size, lambda batch: batches.append(np.array(batch)), rng)
    return batches


for n, size in [(60, 20), (100, 30), (7, 7)]:
    rng = np.random.default_rng(0)
    first, second = (seen(n, size, rng) for _ in range(2))
    steps = len(first)
    assert steps in (n // size, -(-n // size)), (
        f"an epoch of {n} examples in batches of {size} is {steps} steps: over what should the "
        "loop go, if not over the size of a batch?")
    for batch in first[:n // size]:
        assert len(batch) == size, f"a batch has {len(batch)} examples and not {size}"
    numbers = np.concatenate(first)
    assert len(set(numbers)) == len(numbers), (
        f"of {n} examples some are seen twice in one epoch and others not at all: numbers that are "
        "drawn independently repeat themselves, a permutation does not")
    assert len(numbers) >= n // size * size, "some batches are missing"
    assert (numbers != np.sort(numbers)).any(), "the examples come in the order of the file"
    assert len(second) != steps or (numbers != np.concatenate(second)).any(), (
        "the second epoch has the order of the first: draw it from rng, which goes on")
    both = set(numbers) | set(np.concatenate(second))
    assert n % size == 0 or len(both) > n // size * size, (
        f"in both epochs the same {n - len(both)} examples were left out, so they are never seen: "
        "permute all of them, and leave out the end of the new order")
