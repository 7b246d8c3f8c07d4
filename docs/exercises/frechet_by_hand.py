"""The Fréchet distance

Chapter: quality. 9 minutes.

Write the distance of two sets of points, (n, d) and (m, d), by their means and covariances:

    |μ₁ − μ₂|² + tr Σ₁ + tr Σ₂ − 2 tr (Σ₁ Σ₂)^½

The covariances are unbiased (`np.cov(x.T)` has it so). The last trace is the sum of the square
roots of the eigenvalues of Σ₁ Σ₂, which are not negative, except for rounding
(`np.linalg.eigvals`).
"""
# %% start
import numpy as np


def frechet(x, y):
    return ((x.mean(axis=0) - y.mean(axis=0)) ** 2).sum()


# %% solution
import numpy as np


def frechet(x, y):
    between = ((x.mean(axis=0) - y.mean(axis=0)) ** 2).sum()
    a, b = np.cov(x.T), np.cov(y.T)
    # roots of eigenvalues, not of entries; what rounding makes negative or complex is 0
    eigenvalues = np.maximum(np.linalg.eigvals(a @ b).real, 0)
    return between + np.trace(a) + np.trace(b) - 2 * np.sqrt(eigenvalues).sum()


# %% check
import numpy as np

from minigan import metrics
from minigan.user_code import said


def measured(x, y):
    try:
        with np.errstate(invalid="ignore"):
            found = frechet(x.copy(), y.copy())
    except Exception as error:
        raise AssertionError(f"frechet of {x.shape} and {y.shape} raised {said(error)}") from None
    assert isinstance(found, (float, np.floating)), (
        f"frechet returns {found!r}, and is to return one real number: rounding can make "
        "eigenvalues complex, take .real")
    assert np.isfinite(found), (f"frechet is {found}: an eigenvalue that should be 0 is -10⁻¹⁷ or "
                                "so by rounding, and has no root. Cut it off at 0")
    return float(found)


rng = np.random.default_rng(0)
x = rng.normal(size=(50, 3))
turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
spread = x - x.mean(axis=0)
for name, y, expected, hint in [
        ("a set and itself", x, 0.0, "Here 2 tr (Σ Σ)^½ is 2 tr Σ. The "
         "root is one of matrices, and a covariance of d numbers is (d, d)"),
        ("a set and itself, moved by (3, 0, 0)", x + [3, 0, 0], 9.0, "Only the means differ"),
        ("a set around 0 and itself, twice as wide", None, np.trace(np.cov(x.T)),
         "Of tr Σ + 4 tr Σ − 2 · 2 tr Σ one tr Σ is left; unbiased, so divided by n − 1")]:
    a, b = (spread, 2 * spread) if y is None else (x, y)
    found = measured(a, b)
    assert abs(found - expected) < 1e-6, (f"{name}: {found:.4f}, and it should be {expected:.4f}. "
                                          f"{hint}")
tilted = (spread * [3, 1, 0.2]) @ turn + 1
flat = rng.normal(size=(9, 2)) @ rng.normal(size=(2, 3))       # one eigenvalue is 0
for a, b in (spread * [3, 1, 0.2], tilted), (flat, x), (flat, 2 * flat):
    found, expected = measured(a, b), metrics.frechet(a, b)
    assert abs(found - expected) < 1e-6, (
        f"minigan.metrics.frechet says {expected:.4f}, yours {found:.4f}, where covariances have "
        "different axes: the square root of a matrix is not that of its entries or its diagonal")
