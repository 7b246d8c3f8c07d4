"""Kinds of settings, and the fields of a file."""
from __future__ import annotations

import json
import math

import pytest

from minigan.errors import UserError, no_such
from minigan.settings import (NATURAL, NUMBER, POSITIVE_NUMBER, SEED, TWO_OR_MORE, check_fields,
                              one_of, optional, parsed, whole)

KINDS = {"n": NATURAL, "x": optional(NUMBER)}


@pytest.mark.parametrize("kind, fit, others", [
    (NATURAL, [0, 1, 2 ** 53], [-1, 2 ** 53 + 1, 10 ** 400, True, 1.0, "1", None, [1]]),
    (SEED, [0, 2 ** 128, 10 ** 400], [-1, -10 ** 400, True, 1.0, "1", None]),
    (TWO_OR_MORE, [2], [1]), (whole(2, 9), [2, 9], [1, 10]),
    (NUMBER, [0, -1.5, 1e308], [math.nan, math.inf, -math.inf, 10 ** 400, True, "1", None]),
    (POSITIVE_NUMBER, [1, 1e-300], [0, -1, math.inf, math.nan, 10 ** 400]),
    (optional(NUMBER), [None, 1], ["x"]), (one_of(["a"], "name"), ["a"], ["b", ["a"], None])])
def test_a_kind_takes_what_it_says_and_nothing_else(kind, fit, others):
    for value in fit:
        kind.check("it", value)
    for value in others:
        with pytest.raises(UserError):
            kind.check("it", value)


@pytest.mark.parametrize("text, says", [
    ("{", "Expecting"), ("[1]", r"what it holds is a table of fields by name, not \[1\]"),
    ("{}", "n is a whole number of at least 0, not None"),
    ('{"n": 1, "x": "1"}', "x is a number or none, not '1'"),
    ('{"n": 1, "x": NaN}', "x is a number or none, not nan"),
    ('{"n": 1, "m": 1}', "there is no field 'm'; there are n, x"),
    ("[" * 100_000, "nested too deeply")])
def test_fields_that_are_missing_wrong_or_unknown_are_named(text, says):
    with pytest.raises(ValueError, match=says):
        parsed(text, KINDS, more=False)


def test_fields_that_fit_are_given_back():
    assert parsed('{"n": 3, "m": 1}', KINDS) == {"n": 3, "m": 1}
    assert check_fields({"n": 3, "x": None}, KINDS, more=False)["n"] == 3


@pytest.mark.parametrize("value", ["a" * 10_000, 10 ** 4000, json.loads("[" * 200 + "]" * 200)])
def test_a_value_of_any_length_makes_a_sentence(value):
    with pytest.raises(UserError) as told:
        NUMBER.check("x", {"a": value})
    assert len(str(told.value)) < 200 and len(no_such("name", value, ["a", "b"])) < 200
