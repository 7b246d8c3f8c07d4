"""Whether there is a derivative at all, where the one that is claimed is not the one measured.

A function may have a slope along every line and no derivative: |x| − |y|, a median of numbers that
tie, and relu(x · w) at zeros, as to its second one.
"""
from __future__ import annotations

from dataclasses import replace

import numpy as np

from .differences import EPS, STEP
from .function import flat
from .measured import Measured, are_linear, measure
from .stage import Stage

TRIES = 4    # random pairs of directions
CLOSER = 10.0 ** -np.arange(5, 11)  # steps
RADII = 10.0 ** -np.arange(4, 10)   # of points around one where slopes contradict each other
NEARBY = 8   # pairs of them


def confirm(stage: Stage, measured: Measured, u: np.ndarray, gradients: np.ndarray) -> None:
    """Look at what seems wrong again, first for the cotangent by which it is most: if that stays
    wrong, the others do not matter."""
    linear = are_linear(stage, measured.directions)
    if not linear and stage.near.size.min() < 1:
        _measure_as_if_large(stage, measured, u, gradients)
    for rows in np.split(np.argsort(-measured.ratio.max(axis=1)), [1]):
        rows = rows[(measured.ratio[rows] > 1).any(axis=1)]
        _allow_for_rounding(stage, measured, u, rows)
        if not linear:
            _pass_over_what_has_no_derivative(stage, measured, u, rows)
        if (measured.ratio[rows] > 1).any():
            return


def _measure_as_if_large(stage: Stage, measured: Measured, u: np.ndarray,
                         gradients: np.ndarray) -> None:
    """What small values are may have come of 1 + x − 1, which was rounded like 1: where they, or
    all of the function's own, move in steps."""
    near, counted = stage.near, (stage.report.kinks, dict(stage.report.skipped))
    for d in np.flatnonzero((measured.ratio > 1).any(axis=0)):
        direction = measured.directions[d]
        rounded = stage.rounded(direction)
        rounded |= stage.first.rounded(direction[:stage.first.scales.size]).all()
        stage.near = replace(near, size=np.where(rounded, np.maximum(near.size, 1), near.size))
        again = measure(stage, direction[None], u, gradients)
        for k in np.flatnonzero(measured.ratio[:, d] > 1) if (again.ratio <= 1).all() else ():
            measured.put(k, d, again, k)
    stage.near, (stage.report.kinks, stage.report.skipped) = near, counted


def _allow_for_rounding(stage: Stage, measured: Measured, u: np.ndarray, rows: np.ndarray) -> None:
    """The gradient's own rounding is measured, and added to the tolerance."""
    lengths = abs(measured.directions)
    for k in rows:
        noise = 4 * lengths @ abs(stage.gradient_noise(u[k]))
        floor = 16 * stage.invisible(u[k]) * lengths.sum(axis=1)
        if are_linear(stage, lengths):
            measured.tolerance[k] += 16 * EPS * np.max(abs(u)) * lengths.max(axis=1)
        measured.tolerance[k] += stage.capped(noise, 0.2 * measured.size[k] + 1e6 * floor, u[k])


def _pass_over_what_has_no_derivative(stage: Stage, measured: Measured, u: np.ndarray,
                                      rows: np.ndarray) -> None:
    """There may be a slope along every line and no derivative, or another one closer by."""
    failed = measured.ratio[rows] > 1
    # one element's kink shows all slopes that there are; of many kinks a few samples do not
    held = ((measured.directions != 0).sum(axis=1) == 1) & (measured.low != measured.high)
    for d in np.flatnonzero(failed.any(axis=0)):
        ks = rows[failed[:, d]]
        weights = np.stack([measured.masked.get((k, d), u[k]) for k in ks])
        direction = measured.directions[d]
        value, middle = measured.value[ks, d], (measured.low + measured.high)[ks, d] / 2
        closer = seen_closer(stage, direction, weights, value, middle)
        right = ~closer & nearby(stage, direction, weights, value, 1e-6 + ~held[ks, d])
        if not (closer | right).any():
            return  # wrong, whatever the others are
        if right.any() and stage.order > 1 and not no_hessian(stage, direction):
            right[:] = False
        measured.proves[ks[closer | right], d] = False
        stage.report.skip(f"features narrower than a step, {stage.name}", int(closer.sum()))
        stage.report.skip(f"no derivative, {stage.name}", int(right.sum()))


def nearby(stage: Stage, v: np.ndarray, u: np.ndarray, claimed: np.ndarray,
           margin: np.ndarray) -> np.ndarray:
    """Whether what is claimed along v, for each row of u, lies between the slopes at points nearby,
    or by no more outside than `margin` times what they span, and these do not come together as the
    points do: then there is no derivative here, and this is one of those around it (Clarke's
    generalised gradient)."""
    sides = np.random.default_rng(0).normal(size=(2 * NEARBY, v.size)) * stage.scales
    sides[:, stage.moving:] = 0  # what the function is linear in
    sides[NEARBY:] *= -1  # some in pairs
    noise, width = abs(u) @ stage.near.error, np.inf
    for n, radius in enumerate(RADII):
        found = [stage.beside(radius * (side + 0.01 * v)) - stage.beside(radius * (side - 0.01 * v))
                 for side in sides]
        slopes = u @ np.array(found).T / (0.02 * radius)
        low, high = slopes.min(axis=1), slopes.max(axis=1)
        before, width = width, high - low
        if n == 1:
            held = (low - margin * width <= claimed) & (claimed <= high + margin * width)
            held &= (width > 0.5 * before) & (width > 1e-4 * abs(high) + noise / 1e-7)
        elif n > 1:  # as far as rounding lets it be seen
            held &= (width > 0.5 * before) | (noise > 1e-3 * radius * before)
        if n and not held.any():
            break
    return held


def seen_closer(stage: Stage, v: np.ndarray, u: np.ndarray, claimed: np.ndarray,
                measured: np.ndarray) -> np.ndarray:
    """Whether what is claimed along v, for each row of u, is right for steps so short that what was
    measured is not: the function has features narrower than an ordinary step, as sin(x⁴) has, or
    a kink among jumps, whose quotients looked by chance like those of a smooth one."""
    gap, noise = abs(claimed - measured), abs(u) @ stage.near.error
    agree, before = np.zeros((len(CLOSER), len(u)), bool), np.inf
    for n, h in enumerate(CLOSER):
        sides = np.array([u @ (stage.beside(s * v) - stage.start) / s for s in (h, -h)])
        slope, low, high = sides.mean(axis=0), sides.min(axis=0), sides.max(axis=0)
        slack = 0.02 * gap + np.minimum(noise / h, 0.2 * gap)
        # 0 may also be a step of values that are rounded more than others
        agree[n] = (abs(slope - claimed) <= slack) & ((slope != 0) | (noise <= 0.02 * gap * h))
        # a kink's two slopes are those of any step
        kink = abs(sides - before).max(axis=0) + noise / h <= 0.1 * (high - low)
        agree[n] |= kink & (low - slack <= claimed) & (claimed <= high + slack)
        before = sides
    return (agree[1:] & agree[:-1]).any(axis=0)


def no_hessian(stage: Stage, v: np.ndarray) -> bool:
    """Whether the function, of whose reverse pass this is the stage, has no second derivative along
    v: second differences break the parallelogram law, q(a + b) + q(a − b) = 2 q(a) + 2 q(b),
    whatever the step."""
    while stage.before is not None:
        u, stage = flat(stage.point[len(stage.before.point):]), stage.before
    rng, v = np.random.default_rng(0), v[:stage.scales.size]

    def second(d: np.ndarray) -> np.ndarray:
        return stage.beside(d) - 2 * stage.start + stage.beside(-d)

    broken, noise = np.zeros(stage.start.shape, bool), 16 * stage.near.error
    for _ in range(TRIES):
        a, b, everywhere = v + random_direction(stage, rng), random_direction(stage, rng), True
        for h in (STEP, STEP / 4):  # those of slopes: where these met no kink, there is none
            terms = [second(h * (a + b)), second(h * (a - b)),
                     -2 * second(h * a), -2 * second(h * b)]
            everywhere &= abs(sum(terms)) > 0.02 * sum(map(abs, terms)) + noise
        broken |= everywhere
    return bool((broken & (u != 0)).any())


def random_direction(stage: Stage, rng: np.random.Generator) -> np.ndarray:
    still = ~np.isfinite(flat(stage.point))
    return np.where(still, 0, rng.normal(size=still.size) * stage.scales)
