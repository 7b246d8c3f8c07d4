"""A function as the checks see it: a point of host arrays in, one flat array out."""
from __future__ import annotations

from typing import Any, Callable, Sequence

import numpy as np

from .differences import STEPS, Slopes, computational_noise, finite, slopes
from .frameworks import Framework

__tracebackhide__ = True  # pytest: the message says what is wrong

Point = list[np.ndarray]  # the values of the variables
Layout = Callable[[np.ndarray], np.ndarray]  # the same numbers, otherwise in memory


class CheckedFunction:
    """f with some of its inputs held fixed, and its reverse pass.

    inputs     host arrays, of which those at `variables` may move; the others are constants
    names      what to call each variable in a message
    linear     how many of the variables, the last ones, f is linear in: cotangents are such
    """

    def __init__(self, f: Callable[..., Any], framework: Framework, inputs: Sequence[np.ndarray],
                 variables: Sequence[int], names: Sequence[str], linear: int = 0):
        self.f, self.framework, self.inputs = f, framework, list(inputs)
        self.variables, self.names, self.linear = list(variables), list(names), linear
        self.outputs: Point = []  # the last ones
        self.operation = ""       # what made the first of them

    def natives(self, point: Point, copy: bool = False) -> list[Any]:
        """All inputs in the framework's arrays, which share memory with these unless copied."""
        arrays = list(self.inputs)
        for i, x in zip(self.variables, point):
            arrays[i] = x
        return [self.framework.array(x.copy() if copy else x) for x in arrays]

    def values(self, point: Point) -> np.ndarray:
        """f at the point, all outputs in one flat float64 array."""
        return self.values_of(self.natives(point))

    def values_of(self, natives: Sequence[Any]) -> np.ndarray:
        outputs = self.framework.outputs(self.f(*natives))
        self.outputs = [self.framework.numpy(y) for y in outputs]
        return flat(self.outputs)

    def pull_back(self, point: Point, cotangent: np.ndarray, only: int | None = None,
                  create_graph: bool = False) -> Point:
        """The gradient of ⟨cotangent, f⟩ by each variable, or by that one only."""
        return self.run(self.natives(point), cotangent, only, create_graph)[1]

    def run(self, natives: Sequence[Any], cotangent: np.ndarray, only: int | None = None,
            create_graph: bool = False, layout: Layout = lambda x: x,
            between: Callable[[], Any] = lambda: None) -> tuple[np.ndarray, Point]:
        """A forward and a reverse pass: values and gradients. layout rearranges the cotangents'
        memory; between is called between the passes."""
        wrt = self.variables if only is None else [self.variables[only]]
        parts = [layout(part) for part in unflat(cotangent, self.outputs)]

        def cotangents(outputs: Sequence[Any]) -> list[Any]:
            between()
            return list(map(self.framework.cast, parts, outputs))

        outputs, gradients = self.framework.vjp(self.f, natives, wrt, cotangents, create_graph)
        self.operation = self.framework.operation(outputs[0])
        values = flat([self.framework.numpy(y) for y in outputs])
        return values, [self.framework.numpy(g) for g in gradients]

    def reverse(self) -> CheckedFunction:
        """The reverse pass as a function of its own: (variables, cotangents) ↦ gradients."""
        count, inputs = len(self.variables), self.inputs

        def pulled(*natives: Any) -> tuple[Any, ...]:
            arrays = [self.framework.array(x) for x in inputs]
            for i, x in zip(self.variables, natives):
                arrays[i] = x
            differentiate = any(getattr(x, "requires_grad", False) for x in natives)
            _, gradients = self.framework.vjp(self.f, arrays, self.variables,
                                              lambda outputs: natives[count:], differentiate)
            return tuple(gradients)

        cotangents = [np.zeros(y.shape) for y in self.outputs]
        names = [f"the cotangent of output {i}" for i in range(len(cotangents))]
        all_inputs = [inputs[i] for i in self.variables] + cotangents
        return CheckedFunction(pulled, self.framework, all_inputs, range(len(all_inputs)),
                               [*self.names, *names], linear=len(cotangents))

    def noise(self, point: Point) -> np.ndarray:
        """What rounding within the function does to its values near the point, (M,); see
        computational_noise."""
        at = flat(point)
        # no round number, for which values on a grid would be rounded alike
        step = 1.618e-7 * np.where(np.arange(at.size) % 2, -1, 1)
        return computational_noise(np.stack([self.values(unflat(at + k * step, point))
                                             for k in range(1, 9)]))

    def variation(self, point: Point, start: np.ndarray) -> float:
        """How fast the values change within the reach of a difference: the scale of gradients,
        also where they happen to vanish."""
        at = flat(point)
        step = STEPS[0] * np.where(np.arange(at.size) % 3, 1, -1)
        change = finite(self.values(unflat(at + step, point)) - start)
        return float(np.max(change, initial=0)) / STEPS[0]

    def slopes(self, point: Point, directions: np.ndarray, start: np.ndarray, noise: np.ndarray,
               suffices: Callable[[Slopes], np.ndarray] | None = None) -> Slopes:
        """The slopes at the point, where the value is `start`, along directions, (D, N), for all
        elements of the variables side by side. noise is the values', in `noise`'s sense; for
        suffices see differences.slopes."""
        at = flat(point)

        def moved(t: complex, d: int) -> Point:
            return unflat(at + t * directions[d], point)

        def differences(directions: np.ndarray, suffices: Any = None) -> Slopes:
            lengths = abs(directions).max(axis=1, keepdims=True, initial=0)
            reach = (abs(at) * (directions != 0)).max(axis=1, keepdims=True, initial=0)
            return slopes(lambda t, which: np.stack([self.values(moved(t, d)) for d in which]),
                          start, reach / np.where(lengths > 0, lengths, 1), noise,
                          suffices)

        if not self.framework.complex_step:
            return differences(directions, suffices)
        found = np.stack([self._complex_slope(moved(1e-100j, d)) for d in range(len(directions))])
        rough = differences(directions[:1])
        if not (abs(found[:1] - rough.low) <= 1e-3 * (1 + abs(rough.low))).all():
            raise ComplexStepError("complex_step needs an analytic f, but its slopes are not those "
                                   "of differences: does it use abs, comparisons, .real or "
                                   ".conj()? Leave complex_step out")
        return Slopes.exact(found)

    def linear_slopes(self, point: Point, directions: np.ndarray) -> Slopes:
        """The same as those variables alone move in which the function is linear, the last ones:
        its values there, known to the last digits."""
        moving = point[len(point) - self.linear:]
        fixed = point[:len(point) - self.linear]
        return Slopes.exact(np.stack([self.values(fixed + unflat(v, moving))
                                      for v in directions]))

    def _complex_slope(self, moved: Point) -> np.ndarray:
        """Im f(x + i h v) / h with an h so small that nothing is cut off."""
        outputs = self.framework.outputs(self.f(*self.natives(moved)))
        return np.concatenate([np.asarray(y).imag.reshape(-1) for y in outputs]) / 1e-100


class ComplexStepError(ValueError):
    """complex_step was asked for a function that does not allow it."""


def flat(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """The elements of all arrays side by side, in float64."""
    if len(arrays) == 1:
        return np.asarray(arrays[0], np.float64).reshape(-1)
    return np.concatenate([np.asarray(a, np.float64).reshape(-1) for a in arrays])


def unflat(x: np.ndarray, like: Point) -> Point:
    """The elements of all arrays side by side, cut into arrays of these shapes again."""
    parts, begin = [], 0
    for array in like:
        parts.append(x[begin:begin + array.size].reshape(array.shape))
        begin += array.size
    return parts
