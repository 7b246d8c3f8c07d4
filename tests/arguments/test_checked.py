"""What `checked` allows for each kind of annotation, and what it says of the rest."""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
import pytest

from minigan import data
from minigan.checked import checked
from minigan.errors import UserError
from minigan.settings import Positive


@checked
def f(a: float = 0, b: int = 0, *rest: int, pair: tuple[float, float] = (0, 0),
      several: tuple[int, ...] = (), word: Literal["x", "y"] = "x", n: Positive | None = None,
      names: Iterable[str] = (), row: Sequence[float] = (), only: bool = False):
    return a, b, rest


@pytest.mark.parametrize("arguments, options", [
    ((1, 2, 3, 4), {}), ((np.float32(1), np.int64(2)), {}), ((np.array(1.5), np.array(2)), {}),
    ((float("inf"),), {"pair": [1, 2.5], "several": (1, 2, 3), "word": "y", "n": 3}),
    ((), {"names": ["a"], "row": np.ones(2), "only": np.True_, "n": None, "several": []})])
def test_what_an_annotation_allows(arguments, options):
    f(*arguments, **options)


@pytest.mark.parametrize("arguments, options, error, says", [
    (("1",), {}, TypeError, "f: a is a number, not '1'"),
    ((True,), {}, TypeError, "a is a number, not True"),
    ((float("nan"),), {}, UserError, "a is a number, not nan"),
    ((0, 1.5), {}, TypeError, "b is a whole number, not 1.5"),
    ((0, True), {}, TypeError, "b is a whole number, not True"),
    ((0, 1, 2, "3"), {}, TypeError, r"rest is a whole number, not \(2, '3'\)"),
    ((), {"pair": (1, 2, 3)}, TypeError, r"pair is a tuple \(a number, a number\), not"),
    ((), {"several": (1, 2.5)}, TypeError, "several is a tuple of a whole number"),
    ((), {"word": "z"}, UserError, "word is one of x, y, not 'z'"),
    ((), {"word": None}, TypeError, "word is one of x, y, not None"),
    ((), {"n": 0}, UserError, "n is a whole number of at least 1 or None, not 0"),
    ((), {"n": "1"}, TypeError, "n is a whole number of at least 1"),
    ((), {"names": "abc"}, TypeError, "names is an iterable, not 'abc'"),
    ((), {"row": "abc"}, TypeError, "row is a list, not 'abc'"),
    ((), {"only": 2}, TypeError, "only is True or False, not 2"),
    ((), {"nmaes": ()}, TypeError, r"f has no argument 'nmaes': did you mean names\?")])
def test_what_an_annotation_does_not_allow(arguments, options, error, says):
    with pytest.raises((TypeError, ValueError), match=says) as caught:
        f(*arguments, **options)
    assert type(caught.value) is error


def test_an_error_from_inside_stays_the_cause_and_self_is_no_argument():
    with pytest.raises(TypeError, match=r"^few_labels\(\[0, 1\], 1, ") as caught:
        data.few_labels([0, 1], 1, np.random.default_rng(0))
    assert isinstance(caught.value.__cause__, AttributeError)
    with pytest.raises(TypeError, match=r"^Scaled\(\[1, 2\]\): .* makes a tensor of a list$"):
        data.Scaled([1, 2])
