"""Derivatives of functions, built from `grad`: products with the Jacobian and the Hessian.

As in torch.autograd.functional, `inputs` is a Tensor or a tuple of Tensors, and what comes back
for it has the same form. The functions differentiate at the inputs' values; gradients do not flow
on to what the inputs were computed from.
"""
from __future__ import annotations

from typing import Any, Callable

from .autodiff import Tensor, as_tensor, grad
from .backend import array_module
from .ops import stack

Tensors = Tensor | tuple[Tensor, ...]


def value_and_grad(f: Callable[..., Tensor]) -> Callable[..., tuple[Tensor, Tensors]]:
    """A function of the same arguments that returns (f(*x), gradient), f's value being one number.

    The gradient is a Tensor for a function of one argument, else a tuple.
    """
    def value_and_gradient(*inputs: Any) -> tuple[Tensor, Tensors]:
        xs = _variables(inputs)
        value = f(*xs)
        return value.detach(), _like(inputs if len(inputs) > 1 else inputs[0], grad(value, xs))
    return value_and_gradient


def vjp(f: Callable[..., Tensor], inputs: Tensors, v: Tensor) -> tuple[Tensor, Tensors]:
    """(f(x), vᵀ J): the gradient of ⟨v, f(x)⟩. v has the shape of f(x)."""
    xs = _variables(inputs)
    y = f(*xs)
    return y.detach(), _like(inputs, grad(y, xs, v))


def jvp(f: Callable[..., Tensor], inputs: Tensors, v: Tensors) -> tuple[Tensor, Tensor]:
    """(f(x), J v): the directional derivative of f along v, which has the form of the inputs.

    By two reverse passes: u ↦ uᵀ J is linear in u, and its own vector-Jacobian product is J v.
    """
    xs = _variables(inputs)
    y = f(*xs)
    u = Tensor(array_module(y.data).zeros_like(y.data), requires_grad=True)
    pulled = grad(y, xs, u, create_graph=True)
    return y.detach(), grad(pulled, u, _tuple(v))[0]


def hvp(f: Callable[..., Tensor], inputs: Tensors, v: Tensors) -> tuple[Tensor, Tensors]:
    """(f(x), H v) for a function whose value is one number: the gradient of ⟨∇f(x), v⟩."""
    xs = _variables(inputs)
    y = f(*xs)
    gradient = grad(y, xs, create_graph=True)
    return y.detach(), _like(inputs, grad(gradient, xs, _tuple(v)))


def jacobian(f: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """∂f/∂x, of shape f(x).shape + x.shape: one reverse pass for each element of f(x)."""
    (x,) = _variables(x)
    return _rows(f(x), x)


def hessian(f: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """∂²f/∂x², of shape x.shape + x.shape, for a function whose value is one number."""
    (x,) = _variables(x)
    (gradient,) = grad(f(x), x, create_graph=True)
    return _rows(gradient, x)


def _rows(y: Tensor, x: Tensor) -> Tensor:
    """The gradient of every element of y by x, stacked."""
    xp = array_module(y.data)
    if y.size == 0:
        return Tensor(xp.zeros(y.shape + x.shape, y.dtype))
    units = xp.eye(y.size, dtype=y.dtype)
    rows = [grad(y, x, Tensor(unit.reshape(y.shape)))[0] for unit in units]
    return stack(rows).reshape(y.shape + x.shape)


def _tuple(tensors: Any) -> tuple[Any, ...]:
    return tuple(tensors) if isinstance(tensors, (tuple, list)) else (tensors,)


def _variables(inputs: Any) -> tuple[Tensor, ...]:
    """The inputs as fresh leaves that require a gradient."""
    return tuple(Tensor(as_tensor(x).data, requires_grad=True) for x in _tuple(inputs))


def _like(inputs: Any, results: tuple[Tensor, ...]) -> Tensors:
    """A tuple for a tuple, a Tensor for a Tensor."""
    return results if isinstance(inputs, (tuple, list)) else results[0]
