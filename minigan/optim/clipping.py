"""Gradients limited before a step."""
from __future__ import annotations

from typing import Iterable

from .. import backend
from ..autodiff import Tensor
from ..backend import Array, array_module, is_half
from ..checked import checked
from ..settings import Limit


@checked
def clip_grad_norm(params: Tensor | Iterable[Tensor], max_norm: Limit) -> Tensor:
    """Scale all gradients together so that their joint Euclidean norm is at most max_norm
    (Pascanu et al. 2013). Returns the norm before."""
    params = [p for p in _listed(params) if p.grad is not None]
    if not params:
        raise ValueError("no parameter has a gradient: call backward() first")
    xp = array_module(params[0].data)
    norm = xp.sqrt(sum(_square(p.grad.data) for p in params))
    scale = xp.minimum(max_norm / (norm + 1e-6), 1)  # computed without waiting for a GPU
    for p in params:
        p.grad = Tensor(p.grad.data * scale.astype(p.dtype))
    return Tensor(backend.result(norm))


@checked
def clip_grad_value(params: Tensor | Iterable[Tensor], value: Limit) -> None:
    """Limit every element of every gradient to [−value, value]."""
    for p in _listed(params):
        if p.grad is not None:
            p.grad = Tensor(array_module(p.grad.data).clip(p.grad.data, -value, value))


def _square(g: Array) -> Array:
    """Of the norm."""
    g = g.astype("float32") if is_half(g) else g  # or it would overflow at 256, and all become 0
    return (g * g).sum()


def _listed(params: Tensor | Iterable[Tensor]) -> Iterable[Tensor]:
    return [params] if isinstance(params, Tensor) else params
