"""Kernels of the CPU in a recorded step, at sizes where they go in blocks and on all threads."""
from __future__ import annotations

import numpy as np
import pytest

import minigan as mg
from minigan import ops
from minigan.backend import cpu
from minigan.backend.cpu.recording import kernels

OF_ELEMENTS = "cos", "elu", "exp", "leaky_relu", "relu", "sigmoid", "sin", "softplus", "sum", "tanh"
OF_ROWS = "cumsum", "log_softmax", "logsumexp", "max", "softmax"
ROWS = [20, 2700]  # of 100 elements: between the thresholds, and above them


def test_every_kernel_of_the_cpu_has_its_recorded_form():
    assert [name for name in cpu.__all__ if not hasattr(kernels, name)] == []


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("name", [*OF_ELEMENTS, *OF_ROWS])
def test_a_kernel_at_work_in_blocks_is_recorded_with_its_gradient(name, rows):
    rng, options = np.random.default_rng(0), {"axis": 1} if name in OF_ROWS else {}

    def step(x):
        w = x.detach()
        w.requires_grad = True
        y = getattr(ops, name)(w, **options)
        return y.detach(), *mg.grad((y * y).sum(), [w])

    captured = mg.capture(step)
    for _ in range(5):
        x = mg.tensor(rng.standard_normal((rows, 100)).astype("f"))
        for got, right in zip(captured(x), step(x), strict=True):
            assert np.array_equal(got.numpy(), right.numpy())
    assert captured.kernels()
