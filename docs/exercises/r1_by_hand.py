"""A limit on D's slopes

Chapter: recipes. 8 minutes.

R1 is the one thing that most of the recipes have in common: the mean over the real examples of the
square of D's slope, |∂D/∂x|². `r1(discriminator, x)` gets a discriminator, whose logits are (n,
1), and real examples (n, k); it returns the mean, a Tensor *that can be differentiated by D's
weights*, for its gradient goes into D's update. What `mg.grad` returns is a constant unless told
otherwise.
"""
# %% start
import minigan as mg


def r1(discriminator, x):
    x = mg.tensor(x, requires_grad=True)
    logits = discriminator(x)
    slope, = mg.grad(logits.mean(), x)
    return (slope * slope).mean()


# %% solution
import minigan as mg


def r1(discriminator, x):
    x = mg.tensor(x, requires_grad=True)
    logits = discriminator(x)
    # of the sum: each logit knows its own x alone, so the rows are the slopes, not divided by n
    slope, = mg.grad(logits.sum(), x, create_graph=True)
    return (slope * slope).sum(axis=1).mean()


# %% check
import numpy as np
import minigan as mg
from minigan import nn
from minigan.testing import check_grads

rng = np.random.default_rng(0)
for n, k in (1, 2), (5, 3):
    linear = nn.Dense(k, 1, rng=rng).astype("float64")
    found = r1(linear, rng.normal(size=(n, k)))
    assert isinstance(found, mg.Tensor) and found.size == 1, (
        f"r1 returns {found!r}, and is to return a Tensor of one number")
    expected = (linear.weight.numpy() ** 2).sum()
    assert abs(found.item() - expected) < 1e-9, (
        f"D is x @ w, so its slope is w everywhere and R1 is |w|², {expected:.4f}; for {n} rows "
        f"of {k} numbers yours is {found.item():.4f}, {found.item() / expected:.3g} times that. "
        "Sum over the entries of a slope, take the mean over the examples, and divide by n once")
discriminator = nn.Sequential(nn.Dense(2, 3, rng=rng), nn.Tanh(), nn.Dense(3, 1, rng=rng))
discriminator.astype("float64")
x = rng.normal(size=(4, 2))
discriminator.zero_grad()
found = r1(discriminator, x)
w, v = (discriminator.layers[i].weight.numpy() for i in (0, 2))
slopes = (1 - np.tanh(x @ w + discriminator.layers[0].bias.numpy()) ** 2) * v.T @ w.T
expected = (slopes ** 2).sum(axis=1).mean()
assert abs(found.item() - expected) < 1e-9, (
    f"right where D's slope is the same everywhere. Where it is another at each example, R1 is "
    f"{expected:.4f}, and yours {found.item():.4f}: the square is taken first, and then the mean")
assert found.requires_grad, ("r1 is right, and a constant: its gradient by D's weights is what D "
                             "learns from. See create_graph in mg.grad")


def penalty_by_the_weights(w):
    layers = discriminator.layers
    return r1(lambda x: layers[2](layers[1](x @ w + layers[0].bias)), x)


check_grads(penalty_by_the_weights, discriminator.layers[0].weight.numpy(), order=1)
