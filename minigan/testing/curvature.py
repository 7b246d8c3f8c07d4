"""Second derivatives held against what they are derived from: symmetry, and the values' curvature.

The reverse pass may be the right gradient at a point and a wrong one beside it. Its derivative is
then consistent with it and wrong all the same: the values know better.
"""
from __future__ import annotations

import numpy as np

from .differences import EPS
from .function import flat, unflat
from .stage import Stage

__tracebackhide__ = True  # pytest: the message says what is wrong

STEP = 1e-4    # the slopes' own: where they met no kink, there is none in its reach
RTOL = 1e-4    # second differences lose twice as many digits as slopes do


def check_curvature(values: Stage, gradients: Stage) -> None:
    """For H, the Hessian of ⟨u, f⟩ that the reverse pass of the reverse pass gives, check that
    ⟨v, H w⟩ = ⟨w, H v⟩ and that vᵀ H v is the second difference of f's values along v.

    values, gradients  the stages of f, and of its reverse pass at the same point and at u
    """
    if not values.start.size or not gradients.start.size:
        return
    u = flat(gradients.point[len(values.point):])
    v, w = gradients.cotangents(2)
    by_v, by_w = (flat(gradients.pull_back(x)[:len(values.point)]) for x in (v, w))
    terms = np.array([v * by_w, w * by_v])
    off = abs(terms[0].sum() - terms[1].sum())
    if not off <= 1e-8 * abs(terms).sum() + gradients.atol():
        raise gradients.fail("second derivatives are not symmetric: ⟨v, H w⟩ is "
                             f"{terms[0].sum():.9g}, ⟨w, H v⟩ {terms[1].sum():.9g}, so the "
                             "gradient is no gradient of one function: it is wrong near this point")
    if values.rough or gradients.rough:
        return  # a kink, of f or of its gradient: the two sides bend differently
    short = v / abs(v).sum()  # the sum of all elements moves no further than one of them would
    claimed, (low, high) = float(v @ by_v), _second_difference(values, u, short)
    low, high = low * abs(v).sum() ** 2, high * abs(v).sum() ** 2
    slack = gradients.atol() + RTOL * abs(v * by_v).sum()
    if not low - slack <= claimed <= high + slack:
        raise gradients.fail("the second derivative along a random direction v, vᵀ H v, is "
                             f"{claimed:.9g}, second differences of the values say "
                             f"{(low + high) / 2:.9g}: the gradient is wrong near this point, if "
                             "not at it")


def _second_difference(stage: Stage, u: np.ndarray, v: np.ndarray) -> tuple[float, float]:
    """Between what limits ⟨u, (f(x + h v) − 2 f(x) + f(x − h v)) / h²⟩ goes as h does to 0."""
    at = flat(stage.point)

    def quotient(h: float) -> float:
        ends = [stage.function.values(unflat(at + s * v, stage.point)) for s in (h, -h)]
        return float(u @ (ends[0] - 2 * stage.start + ends[1])) / h ** 2

    wide, narrow = quotient(STEP), quotient(STEP / 2)
    if not np.isfinite(wide + narrow):
        return -np.inf, np.inf
    rounding = float(abs(u) @ (stage.noise + 20 * EPS * abs(stage.start))) * 4 / STEP ** 2
    error = 4 * abs(wide - narrow) + 4 * rounding
    estimate = narrow + (narrow - wide) / 3
    return estimate - error, estimate + error
