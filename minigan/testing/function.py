"""A function of Tensors as the checks see it: a point of host arrays in, one flat array out."""
from __future__ import annotations

from typing import Any, Callable, Sequence

import numpy as np

from .. import backend
from ..autodiff import Tensor, grad
from .report import GradientError

Point = list[np.ndarray]  # the values of the variables


class TensorFunction:
    """f with some of its inputs held fixed, and its reverse pass.

    names      what to call each variable in a message
    variables  the positions of the inputs that may move; the others are constants
    """

    def __init__(self, f: Callable[..., Any], inputs: Sequence[Tensor], variables: Sequence[int],
                 names: Sequence[str]):
        self.f, self.inputs, self.variables, self.names = f, inputs, variables, names
        self.shapes: list[tuple[int, ...]] = []  # of the outputs, known after the first call
        self.creator = ""                        # the class that made the first output
        self._backend = backend.of(inputs[0].data)

    def tensors(self, point: Point, requires_grad: bool) -> list[Tensor]:
        """All inputs as new Tensors with memory of their own."""
        moving = dict(zip(self.variables, point))
        return [Tensor(self._backend.from_numpy(moving[i].copy()), requires_grad) if i in moving
                else Tensor(x.data.copy()) for i, x in enumerate(self.inputs)]

    def outputs(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """f's floating point results, always as a list."""
        results = self.f(*tensors)
        results = list(results) if isinstance(results, (tuple, list)) else [results]
        for y in results:
            if not isinstance(y, Tensor):
                raise GradientError(f"the function returned a {type(y).__name__}, not a Tensor")
        floating = [y for y in results if y.dtype.kind == "f"]
        if not floating:
            raise GradientError("the function returned nothing that has a gradient (no floats)")
        self.shapes = [y.shape for y in floating]
        if floating[0].creator is not None:
            self.creator = type(floating[0].creator).__name__
        return floating

    def values(self, point: Point) -> np.ndarray:
        """f at the point, all outputs in one flat float64 array."""
        return flat([y.numpy() for y in self.outputs(self.tensors(point, False))])

    def pull_back(self, point: Point, cotangent: np.ndarray) -> Point:
        """The reverse pass: the gradient of ⟨cotangent, f⟩ by each variable."""
        tensors = self.tensors(point, True)
        return self._pull_back(tensors, self.outputs(tensors), cotangent)

    def run(self, point: Point, cotangent: np.ndarray) -> tuple[list[Tensor], np.ndarray, Point]:
        """A forward and a reverse pass: the inputs as they are afterwards, values, gradients."""
        tensors = self.tensors(point, True)
        outputs = self.outputs(tensors)
        values = flat([y.numpy() for y in outputs])
        return tensors, values, self._pull_back(tensors, outputs, cotangent)

    def _pull_back(self, tensors: list[Tensor], outputs: list[Tensor],
                   cotangent: np.ndarray) -> Point:
        variables = [tensors[i] for i in self.variables]
        parts = [Tensor(self._backend.from_numpy(u.astype(y.data.dtype)))
                 for u, y in zip(self.split(cotangent), outputs)]
        return [g.numpy() for g in grad(outputs, variables, parts)]

    def split(self, cotangent: np.ndarray) -> Point:
        """A flat cotangent cut into the outputs' shapes."""
        ends = np.cumsum([int(np.prod(shape)) for shape in self.shapes])
        return [part.reshape(shape) for part, shape in zip(np.split(cotangent, ends), self.shapes)]

    def reverse(self) -> TensorFunction:
        """The reverse pass as a function of its own: (variables, cotangents) ↦ gradients."""
        count = len(self.variables)

        def pulled(*tensors: Tensor) -> tuple[Tensor, ...]:
            differentiate = any(t.requires_grad for t in tensors)
            inputs = [Tensor(x.data) for x in self.inputs]
            for i, t in zip(self.variables, tensors):
                inputs[i] = t if t.requires_grad else Tensor(t.data, requires_grad=True)
            return grad(self.outputs(inputs), [inputs[i] for i in self.variables],
                        tensors[count:], create_graph=differentiate)

        cotangents = [Tensor(self._backend.from_numpy(np.zeros(shape))) for shape in self.shapes]
        names = [f"the cotangent of output {i}" for i in range(len(cotangents))]
        inputs = [self.inputs[i] for i in self.variables] + cotangents
        return TensorFunction(pulled, inputs, range(len(inputs)), [*self.names, *names])


def flat(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """All elements in one float64 array."""
    return np.concatenate([np.asarray(a, np.float64).reshape(-1) for a in arrays])
