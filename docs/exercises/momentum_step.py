"""A step with momentum

Chapter: learning. 4 minutes.

`descend` walks down a narrow valley, 25 times as curved across as along. It takes 195 steps to come
near enough to the bottom. Give `step` momentum: a velocity `b`, of which `beta` times the old one
is kept and to which the gradient `g` is added; `w` then moves by `lr` times the velocity. Return
both, the new `w` and the new `b`.
"""
# %% start
import numpy as np


def step(w, b, g, lr, beta):
    return w - lr * g, b


def descend(lr, beta):
    """How many steps it takes from (−4, 1) to a loss below a millionth; 1,000 at most."""
    curvatures = np.array([1.0, 25.0])
    w, b = np.array([-4.0, 1.0]), np.zeros(2)
    for steps in range(1000):
        if (curvatures * w * w).sum() / 2 < 1e-6:
            return steps
        w, b = step(w, b, curvatures * w, lr, beta)
    return 1000


print(descend(lr=0.04, beta=0.0), "steps without momentum,", descend(lr=0.04, beta=0.5), "with it")


# %% solution
import numpy as np


def step(w, b, g, lr, beta):
    b = beta * b + g                # what flips its sign cancels here, what keeps it adds up
    return w - lr * b, b            # by the new velocity: the old one has not felt this slope


def descend(lr, beta):
    """How many steps it takes from (−4, 1) to a loss below a millionth; 1,000 at most."""
    curvatures = np.array([1.0, 25.0])
    w, b = np.array([-4.0, 1.0]), np.zeros(2)
    for steps in range(1000):
        if (curvatures * w * w).sum() / 2 < 1e-6:
            return steps
        w, b = step(w, b, curvatures * w, lr, beta)
    return 1000


print(descend(lr=0.04, beta=0.0), "steps without momentum,", descend(lr=0.04, beta=0.5), "with it")


# %% check
import numpy as np

given = dict(w=np.array([1.0, -2.0]), b=np.array([3.0, 0.5]), g=np.array([0.5, 4.0]))
kept = {name: array.copy() for name, array in given.items()}
returned = step(**given, lr=0.1, beta=0.8)
assert isinstance(returned, tuple) and len(returned) == 2, (
    "step is to return two things, the new w and the new b: return w, b")
w, b = (np.asarray(part, dtype=float) for part in returned)
assert all(np.array_equal(given[name], kept[name]) for name in given), (
    "step has changed the arrays that it was given: b *= ... and b += ... write into the caller's. "
    "Make new ones: b = ...")
assert not np.allclose(b, kept["b"]), (
    "the velocity comes back as it was, so it is 0 at every step and w moves by lr · g alone: "
    "no momentum. What becomes of b?")
assert not np.allclose(b, 0.8 * kept["b"] + 0.2 * kept["g"]), (
    "your velocity is a running mean, with (1 − beta) · g. Then momentum 0.9 makes steps ten times "
    "as short as the rule asked for, which adds the whole gradient")
assert not np.allclose(b, kept["b"] + kept["g"]), (
    "the velocity forgets nothing: the ball rolls without friction and never comes to rest. "
    "What of the old one is kept?")
assert np.allclose(b, 0.8 * kept["b"] + kept["g"]), (
    f"for b = {kept['b']}, g = {kept['g']} and beta = 0.8 the new velocity is {b}. It should be "
    "0.8 times the old one, plus the gradient")
assert not np.allclose(w, kept["w"] - 0.1 * kept["g"]), (
    "the velocity is right, but w moves by lr · g, as if there were none")
assert not np.allclose(w, kept["w"] - 0.1 * kept["b"]), (
    "w moves by the old velocity, which knows nothing of this step's gradient")
assert np.allclose(w, kept["w"] - 0.1 * b), (
    f"from w = {kept['w']} with the velocity {b} and lr = 0.1 you come to {w}. Downhill is "
    "w − lr · b")
assert descend(0.04, 0.5) < 100, f"{descend(0.04, 0.5)} steps with momentum: it should be 88"
