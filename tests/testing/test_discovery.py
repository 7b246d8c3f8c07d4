"""Which gradients of a module are written by hand, and at what they are checked."""
from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest

from minigan import ops
from minigan.testing import discovery, sample
from minigan.testing.report import GradientError


def module(name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of this source, for the time of a test."""
    made = ModuleType(name)
    monkeypatch.setitem(sys.modules, name, made)
    exec(text, vars(made))
    return name


def test_all_of_minigan_s_own_is_found_and_what_can_be_drawn_for_is_right():
    found, refused = discovery.functions("minigan.ops")
    assert len(found) > 40 and not refused and len({one.name for one in found}) == len(found)
    checkable = {one.name.rpartition(".")[2]: one for one in found if one.calls}
    assert {"Tanh", "Multiply", "MatMul", "Affine", "Sqrt"} <= {*checkable}
    assert all(one.reason for one in found if not one.calls)
    for name in ("Tanh", "Affine", "Sqrt"):
        assert checkable[name].check(checkable[name].calls[0], seed=1).ok


TORCH = """
import torch
class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x ** 3
    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return 3 * x * grad
Again = Cube
class Product(torch.autograd.Function):
    @staticmethod
    def forward(x, y):
        return x @ y
    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)
    @staticmethod
    def backward(ctx, grad):
        x, y = ctx.saved_tensors
        return grad @ y.mT, x.mT @ grad
class Scaled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, factor: float):
        ctx.factor = factor
        return factor * x
    @staticmethod
    def backward(ctx, grad):
        return ctx.factor * grad, None
"""
JAX = """
import jax
@jax.custom_vjp
def square(x):
    return x * x
square.defvjp(lambda x: (x * x, x), lambda x, grad: (2 * x * grad,))
@jax.custom_jvp
def cube(x):
    return x ** 3
cube.defjvp(lambda x, t: (x[0] ** 3, 3 * x[0] * t[0]))
"""


@pytest.mark.parametrize("library, text, right, wrong, listed", [
    ("torch", TORCH, ["Product"], ["Cube"], {"Scaled": "factor is no array"}),
    ("jax", JAX, ["square"], ["cube"], {})])
def test_functions_of_other_libraries_are_found(library, text, right, wrong, listed, monkeypatch):
    pytest.importorskip(library, reason=f"finds functions of {library}")
    name = module(f"hand_written_{library}", text, monkeypatch)
    found, _ = discovery.functions(name)
    by_name = {one.name.removeprefix(f"{name}."): one for one in found}
    assert {*by_name} == {*right, *wrong, *listed}
    for label in right:
        assert by_name[label].check(by_name[label].calls[0], seed=0).ok
    for label in wrong:
        with pytest.raises(GradientError, match="wrong at first order"):
            by_name[label].check(by_name[label].calls[0], seed=0)
    assert {label: by_name[label].reason for label in listed} == listed


def test_a_sample_says_at_what_to_check(monkeypatch):
    monkeypatch.setattr(discovery, "SAMPLES", [])
    clip = ops.choice.Clip
    sample(clip, np.array([-2.0, 0.5]), low=-1.0, high=1.0)
    (one,) = [one for one in discovery.functions("minigan.ops.choice")[0] if one.function is clip]
    assert one.check(one.calls[0], seed=0).ok and not one.drawn


def test_a_sample_of_what_has_no_gradient_of_its_own_is_refused():
    with pytest.raises(TypeError, match="sample takes a minigan Function"):
        sample(np.sin, np.ones(3))
