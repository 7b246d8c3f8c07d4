"""A detective who is never quite sure

Chapter: first_gan. 4 minutes.

A D that is certain of itself teaches G little. So one often tells it that even of the real examples
only nine in ten are real (*one-sided label smoothing*): the target for the real ones is
`1 − smooth`, the one for the generated stays 0. `real` and `fake` are D's logits. Write what D pays
now.
"""
# %% start
import minigan as mg

bce = mg.losses.bce_with_logits      # bce(logits, target): the mean over the logits


def d_loss(real, fake, smooth):
    return bce(real, 1.0) + bce(fake, 0.0)


# %% solution
import minigan as mg

bce = mg.losses.bce_with_logits      # bce(logits, target): the mean over the logits


def d_loss(real, fake, smooth):
    # the target is a probability: where it is 0.9, a logit beyond 2.2 costs more again
    return bce(real, 1.0 - smooth) + bce(fake, 0.0)


# %% check
import numpy as np


def at(real, fake, smooth):
    loss = d_loss(mg.tensor(np.array(real)), mg.tensor(np.array(fake)), smooth)
    assert loss is not ..., "d_loss still returns ...: call bce once for each kind, and add"
    assert isinstance(loss, mg.Tensor) and loss.shape == (), (
        f"d_loss returns {loss!r}, but a loss is a tensor of shape (), one number with its graph")
    return loss.item()


def cost(a, t):
    """bce by NumPy: t · softplus(−a) + (1 − t) · softplus(a)."""
    a, t = np.array(a), np.array(t)
    return np.mean(t * np.log1p(np.exp(-a)) + (1 - t) * np.log1p(np.exp(a)))


def paid(real, fake, smooth, of_fake=0.0):
    """What D pays."""
    return cost(real, 1 - smooth) + cost(fake, of_fake)


for real, fake, smooth in [([4.0, 6.0], [-4.0, -3.0], 0.1), ([2.0], [-1.0, 0.5, 3.0], 0.3),
                           ([-2.0, 1.0], [0.5], 0.0)]:
    yours, a = at(real, fake, smooth), f"for the logits {real} and {fake}, smooth = {smooth}, "
    shares = [1 / (1 + np.exp(-np.array(logits))) for logits in (real, fake)]
    for wrong, said in [
            (-paid(real, fake, smooth), "the sign: this is what D gains, and a loss is paid"),
            (paid(real, fake, smooth) / 2, "this is the mean of the two kinds; D pays their sum"),
            (paid(real, fake, 0), "the target of the real ones is still 1. At smooth = 0.1, a D "
             "that says 5 to them should pay more than one that says 2"),
            (paid(real, fake, smooth, smooth), "the generated ones are smoothed too. It is "
             "one-sided: of those D may be as sure as it can"),
            (paid(real, fake, 0, smooth), "the wrong side is smoothed: the generated ones keep "
             "the target 0"),
            (paid(real, fake, 1 - smooth), "the target of the real ones is smooth, but should be "
             "1 − smooth"),
            (paid(real, fake, 0.1), "the target of the real ones is 0.9 whatever smooth is"),
            (cost(1 - smooth, real) + cost(fake, 0), "logits first, then the target"),
            (cost(1 - smooth, real) + cost(0, fake), "logits first, then the target"),
            (paid(*shares, smooth), "the sigmoid is in bce already"),
            ((1 - smooth) * paid(real, [-99.0], 0) + paid([99.0], fake, 0), "the real ones' loss "
             "is made smaller, but D still gains by more and more certainty. Change the target")]:
        assert abs(wrong - paid(real, fake, smooth)) < 1e-9 or abs(yours - wrong) > 1e-5, said
    assert abs(yours - paid(real, fake, smooth)) < 1e-5, (
        f"{a}d_loss is {yours:.3f}, but D pays {paid(real, fake, smooth):.3f}")
