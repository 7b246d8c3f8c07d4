"""A way of full length

Chapter: asking. 5 minutes.

`way(a, b, n)` is to give n noise vectors, (n, d), from `a` to `b`, both included, at equal angles
on the arc cos θ · a + sin θ · b. On the straight line, which is there now, the middle is too
short: such vectors hardly come up in training.
"""
# %% start
import numpy as np


def way(a, b, n):
    t = np.linspace(0, 1, n)[:, None]
    return (1 - t) * a + t * b


# %% solution
import numpy as np


def way(a, b, n):
    angle = np.linspace(0, np.pi / 2, n)[:, None]
    return np.cos(angle) * a + np.sin(angle) * b       # cos² + sin² = 1: the variance stays


# %% check
import numpy as np

rng = np.random.default_rng(0)
for d, n in (2, 3), (32, 7), (5, 2):
    a, b = rng.normal(size=(2, d))
    found = way(a, b, n)
    assert np.shape(found) == (n, d), (f"{n} vectors of {d} numbers are an array {(n, d)}, and way "
                                       f"returns {np.shape(found)}")
    assert np.allclose(found[0], a) and np.allclose(found[-1], b), "it is to begin at a, end at b"
a, b = rng.normal(size=(2, 100_000))
found = way(a, b, 5)
spreads = found.std(axis=1).round(2)
assert np.allclose(spreads, 1, atol=0.02), (
    f"the five have the standard deviations {spreads.tolist()}, and draws of N(0, 1) have 1")
angles = np.degrees(np.arctan2(found @ b, found @ a)).round()
assert np.allclose(angles, [0, 22.5, 45, 67.5, 90], atol=1.5), (
    f"the five vectors stand at {angles.tolist()} degrees from a to b: the steps are to be equal")
