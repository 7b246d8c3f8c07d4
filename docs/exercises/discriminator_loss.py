"""The loss of the discriminator

Chapter: first_gan. 3 minutes.

`real` and `fake` are D's logits on real and on generated examples. Write what D pays: the mean
cross-entropy on the real ones plus that on the generated ones.
"""
# %% start
import minigan as mg

bce = mg.losses.bce_with_logits      # bce(logits, target) is a mean over the logits


def d_loss(real, fake):
    return ...


# %% solution
import minigan as mg

bce = mg.losses.bce_with_logits      # bce(logits, target) is a mean over the logits


def d_loss(real, fake):
    return bce(real, 1.0) + bce(fake, 0.0)      # "yes" to the real ones, "no" to the others


# %% check
import numpy as np


def at(real, fake):
    loss = d_loss(mg.tensor(np.array(real)), mg.tensor(np.array(fake)))
    assert loss is not ..., "d_loss still returns ...: call bce once for each kind, and add"
    assert isinstance(loss, mg.Tensor) and loss.shape == (), (
        f"d_loss returns {loss!r}, but a loss is a tensor of shape (), one number with its graph")
    return loss.item()


draw = at([0.0, 0.0], [0.0, 0.0])
assert abs(draw - np.log(2)) > 1e-6, (
    "at a draw d_loss is 0.693, half of 2 ln 2: is one kind missing, or is it a mean of the two?")
right, wrong = at([3.0, 5.0], [-4.0, -4.0]), at([-3.0, -5.0], [4.0, 4.0])
assert right < wrong, (
    f"d_loss is {right:.2f} where D is right about all examples and {wrong:.2f} where it is wrong "
    "about all: which answer should it be paid for?")
assert abs(right - 0.0458) < 0.3, (
    f"d_loss is {right:.2f} where D is right about all examples, but should be 0.05: "
    "are the targets 1 and 0, and is each kind paid for? Or is a sigmoid, which bce does by "
    "itself, done twice?")
alone = at([0.0], [2.0, 2.0, 2.0])
assert abs(alone - 2.8200752) < 1e-5, (
    f"with one real example and three generated ones d_loss is {alone:.3f}, but 2.820 is the mean "
    "of the first kind plus the mean of the second: do not throw them into one heap")
for real, fake in [([-2.0, 1.0], [0.5, 3.0]), ([2.0], [-1.0])]:
    mine, yours = np.mean(np.log1p(np.exp(-np.array(real)))), at(real, fake)
    mine += np.mean(np.log1p(np.exp(fake)))
    assert abs(mine - yours) < 1e-5, (
        f"for logits {real} and {fake} d_loss is {yours:.3f}, but D pays {mine:.3f}")
