"""PyTorch and JAX, as a check sees them: imported where a function of theirs is checked."""
from __future__ import annotations

import re
from contextlib import AbstractContextManager
from typing import Any, Callable, Sequence

import numpy as np

from .frameworks import Framework, made_once, replaced

__tracebackhide__ = True  # pytest: the message says what is wrong

# what is said of functions that have no forward mode, or that vmap cannot take
NO_MODE = re.compile(r"not.*implement|must implement|must override|support|vmap|forward.mode|"
                     "functorch|have storage", re.IGNORECASE)


class WithModes(Framework):
    """A library that has forward mode and vmap.

    vjp, vmap  its own functions
    """

    has_modes = True
    vjp: Callable[..., Any]
    vmap: Callable[..., Any]

    def of_variables(self, f: Callable[..., Any], inputs: Sequence[Any], wrt: Sequence[int],
                     leaves: bool = True) -> Callable[..., Any]:
        """f as a function of its inputs at wrt, which gives a tuple of outputs."""
        return lambda *variables: tuple(self.outputs(f(*replaced(inputs, wrt, variables, leaves))))

    def forward(self, f: Callable[..., Any], inputs: Sequence[Any], wrt: Sequence[int],
                tangents: Sequence[Any]) -> Sequence[Any]:
        """The outputs' tangents for those of the inputs at wrt, by forward mode."""

    def batched(self, f: Callable[..., Any], inputs: Sequence[Any], wrt: Sequence[int],
                variables: Sequence[Any], cotangents: Sequence[Any]) -> Sequence[Any]:
        """The outputs, and the gradients by the inputs at wrt, of a batch of these and of the
        cotangents, by vmap."""
        def one(variables: Any, cotangents: Any) -> Any:
            outputs, pull = self.vjp(self.of_variables(f, inputs, wrt), *variables)
            return (*outputs, *pull(cotangents))

        return self.vmap(one)(tuple(variables), tuple(cotangents))

    def unsupported(self, error: Exception) -> bool:
        """Whether an error says that there is no forward mode, or no vmap, of a function."""


class Torch(WithModes):
    """Functions of torch.Tensors on the CPU."""

    array_name = "torch.Tensor"
    adds_up = True

    def __init__(self) -> None:
        import torch
        self.torch, self.vjp, self.vmap = torch, torch.func.vjp, torch.func.vmap

    def array(self, x: np.ndarray) -> Any:
        if x.dtype.name == "bfloat16":  # of which torch's exchange with NumPy knows nothing
            return self.array(x.view(np.int16)).view(self.torch.bfloat16)
        positive = all(s >= 0 for s in x.strides)  # torch has no others
        return self.torch.from_numpy(x if positive and x.flags.writeable else x.copy())

    def numpy(self, x: Any) -> np.ndarray:
        x = x.detach().clone()  # an array, where it is a promise of zeros only
        if x.dtype == self.torch.bfloat16:
            return x.view(self.torch.int16).numpy().view(bfloat16())
        return x.numpy()

    def cast(self, x: np.ndarray, like: Any) -> Any:
        return self.array(x).to(like.dtype)

    def is_array(self, x: Any) -> bool:
        return isinstance(x, self.torch.Tensor)

    def is_float(self, x: Any) -> bool:
        return x.is_floating_point()

    def is_complex(self, x: Any) -> bool:
        return x.is_complex()

    def copy(self, x: Any) -> Any:
        return x.clone()

    def complex(self, x: Any) -> Any:
        return self.torch.view_as_complex(x.contiguous())

    def real(self, y: Any) -> Any:
        return self.torch.view_as_real(y.resolve_conj())

    def operation(self, output: Any) -> str:
        return "" if output.grad_fn is None else output.grad_fn.name()

    def record(self, f, inputs, wrt, leaves=True):
        variables = made_once(lambda x: x.detach().requires_grad_(), inputs, wrt)
        outputs = self.outputs(f(*replaced(inputs, wrt, variables, leaves)))

        def pull(cotangents: Sequence[Any], create_graph: bool) -> list[Any]:
            pairs = [(y, u) for y, u in zip(outputs, cotangents) if y.requires_grad]
            # what is not used gets no cotangent: a Function may be handed None
            used = [(y, u) for y, u in pairs if u.requires_grad or bool(u.any())] or pairs
            if not used:
                return [self.torch.zeros_like(x) for x in variables]
            outs, given = zip(*used)
            grads = self.torch.autograd.grad(outs, variables, given, retain_graph=True,
                                             create_graph=create_graph, allow_unused=True)
            return [self.torch.zeros_like(x) if g is None else g
                    for x, g in zip(variables, grads)]

        return outputs, pull

    def forward(self, f, inputs, wrt, tangents):
        ad = self.torch.autograd.forward_ad
        with ad.dual_level():
            variables = [ad.make_dual(inputs[i].detach(), v) for i, v in zip(wrt, tangents)]
            outputs = self.of_variables(f, inputs, wrt)(*variables)
            found = [ad.unpack_dual(y).tangent for y in outputs]
            return [self.torch.zeros_like(y) if t is None else t for y, t in zip(outputs, found)]

    def unsupported(self, error):
        return isinstance(error, NotImplementedError) or (
            isinstance(error, RuntimeError) and NO_MODE.search(str(error)) is not None)


class Jax(WithModes):
    """Functions of jax.Arrays, in double precision during the check."""

    array_name = "jax.Array"

    def __init__(self) -> None:
        import jax
        self.jax, self.vjp, self.vmap = jax, jax.vjp, jax.vmap

    def context(self) -> AbstractContextManager:
        return self.jax.enable_x64(True)

    def array(self, x: np.ndarray) -> Any:
        return self.jax.numpy.array(x)  # a copy: JAX's arrays never change, NumPy's do

    def is_array(self, x: Any) -> bool:
        return isinstance(x, self.jax.Array) and not self.jax.dtypes.issubdtype(
            x.dtype, self.jax.dtypes.prng_key)

    def hides_arrays(self, x: Any) -> bool:
        return any(self.is_array(leaf) for leaf in self.jax.tree_util.tree_leaves(x))

    def complex(self, x: Any) -> Any:
        return self.jax.lax.complex(x[..., 0], x[..., 1])

    def real(self, y: Any) -> Any:
        return self.jax.numpy.stack([y.real, y.imag], axis=-1)

    def record(self, f, inputs, wrt, leaves=True):
        outputs, pull = self.vjp(self.of_variables(f, inputs, wrt, leaves),
                                 *[inputs[i] for i in wrt])
        return list(outputs), lambda cotangents, create_graph: pull(tuple(cotangents))

    def forward(self, f, inputs, wrt, tangents):
        return self.jax.jvp(self.of_variables(f, inputs, wrt), tuple(inputs[i] for i in wrt),
                            tuple(tangents))[1]

    def unsupported(self, error):
        return isinstance(error, (NotImplementedError, self.jax.errors.JAXTypeError)) or (
            NO_MODE.search(str(error)) is not None)


def bfloat16() -> Any:
    """NumPy's dtype for it."""
    try:
        import ml_dtypes
    except ModuleNotFoundError as error:
        raise ImportError("to check bfloat16 needs ml_dtypes: pip install ml_dtypes") from error
    return ml_dtypes.bfloat16
