"""Derivatives by differences alone, and the test of adjoints."""
from __future__ import annotations

import numpy as np
import pytest

import minigan as mg
from minigan import ops
from minigan.testing import GradientError, adjoint_test, numerical_jacobian, numerical_jvp

X = np.random.default_rng(0).normal(size=(3, 4))
W = np.random.default_rng(1).normal(size=(4, 2))


class WrongTranspose(mg.Function):
    """2 xᵀ, whose gradient is off by 1e-9 in one element."""

    def forward(self, x):
        return 2 * x.T

    def backward(self, grad):
        slip = np.full(self.inputs[0].shape, 2.0)
        slip[1:2, 2:3] += 1e-9
        return grad.T * mg.Tensor(slip)


def test_the_jacobian_has_the_shape_of_the_output_and_the_input():
    jacobian = numerical_jacobian(ops.matmul, X, W, wrt=1)
    assert jacobian.shape == (3, 2, 4, 2)
    np.testing.assert_allclose(jacobian, np.einsum("ik,jl->ijkl", X, np.eye(2)), atol=1e-9)
    assert numerical_jacobian(ops.sum, X).shape == (3, 4)
    assert numerical_jacobian(ops.exp, np.zeros((0, 2))).shape == (0, 2, 0, 2)


def test_the_jacobian_is_that_of_reverse_mode():
    f = ops.softmax
    np.testing.assert_allclose(numerical_jacobian(f, X), mg.jacobian(f, mg.tensor(X)).numpy(),
                               atol=1e-9)


def test_a_direction_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"v has the shapes \[\(4,\)\], the inputs \[\(3, 4\)\]"):
        numerical_jvp(ops.exp, X, X[0])


def test_linear_operations_pass_the_adjoint_test():
    adjoint_test(ops.transpose, X)
    adjoint_test(lambda x: ops.pad(x, ((1, 0), (0, 2)), constant_values=1.5), X)  # affine
    adjoint_test(ops.add, X, X[0])
    adjoint_test(ops.matmul, X, W, wrt=[0])
    adjoint_test(ops.matmul, X, W, wrt=[1])
    adjoint_test(ops.sum, np.zeros((0, 3)))
    adjoint_test(lambda x, i: x[i], X, np.array([0, 2, 0]))


@pytest.mark.parametrize("f", [ops.exp, lambda x: x * x, lambda x: ops.abs(x)])
def test_what_is_not_linear_is_told_so(f):
    with pytest.raises(GradientError, match="is not linear in input 0"):
        adjoint_test(f, X)


def test_a_product_is_not_linear_in_both_factors_together():
    with pytest.raises(GradientError, match="is not linear in input 0 and input 1 together"):
        adjoint_test(ops.matmul, X, W)


def test_the_adjoint_test_sees_an_error_of_a_billionth():
    def wrong(x):
        return WrongTranspose()(x)

    mg.testing.check_grads(wrong, X)  # no difference quotient does
    with pytest.raises(GradientError, match="the reverse pass is not the adjoint"):
        adjoint_test(wrong, X)
