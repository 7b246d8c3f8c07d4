"""Which real images are covered?

Chapter: quality. 7 minutes.

Draw a ball round each real point, to its k-th nearest *other* real point. A real point is covered
if a sample lies in its ball. `coverage(real, fake, k)` is the share of real points that are
covered; `real` is (n, d) and `fake` (m, d). The table of all distances is given.
"""
# %% start
import numpy as np


def distances(a, b):
    """From each row of a to each row of b, (len(a), len(b))."""
    return np.sqrt(((a[:, None] - b[None]) ** 2).sum(axis=2))


def coverage(real, fake, k):
    radius = ...                       # (n,)
    nearest = ...                      # (n,): from each real point to the nearest sample
    return ...


# %% solution
import numpy as np


def distances(a, b):
    """From each row of a to each row of b, (len(a), len(b))."""
    return np.sqrt(((a[:, None] - b[None]) ** 2).sum(axis=2))


def coverage(real, fake, k):
    radius = np.sort(distances(real, real), axis=1)[:, k]      # at 0 stands the point itself
    nearest = distances(real, fake).min(axis=1)
    return (nearest <= radius).mean()


# %% check
import numpy as np

from minigan.user_code import said


def covered(real, fake, k):
    try:
        found = coverage(np.array(real, float), np.array(fake, float), k)
    except Exception as error:
        raise AssertionError(f"coverage raised {said(error)}") from None
    assert isinstance(found, (float, np.floating)), (
        f"coverage returns {found!r}: it is to be a share, one number from 0 to 1")
    return found


line = [[0.0], [1.0], [2.0], [10.0]]
for fake, k, expected, hint in [
        ([[0.5]], 1, 0.5, "the balls of 0, 1 and 2 have the radius 1 (to the nearest other one), "
         "that of 10 has 8; 0.5 is in those of 0 and 1"),
        ([[3.5]], 1, 0.25, "it is in the ball of 10 alone, whose radius is 8"),
        ([[0.5]], 2, 0.75, "with k = 2 the balls have the radii 2, 1, 2 and 9, and hold 0.5 three "
         "times"),
        ([[0.4], [0.5], [0.6]], 1, 0.5, "three samples in a ball cover no more than one does"),
        ([[0.5], [11.0]], 1, 0.75, "the second sample covers the point 10, and only that"),
        ([[50.0]], 1, 0.0, "it is in no ball")]:
    found = covered(line, fake, k)
    assert abs(found - expected) < 1e-12, (
        f"real points at 0, 1, 2 and 10, samples at {[x for x, in fake]}, k = {k}: {found:g}, and "
        f"it should be {expected:g}. {hint[0].upper()}{hint[1:]}")
rng = np.random.default_rng(0)
real, fake = rng.normal(size=(40, 3)), 0.3 * rng.normal(size=(60, 3))
from minigan import metrics

found, expected = covered(real, fake, 3), metrics.coverage(real, fake, 3)
assert abs(found - expected) < 1e-12, (
    f"of 40 points in space minigan.metrics.coverage says {expected:g}, yours {found:g}")
