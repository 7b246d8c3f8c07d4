"""Derivatives of functions against formulas worked out by hand, and against each other."""
from __future__ import annotations

import numpy as np
import pytest

import minigan as mg
from minigan import ops
from minigan.backend import asarray

RNG = np.random.default_rng(0)
A = RNG.normal(size=(3, 3))
X = RNG.normal(size=3)
V = RNG.normal(size=3)


def t(data):
    return mg.tensor(np.asarray(data, np.float64))


def close(tensor, expected):
    assert tensor.shape == np.shape(expected) and tensor.dtype == np.float64
    np.testing.assert_allclose(tensor.numpy(), expected, rtol=1e-12, atol=1e-14)


def quadratic(x):
    """xᵀ A x: its gradient is (A + Aᵀ) x, its Hessian A + Aᵀ."""
    return (x * (t(A) @ x)).sum()


def curved(x):
    """ℝ³ → ℝ²: (x₀ x₁ + sin x₂, e^x₀ x₂²)."""
    return ops.stack([x[0] * x[1] + ops.sin(x[2]), ops.exp(x[0]) * x[2] ** 2])


def curved_jacobian(x):
    a, b, c = x
    return np.array([[b, a, np.cos(c)], [np.exp(a) * c ** 2, 0, 2 * np.exp(a) * c]])


def test_value_and_grad_of_a_quadratic_form():
    value, gradient = mg.value_and_grad(quadratic)(t(X))
    close(value, X @ A @ X)
    close(gradient, (A + A.T) @ X)


def test_value_and_grad_gives_a_tuple_for_several_arguments():
    value, (by_x, by_y) = mg.value_and_grad(lambda x, y: (x * y ** 2).sum())(t(X), t(V))
    close(value, (X * V ** 2).sum())
    close(by_x, V ** 2)
    close(by_y, 2 * X * V)


def test_value_and_grad_takes_arrays_and_numbers():
    value, gradient = mg.value_and_grad(lambda x: (x * x).sum())(asarray(X))
    close(gradient, 2 * X)
    value, gradient = mg.value_and_grad(lambda x: x * x)(3.0)
    assert (value.item(), gradient.item(), gradient.dtype) == (9, 6, np.float32)


def test_value_and_grad_of_several_numbers_is_refused():
    with pytest.raises(ValueError, match=r"shape \(3,\)"):
        mg.value_and_grad(lambda x: x * 2)(t(X))


def test_vjp_is_the_cotangent_times_the_jacobian():
    u = np.array([2.0, -3.0])
    value, product = mg.vjp(curved, t(X), t(u))
    close(value, curved(t(X)).numpy())
    close(product, u @ curved_jacobian(X))


def test_jvp_is_the_jacobian_times_the_direction():
    value, product = mg.jvp(curved, t(X), t(V))
    close(value, curved(t(X)).numpy())
    close(product, curved_jacobian(X) @ V)


def test_jvp_of_a_linear_function_is_that_function():
    close(mg.jvp(lambda x: t(A) @ x, t(X), t(V))[1], A @ V)


def test_vjp_and_jvp_are_adjoint():
    u = RNG.normal(size=2)
    left = u @ mg.jvp(curved, t(X), t(V))[1].numpy()
    right = mg.vjp(curved, t(X), t(u))[1].numpy() @ V
    assert left == pytest.approx(right, rel=1e-12)


def test_vjp_jvp_and_hvp_of_several_inputs_have_their_form():
    def f(x, y):
        return (x * x * y).sum()

    _, products = mg.vjp(f, (t(X), t(V)), t(2.0))
    close(products[0], 4 * X * V)
    close(products[1], 2 * X ** 2)
    close(mg.jvp(f, (t(X), t(V)), (t(A[0]), t(A[1])))[1],
          (2 * X * V * A[0]).sum() + (X ** 2 * A[1]).sum())
    _, products = mg.hvp(f, (t(X), t(V)), (t(A[0]), t(A[1])))
    close(products[0], 2 * V * A[0] + 2 * X * A[1])
    close(products[1], 2 * X * A[0])


def test_hvp_of_a_quadratic_form():
    value, product = mg.hvp(quadratic, t(X), t(V))
    close(value, X @ A @ X)
    close(product, (A + A.T) @ V)


def test_hvp_is_the_hessian_times_the_direction():
    def f(x):
        return (ops.tanh(t(A) @ x) ** 3).sum()

    close(mg.hvp(f, t(X), t(V))[1], mg.hessian(f, t(X)).numpy() @ V)


def test_jacobian_of_a_curved_function():
    close(mg.jacobian(curved, t(X)), curved_jacobian(X))


def test_the_jacobians_columns_are_jvps_and_its_rows_vjps():
    jacobian = mg.jacobian(curved, t(X)).numpy()
    for i, e in enumerate(np.eye(3)):
        close(mg.jvp(curved, t(X), t(e))[1], jacobian[:, i])
    for i, e in enumerate(np.eye(2)):
        close(mg.vjp(curved, t(X), t(e))[1], jacobian[i])


def test_a_jacobian_has_the_outputs_axes_and_then_the_inputs():
    w = RNG.normal(size=(2, 3))
    jacobian = mg.jacobian(lambda x: x @ t(A), t(w))
    close(jacobian, np.einsum("ac,db->abcd", np.eye(2), A))


def test_the_jacobian_of_no_outputs_is_empty():
    assert mg.jacobian(lambda x: x[:0], t(X)).shape == (0, 3)


def test_the_jacobian_of_a_number_is_its_gradient():
    close(mg.jacobian(quadratic, t(X)), (A + A.T) @ X)


def test_hessian_of_a_quadratic_form_and_of_a_sum_of_cubes():
    close(mg.hessian(quadratic, t(X)), A + A.T)
    close(mg.hessian(lambda x: (x ** 3).sum(), t(X)), np.diag(6 * X))


def test_the_hessian_is_the_jacobian_of_the_gradient_and_symmetric():
    def f(x):
        return ops.logsumexp(t(A) @ x)

    hessian = mg.hessian(f, t(X)).numpy()
    p = ops.softmax(t(A) @ t(X)).numpy()
    np.testing.assert_allclose(hessian, A.T @ (np.diag(p) - np.outer(p, p)) @ A, atol=1e-14)
    np.testing.assert_allclose(hessian, hessian.T, atol=1e-14)


def test_the_hessian_of_a_matrix_argument_has_its_axes_twice():
    w = RNG.normal(size=(2, 2))
    hessian = mg.hessian(lambda x: (x * x * x).sum(), t(w)).numpy()
    np.testing.assert_allclose(hessian.reshape(4, 4), np.diag(6 * w.reshape(-1)), atol=1e-14)


def test_the_hessian_of_a_linear_function_is_zero():
    close(mg.hessian(lambda x: (t(V) * x).sum(), t(X)), np.zeros((3, 3)))


@pytest.mark.parametrize("derivative", [
    lambda f, x: mg.value_and_grad(f)(x), lambda f, x: mg.vjp(f, x, t(1.0)),
    lambda f, x: mg.jvp(f, x, t(V)), lambda f, x: mg.hvp(f, x, t(V)),
    lambda f, x: mg.jacobian(f, x), lambda f, x: mg.hessian(f, x)])
def test_the_inputs_and_their_grads_are_left_alone(derivative):
    x = mg.tensor(X, requires_grad=True)
    result = derivative(quadratic, x * 1)
    assert x.grad is None and np.array_equal(x.numpy(), X)
    for part in result if isinstance(result, tuple) else (result,):
        assert not part.requires_grad


def test_a_shape_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"gradient has shape \(3,\), the tensor \(2,\)"):
        mg.vjp(curved, t(X), t(V))
    with pytest.raises(ValueError, match=r"gradient has shape \(2,\), the tensor \(3,\)"):
        mg.jvp(curved, t(X), t(V[:2]))
