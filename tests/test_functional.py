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
    with mg.no_grad():
        result = derivative(quadratic, x * 1)
    derivative(quadratic, x)
    assert x.grad is None and np.array_equal(x.numpy(), X)
    for part in result if isinstance(result, tuple) else (result,):
        assert not part.requires_grad


# Nested

DERIVATIVES = {  # each of ℝ³ → ℝ, with its formula for f = Σ x³
    "value_and_grad": (lambda f, x: mg.value_and_grad(f)(x)[1], lambda x: 3 * x ** 2),
    "vjp": (lambda f, x: mg.vjp(f, x, t(2.0))[1], lambda x: 6 * x ** 2),
    "jvp": (lambda f, x: mg.jvp(f, x, t(V))[1], lambda x: (3 * x ** 2 * V).sum()),
    "jvp along x": (lambda f, x: mg.jvp(f, x, x)[1], lambda x: (3 * x ** 3).sum()),
    "hvp": (lambda f, x: mg.hvp(f, x, t(V))[1], lambda x: 6 * x * V),
    "hvp along x": (lambda f, x: mg.hvp(f, x, x)[1], lambda x: 6 * x * x),
    "jacobian": (mg.jacobian, lambda x: 3 * x ** 2),
    "hessian": (mg.hessian, lambda x: np.diag(6 * x)),
    "a value": (lambda f, x: mg.value_and_grad(f)(x)[0], lambda x: (x ** 3).sum()),
    "grad": (lambda f, x: mg.grad(f(x), x)[0], lambda x: 3 * x ** 2),
}


def cubes(x):
    return (x ** 3).sum()


@pytest.mark.parametrize("name", DERIVATIVES)
def test_a_derivative_is_a_function_to_be_differentiated(name):
    """Against differences of its formula; by its argument, by what that was computed from, and
    with grad after it."""
    derivative, formula = DERIVATIVES[name]
    step = 1e-6
    expected = np.stack([(formula(X + step * e) - formula(X - step * e)) / (2 * step)
                         for e in np.eye(3)], axis=-1)
    along = t(np.cos(np.arange(formula(X).size)).reshape(formula(X).shape))
    pulled = np.tensordot(along.numpy(), expected, along.ndim)

    def agrees(tensor, expected):
        np.testing.assert_allclose(tensor.numpy(), expected, rtol=1e-7, atol=1e-7)

    agrees(mg.jacobian(lambda x: derivative(cubes, x), t(X)), expected)
    agrees(mg.vjp(lambda x: derivative(cubes, x), t(X), along)[1], pulled)
    agrees(mg.value_and_grad(lambda x: (derivative(cubes, x * 2) * along).sum())(t(X / 2))[1],
           2 * pulled)
    agrees(mg.jvp(lambda x: derivative(cubes, x), t(X), t(V))[1], expected @ V)
    if name != "grad":  # which without a transform around it lets its graph go
        x = mg.tensor(X, requires_grad=True)
        agrees(mg.grad(derivative(cubes, x), x, along)[0], pulled)
        (derivative(cubes, x) * along).sum().backward()
        agrees(x.grad, pulled)


def test_a_chain_of_derivatives_ends_in_zeros():
    f, found = lambda x: x ** 3, []
    for _ in range(5):
        f = (lambda inner: lambda x: mg.value_and_grad(inner)(x)[1])(f)
        found.append(f(2.0).item())
    assert found == [12, 12, 6, 0, 0]


def test_an_inner_derivative_is_of_its_own_argument_alone():
    """d/dx (x · d/dy (x + y)) = 1, also where both are the same number (Siskind & Pearlmutter
    2005)."""
    def outer(x):
        return x * mg.value_and_grad(lambda y: x + y)(x)[1]

    close(mg.value_and_grad(outer)(t(1.0))[1], 1)

    def through(x):  # d/dy (x y²) at 3 is 6 x
        return mg.value_and_grad(lambda y: x * y ** 2)(t(3.0))[1]

    close(mg.value_and_grad(through)(t(2.0))[1], 6)


def test_a_backward_within_a_function_keeps_its_graph():
    def slope(x):
        leaf = mg.tensor(np.float64(2.0), requires_grad=True)
        (x * leaf ** 3).backward()
        return leaf.grad

    close(mg.value_and_grad(slope)(t(5.0))[1], 12)


def test_parameters_that_a_function_uses_are_not_forgotten():
    w = mg.tensor(V, requires_grad=True)
    _, by_x = mg.value_and_grad(lambda x: (w * x ** 2).sum())(t(X))
    close(mg.grad(by_x.sum(), w)[0], 2 * X)


@pytest.mark.parametrize("name", [n for n in DERIVATIVES if n != "grad"])
def test_a_graph_is_kept_only_for_those_who_can_use_it(name):
    derivative, formula = DERIVATIVES[name]
    assert not derivative(cubes, t(X)).requires_grad
    with mg.no_grad():
        result = derivative(cubes, mg.tensor(X, requires_grad=True))
    assert not result.requires_grad
    np.testing.assert_allclose(result.numpy(), formula(X), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("f", [lambda x: x, lambda x: x.reshape(3, 1), lambda x: x[1:]])
def test_a_value_is_not_the_inputs_memory(f):
    x = t(X)
    value, _ = mg.jvp(f, x, t(V))
    value.data[...] = 7
    close(x, X)


def test_what_a_function_does_not_depend_on_has_the_gradient_zero():
    close(mg.value_and_grad(lambda x, y: (x * x).sum())(t(X), t(V))[1][1], np.zeros(3))
    close(mg.jacobian(lambda x: t(V), t(X)), np.zeros((3, 3)))


def test_a_shape_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"gradient has shape \(3,\), the tensor \(2,\)"):
        mg.vjp(curved, t(X), t(V))
    with pytest.raises(ValueError, match=r"gradient has shape \(2,\), the tensor \(3,\)"):
        mg.jvp(curved, t(X), t(V[:2]))
