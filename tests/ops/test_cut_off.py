"""What an operation cut off stays cut off: a gradient that is infinite there does not come back.

0 · ∞ is NaN, so a mask that a gradient is multiplied by lets NaN through exactly where nothing
should come. √ and ln have such gradients at 0, where relu and clip leave their inputs.
"""
from __future__ import annotations

import numpy as np
import pytest
from engine import as_tensors, floats, outputs_of
from hypothesis import given, settings
from hypothesis import strategies as st

import minigan as mg
from minigan import nn, ops
from tests.cases import CASES

# Of these a gradient is 0 because nothing depends on the input there. Where a smooth operation's
# gradient is 0, as that of x · y at y = 0, the product is right to be NaN.
PIECEWISE_LINEAR = {"abs", "maximum", "minimum", "clip", "where", "relu", "leaky_relu", "max",
                    "min", "max_pool2d", "remainder"}
MASKED = [case for case in CASES if case.linear or case.op in PIECEWISE_LINEAR]


def gradients(case, call, cotangent, place=None):
    """The gradients of one output; and how those depend on its cotangent: the gradient by it for
    an infinite cotangent at one place of one input's."""
    tensors = as_tensors(call.args)
    y = outputs_of(case, tensors, call.options)[0]
    c = mg.tensor(cotangent.astype(y.dtype), requires_grad=True)
    found = mg.grad(y, floats(tensors), c, create_graph=place is not None)
    if place is None:
        return [g.numpy() for g in found]
    which, spike = place
    return mg.grad(found[which], c, mg.tensor(spike))[0].numpy()


def spike(shape, place, value):
    x = np.zeros(shape)
    x.flat[place] = value
    return x


@pytest.mark.parametrize("case", MASKED, ids=str)
@settings(max_examples=5)
@given(data=st.data())
def test_an_infinite_cotangent_reaches_only_what_a_finite_one_reaches(case, data):
    call = data.draw(case.inputs)
    shape = outputs_of(case, as_tensors(call.args), call.options)[0].shape
    if 0 in shape:
        return
    place = data.draw(st.integers(0, int(np.prod(shape)) - 1))
    with np.errstate(invalid="ignore"):
        reached = gradients(case, call, spike(shape, place, 1.0))
        for g, finite in zip(gradients(case, call, spike(shape, place, np.inf)), reached):
            np.testing.assert_array_equal(g[finite == 0], 0)
            assert np.isinf(g[finite != 0]).all()
        for i, finite in enumerate(reached):
            for k in range(finite.size)[:6]:
                back = gradients(case, call, np.ones(shape), (i, spike(finite.shape, k, np.inf)))
                assert (back.flat[place] == 0) if finite.flat[k] == 0 else np.isinf(
                    back.flat[place])


CUTS = {
    "relu": ops.relu, "leaky_relu": lambda x: ops.leaky_relu(x, 0), "abs": ops.abs,
    "clip": lambda x: ops.clip(x, 0, None), "maximum": lambda x: ops.maximum(x, 0.0),
    "where": lambda x: ops.where(x.data > 0, x, 0), "x ** 0": lambda x: x ** 0 - 1,
    "minimum": lambda x: -ops.minimum(-x, 0.0),
    "max": lambda x: ops.max(ops.stack([x, mg.tensor(np.array(0.0))]), axis=0),
    "min": lambda x: -ops.min(ops.stack([-x, mg.tensor(np.array(0.0))]), axis=0),
    "max_pool2d": lambda x: ops.max_pool2d(
        ops.stack([x, mg.tensor(np.array(0.0))]).reshape(1, 2, 1, 1), (2, 1)).reshape(()),
}


@pytest.mark.parametrize("outer", [ops.sqrt, ops.log], ids=["sqrt", "log"])
@pytest.mark.parametrize("name", CUTS)
def test_the_slope_of_a_root_or_a_logarithm_of_what_was_cut_to_0_is_0(name, outer):
    """To second order; the infinite slope of √ at 0 is that of what is not cut off."""
    x = mg.tensor(np.array(0.0 if name == "abs" else -1.0), requires_grad=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        g, = mg.grad(outer(CUTS[name](x)), x, create_graph=True)
        assert g.item() == 0
        assert mg.grad(g, x)[0].item() == 0


def test_relu_cuts_minus_infinity_to_0_whatever_its_name():
    x = mg.tensor(np.array([-np.inf, np.inf]), requires_grad=True)
    for f in (ops.relu, lambda x: ops.leaky_relu(x, 0.0)):
        y = f(x)
        assert y.numpy().tolist() == [0, np.inf]
        assert mg.grad(y.sum(), x)[0].numpy().tolist() == [0, 1]


def test_dropout_cuts_infinite_values_and_gradients():
    layer = nn.Dropout(0.5, np.random.default_rng(0))
    x = mg.tensor(np.full(64, np.inf), requires_grad=True)
    y = layer(x)
    (g,) = mg.grad(y, x, mg.tensor(np.full(64, np.inf)))
    assert set(y.numpy()) == set(g.numpy()) == {0, np.inf}
    np.testing.assert_array_equal(y.numpy(), g.numpy())


@pytest.mark.parametrize("extreme", [ops.max, ops.min])
def test_a_nan_is_as_large_and_as_small_as_anything(extreme):
    """Its gradient is not 0, as if there were none."""
    x = mg.tensor(np.array([1.0, np.nan]), requires_grad=True)
    y = extreme(x)
    (g,) = mg.grad(y, x)
    assert np.isnan(y.item()) and g.numpy()[1] != 0
