"""A choice that noise makes

Chapter: uses. 6 minutes.

A generator of words or categories has to choose one of several, by probabilities softmax(logits).
Gumbel's way puts the chance into noise, so that all but the last step can be differentiated: to
each logit add −ln(−ln u), with a u of its own, uniform between 0 and 1, and take the largest.
`choose(logits, u)` gets logits (classes,) and u (draws, classes), and returns the chosen class of
each draw, (draws,).
"""
# %% start
import numpy as np


def choose(logits, u):
    return (logits + u).argmax(axis=1)
# %% solution
import numpy as np


def choose(logits, u):
    return (logits - np.log(-np.log(u))).argmax(axis=1)
# %% check
rng = np.random.default_rng(3)
u = rng.uniform(size=(20_000, 3))
for probabilities in ([0.2, 0.3, 0.5], [0.9, 0.09, 0.01], [1 / 3] * 3):
    chosen = np.asarray(choose(np.log(probabilities) + 7, u))
    assert chosen.shape == (len(u),), (
        f"one class for each of {len(u)} draws is wanted, an array of shape ({len(u)},), not "
        f"{chosen.shape}")
    shares = np.bincount(chosen.astype(int), minlength=3) / len(u)
    assert abs(shares - probabilities).max() < 0.015, (
        f"of classes with probabilities {np.round(probabilities, 2).tolist()} it chose "
        f"{np.round(shares, 3).tolist()}: is it −ln(−ln u) that is added to each logit?")
    largest = (np.log(probabilities) + 7 - np.log(-np.log(u))).argmax(axis=1)
    assert (chosen == largest).all(), (
        f"each class is chosen as often as it should be, but in {(chosen != largest).mean():.0%} "
        "of the draws it is not the class with the largest logit + (−ln(−ln u)): there are other "
        "ways to draw a class, but this exercise is about this one")
