"""Labels of which only a few are known."""
from __future__ import annotations

import numpy as np

from ..checked import checked
from ..settings import Positive
from .idx import DataError


@checked
def few_labels(labels: np.ndarray, n: Positive, rng: np.random.Generator,
               classes: Positive | None = None) -> np.ndarray:
    """Classes as unit vectors, float32 (N, K), of n examples drawn at random, spread evenly over
    the classes, what is left over going to the first ones; rows of zeros for the other examples.

    labels   the class of each example, from 0 on, an integer array (N,)
    classes  how many there are, K; None: as many as are named

    Raises DataError for other labels, for fewer than one of each class, or more than there are.
    """
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or not len(labels) or labels.min() < 0:
        raise DataError("labels are whole numbers from 0 on, one for each example, not "
                        f"{labels.dtype} of shape {labels.shape}")
    index = labels.astype(np.intp)  # 32 bits wide in a browser
    counts = np.bincount(index, minlength=classes or 0)
    classes = len(counts)
    if n < classes:
        raise DataError(f"{n} labels are not enough for one of each of {classes} classes")
    wanted = n // classes + (np.arange(classes) < n % classes)
    if (counts < wanted).any():
        k = int((counts - wanted).argmin())
        raise DataError(f"{n} labels spread evenly over {classes} classes are {wanted[k]} of class "
                        f"{k}, which has {counts[k]} examples")
    order = rng.permutation(len(labels))
    units = np.zeros((len(labels), classes), np.float32)
    for k, w in enumerate(wanted):
        units[order[labels[order] == k][:w], k] = 1
    return units
