"""Counting clouds

Chapter: first_gan. 5 minutes.

How many of the clouds has a generator found? `points` has the shape (n, 2), `centers` the shape
(k, 2). A point belongs to the center that it is nearest to, if it is closer to it than `radius`;
otherwise to none. Return the number of centers that at least one point belongs to.
"""
# %% start
import numpy as np


def clouds(points, centers, radius):
    distances = np.linalg.norm(points[:, None] - centers, axis=2)      # (n, k)
    return ...


# %% solution
import numpy as np


def clouds(points, centers, radius):
    distances = np.linalg.norm(points[:, None] - centers, axis=2)      # (n, k)
    good = distances.min(axis=1) < radius             # the stray ones have no vote
    return len(np.unique(distances[good].argmin(axis=1)))


# %% check
import minigan as mg

rng = np.random.default_rng(0)
ring = mg.data.ring_centers()
everywhere = mg.data.ring(400, rng, std=0.05)
on_one = ring[2] + 0.02 * rng.standard_normal((100, 2))
astray = 0.2 * rng.standard_normal((50, 2))
near = np.array([[0.1, 0.0], [1.0, 0.0]])


def count(points, centers=ring, radius=0.15):
    number = clouds(points, centers, radius)
    assert number is not ..., (
        "clouds still returns ...: distances[i, j] is that of point i from center j")
    assert isinstance(number, (int, np.integer)), (
        f"clouds returns a {type(number).__name__} of shape {np.shape(number)}, but one whole "
        "number is asked for")
    return int(number)


number = count(everywhere)
assert number != 400 and number < 300, f"{number} are points; how many different centers are hit?"
assert number == 8, f"400 real points hit all 8 centers, but clouds says {number}"
number = count(on_one)
assert number == 1, f"100 points around one center hit that one, but clouds says {number}"
number = count(np.concatenate([on_one, astray]))
assert number == 1, (f"100 points around one center and 50 astray in the middle hit one, but "
                     f"clouds says {number}: who is far from all centers belongs to none")
number = count(astray, radius=0.01)
assert number == 0, f"no point is closer than 0.01 to any center, but clouds says {number}"
number = count(near, near + [[0.0, 0.0], [0.05, 0.0]], 2.0)
assert number == 2, f"two points, each beside its own center, hit two, but clouds says {number}"
number = count(near[:1], near, 2.0)
assert number == 1, (f"one point belongs to one center, the nearest, but clouds says {number}: "
                     "it is closer than the radius to both")
