"""Two faults in a penalty

Chapter: objectives. 7 minutes.

This is the penalty of WGAN-GP: at points on the lines between real and generated examples, both of
shape (n, d), D's slope is to have the length 1. There are two faults in it, and it trains with
both. Mend them. (What is one number for each pair, and what is one for each example?)
"""
# %% start
import minigan as mg


def gradient_penalty(D, real, fake, rng):
    share = rng.random(real.shape)
    x = mg.tensor(real + share * (fake - real), requires_grad=True)
    slope, = mg.grad(D(x).sum(), x, create_graph=True)
    length = mg.ops.sqrt((slope * slope).sum())
    return ((length - 1) ** 2).mean()


# %% solution
import minigan as mg


def gradient_penalty(D, real, fake, rng):
    share = rng.random((len(real), 1))         # one for each pair: a point of the line between them
    x = mg.tensor(real + share * (fake - real), requires_grad=True)
    slope, = mg.grad(D(x).sum(), x, create_graph=True)
    length = mg.ops.sqrt((slope * slope).sum(axis=1))          # one for each example
    return ((length - 1) ** 2).mean()


# %% check
import numpy as np

from minigan.testing import check_grads


def penalty(D, real, fake):
    value = gradient_penalty(D, real, fake, np.random.default_rng(0))
    assert isinstance(value, mg.Tensor) and value.shape == (), (
        f"gradient_penalty returns {value!r}, but a penalty is one number, a tensor of shape ()")
    return value


def tilted(x):
    """A plane of slope (1.2, 1.6, 0): of length 2."""
    return x @ mg.tensor(np.array([[1.2], [1.6], [0.0]]))


seen = []


def watched(x):
    seen.append(x.numpy())
    return tilted(x)


rng = np.random.default_rng(1)
small, large = (penalty(tilted, *rng.normal(size=(2, n, 3))).item() for n in (4, 400))
assert abs(small - large) < 1e-4, (
    f"D has the same slope everywhere, but pays {small:.2f} in a batch of 4 and {large:.2f} in one "
    "of 400: is the length that of each example's slope, and the mean taken of all?")
assert abs(small - 1) < 1e-4, (
    f"D has the slope of length 2 everywhere, so (2 − 1)² = 1 is wanted, but it is {small:.3f}")
penalty(watched, np.zeros((50, 3)), np.ones((50, 3)))
points = seen[0]
off = np.ptp(points, axis=1).max()
assert off < 1e-6, (
    f"between (0, 0, 0) and (1, 1, 1) D is asked at {points[0].round(2)}, which is not on the "
    "line: how many shares are drawn for a pair?")
assert np.ptp(points) > 0.5, "all pairs get the same share: each is to have its own"
assert (points >= 0).all() and (points <= 1).all(), "a point lies beyond the ends of its line"


def hollow(x):
    """|x|²/2, whose slope is x itself."""
    seen.append(x.numpy())
    return (x * x).sum(axis=1) / 2


paid = penalty(hollow, *rng.normal(size=(2, 50, 3))).item()
wanted = ((np.linalg.norm(seen[-1], axis=1) - 1) ** 2).mean()
assert abs(paid - wanted) < 1e-4, (
    f"where D is as steep everywhere all is right; where it is not, the penalty should be "
    f"{wanted:.3f} and is {paid:.3f}: each example pays for itself, and the mean comes last")


def penalty_by_weights(weights):
    """The penalty of a D that bends, as a function of its weights."""
    return penalty(lambda x: mg.ops.tanh(x @ weights).sum(axis=1), *data)


data = rng.normal(size=(2, 3, 2))
check_grads(penalty_by_weights, rng.normal(size=(2, 3)))
