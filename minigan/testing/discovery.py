"""Which gradients of a package are written by hand, and inputs to check them at.

That is every `torch.autograd.Function`, `jax.custom_vjp`, `jax.custom_jvp` and minigan `Function`
in its modules. Inputs are what `sample` was told; or, for a function of one, two or three arrays,
drawn: random numbers of the first shapes that it takes.
"""
from __future__ import annotations

import inspect
import pkgutil
import sys
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from textwrap import shorten
from typing import Any, Callable, Iterator

import numpy as np

from ..autodiff import Function
from .call import Call
from .differentiable import from_jax, from_torch
from .gradcheck import check_grads
from .inputs import prepare
from .report import Report

SAMPLES: list[tuple[Any, Call]] = []

M, V, IMAGE = (2, 3), (3,), (1, 4, 4, 2)
SHAPES = {1: [(M,), (V,), (IMAGE,), ((3, 3),), ((),)],
          2: [(M, M), (V, V), (M, (3, 2)), (M, V), (IMAGE, (3, 3, 2, 3)), ((3, 3), (3, 3))],
          3: [(M, M, M), (V, V, V), (M, V, V), (M, (3, 2), (2,)), (IMAGE, (3, 3, 2, 3), V)]}
RANGES = [(-2.0, 2.0), (0.2, 0.8)]  # the second where the first is not finite


def sample(function: Any, *inputs: Any, **options: Any) -> None:
    """Inputs at which `pytest --gradcheck` checks a gradient that is written by hand; more than
    one sample is fine. Say it in the package, or in a conftest.py.

    function  a torch.autograd.Function, a jax.custom_vjp or custom_jvp, or a minigan Function
    inputs    what it is called with: arrays, and whatever else it takes
    options   what a minigan Function is made with; else keyword arguments

    >>> from minigan import Function
    >>> class Scaled(Function):
    ...     def __init__(self, factor): self.factor = factor
    ...     def forward(self, x): return self.factor * x
    ...     def backward(self, grad): return self.factor * grad
    >>> sample(Scaled, np.ones(3), factor=2.0)
    """
    if kind_of(function) is None:
        raise TypeError("sample takes a minigan Function, a torch.autograd.Function (the class) or "
                        f"a jax.custom_vjp, not {function!r}")
    SAMPLES.append((function, Call(inputs, options)))


def applied(function: type, *inputs: Any, **options: Any) -> Any:
    """What a minigan Function, made with these options, computes."""
    return function(**options)(*inputs)


@dataclass
class Found:
    """A function with a gradient of its own: at what to call it, or why that is not known."""

    function: Any
    name: str
    kind: str
    calls: list[Call] = field(default_factory=list)
    reason: str = ""
    drawn: bool = False

    def checkable(self, **options: Any) -> Callable[..., Any]:
        """What check_grads takes."""
        return KINDS[self.kind][0](self.function, **options)

    def check(self, call: Call, seed: int) -> Report:
        """check_grads' report of one call; raises GradientError."""
        made = call.options if self.kind == "minigan" else {}
        given = {} if self.kind == "minigan" else call.options
        return check_grads(self.checkable(**made), *call.args, options=given, seed=seed)


# How each kind is recognised, called and asked for its parameters

def _torch_parameters(function: Any) -> Callable[..., Any]:
    base = sys.modules["torch"].autograd.Function
    own = function.setup_context is not base.setup_context  # then forward takes no context
    return function.forward if own else partial(function.forward, None)


KINDS: dict[str, tuple[Callable[..., Any], Callable[[Any], Any]]] = {
    "minigan": (partial(partial, applied),
                lambda function: partial(function.forward, None)),
    "torch": (lambda function: from_torch(function.apply), _torch_parameters),
    "jax": (from_jax, lambda function: function.__wrapped__)}


def kind_of(x: Any) -> str | None:
    """Which kind of function with a gradient of its own x is; None if it is none."""
    torch, jax = sys.modules.get("torch"), sys.modules.get("jax")
    bases = {"minigan": Function} | ({"torch": torch.autograd.Function} if torch else {})
    for kind, base in bases.items():
        if isinstance(x, type) and issubclass(x, base) and x.forward is not base.forward:
            return kind
    return "jax" if jax and isinstance(x, (jax.custom_vjp, jax.custom_jvp)) else None


def functions(package: str) -> tuple[list[Found], dict[str, str]]:
    """Those of a package or module, each once, by name; and the modules that cannot be imported,
    with the reason."""
    found: dict[int, Found] = {}
    refused: dict[str, str] = {}
    for name in _modules(package, refused):
        for label, x in list(vars(sys.modules[name]).items()):
            kind = kind_of(x)
            if kind is None or id(x) in found or not _within(package, x):
                continue
            label = f"{x.__module__}.{getattr(x, '__qualname__', label)}"
            one = found[id(x)] = Found(x, label, kind)
            one.calls = [call for function, call in SAMPLES if function is x]
            if not one.calls:
                one.calls, one.reason = _drawn(one)
                one.drawn = True
    return sorted(found.values(), key=lambda f: f.name), refused


def _modules(package: str, refused: dict[str, str]) -> Iterator[str]:
    """The package and all modules in it that can be imported."""
    names = [package]
    for name in names:
        try:
            module = import_module(name)
        except (Exception, SystemExit) as error:
            if name == package:
                raise
            refused[name] = f"{type(error).__name__}: {error}"
            continue
        yield name
        names += [f"{name}.{m.name}" for m in pkgutil.iter_modules(getattr(module, "__path__", ()))
                  if m.name != "__main__"]


def _within(package: str, x: Any) -> bool:
    return f"{getattr(x, '__module__', '')}.".startswith(f"{package}.")


# Inputs

STATIC = {t for kind in (int, float, bool, str, complex, list, dict, tuple)
          for t in (kind, kind.__name__)}


def _required(f: Any) -> list[inspect.Parameter]:
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):  # not written in Python
        return []
    return [p for p in parameters if p.default is p.empty and p.kind is not p.VAR_KEYWORD]


def _drawn(one: Found) -> tuple[list[Call], str]:
    """Inputs that a function takes, or why there are none."""
    made_with = [p.name for p in _required(one.function) if p.kind is not p.VAR_POSITIONAL]
    if one.kind == "minigan" and made_with:
        return [], f"it is made with {', '.join(made_with)}"
    required = _required(KINDS[one.kind][1](one.function))
    static = [p.name for p in required if p.annotation in STATIC]
    if static:
        return [], f"{', '.join(static)} is no array"
    star = any(p.kind is p.VAR_POSITIONAL for p in required)
    counts = [1, 2, 3] if star or not required else [len(required)]
    reason = "it takes more than three inputs"
    for shapes in [shapes for n in counts for shapes in SHAPES.get(n, ())]:
        for low, high in RANGES:
            rng = np.random.default_rng(0)
            args = tuple(rng.uniform(low, high, shape).round(2) for shape in shapes)
            try:
                still = _still(one.checkable(), args)
            except Exception as error:  # it wants other arrays
                reason = ("it refused all arrays drawn, the last with " + shorten(
                    f"{type(error).__name__}: {error}", 120, placeholder=" ..."))
                continue
            if still and len(args) > 1:  # a label, an option, or a mistake: who knows
                reason = f"there is no gradient by input {still[0]}"
            elif still is not None:
                return [Call(args)], ""
    return [], reason


def _still(f: Callable[..., Any], args: tuple[Any, ...]) -> list[int] | None:
    """The inputs by which f's gradient is zero; None where f or its gradient is not finite."""
    function, point = prepare(f, args)
    with np.errstate(all="ignore"), function.framework.context():
        values = function.values(point)
        if not values.size or not np.isfinite(values).all():
            return None
        gradients = function.pull_back(point, np.random.default_rng(0).normal(size=values.size))
    if not all(np.isfinite(g).all() for g in gradients):
        return None
    return [i for i, g in enumerate(gradients) if not g.any()]
