"""Stuck at 1.006

Chapter: slips. 4 minutes.

Two heaps that hardly touch: D should have no trouble, and its loss should go to about 0. It stops
near 1.006, however long it trains. The loss is right as it is. Mend the rest.
"""
# %% start
import numpy as np

import minigan as mg

rng = np.random.default_rng(0)
bce = mg.losses.bce_with_logits
real, fake = rng.normal(2, 0.5, (64, 1)), rng.normal(-2, 0.5, (64, 1))
D = mg.nn.Sequential(
    mg.nn.Dense(1, 16, rng=rng), mg.nn.LeakyReLU(0.2), mg.nn.Dense(16, 1, rng=rng),
    mg.nn.Sigmoid()).astype("float64")
adam = mg.optim.Adam(D.parameters(), lr=0.05, betas=(0.5, 0.9))
for step in range(101):
    adam.zero_grad()
    loss = bce(D(real), 1.0) + bce(D(fake), 0.0)
    loss.backward()
    adam.step()
    if step % 50 == 0:
        print(step, round(loss.item(), 3))
# %% solution
import numpy as np

import minigan as mg

rng = np.random.default_rng(0)
bce = mg.losses.bce_with_logits
real, fake = rng.normal(2, 0.5, (64, 1)), rng.normal(-2, 0.5, (64, 1))
D = mg.nn.Sequential(                  # ends in a logit: the loss does the sigmoid by itself
    mg.nn.Dense(1, 16, rng=rng), mg.nn.LeakyReLU(0.2), mg.nn.Dense(16, 1, rng=rng),
    ).astype("float64")
adam = mg.optim.Adam(D.parameters(), lr=0.05, betas=(0.5, 0.9))
for step in range(101):
    adam.zero_grad()
    loss = bce(D(real), 1.0) + bce(D(fake), 0.0)
    loss.backward()
    adam.step()
    if step % 50 == 0:
        print(step, round(loss.item(), 3))
# %% check
with mg.no_grad():
    said = D(np.array([[-3.0], [-2.0], [2.0], [3.0]])).numpy()[:, 0]
    paid = (mg.losses.bce_with_logits(D(real), 1.0)
            + mg.losses.bce_with_logits(D(fake), 0.0)).item()
assert (said > 0).sum() == 2, (
    f"of −3 and −2, where only generated points are, D says {said[:2].round(2)}, and of 2 and 3, "
    f"where the real ones are, {said[2:].round(2)}: where does it say no? What it says goes into a "
    "loss that takes a number of any sign")
assert said.max() > 1 and said.min() < -1, (
    f"D says {said.round(2)}: between −1 and 1 nobody is sure, once the loss has taken the sigmoid")
assert paid < 0.1, f"D's loss is still {paid:.3f} on the points that it has learnt from"
