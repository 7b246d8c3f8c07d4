"""Functions of NumPy, PyTorch and JAX under the same check as those of minigan."""
from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest

from minigan import ops
from minigan.testing import (Differentiable, GradientError, adjoint_test, check_grads, from_jax,
                             from_numpy, from_torch, numerical_jacobian, numerical_jvp)

X = np.random.default_rng(0).normal(size=(3, 4))
Y = np.random.default_rng(1).normal(size=(4, 2))


def product_vjp(x, y, grad):
    return grad @ y.T, x.T @ grad


# NumPy

def test_a_numpy_function_and_its_vjp_are_checked_to_first_order():
    report = check_grads(from_numpy(np.matmul, product_vjp), X, Y)
    assert report.ok and list(report.checked) == ["first order"]
    assert any(reason.startswith("second order") for reason in report.skipped)
    assert check_grads(from_numpy(np.sin, lambda x, grad: grad * np.cos(x)), X[0]).ok


def test_numbers_wider_than_float64_are_checked_in_float64():
    f = from_numpy(np.sin, lambda x, grad: grad * np.cos(x))
    assert check_grads(f, X.astype(np.longdouble)).ok


def test_a_wrong_vjp_of_numpy_is_caught():
    wrong = from_numpy(np.matmul, lambda x, y, grad: (grad @ y.T, 2 * (x.T @ grad)))
    with pytest.raises(GradientError, match=r"matmul: wrong at first order(.|\n)*input 1"):
        check_grads(wrong, X, Y)


def test_several_outputs_take_a_tuple_of_gradients():
    f = from_numpy(lambda x: (np.sin(x), x ** 2),
                   lambda x, grad: grad[0] * np.cos(x) + grad[1] * 2 * x)
    assert check_grads(f, X).ok


def test_constants_of_a_numpy_function_have_the_gradient_none():
    f = from_numpy(lambda x, i: x[i], lambda x, i, grad: (np.bincount(
        i, weights=grad, minlength=x.size), None))
    assert check_grads(f, X[0], np.array([0, 2, 0])).ok


@pytest.mark.parametrize("vjp, message", [
    (lambda x, y, grad: grad, "vjp returned 1 gradients for 2 inputs"),
    (lambda x, y, grad: [1.0, 2.0, 3.0], "vjp returned 3 numbers in a list: return an array"),
    (lambda x, y, grad: (grad @ y.T, None), "vjp returned None for input 1"),
    (lambda x, y, grad: (grad @ y.T, grad), r"input 1 has shape \(3, 2\), input 1 itself \(4, 2\)"),
    (lambda x, y, grad: (grad @ y, x.T @ grad), "the reverse pass raised ValueError: matmul"),
    (lambda x, y, grad: (grad @ y.T, (x.T @ grad).astype(np.float32)), "has dtype float32"),
])
def test_a_vjp_that_keeps_no_contract_is_told_so(vjp, message):
    with pytest.raises(GradientError, match=message):
        check_grads(from_numpy(np.matmul, vjp), X, Y)


def test_the_complex_step_is_exact():
    f = from_numpy(lambda x: np.exp(x) / np.sqrt(np.sin(x) ** 2 + 1),
                   lambda x, grad: grad * slope(x), complex_step=True)

    def slope(x):
        s = np.sin(x) ** 2 + 1
        return np.exp(x) / np.sqrt(s) * (1 - np.sin(x) * np.cos(x) / s)

    assert check_grads(f, X).worst < 1e-7
    np.testing.assert_allclose(numerical_jacobian(f, X[0]), np.diag(slope(X[0])), rtol=1e-14)


@pytest.mark.parametrize("f", [np.abs, lambda x: np.maximum(x, 0).real, lambda x: x * x.conj()])
def test_the_complex_step_refuses_what_is_not_analytic(f):
    with pytest.raises(ValueError, match="complex_step needs an analytic f"):
        check_grads(from_numpy(f, lambda x, grad: grad, complex_step=True), X)


def test_what_from_numpy_makes_is_called_with_arrays():
    f = from_numpy(np.matmul, product_vjp)
    assert isinstance(f, Differentiable) and f.__name__ == "matmul"
    np.testing.assert_array_equal(f(X, Y), X @ Y)


def test_options_are_bound_to_a_function_and_its_vjp():
    f = from_numpy(lambda x, k=1: k * x, lambda x, grad, k=1: k * grad).bind(k=3)
    assert check_grads(f, X).ok and (f(X) == 3 * X).all()


# PyTorch

def test_functions_of_torch_are_checked_to_second_order():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    report = check_grads(from_torch(lambda x, y: torch.softmax(x @ y, 1)), X, Y)
    assert report.ok and list(report.checked) == ["first order", "second order"]
    assert check_grads(from_torch(torch.tanh), X.astype(np.float32)).ok
    assert check_grads(from_torch(lambda x, i: x[i] * torch.ones(2)), X[0], np.array([0, 1])).ok
    assert check_grads(from_torch(lambda x, y: (x.sin(), torch.ones(2))), X, X).ok
    assert check_grads(from_torch(torch.relu), np.array([0.0, 1, -1])).kinks > 0


def test_wrong_functions_of_torch_are_caught():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")

    class Sine(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.sin()

        @staticmethod
        def backward(ctx, grad):
            return -grad * ctx.saved_tensors[0].cos()

    class Saved(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x.exp())
            return x.exp()

        @staticmethod
        def backward(ctx, grad):
            return grad * ctx.saved_tensors[0]  # a constant to the second derivative

    with pytest.raises(GradientError, match="likely: wrong sign") as error:
        check_grads(from_torch(Sine.apply), X)
    assert re.search(r"f = ...  # from_torch of \S*Sine.apply in \S*test_frameworks.py, line",
                     str(error.value))
    with pytest.raises(GradientError, match="wrong at second order(.|\n)*a constant instead of"):
        check_grads(from_torch(Saved.apply), X)
    with pytest.raises(GradientError, match="returned int, which is no torch.Tensor"):
        check_grads(from_torch(lambda x: 1), X)


# JAX

def test_functions_of_jax_are_checked_to_second_order():
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    report = check_grads(from_jax(lambda x, y: jax.nn.softmax(x @ y)), X, Y)
    assert report.ok and list(report.checked) == ["first order", "second order"]
    assert check_grads(from_jax(jax.numpy.tanh), X.astype(np.float32)).ok
    assert check_grads(from_jax(lambda x, i: x[i]), X[0], np.array([0, 1, 1])).ok
    assert check_grads(from_jax(jax.jit(jax.numpy.sin)), X).ok


def test_wrong_functions_of_jax_are_caught():
    jax = pytest.importorskip("jax", reason="JAX is not installed")

    @jax.custom_vjp
    def exp(x):
        return jax.numpy.exp(x)

    exp.defvjp(lambda x: (exp(x), x), lambda x, grad: (2 * grad * exp(x),))
    with pytest.raises(GradientError, match="likely: a factor of two"):
        check_grads(from_jax(exp), X)

    @jax.custom_vjp
    def saved(x):
        return jax.numpy.exp(x)

    saved.defvjp(lambda x: (saved(x), jax.lax.stop_gradient(jax.numpy.exp(x))),
                 lambda y, grad: (grad * y,))
    with pytest.raises(GradientError, match="wrong at second order"):
        check_grads(from_jax(saved), X)


# All of them

def frameworks():
    """The same linear function of each framework that is installed."""
    yield "minigan", lambda x: ops.transpose(x) * 2.0
    yield "numpy", from_numpy(lambda x: x.T * 2, lambda x, grad: 2 * grad.T)
    for name, make in (("torch", from_torch), ("jax", from_jax)):
        try:
            yield name, make(lambda x: x.T * 2.0)
        except ImportError:
            continue


@pytest.mark.parametrize("name, f", list(frameworks()))
def test_every_tool_takes_every_framework(name, f):
    adjoint_test(f, X)
    assert check_grads(f, X).ok
    assert numerical_jacobian(f, X).shape == (4, 3, 3, 4)
    np.testing.assert_allclose(numerical_jvp(f, X, X), 2 * X.T, rtol=1e-9)


def test_frameworks_are_imported_only_when_used():
    program = ("import sys, minigan.testing as t; import numpy as np; "
               "t.check_grads(t.from_numpy(np.sin, lambda x, g: g * np.cos(x)), np.ones(2)); "
               "print(*sorted({'torch', 'jax', 'hypothesis', 'pytest', 'scipy', 'matplotlib',"
               "'tqdm', 'safetensors', 'pooch', 'PIL', 'threadpoolctl'} & set(sys.modules)))")
    run = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True,
                         text=True, check=True)
    assert run.stdout.strip() == ""
