"""Derivatives of functions, built from `grad`: products with the Jacobian and the Hessian.

As in torch.func, `inputs` is a Tensor or a tuple of Tensors, and what comes back for it has the
same form; arrays and numbers become Tensors, Python's integers floats. They nest: what comes back
can be differentiated further by whatever it was computed from that requires a gradient, the inputs
among it, or is under differentiation itself; under `no_grad()` it is a constant. What f does not
depend on has the gradient zero. Within f, `grad` and `backward` always keep their graph.
"""
from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import Any, Callable, Iterator

from .autodiff import Tensor, _grad_mode, _mode, _path, as_tensor, grad
from .backend import array_module
from .checked import checked
from .failures import shown
from .ops import stack

Tensors = Tensor | tuple[Tensor, ...]


@checked
def value_and_grad(f: Callable[..., Tensor]) -> Callable[..., tuple[Tensor, Tensors]]:
    """A function of the same arguments that returns (f(*x), gradient), f's value being one number.

    The gradient is a Tensor for a function of one argument, else a tuple. Arguments by name are
    passed on as they are, and f is not differentiated by them.
    """
    def value_and_gradient(*inputs: Any, **options: Any) -> tuple[Tensor, Tensors]:
        if not inputs:
            raise TypeError("value_and_grad differentiates by the arguments without a name, and "
                            "there are none")
        xs, y, keep = _evaluated(partial(f, **options), inputs)
        return _value(y, xs, keep), _like(inputs if len(inputs) > 1 else inputs[0],
                                     _grad(y, xs, None, keep))
    return value_and_gradient


@checked
def vjp(f: Callable[..., Tensor], inputs: Any, v: Any) -> tuple[Tensor, Tensors]:
    """(f(x), vᵀ J): the gradient of ⟨v, f(x)⟩. v has the shape of f(x)."""
    xs, y, keep = _evaluated(f, inputs, v)
    return _value(y, xs, keep), _like(inputs, _grad(y, xs, v, keep))


@checked
def jvp(f: Callable[..., Tensor], inputs: Any, v: Any) -> tuple[Tensor, Tensor]:
    """(f(x), J v): the directional derivative of f along v, which has the form of the inputs.

    By two reverse passes: u ↦ uᵀ J is linear in u, and its own vector-Jacobian product is J v.
    """
    xs, y, keep = _evaluated(f, inputs, v)
    u = Tensor(array_module(y.data).zeros_like(y.data), requires_grad=True)
    pulled = _grad(y, xs, u, True)
    return _value(y, xs, keep), _grad(pulled, u, _tuple(v), keep)[0]


@checked
def hvp(f: Callable[..., Tensor], inputs: Any, v: Any) -> tuple[Tensor, Tensors]:
    """(f(x), H v) for a function whose value is one number: the gradient of ⟨∇f(x), v⟩."""
    xs, y, keep = _evaluated(f, inputs, v)
    gradient = _grad(y, xs, None, True)
    return _value(y, xs, keep), _like(inputs, _grad(gradient, xs, _tuple(v), keep))


@checked
def jacobian(f: Callable[[Tensor], Tensor], x: Any) -> Tensor:
    """∂f/∂x, of shape f(x).shape + x.shape: one reverse pass for each element of f(x)."""
    (x,), y, keep = _evaluated(f, (x,))
    return _rows(y, x, keep)


@checked
def hessian(f: Callable[[Tensor], Tensor], x: Any) -> Tensor:
    """∂²f/∂x², of shape x.shape + x.shape, for a function whose value is one number."""
    (x,), y, keep = _evaluated(f, (x,))
    (gradient,) = _grad(y, x, None, True)
    return _rows(gradient, x, keep)


def _rows(y: Tensor, x: Tensor, keep: bool) -> Tensor:
    """The gradient of every element of y by x, stacked."""
    xp = array_module(y.data)
    if y.size == 0:
        return Tensor(xp.zeros(y.shape + x.shape, y.dtype))
    units = xp.eye(y.size, dtype=y.dtype)
    rows = [_grad(y, x, Tensor(unit.reshape(y.shape)), keep)[0] for unit in units]
    return _kept(stack(rows).reshape(y.shape + x.shape), keep)


def _evaluated(f: Callable[..., Tensor], inputs: Any, v: Any = ()
               ) -> tuple[tuple[Tensor, ...], Tensor, bool]:
    """The inputs as variables of their own, f's value at them, and whether to keep a graph: it is
    of use if that value, or v, depends on something else that requires a gradient."""
    follow = _mode.grad_enabled
    xs = tuple([_variable(x, follow) for x in _tuple(inputs)])
    with _followed():
        y = f(*xs)
    if not isinstance(y, Tensor):
        raise TypeError(f"the function returned {shown(y)}, which is no Tensor: compute with the "
                        "Tensors that it is given")
    leaves = [t for t in _path([y], None).values() if t.creator is None]
    keep = follow and (any(all(t is not x for x in xs) for t in leaves)
                       or any(isinstance(t, Tensor) and t.requires_grad for t in _tuple(v)))
    return xs, y, keep


def _variable(x: Any, follow: bool) -> Tensor:
    """x as a Tensor that nothing was computed from so far: a node of x's graph, or a leaf."""
    x = as_tensor(float(x) if isinstance(x, int) else x)
    return x.reshape(x.shape) if follow and x.requires_grad else Tensor(x.data, requires_grad=True)


@contextmanager
def _followed() -> Iterator[None]:
    """Within it everything keeps its graph, gradients too."""
    before, _mode.followed = _mode.followed, True
    try:
        with _grad_mode(True):
            yield
    finally:
        _mode.followed = before


def _grad(outputs: Tensors, inputs: Tensors, v: Any, keep: bool) -> tuple[Tensor, ...]:
    """`grad`, with zeros for what the function does not depend on."""
    return tuple([_kept(g, keep) for g in grad(outputs, inputs, v, keep, allow_unused=True)])


def _value(y: Tensor, xs: tuple[Tensor, ...], keep: bool) -> Tensor:
    """f's value; as a constant it does not share the memory of an input that f returned."""
    if not keep and (y.data.base is not None or any(y.data is x.data for x in xs)):
        return Tensor(y.data.copy())
    return _kept(y, keep)


def _kept(t: Tensor, keep: bool) -> Tensor:
    return t if keep else t.detach()


def _tuple(tensors: Any) -> tuple[Any, ...]:
    return tuple(tensors) if isinstance(tensors, (tuple, list)) else (tensors,)


def _like(inputs: Any, results: tuple[Tensor, ...]) -> Tensors:
    """A tuple for a tuple, a Tensor for a Tensor."""
    return results if isinstance(inputs, (tuple, list)) else results[0]
