"""⟨u, J v⟩ by differences against ⟨Jᵀ u, v⟩ by the reverse pass, for many u and v at once."""
from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Iterator

import numpy as np

from .diagnosis import likely_cause
from .differences import EPS, Slopes
from .existence import nearby, no_hessian, seen_closer
from .function import flat
from .report import Comparison
from .stage import Stage, index

__tracebackhide__ = True  # pytest: the message says what is wrong

FEW = (64, 8)       # up to so many elements, each is also moved alone: first order, higher orders
SOME = 32           # of the others, where kinks were met
BLOCK = 2_000_000   # numbers that a block of slopes holds at most


@dataclass
class Measured:
    """Slopes along some directions, and what the reverse pass makes of them.

    Arrays of the shape (K, D): for each of K cotangents and D directions. At a smooth point low
    and high are equal, at a kink they bound what is right.
    """

    directions: np.ndarray  # (D, N): all elements of the variables that move, side by side
    first: int              # the first of these variables
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    tolerance: np.ndarray
    size: np.ndarray        # how large the terms are that the slopes are sums of
    coarse: np.ndarray      # whether most errors would fit into what the differences may be off by
    proves: np.ndarray      # whether something was compared at all
    masked: dict[tuple[int, int], np.ndarray] = field(default_factory=dict)  # other cotangents

    @property
    def ratio(self) -> np.ndarray:
        """How far each value is outside its bounds, in tolerances; not finite counts as far."""
        off = np.maximum(np.maximum(self.low - self.value, self.value - self.high), 0)
        ratio = np.divide(off, self.tolerance, out=np.where(off > 0, np.inf, 0.0),
                          where=self.tolerance > 0)
        return np.where(self.proves, np.where(np.isfinite(off), ratio, np.inf), 0)

    def put(self, k: int, d: int, other: Measured, row: int = 0) -> None:
        """Put another measurement, a row of its shape (K, 1), in the place of one."""
        for name in ("value", "low", "high", "tolerance", "size", "coarse", "proves"):
            getattr(self, name)[k, d] = getattr(other, name)[row, 0]


def check_derivatives(stage: Stage) -> None:
    """Compare the derivatives of one order; raises GradientError if one is wrong."""
    u = stage.cotangents_of_losses(-(-stage.settings.directions // stage.order))
    gradients = np.stack(list(map(flat, stage.pull_backs(u))))
    made, failed = 0, []
    for measured in _all_directions(stage, u, gradients) if stage.start.size else ():
        if (measured.ratio > 1).any():
            _confirm(stage, measured, u, gradients)
        made += int(measured.proves.sum())
        stage.report.worst = max(stage.report.worst, float(measured.ratio.max(initial=0)))
        if (measured.ratio > 1).any():
            failed.append(measured)
    stage.report.checked[stage.name] = made
    if failed:
        raise stage.fail(_explain(stage, failed, made, u, gradients))
    if gradients.size and stage.start.size and not made and stage.report.nothing(stage.name):
        skipped = [f"{count} x {reason}" for reason, count in stage.report.skipped.items()]
        raise stage.fail(f"nothing could be compared: {', '.join(skipped)}. Choose inputs away "
                         "from kinks and poles, where values are not large beside their changes")


def _all_directions(stage: Stage, u: np.ndarray, gradients: np.ndarray) -> Iterator[Measured]:
    """Each element alone, of inputs that have few; random directions, two where the elements have
    shown the whole Jacobian and no kink; and all ones, which elements that tie follow without a
    kink. Where these met kinks, in whose wide bounds errors elsewhere would fit, some elements
    alone of larger inputs too.

    For what the function is linear in, random directions suffice: no slope is more exact."""
    count, rng = stage.settings.directions, stage.rng
    sizes = [x.size for x in stage.point[:len(stage.point) - stage.function.linear]]
    n = sum(sizes)
    few = np.repeat([size <= FEW[stage.order > 1] for size in sizes], sizes)
    steps = stage.scales[:n] * np.isfinite(flat(stage.point)[:n])  # −∞ stays where it is
    stage.report.skip(f"an input of ±∞, {stage.name}", int((steps == 0).sum()))

    def alone(elements: np.ndarray) -> Iterator[Measured]:
        for rows in _blocks(len(elements), max(n, stage.start.size)):
            yield measure(stage, 0, _units(elements[rows], n) * steps, u, gradients)

    before = stage.report.met_kinks
    yield from alone(np.flatnonzero(few & (steps > 0)))
    if n > 1:
        random = 2 if few.all() and before == stage.report.met_kinks else count
        directions = rng.normal(size=(min(random, count) + 1, n))
        directions[-1] = 1
        if not few.all():
            directions = np.concatenate([directions, *_by_magnitude(directions, gradients[0, :n])])
        directions = directions * steps
        for rows in _blocks(len(directions), max(n, stage.start.size)):
            yield measure(stage, 0, directions[rows], u, gradients)
        others = np.flatnonzero(~few & (steps > 0))
        if others.size and before != stage.report.met_kinks:
            yield from alone(rng.permutation(others)[:SOME])
    if stage.function.linear:
        size = sum(x.size for x in stage.point) - n
        yield measure(stage, len(sizes), rng.normal(size=(min(count, 3), size)), u, gradients)


def _by_magnitude(directions: np.ndarray, gradient: np.ndarray) -> list[np.ndarray]:
    """The first two, for elements of each magnitude of the gradient: large ones hide small ones."""
    with np.errstate(all="ignore"):
        group = np.floor(np.log10(np.max(abs(gradient)) / abs(gradient)) / 4)
    groups = np.unique(group)
    return [directions[:2] * (group == g) for g in groups] if len(groups) > 1 else []


def _blocks(count: int, size: int) -> list[np.ndarray]:
    """The numbers up to count, in so many together as memory allows rows of that size."""
    blocks = np.array_split(np.arange(count), max(1, -(-count * size // BLOCK)))
    return [rows for rows in blocks if rows.size]


def _units(elements: np.ndarray, n: int) -> np.ndarray:
    units = np.zeros((len(elements), n))
    units[np.arange(len(elements)), elements] = 1
    return units


def measure(stage: Stage, first: int, directions: np.ndarray, u: np.ndarray,
            gradients: np.ndarray) -> Measured:
    """The derivatives along directions, (D, N), of the variables from the first one on, for each
    cotangent in u, (K, M), and its gradients by all variables, (K, all elements)."""
    def agrees(found: Slopes) -> np.ndarray:
        seen = _compared(stage, first, directions, found, u, gradients)
        # what is close is looked at again
        return ((seen.ratio <= 0.1) & ~seen.coarse).all(axis=0)

    if first:
        found = stage.guarded(stage.function.linear_slopes, stage.point, directions)
        found.error += stage.near.noise
    else:
        found = stage.slopes(_padded(stage, directions), agrees)
    excluded = _excluded(stage, found)
    known = Slopes(*[np.where(excluded, 0, a) for a in (found.low, found.high, found.error)],
                   found.kink, found.jump)
    measured = _compared(stage, first, directions, known, u, gradients)
    hidden = excluded.any(axis=1)
    measured.proves[:, hidden] = False
    unmoved = (known.low == 0) & (known.high == 0)
    others = stage.settings.cotangent is None  # whether other cotangents may be tried
    for d in np.flatnonzero(others & (hidden | found.kink.any(axis=1)
                                      | measured.coarse.any(axis=0))):
        masks = [excluded[d]] if hidden[d] else []
        # without kinks, whose bounds are wide, and what lies still, whose noise is not
        masks.append(excluded[d] | found.kink[d] | unmoved[d])
        for mask in masks:
            _compare_without(stage, measured, known, int(d), mask, u)
    blurred = measured.coarse & measured.proves & (measured.ratio <= 1)
    measured.proves &= ~blurred
    stage.report.skip(f"differences too coarse, {stage.name}",
                      int(blurred.all(axis=0).sum()))
    return measured


def _compare_without(stage: Stage, measured: Measured, found: Slopes, d: int, mask: np.ndarray,
                     u: np.ndarray) -> None:
    """Compare direction d once more, for a cotangent that is 0 at the outputs in the mask; what
    that shows counts where it is sharper, or worse, than what was known."""
    k, row = d % len(u), slice(d, d + 1)
    one = np.where(mask, 0, u[k])[None]
    seen = _compared(stage, measured.first, measured.directions[row], found.rows(row), one,
                     flat(stage.pull_back(one[0]))[None])
    # what moved was left out, what lay still has no slope: that alone proves nothing
    seen.proves[...] = (seen.size > 0) | (seen.ratio > 1)
    if seen.proves[0, 0] and (not measured.proves[k, d] or measured.coarse[k, d]
                              or seen.ratio[0, 0] > measured.ratio[k, d]):
        measured.put(k, d, seen)
        measured.masked[k, d] = one[0]


def _compared(stage: Stage, first: int, directions: np.ndarray, found: Slopes, u: np.ndarray,
              gradients: np.ndarray) -> Measured:
    """What the reverse pass says of the directions, beside the slopes that were found."""
    value = _of_moving(stage, first, gradients) @ directions.T
    middle, half = (found.low + found.high) / 2, (found.high - found.low) / 2
    centre, spread = u @ middle.T, abs(u) @ half.T
    size = abs(u) @ (abs(middle) + half).T
    error = abs(u) @ found.error.T
    # what no difference could tell from zero, in which the reverse pass may be off as well
    steps = 0 if first else (abs(directions) / stage.reach[:directions.shape[1]]).sum(axis=1)
    floor = 16 * np.multiply.outer(stage.invisible(u), steps + np.zeros(len(directions)))
    tolerance = stage.settings.atol + stage.settings.rtol * size + error + floor
    coarse = (error > 0.01 * np.maximum(size, abs(value))) & (
        np.maximum(size, abs(value)) > floor)
    return Measured(directions, first, value, centre - spread, centre + spread, tolerance, size,
                    coarse, np.ones(value.shape, bool))


def _padded(stage: Stage, directions: np.ndarray) -> np.ndarray:
    """Directions for all variables, in which those stand still that are measured otherwise."""
    rest = sum(x.size for x in stage.point) - directions.shape[1]
    return np.pad(directions, ((0, 0), (0, rest))) if rest else directions


def _of_moving(stage: Stage, first: int, gradients: np.ndarray) -> np.ndarray:
    """The gradients by the variables that move."""
    border = sum(x.size for x in stage.point[:len(stage.point) - stage.function.linear])
    return gradients[..., border:] if first else gradients[..., :border]


def _excluded(stage: Stage, found: Slopes) -> np.ndarray:
    """The outputs that are not compared, counted; raises where a kink is not allowed."""
    kinks, report = stage.settings.kinks, stage.report
    kinked, jumping = (int(a.any(axis=1).sum()) for a in (found.kink, found.jump))
    if kinks == "raise" and kinked + jumping:
        raise stage.fail("a kink or a jump at this point, where none is allowed")
    report.skip(f"a jump, {stage.name}", jumping)
    if kinks == "skip":
        report.skip(f"a kink, {stage.name}", kinked)
        return found.jump | found.kink
    report.kinks += kinked
    return found.jump


def _confirm(stage: Stage, measured: Measured, u: np.ndarray, gradients: np.ndarray) -> None:
    """Look at what seems wrong again: the gradient's own rounding is measured, and there may be no
    derivative, although there is a slope along every line."""
    failed = np.flatnonzero((measured.ratio > 1).any(axis=0))
    if not measured.first and stage.near.size.min() < 1:  # what is there may come of 1 + x − 1
        near, stage.near = stage.near, replace(stage.near, size=np.maximum(stage.near.size, 1))
        counted = stage.report.kinks, dict(stage.report.skipped)
        for d in failed:
            again = measure(stage, 0, measured.directions[d:d + 1], u, gradients)
            for k in np.flatnonzero(measured.ratio[:, d] > 1) if (again.ratio <= 1).all() else ():
                measured.put(k, d, again, k)
        stage.near, (stage.report.kinks, stage.report.skipped) = near, counted
    slack = np.stack([stage.gradient_noise(row) for row in u])
    slack = abs(_of_moving(stage, measured.first, slack)) @ abs(measured.directions).T
    floor = 16 * np.multiply.outer(stage.invisible(u), abs(measured.directions).sum(axis=1))
    if measured.first:
        measured.tolerance += 16 * EPS * np.max(abs(u)) * abs(measured.directions).max(axis=1)
    measured.tolerance += np.minimum(4 * slack, 0.2 * measured.size + 1e6 * floor)
    failed = measured.ratio > 1
    # one element's kink shows all slopes that there are; of many kinks a few samples do not
    held = ((measured.directions != 0).sum(axis=1) == 1) & (measured.low != measured.high)
    for d in np.flatnonzero(failed.any(axis=0)) if not measured.first else ():
        ks = np.flatnonzero(failed[:, d])
        weights = np.stack([measured.masked.get((k, d), u[k]) for k in ks])
        direction = _padded(stage, measured.directions[d:d + 1])[0]
        value, middle = measured.value[ks, d], (measured.low + measured.high)[ks, d] / 2
        closer = seen_closer(stage, direction, weights, value, middle)
        measured.proves[ks[closer], d] = False
        stage.report.skip(f"features narrower than a step, {stage.name}", int(closer.sum()))
        right = nearby(stage, direction, weights, value, 1e-6 + ~held[ks, d])
        if closer.all():
            continue
        if right.any() and (stage.order == 1 or no_hessian(stage, direction)):
            measured.proves[ks[right], d] = False
            stage.report.skip(f"no derivative, {stage.name}", int(right.sum()))
        elif not right.any():
            return


def _explain(stage: Stage, failed: list[Measured], made: int, u: np.ndarray,
             gradients: np.ndarray) -> str:
    """The worst single element; if only whole directions failed, bisected down to one."""
    count = sum(int((measured.ratio > 1).sum()) for measured in failed)
    stage.settings.kinks = "subgradient"  # no more of that: the failure is what is told
    single = [m for m in failed if (m.directions != 0).sum() == len(m.directions)]
    measured = max(single or failed[:1], key=lambda m: m.ratio.max())
    k, d = (int(n) for n in np.unravel_index(np.argmax(measured.ratio), measured.ratio.shape))
    measured, k, d = _bisect(stage, measured, k, d, u, gradients)
    worst = _comparison(stage, measured, k, d)
    cause = likely_cause(stage, worst, u, gradients)
    flat_there = not any(m.low.any() or m.high.any() for m in failed)  # as rounding is
    return (f"{count} of {made} derivatives are wrong, the worst by\n{worst}"
            + (f"\nlikely: {cause}" if cause else "")
            + ("\nif that is meant: surrogate= names the function whose gradient it is"
               if flat_there and stage.function.surrogate is None else ""))


def _bisect(stage: Stage, measured: Measured, k: int, d: int, u: np.ndarray,
            gradients: np.ndarray) -> tuple[Measured, int, int]:
    """Halve the elements that move until a single one is left, keeping the worse half."""
    while True:
        direction = measured.directions[d]
        moving = np.flatnonzero(direction)
        if moving.size <= 1:
            return measured, k, d
        halves = np.zeros((2, direction.size))
        for half, elements in zip(halves, np.array_split(moving, 2)):
            half[elements] = direction[elements]
        found = measure(stage, measured.first, halves, u[k:k + 1], gradients[k:k + 1])
        if not found.ratio.any():
            return measured, k, d
        u, gradients = u[k:k + 1], gradients[k:k + 1]
        measured, k, d = found, 0, int(np.argmax(found.ratio[0]))


def _comparison(stage: Stage, measured: Measured, k: int, d: int) -> Comparison:
    """Cotangent k and direction d in words: the variable, and the element if it is one."""
    moving, begin = np.flatnonzero(measured.directions[d]), 0
    length = measured.directions[d, moving[0]] if moving.size == 1 else 1
    value, *ends, tolerance = [float(a[k, d]) / length for a in (
        measured.value, measured.low, measured.high, measured.tolerance)]
    numbers = value, *sorted(ends), abs(tolerance)
    for i, x in enumerate(stage.point[measured.first:], measured.first):
        if moving.size and moving[0] < begin + x.size:
            element = index(int(moving[0]) - begin, x.shape) if moving.size == 1 else None
            return Comparison(stage.function.names[i], i, x.shape, element, *numbers)
        begin += x.size
    raise AssertionError("a direction in which nothing moves was found wrong")
