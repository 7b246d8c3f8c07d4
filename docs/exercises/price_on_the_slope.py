"""A price on the slope

Chapter: collapse. 7 minutes.

The penalty R1: at each real example the squared length of D's slope there, averaged over the
examples, times `weight` / 2. Write it. `x` has the shape (n, d), and D gives each of the n examples
one logit. What you return is added to D's loss, so that its own gradient will be asked for.
"""
# %% start
import minigan as mg


def r1(D, x, weight):
    x = mg.tensor(x, requires_grad=True)
    slopes = ...                               # (n, d)
    return ...


# %% solution
import minigan as mg


def r1(D, x, weight):
    x = mg.tensor(x, requires_grad=True)
    # the logits' sum: each depends on its own example only, so its gradient holds all slopes.
    # create_graph: the slopes are to be differentiated again, by D's weights
    slopes, = mg.grad(D(x).sum(), x, create_graph=True)
    return weight / 2 * (slopes * slopes).sum(axis=1).mean()


# %% check
import numpy as np

from minigan.testing import check_grads

rng = np.random.default_rng(0)


def penalty(D, x, weight=1.0):
    value = r1(D, x, weight)
    assert value is not ..., "r1 still returns ...: first the slopes, by mg.grad"
    assert isinstance(value, mg.Tensor) and value.shape == (), (
        f"r1 returns {value!r}, but a penalty is one number, a tensor of shape ()")
    return value


w = mg.tensor(np.array([[3.0], [4.0]]), requires_grad=True)


def plane(x):
    """D is a plane of slope (3, 4) everywhere: of length 5."""
    return x @ w


x = rng.normal(size=(6, 2))
value = penalty(plane, x)
wanted, slip = 12.5, {
    25.0: "½ is missing",
    2.5: "that is half the length, not half its square",
    6.25: "the squares of an example's d numbers are added; their mean depends on d",
    75.0: "over the examples the mean is taken, not the sum",
    450.0: "the slopes of all examples have been added up before they were squared",
    24.5: "the d numbers were added before they were squared",
    0.35: "ask for the slopes of the sum of the logits; those of their mean are n times too small"}
assert abs(value.item() - wanted) < 1e-4, (
    f"D is a plane whose slope has the length 5, so R1 is 5²/2 = {wanted}, but r1 says "
    f"{value.item():.4g}: " + slip.get(round(value.item(), 2), "which square is meant?"))
assert abs(penalty(plane, x, 0.5).item() - 6.25) < 1e-4, "half the weight is half the penalty"
assert value.requires_grad, (
    "the number is right, but it has no graph: D's weights would not feel it. The slopes are to be "
    "differentiated again; what must mg.grad be told?")


def r1_by_weights(weights):
    """R1 of a D that bends, as a function of its weights."""
    return penalty(lambda x: (mg.ops.tanh(x @ weights) ** 2).sum(axis=1), x)


bent = np.array([[1.0, -0.5], [0.2, 0.7]])
t = np.tanh(x @ bent)
wanted = (((2 * t * (1 - t * t)) @ bent.T) ** 2).sum(axis=1).mean() / 2
got = r1_by_weights(mg.tensor(bent, requires_grad=True)).item()
assert abs(got - wanted) < 1e-6, (
    f"right for a plane. Of a D that bends each example has a slope of its own; there R1 is "
    f"{wanted:.4f}, and r1 says {got:.4f}: square first, then take the mean over the examples")
check_grads(r1_by_weights, rng.normal(size=(2, 3)))
