"""Second derivatives held against what they are derived from: symmetry, and the values' curvature.

The reverse pass may be the right gradient at a point and a wrong one beside it. Its derivative is
then consistent with it and wrong all the same: the values know better.
"""
from __future__ import annotations

import numpy as np

from .differences import EPS, STEP
from .existence import no_hessian, random_direction
from .function import flat
from .stage import Stage

__tracebackhide__ = True  # pytest: the message says what is wrong

RTOL = 1e-4    # second differences lose twice as many digits as slopes do


def check_curvature(stage: Stage) -> None:
    """For H, the Hessian of ⟨u, f⟩ that the reverse pass of the reverse pass gives, check that
    ⟨v, H w⟩ = ⟨w, H v⟩ and that vᵀ H v is the second difference of f's values along v.

    stage  that of f's reverse pass, at u
    """
    values, n = stage.before, stage.before.scales.size
    if not values.start.size or not stage.start.size:
        return
    v, w = (random_direction(values, stage.rng) for _ in range(2))
    by_v, by_w = (flat(x)[:n] for x in stage.pull_backs(np.stack([v, w])))
    terms = np.array([v * by_w, w * by_v])
    off = abs(terms[0].sum() - terms[1].sum())
    if not off <= 1e-8 * abs(terms).sum():
        noise = sum(abs(a) @ stage.blur(b)[:n] for a, b in ((v, w), (w, v)))
        if not off <= 1e-8 * abs(terms).sum() + noise and not no_hessian(stage, v):
            raise stage.fail("second derivatives are not symmetric: ⟨v, H w⟩ is "
                             f"{terms[0].sum():.9g}, ⟨w, H v⟩ {terms[1].sum():.9g}, so the "
                             "gradient is no gradient of one function: it is wrong near this point")
    if values.rough or stage.rough:
        return  # a kink, of f or of its gradient: the two sides bend differently
    u = flat(stage.point[len(values.point):])
    short = v / (abs(v) / values.scales).sum()  # no further than one element would move alone
    claimed = float(v @ by_v)
    low, high = (x * (v @ v) / (short @ short) for x in _second_difference(values, u, short))
    slack = RTOL * abs(v * by_v).sum()
    if not low - slack <= claimed <= high + slack:
        slack += abs(v) @ np.maximum(stage.blur(v), stage.blur(w))[:n]
        if values.rounded(short).all():  # they may be what is left of numbers of size 1
            slack += 16 * EPS * abs(u).sum() * (abs(v) / values.reach).sum() ** 2
    if not low - slack <= claimed <= high + slack and not no_hessian(stage, v):
        raise stage.fail("the second derivative along a random direction v, vᵀ H v, is "
                         f"{claimed:.9g}, second differences of the values say "
                         f"{(low + high) / 2:.9g}: the gradient is wrong near this point, if "
                         "not at it")


def _second_difference(stage: Stage, u: np.ndarray, v: np.ndarray) -> tuple[float, float]:
    """Between what limits ⟨u, (f(x + h v) − 2 f(x) + f(x − h v)) / h²⟩ goes as h does to 0."""
    def quotient(h: float) -> float:
        return float(u @ (stage.beside(h * v) - 2 * stage.start + stage.beside(-h * v))) / h ** 2

    wide, narrow = quotient(STEP), quotient(STEP / 2)
    if not np.isfinite(wide + narrow):
        return -np.inf, np.inf
    noise = float(abs(u) @ stage.near.error) * 4 / STEP ** 2
    error = 4 * abs(wide - narrow) + 4 * noise
    estimate = narrow + (narrow - wide) / 3
    return estimate - error, estimate + error
