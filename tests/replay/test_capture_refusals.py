"""How captured steps are called, and what they refuse."""
from __future__ import annotations

import numpy as np
import pytest

import minigan as mg


@pytest.fixture(autouse=True)
def device(strict):
    mg.use("strict")


def test_a_step_that_fails_while_it_warms_up_is_not_counted():
    calls = []

    def step(x):
        calls.append(1)
        if len(calls) == 1:
            raise ValueError("at first")
        return x * 2

    captured, x = mg.capture(step), mg.tensor([1.0])
    with pytest.raises(ValueError, match="at first"):
        captured(x)
    for _ in range(4):
        captured(x)
    assert len(calls) == 4  # one that failed, two to warm up, one recorded


@pytest.mark.parametrize("calls", [0, 4])
def test_a_captured_step_within_another_is_part_of_it(calls):
    inner = mg.capture(lambda x: x * 2)
    for _ in range(calls):
        inner(mg.tensor([1.0]))
    outer = mg.capture(lambda x: inner(x) + 1)
    assert [outer(mg.tensor([float(k)])).item() for k in range(6)] == [1, 3, 5, 7, 9, 11]


def test_inputs_that_require_gradients_are_refused_on_every_device():
    for backend in "strict", "numpy":
        mg.use(backend)
        with pytest.raises(mg.CaptureError, match="input 1 .* requires a gradient, but .* copy"):
            mg.capture(lambda x, w: x * w)(mg.tensor([1.0]), mg.tensor([1.0], requires_grad=True))


def test_inputs_on_another_device_are_refused():
    mg.use("numpy")
    there = mg.tensor([1.0])
    mg.use("strict")
    here, captured = mg.tensor([1.0]), mg.capture(lambda x, y: x * 1)
    with pytest.raises(mg.CaptureError, match="on strict and numpy: move them to one device"):
        captured(here, there)
    for _ in range(3):
        captured(here, here)
    with pytest.raises(mg.CaptureError, match=r"called with \(\(\(1,\), 'float32', 'numpy'\)"):
        captured(there, there)


def test_a_product_of_stacks_of_matrices_is_refused():
    captured = mg.capture(lambda x: x @ x)
    with pytest.raises(mg.CaptureError, match="stacks of matrices"):
        for _ in range(3):
            captured(mg.tensor(np.ones((2, 3, 3))))


def test_more_than_eight_arrays_are_not_joined():
    captured = mg.capture(lambda x: mg.ops.stack([x] * 9))
    with pytest.raises(mg.CaptureError, match="addresses of more than 8 arrays"):
        for _ in range(3):
            captured(mg.tensor([1.0]))
