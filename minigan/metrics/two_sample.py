"""Can a classifier tell samples from real data? Chance is the best that can be hoped for."""
from __future__ import annotations

from math import erfc, sqrt

import numpy as np

from ..backend import array_module
from ..checked import checked
from ..errors import UserError
from ..settings import Seed
from .classes import Train
from .crossing import crossing
from .points import Array, alike, host, like, to_neighbour


@checked
def one_nearest_neighbour_accuracy(real: np.ndarray,
                                   fake: np.ndarray) -> tuple[float, float, float]:
    """How often a point's nearest other point, of real and fake ones together, is of its own kind,
    a tie being half: (both, real, fake), over all points, the real and the fake ones.

    0.5 is chance, 1 is two sets apart, 0 is copies, each of which has its twin on the other side.
    Report both sides: the mean of a collapsed generator can be 0.5 by accident, with real points
    that are near to none of the samples (real near 1) and samples that are copies (fake near 0), or
    the other way round: what is blurred or faded has samples among themselves and real points
    whose nearest is a sample.

    Both are (N, ...), of NumPy or CuPy. Raises ValueError for fewer than two points, values that
    are not finite and sets of different number, of which chance is not 0.5.

    Source: Lopez-Paz and Oquab 2017, Revisiting Classifier Two-Sample Tests, arXiv 1610.06545;
    Xu et al. 2018, arXiv 1806.07755, who recommend it.
    """
    real, fake = _as_many(real, fake)
    found = crossing(real, fake)
    of_real = float(nearer_own(to_neighbour(real, 1, "real"), found.to_fake).mean())
    of_fake = float(nearer_own(to_neighbour(fake, 1, "fake"), found.to_real).mean())
    return (of_real + of_fake) / 2, of_real, of_fake


@checked
def classifier_two_sample(train: Train, real: np.ndarray, fake: np.ndarray,
                          seed: Seed = 0) -> tuple[float, float, float, float]:
    """The same of a classifier that is fitted to one half of the points, drawn by the seed, and
    asked about the other: (both, real, fake, p).

    train(points (N, D), labels (N,)) fits it and returns a function from points (M, D) to labels
    (M,); 1 is real, 0 is fake. p is the probability of an accuracy as high by chance, where the
    accuracy of n held-out points is about N(1/2, 1/(4n)). A small p proves a difference. A large
    one proves nothing: a better classifier might see more, and a memorised training set is real.

    Both are (N, ...), of NumPy or CuPy. Raises ValueError as one_nearest_neighbour_accuracy does.

    Source: Lopez-Paz and Oquab 2017, section 3.
    """
    sets = _as_many(real, fake)
    xp, half, rng = array_module(sets[0]), len(sets[0]) // 2, np.random.default_rng(seed)
    orders = [rng.permutation(len(x)) for x in sets]
    known = xp.concatenate([x[like(order[:half], x)] for x, order in zip(sets, orders)])
    classify = train(known, like(np.repeat([1, 0], half), known))
    accuracies = []
    for x, order, label in zip(sets, orders, (1, 0)):
        predicted = host(classify(x[like(order[half:], x)]))
        if predicted.shape != (len(x) - half,):
            raise UserError(f"the classifier made labels of shape {predicted.shape} for "
                            f"{len(x) - half} points: it should return one for each")
        accuracies.append(float((predicted == label).mean()))
    both = sum(accuracies) / 2
    n = 2 * (len(sets[0]) - half)
    return both, *accuracies, erfc((2 * both - 1) * sqrt(n) / sqrt(2)) / 2


def _as_many(real: Array, fake: Array) -> list[Array]:
    sets = alike(2, real=real, fake=fake)
    if len(sets[0]) != len(sets[1]):
        raise UserError(f"{len(sets[0])} real and {len(sets[1])} fake points: chance is 0.5 for "
                        "equally many only; cut the larger set")
    return sets


def nearer_own(own: Array, other: Array) -> Array:
    """1 for a point whose nearest other is of its own kind, 1/2 for a tie, else 0."""
    return (own < other) + 0.5 * (own == other)
