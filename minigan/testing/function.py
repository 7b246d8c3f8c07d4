"""A function as the checks see it: a point of host arrays in, one flat array out."""
from __future__ import annotations

from typing import Any, Callable, Sequence

import numpy as np

from .differences import (EPS, HOPELESS, Near, Slopes, at_least_half, computational_noise, finite,
                          largest, slopes)
from .frameworks import Framework, Pull

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
                 variables: Sequence[int], names: Sequence[str], linear: int = 0, own: int = 0):
        self.f, self.framework, self.inputs, self.own = f, framework, list(inputs), own
        self.variables, self.names, self.linear = list(variables), list(names), linear
        self.surrogate: Callable[..., Any] | None = None  # whose values stand in for f's
        self.outputs: Point = []  # the last ones
        self.operation = ""       # what made the first of them
        self.closes_over = ""     # the names of arrays that they depend on and are no inputs

    def natives(self, point: Point | np.ndarray, copy: bool = False) -> list[Any]:
        """All inputs in the framework's arrays, which share memory with these unless copied. The
        point is one of arrays, or of their elements side by side."""
        return [self.framework.array(x.copy() if copy else x) for x in self.filled(point)]

    def filled(self, point: Point | np.ndarray) -> Point:
        """All inputs, with the variables at the point."""
        arrays = list(self.inputs)
        if isinstance(point, np.ndarray):
            point = unflat(point, [arrays[i] for i in self.variables])
        for i, x in zip(self.variables, point):
            arrays[i] = x
        return arrays

    def values(self, point: Point | np.ndarray) -> np.ndarray:
        """f at the point, all outputs in one flat float64 array."""
        return self.values_of(self.natives(point))

    def values_of(self, natives: Sequence[Any]) -> np.ndarray:
        """The outputs are copied at once: a function may write its next ones over them."""
        outputs = self.framework.outputs((self.surrogate or self.f)(*natives))
        self.outputs = [np.array(self.framework.numpy(y)) for y in outputs]
        if not self.closes_over and any(getattr(y, "requires_grad", False) for y in outputs):
            self.closes_over = "parameters"
        return flat(self.outputs)

    def near_values(self, point: Point | np.ndarray, like: np.ndarray) -> np.ndarray:
        """f at a point near one that is allowed: NaN where it is refused, or of another size."""
        try:
            found = self.values(point)
        except MemoryError:
            raise
        except Exception:
            return np.full(like.shape, np.nan)
        return found if found.shape == like.shape else np.full(like.shape, np.nan)

    def pull_back(self, point: Point | np.ndarray, cotangent: np.ndarray, **options: Any) -> Point:
        """The gradient of ⟨cotangent, f⟩ by each variable; options as in `run`."""
        return self.run(self.natives(point), cotangent, **options)[1]

    def pull_backs(self, point: Point, cotangents: Sequence[Any]) -> list[Point]:
        """The same for each of several cotangents, arrays as `outputs` or their elements side by
        side, through one graph."""
        outputs, pull = self.framework.record(self.f, self.natives(point), self.variables)
        return [self._pulled(outputs, pull, unflat(u, self.outputs)
                             if isinstance(u, np.ndarray) else u) for u in cotangents]

    def _pulled(self, outputs: list[Any], pull: Pull, parts: Point,
                create_graph: bool = False) -> Point:
        cotangents = list(map(self.framework.cast, parts, outputs))
        return [np.array(self.framework.numpy(g)) for g in pull(cotangents, create_graph)]

    def run(self, natives: Sequence[Any], cotangent: np.ndarray,
            only: Sequence[int] | None = None, create_graph: bool = False, leaves: bool = True,
            passes: int = 1, layout: Layout = lambda x: x,
            between: Callable[[], Any] = lambda: None) -> tuple[np.ndarray, Point]:
        """A forward and a reverse pass: values and gradients.

        only     the numbers of the variables that are asked for; None: all
        leaves   whether the variables are; else something computed them, as within a network
        passes   how many reverse passes are made through the one graph; the last one counts
        layout   rearranges the cotangents' memory
        between  is called between the passes
        """
        wrt = self.variables if only is None else [self.variables[i] for i in only]
        parts = [layout(part) for part in unflat(cotangent, self.outputs)]
        outputs, pull = self.framework.record(self.f, natives, wrt, leaves)
        self.operation = self.framework.operation(outputs[0])
        self.outputs = [np.array(self.framework.numpy(y)) for y in outputs]
        between()
        for _ in range(passes):
            gradients = self._pulled(outputs, pull, parts, create_graph)
        return flat(self.outputs), gradients

    def reverse(self, passes: int = 1) -> CheckedFunction:
        """The reverse pass as a function of its own: (variables, cotangents) ↦ gradients. Of
        several passes through the one graph the last one counts."""
        count, inputs = len(self.variables), self.inputs

        def pulled(*natives: Any) -> tuple[Any, ...]:
            arrays = [self.framework.array(x) for x in inputs]
            for i, x in zip(self.variables, natives):
                arrays[i] = x
            differentiate = any(getattr(x, "requires_grad", False) for x in natives)
            _, pull = self.framework.record(self.f, arrays, self.variables)
            for _ in range(passes):
                gradients = tuple(pull(natives[count:], differentiate))
            return gradients

        cotangents = [np.zeros(y.shape) for y in self.outputs]
        names = [f"the cotangent of output {i}" for i in range(len(cotangents))]
        all_inputs = [inputs[i] for i in self.variables] + cotangents
        return CheckedFunction(pulled, self.framework, all_inputs, range(len(all_inputs)),
                               [*self.names, *names], linear=len(cotangents))

    def near(self, point: Point, start: np.ndarray, floor: np.ndarray | float = 0.0) -> Near:
        """What the values, `start` at the point, are like around it; noise is no less than floor.
        """
        at, scale = flat(point), scales(point)
        sides = np.where(np.arange(at.size) % 2, -1, 1) * close(at, scale)
        # no round number, for which values on a grid would be rounded alike
        samples = np.stack([self.near_values(at + 1.618e-7 * k * sides, start)
                            for k in range(1, 9)])
        own = computational_noise(samples)
        noise = np.maximum(at_least_half(own), floor)
        # another pattern of signs: what cancels above does not; and as far as the inputs are large,
        # on their side of 0; no tenth, for tenths less a tenth are poles
        signs = np.where(np.arange(at.size) % 3, 1, -1)
        near, far = [finite(self.near_values(at + signs * step, start) - start)
                     for step in (0.094 * scale, 0.75 * at)]
        seen = np.max([*finite(samples), finite(start), near, np.minimum(far, 1)], axis=0)
        size = np.maximum(seen, noise / (50 * EPS))
        # where neighbours have nothing in common, as those of sin(1e20), no difference tells
        lost = (noise > seen) & (own > 1e-3 * seen) & (own > 1e6 * floor)
        noise = np.where(lost, HOPELESS, noise)
        return Near(start, np.where(size > 0, size, np.max(size, initial=0) or 1), noise, seen)

    def slopes(self, point: Point, directions: np.ndarray, near: Near,
               suffices: Callable[[Slopes], np.ndarray] | None = None,
               look: bool = True) -> Slopes:
        """The slopes at the point along directions, (D, N), for all elements of the variables side
        by side. Who knows what they should be says with suffices which of them, (D,), are, and
        whether a first look may do."""
        at = flat(point)

        def precise(found: Slopes) -> np.ndarray:
            return (found.error <= 1e-6 * largest(found.low)).all(axis=1)

        def differences(directions: np.ndarray, suffices: Any = None) -> Slopes:
            lengths = abs(directions).max(axis=1, keepdims=True, initial=0)
            reach = (finite(at) * (directions != 0)).max(axis=1, keepdims=True, initial=0)
            return slopes(lambda t, which: np.stack([
                self.near_values(at + t * v, near.start) for v in directions[which]]), near,
                reach / np.where(lengths > 0, lengths, 1), suffices or precise,
                look and suffices is not None)

        if not self.framework.complex_step:
            return differences(directions, suffices)
        found = np.stack([self._complex_slope(at + 1e-100j * v) for v in directions])
        rough = differences(directions[:1])
        if not (abs(found[:1] - rough.low) <= 1e-3 * (1 + abs(rough.low))).all():
            raise ComplexStepError("complex_step needs an analytic f, but its slopes are not those "
                                   "of differences: does it use abs, comparisons, .real or "
                                   ".conj()? Leave complex_step out")
        return Slopes.exact(found)

    def linear_slopes(self, point: Point, directions: np.ndarray) -> Slopes:
        """The same as those variables alone move in which the function is linear, the last ones:
        its values there, known to the last digits."""
        fixed = flat(point[:len(point) - self.linear])
        return Slopes.exact(np.stack([self.values(np.append(fixed, v)) for v in directions]))

    def _complex_slope(self, moved: np.ndarray) -> np.ndarray:
        """Im f(x + i h v) / h with an h so small that nothing is cut off."""
        results = self.f(*self.natives(moved))
        outputs = self.framework.outputs(results, complex_too=True)
        return np.concatenate([np.asarray(y).imag.reshape(-1) for y in outputs]) / 1e-100


def scales(point: Point) -> np.ndarray:
    """For each element how far a step is: 1, but less where its variable holds tiny numbers."""
    return np.where(sizes(point) < 1e-2, sizes(point), 1)


def close(at: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """The scale, but for small numbers no more than themselves: beside them all may be another."""
    return np.where(at == 0, scale, np.clip(abs(at), 1e-6 * scale, scale))


def sizes(point: Point) -> np.ndarray:
    """For each element how large the numbers of its variable are."""
    return flat([np.full(x.shape, largest_of(x)) for x in point])


def nudged(point: Point) -> Point:
    """Another point close by, at which no element is what it was."""
    return [1.001 * x + 1e-4 * largest_of(x) for x in point]


def largest_of(x: np.ndarray) -> float:
    """The largest finite magnitude; 1 if there is none but 0, or as good as that."""
    largest = float(np.max(finite(x), initial=0))
    return largest if largest > 1e-100 else 1.0


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
