"""Batch normalisation beyond the laws: higher orders, its fused backward, float32."""
from __future__ import annotations

import numpy as np
import pytest

import minigan as mg
from minigan import ops
from minigan.ops.norm import BatchNorm
from minigan.testing import check_grads

RNG = np.random.default_rng(0)


def example(*shape):
    return RNG.normal(size=shape), RNG.normal(size=shape[-1:]), RNG.normal(size=shape[-1:])


def leaves(*arrays):
    return [mg.tensor(x, requires_grad=True) for x in arrays]


@pytest.mark.parametrize("shape", [(4, 2), (2, 1, 2, 2)])
def test_its_derivatives_are_right_to_third_order(shape):
    check_grads(lambda *inputs: ops.batch_norm(*inputs)[0], *example(*shape), order=3)


def test_the_statistics_are_the_batchs_and_constants():
    x, weight, bias = leaves(*example(6, 3))
    _, mean, var = ops.batch_norm(x, weight, bias)
    np.testing.assert_allclose(mean.numpy(), x.numpy().mean(0), rtol=1e-14)
    np.testing.assert_allclose(var.numpy(), x.numpy().var(0), rtol=1e-14)
    assert not mean.requires_grad and not var.requires_grad


def count_calls(monkeypatch, name):
    calls, original = [], getattr(BatchNorm, name)
    monkeypatch.setattr(BatchNorm, name, lambda *args: calls.append(1) or original(*args))
    return calls


def test_the_fused_backward_runs_where_no_second_derivative_is_wanted(monkeypatch):
    readable = count_calls(monkeypatch, "backward")
    fused = count_calls(monkeypatch, "fused_backward")
    x, weight, bias = leaves(*example(6, 3))
    y = ops.batch_norm(x, weight, bias)[0].sum()
    y.backward()
    mg.grad(y, x)
    assert (len(readable), len(fused)) == (0, 2)
    mg.grad(y, x, create_graph=True)
    y.backward(create_graph=True)
    assert (len(readable), len(fused)) == (2, 2)


@pytest.mark.parametrize("mean", [0, 1000, -1000])
def test_a_mean_far_from_0_does_not_cost_float32_the_variance(mean):
    """In one pass, E[x²] − E[x]², it would: 10⁶ + 1 − 10⁶ in seven digits."""
    x = RNG.normal(mean, 1, (64, 7, 7, 8)).astype(np.float32)
    x, weight, bias = leaves(x, np.ones(8, np.float32), np.zeros(8, np.float32))
    y, _, var = ops.batch_norm(x, weight, bias)
    exact, _, exact_var = ops.batch_norm(*[a.astype(np.float64) for a in (x, weight, bias)])
    assert y.dtype == var.dtype == np.float32
    np.testing.assert_allclose(var.numpy(), exact_var.numpy(), rtol=1e-4)
    np.testing.assert_allclose(y.numpy(), exact.numpy(), atol=5e-3 if mean else 1e-4)


def test_a_constant_feature_is_normalised_to_the_bias():
    x, weight, bias = leaves(np.full((5, 1), 7.0), np.ones(1), np.full(1, 3.0))
    y = ops.batch_norm(x, weight, bias)[0]
    assert y.numpy().ravel().tolist() == [3] * 5
    (g,) = mg.grad((y ** 2).sum(), x)
    assert np.isfinite(g.numpy()).all()


@pytest.mark.parametrize("op, shape, message", [
    (ops.batch_norm, (4,), r"batch_norm needs x \(N, …, C\) and weight and bias \(C,\), got"),
    (ops.batch_norm, (6, 3), r"batch_norm needs .* got \(6, 3\), \(4,\) and \(4,\)"),
    (ops.layer_norm, (), r"layer_norm needs x \(…, C\)"),
    (ops.layer_norm, (2, 3), "layer_norm needs"),
    (ops.instance_norm, (6, 4), r"instance_norm needs x \(N, …, C\)"),
    (ops.instance_norm, (2, 2, 2, 3), "instance_norm needs"),
    (ops.batch_norm, (0, 4), "mean of no elements"),
    (ops.instance_norm, (2, 0, 2, 4), "mean of no elements")])
def test_what_does_not_fit_is_refused_with_all_shapes(op, shape, message):
    with pytest.raises(ValueError, match=message):
        op(*leaves(np.ones(shape), np.ones(4), np.ones(4)))
