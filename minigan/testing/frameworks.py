"""What a check needs of an array library that differentiates: minigan, and NumPy with a vjp.

A framework turns host arrays into its own and back, and pulls cotangents back through a function.
All else in this package sees functions of host arrays. PyTorch and JAX stand in others.py.
"""
from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Callable, Sequence

import numpy as np

from .. import backend
from ..autodiff import Tensor, grad
from .report import GradientError
from .trees import leaves as leaves_of
from .trees import mapped

__tracebackhide__ = True  # pytest: the message says what is wrong

# the cotangents of the outputs, and whether to differentiate again ↦ the gradients
Pull = Callable[[Sequence[Any], bool], Sequence[Any]]

# what takes functions of other libraries
MAKERS = {"numpy": "from_numpy(f, vjp)", "torch": "from_torch(f)", "jax": "from_jax(f)",
          "jaxlib": "from_jax(f)"}


class Framework:
    """The interface, and what most of them share."""

    array_name = "array"
    differentiates_twice = True  # whether the gradients can be differentiated again
    complex_step = False         # whether the function also takes complex numbers
    adds_up = False              # whether one array in two places has one gradient, the sum
    no_complex = ""              # why complex numbers are refused, where they are
    has_modes = False            # whether there are forward mode and vmap

    def context(self) -> AbstractContextManager:
        """What must be switched on during a check."""
        return nullcontext()

    def array(self, x: np.ndarray) -> Any:
        """A host array as one of the framework's, sharing its layout where it can."""
        return x

    def numpy(self, x: Any) -> np.ndarray:
        """One of the framework's arrays in host memory."""
        return np.asarray(x)

    def host(self, x: Any) -> Any:
        """The same of an array; anything else as it is."""
        return self.numpy(x) if self.is_array(x) else x

    def cast(self, x: np.ndarray, like: Any) -> Any:
        """A host array as one of the framework's, of the other's dtype."""
        return self.array(x.astype(like.dtype, copy=False))

    def is_array(self, x: Any) -> bool:
        """Whether x is one of the framework's."""

    def hides_arrays(self, x: Any) -> bool:
        """Whether what is no array, dict, tuple or list holds arrays to differentiate by."""
        return False

    def is_float(self, x: Any) -> bool:
        return is_float(x.dtype)

    def is_complex(self, x: Any) -> bool:
        return np.dtype(getattr(x, "dtype", float)).kind == "c"

    def copy(self, x: Any) -> Any:
        """A copy to write into, through which gradients flow."""
        return x.copy()

    def complex(self, x: Any) -> Any:
        """Complex numbers of their real and imaginary parts, which lie along the last axis."""

    def real(self, y: Any) -> Any:
        """The parts of complex numbers, as independent numbers along a last axis."""

    def operation(self, output: Any) -> str:
        """The name of the operation that computed the output, "" if there is none to be known."""
        return ""

    def record(self, f: Callable, inputs: Sequence[Any], wrt: Sequence[int],
               leaves: bool = True) -> tuple[list[Any], Pull]:
        """The outputs, and how to pull cotangents back to the inputs at wrt, more than once if
        need be. These are leaves of the graph, or else computed by an operation that copies."""

    def outputs(self, results: Any, complex_too: bool = False) -> list[Any]:
        """The floating point ones of the arrays in a function's results, complex ones as their
        real and imaginary parts unless these are wanted too."""
        floating = []
        for name, y in leaves_of(results, "the result"):
            if y is not results and (y is None or isinstance(y, str)):
                continue  # beside arrays
            if not self.is_array(y):
                raise GradientError(f"the function returned {type(y).__name__}, which is no "
                                    f"{self.array_name}{_other_maker(y)}")
            if self.is_complex(y) and not complex_too:
                if self.no_complex:
                    raise GradientError(f"{name} is complex, {self.no_complex}")
                floating.append(self.real(y))
            elif self.is_float(y) or self.is_complex(y):
                floating.append(y)
        if not floating:
            raise GradientError("the function returned nothing that has a gradient (no floats)")
        return floating


def is_float(dtype: Any) -> bool:
    """Whether a NumPy dtype is one of floating point, bfloat16 included, which NumPy itself has
    not: it comes of the package ml_dtypes."""
    return dtype.kind == "f" or dtype.name == "bfloat16"


def parts(x: np.ndarray) -> np.ndarray:
    """Real numbers as they are, complex ones as real and imaginary parts along a last axis."""
    return np.stack([x.real, x.imag], axis=-1) if x.dtype.kind == "c" else x


def _other_maker(y: Any) -> str:
    """What would take a function that returns such arrays."""
    library = type(y).__module__.partition(".")[0]
    return f": check minigan.testing.{MAKERS[library]}" if library in MAKERS else ""


@dataclass(frozen=True)
class Minigan(Framework):
    """Functions of Tensors, whose data live on `device`."""

    device: backend.Backend
    array_name = "Tensor"
    adds_up = True
    no_complex = ("and minigan's operations are for real numbers: make two arrays of its real and "
                  "its imaginary part")

    def array(self, x: np.ndarray) -> Tensor:
        return Tensor(self.device.from_numpy(x))

    def numpy(self, x: Tensor) -> np.ndarray:
        return x.numpy()

    def is_array(self, x: Any) -> bool:
        return isinstance(x, Tensor)

    def copy(self, x: Tensor) -> Tensor:
        return x * 1 if self.is_float(x) else Tensor(x.data.copy())

    def operation(self, output: Tensor) -> str:
        return "" if output.creator is None else type(output.creator).__name__

    def record(self, f, inputs, wrt, leaves=True):
        variables = made_once(lambda x: Tensor(x.data, requires_grad=True), inputs, wrt)
        outputs = self.outputs(f(*replaced(inputs, wrt, variables, leaves)))
        return outputs, lambda cotangents, create_graph: grad(
            outputs, variables, list(cotangents), create_graph, allow_unused=True)


@dataclass(frozen=True)
class NumPy(Framework):
    """Functions of NumPy arrays, with a reverse pass written by hand."""

    pull_back: Callable[..., Any]
    complex_step: bool
    differentiates_twice = False

    def is_array(self, x: Any) -> bool:
        return isinstance(x, (np.ndarray, np.generic, float))

    def is_float(self, x: Any) -> bool:
        return isinstance(x, float) or is_float(x.dtype)

    def copy(self, x: Any) -> np.ndarray:
        return np.array(x)

    @property
    def no_complex(self) -> str:
        return self.complex_step and "where complex_step needs real numbers: leave it out" or ""

    def complex(self, x: np.ndarray) -> np.ndarray:
        one = np.complex64 if x.dtype == np.float32 else np.complex128
        return np.ascontiguousarray(x).view(one)[..., 0]  # of the same memory

    def real(self, y: Any) -> np.ndarray:
        return parts(np.asarray(y))

    def record(self, f, inputs, wrt, leaves=True):
        results = f(*inputs)

        def pull(cotangents: Sequence[Any], create_graph: bool) -> list[np.ndarray]:
            rest = iter(cotangents)

            def like(name: str, y: Any) -> Any:
                if not self.is_array(y) or not (self.is_float(y) or self.is_complex(y)):
                    return None
                return self.complex(next(rest)) if self.is_complex(y) else next(rest)

            return f.pull_back(self.pull_back, inputs, mapped(like, results), wrt)

        return [np.asarray(y) for y in self.outputs(results)], pull


def made_once(leaf: Callable[[Any], Any], inputs: Sequence[Any], wrt: Sequence[int]) -> list[Any]:
    """The inputs at wrt, leaves made of those that are constants: of one object one."""
    made = {id(x): x if x.requires_grad else leaf(x) for x in [inputs[i] for i in wrt]}
    return [made[id(inputs[i])] for i in wrt]


def replaced(inputs: Sequence[Any], wrt: Sequence[int], variables: Sequence[Any],
             leaves: bool = True) -> list[Any]:
    """The inputs with these variables in their places, or with copies that a graph has made."""
    inputs = list(inputs)
    for i, x in zip(wrt, variables):
        inputs[i] = x if leaves else x * 1
    return inputs
