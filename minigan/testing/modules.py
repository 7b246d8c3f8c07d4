"""Networks and layers, checked by their inputs and by each of their parameters.

The module itself is left as it is: its state is replaced for the time of a call, or copied.
"""
from __future__ import annotations

import sys
from copy import deepcopy
from typing import Any, Callable, Mapping, Sequence

import numpy as np

from .. import backend
from ..autodiff import Tensor
from ..checked import checked
from .differentiable import Differentiable
from .frameworks import Minigan, NumPy
from .others import Torch
from .trees import leaves, mapped


@checked
def from_module(module: Any) -> Differentiable:
    """A Module of minigan or PyTorch, to be checked by its inputs and by every parameter, each by
    its name. Parameters of float64 inputs are float64 as well, whatever the module's are.

    Those of PyTorch that require no gradient are constants. The running statistics that a call
    changes, and all else in the module, are as before afterwards.

    Of Flax and its kin no module holds parameters: hand these over, as the tree that they are, to
    from_jax(module.apply).
    """
    torch = sys.modules.get("torch")
    if torch and isinstance(module, torch.nn.Module):
        return _torch_module(torch, module)
    if isinstance(module, type) or not all(
            hasattr(module, name) for name in ("named_parameters", "named_state", "modules")):
        raise TypeError(f"from_module takes a Module of minigan or PyTorch, not {module!r}: layers "
                        "written in NumPy go through from_layer, functions of a tree of parameters "
                        "(Flax) through from_jax")
    parameters = {name: p for name, p in module.named_parameters() if p.requires_grad}
    state = dict(module.named_state())

    def call(new: Mapping[str, Tensor], *inputs: Any, **options: Any) -> Any:
        dtype = next(iter(new.values())).dtype if new else None
        # running statistics are written into: copies, of the parameters' precision
        others = {id(t): new[name] if name in new else
                  Tensor(t.data.astype(dtype or t.dtype if t.dtype.kind == "f" else t.dtype))
                  for name, t in state.items()}
        before = [(m, dict(vars(m))) for m in module.modules()]
        try:
            for m, attributes in before:
                vars(m).update(mapped(lambda _, x: others.get(id(x), x), attributes))
            return module(*inputs, **options)
        finally:
            for m, attributes in before:
                vars(m).clear()
                vars(m).update(attributes)

    library = next((backend.of(t.data) for t in state.values()), backend.current())
    return Differentiable(_named(call, type(module)), Minigan(library), parameters, "from_module")


def _torch_module(torch: Any, module: Any) -> Differentiable:
    parameters = {name: p for name, p in module.named_parameters() if p.requires_grad}
    frozen = {name: p.detach() for name, p in module.named_parameters() if not p.requires_grad}

    def call(new: Mapping[str, Any], *inputs: Any, **options: Any) -> Any:
        like = next((x for _, x in leaves([inputs, new])
                     if torch.is_tensor(x) and x.is_floating_point()), None)
        constants = {name: x.clone() if like is None or not x.is_floating_point()
                     else x.to(like.dtype, copy=True)
                     for name, x in [*frozen.items(), *module.named_buffers()]}
        return torch.func.functional_call(module, {**constants, **new}, inputs, options)

    return Differentiable(_named(call, type(module)), Torch(), parameters, "from_module")


@checked
def from_layer(forward: Callable[..., Any], backward: Callable[..., Any],
               params: Mapping[str, str] | None = None,
               returns: tuple[str, str] | None = None) -> Differentiable:
    """A layer with a backward written by hand in NumPy, to be checked to first order.

    forward, backward  methods of one object: forward(*inputs) gives the output and keeps in the
                       object what backward(grad) needs, which gives the gradient by the input, or
                       a tuple of them. Or two functions: forward(*inputs) gives (output, cache),
                       and backward(grad, cache) the gradients. There may be none by the last
                       inputs, such as labels: integers, or left out by wrt
    params             where the object holds a parameter, and where backward leaves its gradient:
                       {"weights": "dweights"}, or {"params['W']": "grads['W']"}
    returns            where the object holds the output and the input's gradient, if forward and
                       backward return nothing: ("output", "dinputs")

    A copy of the object is called, so that it stays as it is.
    """
    layer = getattr(forward, "__self__", None)
    if layer is None:
        return _with_cache(forward, backward)
    params = dict(params or {})
    for place in params:
        value = _get(layer, place)
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "fc":
            raise TypeError(f"params names arrays of floats in {type(layer).__name__}, but "
                            f"{place!r} is {type(value).__name__}")

    def run(new: Mapping[str, Any], inputs: Any, options: Any) -> tuple[Any, Any]:
        copy = deepcopy(layer)
        for place, value in new.items():
            _set(copy, place, value)
        y = getattr(copy, forward.__name__)(*inputs, **options)
        return copy, _returned(copy, y, returns and returns[0], forward)

    def call(new: Mapping[str, Any], *inputs: Any, **options: Any) -> Any:
        return run(new, inputs, options)[1]

    def vjp(new: Mapping[str, Any], *inputs: Any, **options: Any) -> Any:
        copy, _ = run(new, inputs[:-1], options)
        for name, place in params.items():  # a gradient that is added to starts at zero
            if isinstance(_get(copy, place, None), np.ndarray):
                _set(copy, place, np.zeros_like(new[name]))
        grads = getattr(copy, backward.__name__)(inputs[-1])
        grads = _returned(copy, grads, returns and returns[1], backward)
        grads = _completed(grads, inputs[:-1])
        return {name: _get(copy, params[name]) for name in new}, *grads

    return Differentiable(_named(call, type(layer)), NumPy(vjp, False),
                          {name: _get(layer, name) for name in params}, "from_layer")


def _with_cache(forward: Callable[..., Any], backward: Callable[..., Any]) -> Differentiable:
    def call(*inputs: Any, **options: Any) -> Any:
        return forward(*inputs, **options)[0]

    def vjp(*inputs: Any, **options: Any) -> Any:
        *inputs, grad = inputs
        return _completed(backward(grad, forward(*inputs, **options)[1]), inputs)

    return Differentiable(_named(call, forward), NumPy(vjp, False), maker="from_layer")


def _completed(grads: Any, inputs: Sequence[Any]) -> tuple[Any, ...]:
    """A gradient for each input: None for the last ones, labels and what is no array."""
    grads = grads if isinstance(grads, tuple) else (grads,)
    return *grads, *[None] * (len(inputs) - len(grads))


def _named(call: Callable[..., Any], after: Any) -> Callable[..., Any]:
    """The function under the name of what it calls, and as found in its place."""
    call.__name__, call.__qualname__ = after.__name__, after.__qualname__
    call.__wrapped__ = after
    return call


def _returned(layer: Any, value: Any, place: str | None, method: Callable[..., Any]) -> Any:
    """What a method returned, or left in the layer."""
    if value is None and place is None:
        raise TypeError(f"{method.__name__} of {type(layer).__name__} returned nothing: say where "
                        'it leaves its result, as in returns=("output", "dinputs")')
    return _get(layer, place) if value is None else value


# Places are written as they are after the layer's name and a dot
MISSING = object()


def _get(layer: Any, place: str, default: Any = MISSING) -> Any:
    try:
        return eval(f"layer.{place}", {"layer": layer})
    except (AttributeError, LookupError, SyntaxError) as error:
        if default is MISSING:
            raise TypeError(f"{type(layer).__name__} has no {place}, but "
                            f"{', '.join(vars(layer)) or 'nothing'}") from error
        return default


def _set(layer: Any, place: str, value: Any) -> None:
    exec(f"layer.{place} = value", {"layer": layer, "value": value})
