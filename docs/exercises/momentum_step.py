"""Momentum without a velocity

Chapter: learning. 5 minutes.

`descend` walks down a narrow valley, 25 times as curved across as along. Without momentum it takes
195 steps to come near enough to the bottom. You need not keep a velocity: where `w` was one step
`before` says how it moved. Write `step`, which returns the new `w` alone, so that it goes exactly
where the rule `b ← beta · b + g`, `w ← w − lr · b` goes.
"""
# %% start
import numpy as np


def step(w, before, g, lr, beta):
    return w - lr * g


def descend(lr, beta):
    """How many steps it takes from (−4, 1) to a loss below a millionth; 1,000 at most."""
    curvatures = np.array([1.0, 25.0])
    w = before = np.array([-4.0, 1.0])              # at first it has not moved
    for steps in range(1000):
        if (curvatures * w * w).sum() / 2 < 1e-6:
            return steps
        w, before = step(w, before, curvatures * w, lr, beta), w
    return 1000


if __name__ == "__main__":
    for beta in 0.0, 0.5:
        print(descend(lr=0.04, beta=beta), "steps with beta =", beta)


# %% solution
import numpy as np


def step(w, before, g, lr, beta):
    return w - lr * g + beta * (w - before)     # the last move was −lr · b: lr is in it already


def descend(lr, beta):
    """How many steps it takes from (−4, 1) to a loss below a millionth; 1,000 at most."""
    curvatures = np.array([1.0, 25.0])
    w = before = np.array([-4.0, 1.0])              # at first it has not moved
    for steps in range(1000):
        if (curvatures * w * w).sum() / 2 < 1e-6:
            return steps
        w, before = step(w, before, curvatures * w, lr, beta), w
    return 1000


if __name__ == "__main__":
    for beta in 0.0, 0.5:
        print(descend(lr=0.04, beta=beta), "steps with beta =", beta)


# %% check
import numpy as np

given = dict(w=np.array([1.0, -2.0]), before=np.array([0.5, -1.5]), g=np.array([0.5, 4.0]))
kept = {name: array.copy() for name, array in given.items()}
returned = step(**given, lr=0.1, beta=0.8)
assert isinstance(returned, np.ndarray), (
    f"step gives {type(returned).__name__}: does it return the new w, an array, and nothing else?")
assert returned.shape == (2,), (
    f"step is to return the new w alone, an array of shape (2,), and returned {returned!r}")
assert all(np.array_equal(given[name], kept[name]) for name in given), (
    "step has changed the arrays that it was given: w += ... and w -= ... write into the caller's. "
    "Return a new one")
w, move, g = kept["w"], kept["w"] - kept["before"], kept["g"]
assert not np.allclose(returned, w - 0.1 * g), (
    "w moves by lr · g alone: no momentum. How did it move in the last step?")
for wrong, said in [
        (w - 0.1 * g - 0.8 * move, "the ball is thrown back: before − w points to where it came "
         "from, and momentum keeps the direction"),
        (w - 0.1 * (g + 0.8 * move), "lr times the last move, and uphill. That move was −lr · b: "
         "there is a rate in it already, and a minus"),
        (w - 0.1 * (g - 0.8 * move), "lr times the last move. But that move was −lr · b: there is "
         "a rate in it already"),
        (w - 0.1 * g + move, "all of the last move is kept: the ball rolls without friction and "
         "never comes to rest. What is beta for?"),
        (w - 0.1 * 0.2 * g + 0.8 * move, "the gradient is multiplied by 1 − beta, as in a running "
         "mean; the rule adds the whole of it")]:
    assert not np.allclose(returned, wrong), said
assert np.allclose(returned, w - 0.1 * g + 0.8 * move), (
    f"from w = {w}, before = {kept['before']}, with g = {g}, lr = 0.1 and beta = 0.8 you come to "
    f"{returned}; right is {w - 0.1 * g + 0.8 * move}. What is b, if the last move was −lr · b? "
    "Put it into the rule")
assert descend(0.04, 0.5) == 88, f"{descend(0.04, 0.5)} steps with momentum: it should be 88"
