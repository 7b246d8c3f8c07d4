"""Labels of which only a few are known."""
from __future__ import annotations

import numpy as np

from .idx import DataError


def few_labels(labels: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Classes as unit vectors, float32 (N, K), of n examples drawn at random, as many of each class
    as goes; rows of zeros for the others. Raises DataError for fewer than one of each class, or
    more than there are."""
    classes = int(labels.max()) + 1
    order = rng.permutation(len(labels))
    of_class = [order[labels[order] == k] for k in range(classes)]
    wanted = [n // classes + (k < n % classes) for k in range(classes)]
    if min(wanted) < 1 or any(len(found) < w for found, w in zip(of_class, wanted)):
        raise DataError(f"{n} labels cannot be spread evenly over {classes} classes, of which the "
                        f"smallest has {min(map(len, of_class))} examples")
    units = np.zeros((len(labels), classes), np.float32)
    for k, (found, w) in enumerate(zip(of_class, wanted)):
        units[found[:w], k] = 1
    return units
