"""Between neighbours

Chapter: uses. 6 minutes.

SMOTE makes new examples of a rare class without a network: take an example, one of its nearest
neighbours in the class, and a point on the line between them. `between(x, which, t)` gets the
examples x (n, features), the numbers `which` (m,) of those to start from, and t (m,), how far to
go: 0 is the example itself, 1 the nearest other one, by the Euclidean distance. Return the new
examples, (m, features).
"""
# %% start
import numpy as np


def between(x, which, t):
    return x[which]
# %% solution
import numpy as np


def between(x, which, t):
    distance = ((x[which][:, None] - x) ** 2).sum(axis=2)
    distance[np.arange(len(which)), which] = np.inf  # not itself
    nearest = x[distance.argmin(axis=1)]
    return x[which] + t[:, None] * (nearest - x[which])
# %% check
x = np.array([[0.0, 0.0], [1.0, 0.0], [5.0, 5.0], [5.0, 7.0]])
which, t = np.array([0, 1, 2, 3, 2]), np.array([0.25, 0.5, 0.0, 1.0, 0.5])
made = np.asarray(between(x.copy(), which, t))
assert made.shape == (5, 2), (
    f"five new examples of two features are wanted, (5, 2), not {made.shape}")
for i, right in enumerate([[0.25, 0.0], [0.5, 0.0], [5.0, 5.0], [5.0, 5.0], [5.0, 6.0]]):
    assert np.allclose(made[i], right), (
        f"from {x[which[i]].tolist()}, {t[i]:.0%} of the way to its nearest other example, is "
        f"{right}, not {np.round(made[i], 3).tolist()}" + (
            ": is each example its own nearest neighbour here?" if np.allclose(made, x[which])
            else ""))
x = np.random.default_rng(1).normal(size=(12, 3))
which, t = np.arange(12), np.full(12, 0.5)
made = np.asarray(between(x.copy(), which, t))
assert made.shape == (12, 3), (
    f"twelve new examples of three features are wanted, (12, 3), not {made.shape}")
far = [((x - a) ** 2).sum(axis=1) for a in x], [abs(x - a).sum(axis=1) for a in x]
nearest, by_sums = (x[np.argsort(d, axis=1)[:, 1]] for d in far)  # the first is itself
assert not np.allclose(made, (x + by_sums) / 2), (
    "the nearest is meant by the root of the sum of squares, not by the sum of the differences")
wrong = ~np.isclose(made, (x + nearest) / 2).all(axis=1)
assert not wrong.any(), (
    f"of twelve other examples of three features, drawn by chance, {wrong.sum()} do not go half of "
    "the way to the nearest other: is the neighbour looked for among the x that are given?")
