"""The best logit

Chapter: objectives. 6 minutes.

Examples of one kind are a share p of the real ones and a share q of the generated ones. Which logit
l of this kind is best for D? Under `least_squares` it pays p (l − 1)²/2 + q l²/2, under `hinge`
p max(0, 1 − l) + q max(0, 1 + l). Find both with pencil and paper: where is the slope by l zero, or
where does it change its sign?
"""
# %% start
def best_least_squares(p, q):
    return ...


def best_hinge(p, q):
    return ...


# %% solution
def best_least_squares(p, q):
    return p / (p + q)       # p (l − 1) + q l = 0: the probability of being real, itself


def best_hinge(p, q):
    # between −1 and 1 the slope is −p + q; outside one of the two is left, which leads back in
    return 1.0 if p > q else -1.0


# %% check
import numpy as np


def least_squares(logit, p, q):
    return p * (logit - 1) ** 2 / 2 + q * logit ** 2 / 2


def hinge(logit, p, q):
    return p * np.maximum(0, 1 - logit) + q * np.maximum(0, 1 + logit)


grid = np.linspace(-3, 3, 6001)
for best, loss in [(best_least_squares, least_squares), (best_hinge, hinge)]:
    for p, q in [(0.3, 0.1), (0.1, 0.3), (0.2, 0.05), (0.0, 0.4), (0.5, 0.4)]:
        mine = best(p, q)
        assert mine is not ..., f"{best.__name__} still returns ..."
        assert np.ndim(mine) == 0 and isinstance(mine, (int, float, np.floating)), (
            f"{best.__name__} returns {mine!r}, but a logit is a number")
        better = grid[loss(grid, p, q).argmin()]
        assert loss(mine, p, q) < loss(better, p, q) + 1e-6, (
            f"{best.__name__}: with p = {p} and q = {q} D pays {loss(mine, p, q):.4f} at your "
            f"logit {mine:.3f}, and less at one that is {'larger' if better > mine else 'smaller'}")
