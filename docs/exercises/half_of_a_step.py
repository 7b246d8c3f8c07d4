"""Half of a step is missing

Chapter: slips. 5 minutes.

Near a draw D says ½ of generated examples and should say 0, so that its bias has a gradient of
about ½. After the first of the three steps below it has; after the third, which is the same step
with the same weights, it has not. Each function lacks a line. After any order of steps D's gradient
is to be that of D's last loss alone, and G's step is to leave nothing in D.
"""
# %% start
import numpy as np

import minigan as mg

rng = np.random.default_rng(0)
bce = mg.losses.bce_with_logits
G, D = mg.nn.Dense(2, 2, rng=rng), mg.nn.Dense(2, 1, rng=rng)
noise = rng.standard_normal((64, 2))


def d_step():
    bce(D(G(noise).detach()), 0.0).backward()


def g_step():
    G.zero_grad()
    bce(D(G(noise)), 1.0).backward()


for step in d_step, g_step, d_step:
    step()
    print(step.__name__, "leaves D's bias the gradient", round(D.bias.grad.item(), 3))
# %% solution
import numpy as np

import minigan as mg

rng = np.random.default_rng(0)
bce = mg.losses.bce_with_logits
G, D = mg.nn.Dense(2, 2, rng=rng), mg.nn.Dense(2, 1, rng=rng)
noise = rng.standard_normal((64, 2))


def d_step():
    D.zero_grad()                          # what other losses have left does not count
    bce(D(G(noise).detach()), 0.0).backward()


def g_step():
    G.zero_grad()
    with mg.nn.frozen(D):                  # the gradient passes through D and leaves nothing
        bce(D(G(noise)), 1.0).backward()


for step in d_step, g_step, d_step:
    step()
    print(step.__name__, "leaves D's bias the gradient", round(D.bias.grad.item(), 3))
# %% check
def bias_after(*steps):
    D.zero_grad()
    for step in steps:
        step()
    return 0.0 if D.bias.grad is None else D.bias.grad.item()


wanted = mg.grad(bce(D(G(noise).detach()), 0.0), D.bias)[0].item()
once = bias_after(d_step)
assert abs(once - wanted) < 1e-5, (
    f"a single step of D leaves the gradient {once:.3f}, but that of its loss is {wanted:.3f}")
twice = bias_after(d_step, d_step)
assert abs(twice - 2 * wanted) > 1e-5, (
    f"after two steps of D the gradient is {twice:.3f}, twice what it should be: that of the first "
    "is still in it")
assert abs(twice - wanted) < 1e-5, f"after two steps of D the gradient is {twice:.3f}"
mixed = bias_after(g_step, d_step)
assert abs(mixed - wanted) < 1e-5, (
    f"after a step of G and one of D the gradient is {mixed:.3f} and not {wanted:.3f}: G's wish "
    "that D say yes is still in it")
left = bias_after(g_step)
assert abs(left) < 1e-7, (
    f"a step of G leaves the gradient {left:.3f} in D's bias: harmless if D forgets it in time, "
    "but computed for nothing")
bias_after(d_step, g_step)
assert G.weight.grad is not None and G.weight.grad.numpy().any(), (
    "a step of G leaves no gradient in G: what it learns has to pass through D")
assert D.bias.requires_grad, "after G's step D is still frozen"
