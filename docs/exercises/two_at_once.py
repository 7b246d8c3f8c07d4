"""Two at once

Chapter: collapse. 5 minutes.

*Packing*: D judges pairs. Complete `packed`: of points (n, d) it makes pairs (n/2, 2d), each point
in one pair, with a partner that was drawn independently of it. Then complete `caught`: of packed
points, the share of pairs whose two points lie closer to each other than 0.5. Run it on a collapsed
G and on real points: a single point of the one looks like one of the other. And a pair?
"""
# %% start
import numpy as np

import minigan as mg


def packed(points):
    return ...


def caught(pairs):
    return ...


rng = np.random.default_rng(0)
real = mg.data.ring(2000, rng)
collapsed = mg.data.ring_centers()[3] + 0.01 * rng.standard_normal((2000, 2))
for name, points in [("real", real), ("collapsed", collapsed)]:
    print(name, caught(packed(points)))
# %% solution
import numpy as np

import minigan as mg


def packed(points):
    return points.reshape(len(points) // 2, -1)       # rows 0 and 1, 2 and 3, ...


def caught(pairs):
    first, second = np.split(pairs, 2, axis=1)
    return (np.linalg.norm(first - second, axis=1) < 0.5).mean()


rng = np.random.default_rng(0)
real = mg.data.ring(2000, rng)
collapsed = mg.data.ring_centers()[3] + 0.01 * rng.standard_normal((2000, 2))
for name, points in [("real", real), ("collapsed", collapsed)]:
    print(name, caught(packed(points)))        # 1 in 8, and all: a pair gives G away
# %% check
points = np.arange(24.0).reshape(8, 3)
pairs = packed(points.copy())
assert pairs is not ..., "packed still returns ...: (8, 3) is to become (4, 6)"
assert np.shape(pairs) == (4, 6), (
    f"packed makes {np.shape(pairs)} of (8, 3), but 8 points of 3 numbers are 4 pairs of 6")
rows = {tuple(row) for row in points}
halves = [tuple(map(float, half)) for pair in pairs for half in (pair[:3], pair[3:])]
assert all(half in rows for half in halves), (
    f"the first pair is {pairs[0]}: its halves are no two of the points; reshape reads the numbers "
    "row by row")
assert len(set(halves)) == 8, "some points are in several pairs, others in none: each in one"

pairs = np.array([[0, 0, 0.3, 0.3], [0, 0, 0.4, 0.4], [1, 1, 1, 1], [0, 1, 1, 0]])
share = caught(pairs)
assert share is not ..., "caught still returns ...: the two halves of a pair are its two points"
assert isinstance(share, (int, float, np.number)), (
    f"caught returns a {type(share).__name__}, but a share is one number")
assert abs(share - 0.5) < 1e-9, (
    f"of four pairs the points are 0.42, 0.57, 0 and 1.41 apart, so two are closer than 0.5, a "
    f"share of 0.5; caught says {share}")
