from __future__ import annotations

import numpy as np
import pytest

from minigan.data import DataError, few_labels

RNG = np.random.default_rng


def test_few_labels_are_of_as_many_examples_of_each_class_as_goes():
    labels = np.repeat([0, 2, 1], [50, 6, 30])
    units = few_labels(labels, 11, RNG(0))
    assert units.dtype == np.float32 and sorted(units.sum(axis=0)) == [3, 4, 4]
    shown = units.any(axis=1)
    assert shown.sum() == 11 and (units[shown].argmax(axis=1) == labels[shown]).all()
    assert (few_labels(labels, 11, RNG(0)) == units).all()
    assert (few_labels(labels, 11, RNG(1)) != units).any()
    assert few_labels(labels, 18, RNG(0))[labels == 2].any(axis=1).all()


@pytest.mark.parametrize("n", [2, 21])
def test_labels_that_cannot_be_spread_over_the_classes_are_refused(n):
    with pytest.raises(DataError, match=f"{n} labels cannot be spread evenly over 3 classes"):
        few_labels(np.repeat([0, 2, 1], [50, 6, 30]), n, RNG(0))
