"""The likely cause of a wrong gradient, where its pattern shows one.

Each pattern is a guess at what the backward does instead: it says what the gradient would be then,
and is believed if the gradient is exactly that, for every cotangent. Arrays here have the shape
(K, N): for each of K cotangents the gradient by the N elements of the input, as the reverse pass
claims it and as differences measure it.
"""
from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import Iterator

import numpy as np

from .report import Comparison
from .stage import Stage, index

MOST = 400  # elements whose slopes are measured one by one for a diagnosis


@dataclass
class Evidence:
    """A wrong gradient: what it is, what it should be, and what both are made of."""

    stage: Stage
    variable: int
    u: np.ndarray          # (K, M), the cotangents
    claimed: np.ndarray    # (K, N)
    jacobian: np.ndarray   # (M, N), measured
    x: np.ndarray          # the input, (*shape)

    @property
    def measured(self) -> np.ndarray:
        return self.u @ self.jacobian

    @property
    def wrong(self) -> np.ndarray:
        """The elements that are wrong for some cotangent, (N,)."""
        return ~self.agrees(self.measured).all(axis=0)

    def agrees(self, guess: np.ndarray) -> np.ndarray:
        """Where the claim is what the guess says, (K, N)."""
        return (abs(self.claimed - guess)
                <= 1e-5 * abs(guess) + 1e-7 * np.max(abs(guess), initial=0) + 1e-9)

    def is_claimed(self, guess: np.ndarray) -> bool:
        """Whether the claim is the guess, (K, …), in every element."""
        return bool(self.agrees(guess.reshape(len(self.u), -1)).all())

    @property
    def right(self) -> np.ndarray:
        """The right gradient in the input's shape, (K, *shape)."""
        return self.measured.reshape(len(self.u), *self.x.shape)


def likely_cause(stage: Stage, worst: Comparison, u: np.ndarray, gradients: np.ndarray) -> str:
    """A sentence, or "" if no pattern fits.

    u are the cotangents, (K, M), gradients those by all variables, (K, all elements).
    """
    variable, x = worst.variable, stage.point[worst.variable]
    if x.size > MOST:
        if worst.element is None or not worst.low == worst.high:
            return ""
        found = next(_factors(stage, worst.value / worst.low if worst.low else np.inf, x), "")
        return found and f"at this element, {found.removeprefix('everywhere ')}"
    begin = sum(y.size for y in stage.point[:variable])
    claimed = gradients[:, begin:begin + x.size]
    jacobian = measured_jacobian(stage, variable)
    if not np.isfinite(jacobian).all():
        return ""
    evidence = Evidence(stage, variable, u, claimed, jacobian, x)
    return next((cause for pattern in PATTERNS for cause in pattern(evidence)), "")


def measured_jacobian(stage: Stage, variable: int) -> np.ndarray:
    """(M, N): the slopes of all outputs as each element of the variable moves alone."""
    sizes = [x.size for x in stage.point]
    found = stage.slopes(np.eye(sizes[variable], sum(sizes), sum(sizes[:variable])))
    return ((found.low + found.high) / 2).T


def _zero(e: Evidence) -> Iterator[str]:
    """Nothing arrives."""
    if e.is_claimed(0 * e.claimed):
        name = e.stage.function.names[e.variable]
        if e.stage.order == 1:
            yield "no gradient arrives: is the input detached on the way, or turned into an array?"
        elif name.startswith("the cotangent"):
            yield ("a constant instead of a dependence: backward detaches the gradient that "
                   "arrives, or takes its array")
        else:
            yield ("a constant instead of a dependence: backward uses something computed from the "
                   "input that was kept as an array, or detached; compute it again from "
                   "the inputs, with differentiable operations")


def _constant_factor(e: Evidence) -> Iterator[str]:
    """The right gradient, times a number."""
    size = np.sum(e.measured ** 2)
    factor = np.sum(e.claimed * e.measured) / size if size else np.inf
    if e.is_claimed(factor * e.measured):
        yield from _factors(e.stage, factor, e.x)


def _factors(stage: Stage, factor: float, x: np.ndarray) -> Iterator[str]:
    if abs(factor - 1) < 1e-4:
        return
    if abs(factor + 1) < 1e-5:
        yield "wrong sign"
        return
    lengths = {n for y in (x, *stage.function.outputs) for n in (*y.shape, y.size)}
    for n in sorted(lengths - {0, 1}):
        if abs(factor * n - 1) < 1e-5:
            yield (f"a factor of 1/{n}, and {n} is the length of an axis or the number of "
                   "elements: a mean in place of a sum?" + (" Or one of two equal contributions "
                   "was not added?" if n == 2 else ""))
            return
        if abs(factor / n - 1) < 1e-5 and n > 2:
            yield (f"a factor of {n}, and {n} is the length of an axis or the number of elements: "
                   "a sum in place of a mean?")
            return
    if abs(factor - 2) < 1e-5:
        yield "a factor of two: counted twice, or ½ x² taken for x²?"
    elif abs(factor - 0.5) < 1e-5:
        yield "a factor of one half: is one of two equal contributions not added?"
    elif np.isfinite(factor) and abs(factor) > 1e-5:
        yield f"everywhere the constant factor {factor:.6g}"


def _cotangent_ignored(e: Evidence) -> Iterator[str]:
    if len(e.u) > 1 and e.is_claimed(np.broadcast_to(e.jacobian.sum(axis=0), e.claimed.shape)):
        yield "the cotangent is ignored: multiply by the gradient that arrives"


def _transposed(e: Evidence) -> Iterator[str]:
    axes = tuple(range(1, e.x.ndim + 1))
    for order in permutations(axes) if 2 <= e.x.ndim <= 4 else ():
        if order != axes and e.is_claimed(e.right.transpose(0, *order)):
            yield (f"transposed: the axes of the gradient stand in the order "
                   f"{tuple(a - 1 for a in order)}")
            return


def _moved(e: Evidence) -> Iterator[str]:
    for axis in range(e.x.ndim):
        for step in (1, -1):
            if e.is_claimed(np.roll(e.right, step, axis + 1)):
                yield f"off by a shift of {step} along axis {axis}"
                return
        if e.is_claimed(np.flip(e.right, axis + 1)):
            yield f"in the opposite order along axis {axis}"
            return
    for step in (1, -1):
        if e.is_claimed(np.roll(e.measured, step, 1)):
            yield f"off by a shift of {step} in the order of memory"
            return


def _missing_sum(e: Evidence) -> Iterator[str]:
    """Only one slice of the output counted."""
    outputs = e.stage.function.outputs
    for shape in [outputs[0].shape] if len(outputs) == 1 else ():
        u = e.u.reshape(len(e.u), *shape)
        for axis, n in enumerate(shape):
            for kept in {0, n - 1} if n > 1 else ():
                part = np.zeros_like(u)
                at = (slice(None),) * (axis + 1) + (kept,)
                part[at] = u[at]
                if e.is_claimed(part.reshape(len(u), -1) @ e.jacobian):
                    yield (f"a sum is missing: of the output's axis {axis}, of length {n}, only "
                           f"index {kept} counts. Sum over the axes that were broadcast")
                    return


def _not_accumulated(e: Evidence) -> Iterator[str]:
    """Of several outputs that an element feeds, one alone counts."""
    feeds = abs(e.jacobian) > 1e-7
    if len(e.u) < 2 or not (feeds.sum(axis=0) > 1).any() or e.jacobian.size > 100_000:
        return
    terms = e.u[:, :, None] * e.jacobian  # (K, M, N)
    alone = (abs(terms - e.claimed[:, None]) <= 1e-6 * np.max(abs(terms))).all(axis=0) & feeds
    if (alone.any(axis=0) | ~e.wrong).all():
        yield ("not accumulated: of the several outputs that an element feeds, one counts. Add "
               "to its gradient, do not assign")


def _exchanged(e: Evidence) -> Iterator[str]:
    for other, x in enumerate(e.stage.point):
        if e.stage.order == 1 and other != e.variable and x.shape == e.x.shape:
            if e.is_claimed(e.u @ measured_jacobian(e.stage, other)):
                yield (f"this is the gradient by {e.stage.function.names[other]}: are the "
                       "gradients returned in the wrong order?")


def _which_elements(e: Evidence) -> Iterator[str]:
    """What sets the wrong elements apart from the right ones."""
    wrong = e.wrong
    if wrong.all() or not wrong.any():
        return
    x, place = e.x.reshape(-1), np.unravel_index(np.arange(e.x.size), e.x.shape)
    for text, where in (("negative", x < 0), ("positive", x > 0), ("0", x == 0),
                        ("not 0", x != 0), ("not negative", x >= 0), ("not positive", x <= 0)):
        if (where == wrong).all():
            yield f"wrong exactly where {e.stage.function.names[e.variable]} is {text}"
            return
    for threshold in sorted(abs(x)) if 1 < wrong.sum() < x.size - 1 else ():
        if ((abs(x) > threshold) == wrong).all() or ((abs(x) <= threshold) == wrong).all():
            side = "above" if ((abs(x) > threshold) == wrong).all() else "at most"
            yield (f"wrong exactly where |{e.stage.function.names[e.variable]}| is {side} "
                   f"{threshold:.6g}")
            return
    for axis, at in enumerate(place if e.x.ndim > 1 else ()):
        for k in range(e.x.shape[axis]):
            if ((at == k) == wrong).all():
                yield f"wrong exactly at index {k} of axis {axis}"
                return
    if wrong.sum() <= wrong.size / 2:
        first = index(int(np.argmax(wrong)), e.x.shape)
        yield f"wrong in {wrong.sum()} of {wrong.size} elements only, the first of them {first}"


def _second_order(e: Evidence) -> Iterator[str]:
    if e.stage.order > 1:
        yield ("the gradient is right, its derivative is not: backward takes something that "
               "depends on the input for a constant (kept as an array, detached), or uses an "
               "operation whose own backward is wrong")


PATTERNS = (_zero, _cotangent_ignored, _constant_factor, _transposed, _moved, _missing_sum,
            _exchanged, _not_accumulated, _which_elements, _second_order)
