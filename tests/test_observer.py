"""Who is told: all that look on, the outer first, but for the one that another stands in for."""
from __future__ import annotations

import pytest

import minigan as mg
from minigan.observer import Observer, observed_by, observing


class Listener(Observer):
    def __init__(self):
        self.heard = []

    def computed(self, function, inputs, output):
        self.heard.append(type(function).__name__)


class Quiet(Observer):
    pass


def compute():
    mg.tensor([1.0]) * 2


def test_those_within_each_other_are_all_told_and_each_as_long_as_it_looks_on():
    outer, inner = Listener(), Listener()
    with observing(outer):
        with observing(inner):
            compute()
        compute()
    compute()
    assert (outer.heard, inner.heard) == (["Multiply"] * 2, ["Multiply"])


def test_one_that_is_stood_in_for_is_not_told_and_those_around_it_are():
    around, outer, inner = Listener(), Listener(), Listener()
    with observing(around), observing(outer):
        with observing(inner, instead_of=outer):
            compute()
        assert outer.heard == []
        compute()
    assert (len(around.heard), len(outer.heard), len(inner.heard)) == (2, 1, 1)


def test_an_error_ends_it_too():
    listener = Listener()
    with pytest.raises(ValueError, match="one element"), observing(listener):
        mg.tensor([1.0, 2.0]).item()
    compute()
    assert listener.heard == []


def test_the_innermost_of_a_class_is_found():
    outer, inner = Listener(), Listener()
    with observing(outer), observing(inner), observing(Quiet()):
        assert observed_by(Listener) is inner
    assert observed_by(Listener) is None


def test_a_module_within_two_anomalies_is_entered_once():
    layer = mg.nn.Sigmoid()
    with mg.anomaly(), mg.anomaly():
        y = layer(mg.tensor([1.0], requires_grad=True))
    assert y.creator.origin.modules == (layer,)
