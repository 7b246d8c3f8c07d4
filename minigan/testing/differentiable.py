"""Functions of other libraries, and of NumPy with a reverse pass, as the checks take them."""
from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial, update_wrapper
from typing import Any, Callable

import numpy as np

from ..checked import checked
from .frameworks import Framework, NumPy
from .others import Jax, Torch
from .trees import mapped


@dataclass(frozen=True)
class Differentiable:
    """A function of any framework, to be handed to every check of this package.

    Called with NumPy arrays it gives NumPy arrays.
    """

    f: Callable[..., Any]
    framework: Framework
    parameters: dict[str, Any] | None = None  # by name: f takes this dict before its inputs
    maker: str = ""                           # who made it, for messages

    @property
    def __name__(self) -> str:
        return getattr(self.f, "__name__", type(self.f).__name__)

    def bind(self, **options: Any) -> Differentiable:
        """The same with keyword options held fixed, also those of a NumPy vjp."""
        framework = self.framework
        if isinstance(framework, NumPy):
            framework = replace(framework, pull_back=named_partial(framework.pull_back, options))
        return replace(self, f=named_partial(self.f, options), framework=framework)

    def __call__(self, *arrays: Any, **options: Any) -> Any:
        with self.framework.context():
            natives = [self.framework.array(np.asarray(x)) for x in arrays]
            first = () if self.parameters is None else (self.parameters,)
            return mapped(lambda name, y: self.framework.host(y),
                          self.f(*first, *natives, **options))


def named_partial(f: Callable[..., Any], options: dict[str, Any]) -> Callable[..., Any]:
    """f with options held fixed, under its own name."""
    return update_wrapper(partial(f, **options), f)


@checked
def from_numpy(f: Callable[..., Any], vjp: Callable[..., Any],
               complex_step: bool = False) -> Differentiable:
    """A NumPy function with a reverse pass written by hand, to be checked to first order.

    f             arrays in, an array or several out
    vjp           vjp(*inputs, grad) → the gradient of ⟨grad, f(*inputs)⟩ by each input, an array
                  if there is one, else a tuple, with None for a constant. grad has the form of
                  f's result: an array, or a tuple of arrays
    complex_step  take slopes as Im f(x + i h v) / h, exact to rounding (Squire & Trapp 1998): for
                  functions that are analytic and take complex arrays, so without abs, max,
                  comparisons, .real and .conj()
    """
    return Differentiable(f, NumPy(vjp, complex_step), maker="from_numpy")


@checked
def from_torch(f: Callable[..., Any]) -> Differentiable:
    """A function of torch.Tensors, such as a torch.autograd.Function's apply; needs PyTorch."""
    if isinstance(f, type):
        raise TypeError(f"from_torch takes a function, not the class {f.__name__}: "
                        f"say from_torch({f.__name__}.apply)")
    return Differentiable(f, Torch(), maker="from_torch")


@checked
def from_jax(f: Callable[..., Any]) -> Differentiable:
    """A function of jax.Arrays, custom_vjp included; needs JAX. Checked in double precision."""
    return Differentiable(f, Jax(), maker="from_jax")
