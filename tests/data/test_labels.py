from __future__ import annotations

import numpy as np
import pytest

from minigan.data import DataError, few_labels

RNG = np.random.default_rng
LABELS = np.repeat([0, 2, 1], [50, 6, 30])


def test_few_labels_are_of_as_many_examples_of_each_class_as_goes():
    units = few_labels(LABELS, 11, RNG(0))
    assert units.dtype == np.float32 and units.sum(axis=0).tolist() == [4, 4, 3]
    shown = units.any(axis=1)
    assert shown.sum() == 11 and (units[shown].argmax(axis=1) == LABELS[shown]).all()
    assert (few_labels(LABELS, 11, RNG(0)) == units).all()
    assert (few_labels(LABELS, 11, RNG(1)) != units).any()
    assert few_labels(LABELS, 20, RNG(0))[LABELS == 2].any(axis=1).all()


@pytest.mark.parametrize("labels, n, says", [
    (LABELS, 2, "2 labels are not enough for one of each of 3 classes"),
    (LABELS, 21, "21 labels spread evenly over 3 classes are 7 of class 2, which has 6 examples"),
    (LABELS + 1, 12, "are 3 of class 0, which has 0 examples"),
    (LABELS - 1, 12, "whole numbers from 0 on"),
    (LABELS / 1.0, 12, "not float64 of shape"),
    (np.eye(3, dtype=int)[LABELS], 12, r"not int64 of shape \(86, 3\)"),
    (LABELS[:0], 12, "one for each example")])
def test_labels_that_cannot_be_spread_over_the_classes_are_refused(labels, n, says):
    with pytest.raises(DataError, match=says):
        few_labels(labels, n, RNG(0))
