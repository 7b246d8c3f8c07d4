"""The likely cause of a wrong gradient, where its pattern shows one.

Each cause is a guess at what the backward does instead: what the gradient would be then. It is
named if the gradient is exactly that, for every cotangent, at the input that failed and at others
that are drawn for it: of the same shapes, and of larger ones, for on one or two elements most
guesses coincide. Arrays here have the shape (K, N): for each of K cotangents the gradient by the N
elements of the input, as the reverse pass claims it and as differences measure it.
"""
from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations, tee
from typing import Any, Callable, Iterator

import numpy as np

from .elsewhere import elsewhere
from .function import flat
from .report import Comparison
from .stage import Stage, index

MOST = 400  # elements whose slopes are measured one by one for a diagnosis
NAMED = {-1.0: "wrong sign", 2.0: "a factor of two: counted twice, or ½ x² taken for x²?",
         0.5: "a factor of one half: is one of two equal contributions not added?"}


@dataclass
class Evidence:
    """A wrong gradient: what it is, what it should be, and what both are made of."""

    stage: Stage
    variable: int
    u: np.ndarray         # (K, M), the cotangents
    claimed: np.ndarray   # (K, N)
    jacobian: np.ndarray  # (M, N), measured
    clear: np.ndarray     # (N,), whether there is no kink, at which more than one slope is right
    x: np.ndarray         # the input, (*shape); if that is large, one element of it, (1,)

    @property
    def measured(self) -> np.ndarray:
        return self.u @ self.jacobian

    @property
    def wrong(self) -> np.ndarray:
        """The elements that are wrong for some cotangent, (N,)."""
        return ~self.agrees(self.measured).all(axis=0)

    def agrees(self, guess: np.ndarray) -> np.ndarray:
        """Where the claim is what the guess says, (K, N)."""
        return ~self.clear | (
            abs(self.claimed - guess)
            <= 1e-5 * abs(guess) + 1e-7 * np.max(abs(guess), initial=0) + 1e-9)

    def is_claimed(self, guess: np.ndarray) -> bool:
        """Whether the claim is the guess, (K, …), in every element."""
        return bool(self.agrees(guess.reshape(len(self.u), -1)).all())

    @property
    def right(self) -> np.ndarray:
        """The right gradient in the input's shape, (K, *shape)."""
        return self.measured.reshape(len(self.u), *self.x.shape)

    @property
    def factor(self) -> float:
        """The number that the right gradient is best multiplied by to give the claim."""
        measured = self.measured[:, self.clear]
        size = np.sum(measured ** 2)
        return float(np.sum(self.claimed[:, self.clear] * measured) / size) if size else np.inf

    @property
    def lengths(self) -> dict[Any, int]:
        """The number of elements and the lengths of the axes, of input and outputs."""
        return {(i, axis): n for i, y in enumerate((self.x, *self.stage.function.outputs))
                for axis, n in enumerate((y.size, *y.shape)) if n > 1}


Cause = tuple[str, Callable[[Evidence], bool]]  # a sentence, and whether it holds at an input


def likely_cause(stage: Stage, worst: Comparison, u: np.ndarray, gradients: np.ndarray) -> str:
    """A sentence, or "" if no pattern fits.

    u are the cotangents, (K, M), gradients those by all variables, (K, all elements).
    """
    variable, x = worst.variable, stage.point[worst.variable]
    one = int(np.ravel_multi_index(worst.element, x.shape)) if worst.element else None
    if x.size > MOST and (one is None or worst.low != worst.high):
        return ""
    element = one if x.size > MOST else None
    found = _evidence(stage, variable, u, gradients, element)
    if not np.isfinite(found.jacobian).all() or not found.wrong.any():
        return ""
    others = (other for other in elsewhere(stage, lambda other: _at(other, variable, element))
              if other.wrong.any())
    for pattern in PATTERNS if element is None else (_factor, _any_factor):
        causes, other = [cause for cause in pattern(found) if cause[1](found)], None
        others, asked = tee(others)  # each is made when it is wanted, once
        for other in asked if causes else ():
            causes = [cause for cause in causes if _holds(cause, other)]
            if not causes:
                break
        named = "; or ".join(dict.fromkeys(text for text, _ in causes if other is not None))
        if named:
            return named if element is None else (
                f"at this element, {named.removeprefix('everywhere ')}")
    return "" if element is not None else _place(found)


def _holds(cause: Cause, e: Evidence) -> bool:
    try:
        return bool(cause[1](e))
    except (ValueError, IndexError):  # results of other forms
        return False


def _evidence(stage: Stage, variable: int, u: np.ndarray, gradients: np.ndarray,
              element: int | None) -> Evidence:
    x, begin = stage.point[variable], sum(y.size for y in stage.point[:variable])
    rows = slice(None) if element is None else slice(element, element + 1)
    jacobian, clear = _measured(stage, variable, rows)
    return Evidence(stage, variable, u, gradients[:, begin:begin + x.size][:, rows], jacobian,
                    clear, x if element is None else x.reshape(-1)[rows])


def _at(stage: Stage, variable: int, element: int | None) -> Evidence | None:
    """What another input shows; None where that is nothing."""
    u = stage.cotangents(8)
    found = _evidence(stage, variable, u, np.stack([flat(stage.pull_back(row)) for row in u]),
                      element)
    finite = np.isfinite(found.jacobian).all() and np.isfinite(found.claimed).all()
    return found if finite else None


def _measured(stage: Stage, variable: int,
              rows: slice = slice(None)) -> tuple[np.ndarray, np.ndarray]:
    """(M, N), the slopes of all outputs as each element of the variable moves alone; and (N,),
    whether that meets no kink."""
    sizes = [x.size for x in stage.point]
    elements = np.arange(sizes[variable])[rows]
    directions = np.zeros((elements.size, sum(sizes)))
    directions[np.arange(elements.size), sum(sizes[:variable]) + elements] = 1
    found = stage.slopes(directions)
    return ((found.low + found.high) / 2).T, (found.low == found.high).all(axis=1)


# Causes

def _guess(guess: Callable[[Evidence], np.ndarray]) -> Callable[[Evidence], bool]:
    return lambda e: e.is_claimed(guess(e))


def _zero(e: Evidence) -> Iterator[Cause]:
    """Nothing arrives."""
    if e.stage.order == 1:
        text = "no gradient arrives: is the input detached on the way, or turned into an array?"
    elif e.stage.function.names[e.variable].startswith("the cotangent"):
        text = ("a constant instead of a dependence: backward detaches the gradient that "
                "arrives, or takes its array")
    else:
        text = ("a constant instead of a dependence: backward uses something computed from the "
                "input that was kept as an array, or detached; compute it again from "
                "the inputs, with differentiable operations")
    yield text, _guess(lambda e: 0 * e.claimed)


def _factor(e: Evidence) -> Iterator[Cause]:
    """The right gradient times a number that tells where it comes from."""
    factor = e.factor
    for role, n in e.lengths.items():
        for power, what, text in ((-1, f"1/{n}", "a mean in place of a sum?"),
                                  (1, f"{n}", "a sum in place of a mean?")):
            if abs(factor / n ** power - 1) < 1e-5:
                yield (f"a factor of {what}, and {n} is the length of an axis or the number of "
                       f"elements: {text}", _guess(lambda e, role=role, power=power: e.measured
                                                   * float(e.lengths.get(role, 1)) ** power))
    for number, text in NAMED.items():
        yield text, _guess(lambda e, number=number: number * e.measured)


def _any_factor(e: Evidence) -> Iterator[Cause]:
    factor = e.factor
    if np.isfinite(factor) and 1e-4 < abs(factor) and abs(factor - 1) >= 5e-5:
        yield (f"everywhere the constant factor {factor:.6g}",
               _guess(lambda e: factor * e.measured))


def _moved(e: Evidence) -> Iterator[Cause]:
    """The right numbers in other places."""
    axes = tuple(range(1, e.x.ndim + 1))
    for order in permutations(axes) if 2 <= e.x.ndim <= 4 else ():
        if order != axes and [e.x.shape[a - 1] for a in order] == [*e.x.shape]:
            yield (f"transposed: the axes of the gradient stand in the order "
                   f"{tuple(a - 1 for a in order)}",
                   _guess(lambda e, order=order: e.right.transpose(0, *order)))
    for axis in range(e.x.ndim):
        for step in (1, -1):
            yield (f"off by a shift of {step} along axis {axis}",
                   _guess(lambda e, axis=axis, step=step: np.roll(e.right, step, axis + 1)))
        yield (f"in the opposite order along axis {axis}",
               _guess(lambda e, axis=axis: np.flip(e.right, axis + 1)))
    for step in (1, -1) if e.x.ndim > 1 else ():
        yield (f"off by a shift of {step} in the order of memory",
               _guess(lambda e, step=step: np.roll(e.measured, step, 1)))


def _missing_sum(e: Evidence) -> Iterator[Cause]:
    """Of the outputs along an axis that an element feeds, only the first or the last counts."""
    def holds(e: Evidence, axis: int, kept: int) -> bool:
        shape = e.stage.function.outputs[0].shape
        feeds = (abs(e.jacobian) > 1e-7).reshape(*shape, -1).sum(axis)
        part = np.zeros((len(e.u), *shape))
        at = (slice(None),) * (axis + 1) + (kept,)
        part[at] = e.u.reshape(part.shape)[at]
        return (feeds > 1).any() and e.is_claimed(part.reshape(e.u.shape) @ e.jacobian)

    outputs = e.stage.function.outputs
    summed = outputs[0].shape if len(outputs) == 1 and e.stage.order == 1 else ()
    for axis, n in enumerate(summed):
        for kept in (0, -1) if n > 1 else ():
            yield (f"a sum is missing: of the output's axis {axis}, of length {n}, only index "
                   f"{kept % n} counts. Sum over the axes that were broadcast",
                   lambda e, axis=axis, kept=kept: holds(e, axis, kept))


def _not_accumulated(e: Evidence) -> Iterator[Cause]:
    """Of several outputs that an element feeds, one alone counts."""
    def holds(e: Evidence) -> bool:
        feeds = abs(e.jacobian) > 1e-7
        if len(e.u) < 2 or not (feeds.sum(axis=0) > 1).any() or e.jacobian.size > 100_000:
            return False
        terms = e.u[:, :, None] * e.jacobian  # (K, M, N)
        alone = (abs(terms - e.claimed[:, None]) <= 1e-6 * np.max(abs(terms))).all(axis=0) & feeds
        return bool((alone.any(axis=0) | ~e.wrong).all())

    if e.stage.order == 1:
        yield ("not accumulated: of the several outputs that an element feeds, one counts. Add "
               "to its gradient, do not assign", holds)


def _exchanged(e: Evidence) -> Iterator[Cause]:
    for other, x in enumerate(e.stage.point):
        if e.stage.order == 1 and other != e.variable and x.shape == e.x.shape:
            yield (f"this is the gradient by {e.stage.function.names[other]}: are the "
                   "gradients returned in the wrong order?",
                   _guess(lambda e, other=other: e.u @ _measured(e.stage, other)[0]))


def _which(e: Evidence) -> Iterator[Cause]:
    """What sets the wrong elements apart from the right ones."""
    def exactly(where: Callable[[Evidence], Any]) -> Callable[[Evidence], bool]:
        def holds(e: Evidence) -> bool:
            wrong, clear = e.wrong, e.clear
            return bool(not wrong[clear].all() and (where(e) == wrong)[clear].all())
        return holds

    name = e.stage.function.names[e.variable]
    for text, where in (("negative", np.less), ("positive", np.greater), ("0", np.equal),
                        ("not negative", np.greater_equal), ("not positive", np.less_equal)):
        yield (f"wrong exactly where {name} is {text}",
               exactly(lambda e, where=where: where(e.x.reshape(-1), 0)))
    size, wrong = abs(e.x.reshape(-1)), e.wrong
    for above, text in ((True, "above"), (False, "below")):
        far, near = (size[e.clear & (wrong == w)] for w in (above, not above))
        if far.size > 1 and near.size > 1 and far.min() > near.max():
            def holds(other: Evidence, above: bool = above, near: float = near.max(),
                      far: float = far.min()) -> bool:
                x, wrong = abs(other.x.reshape(-1)), other.wrong == above
                wrong, x = wrong[other.clear], x[other.clear]
                return bool(wrong.any() and not wrong.all() and max(near, x[~wrong].max())
                            < min(far, x[wrong].min()))
            yield (f"wrong exactly where |{name}| is {text} a number between {near.max():.6g} "
                   f"and {far.min():.6g}", holds)
    for axis, n in enumerate(e.x.shape if e.x.ndim > 1 else ()):
        for k in [*range(n), *range(-n, 0)] if n > 1 else ():
            yield (f"wrong exactly at index {k % n} of axis {axis}", exactly(
                lambda e, axis=axis, k=k: np.indices(e.x.shape)[axis].reshape(-1)
                == k % e.x.shape[axis]))


def _second_order(e: Evidence) -> Iterator[Cause]:
    if e.stage.order > 1:
        yield ("the gradient is right, its derivative is not: backward takes something that "
               "depends on the input for a constant (kept as an array, detached), or uses an "
               "operation whose own backward is wrong", lambda e: True)


def _place(e: Evidence) -> str:
    """Where few elements are wrong: a fact, whatever its cause."""
    if e.wrong.sum() > e.wrong.size / 2:
        return ""
    first = index(int(np.argmax(e.wrong)), e.x.shape)
    return f"wrong in {e.wrong.sum()} of {e.wrong.size} elements only, the first of them {first}"


PATTERNS = (_zero, _factor, _any_factor, _moved, _missing_sum, _exchanged, _not_accumulated,
            _which, _second_order)
