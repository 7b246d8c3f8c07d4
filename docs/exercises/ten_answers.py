"""A discriminator of ten answers

Chapter: conditions. 7 minutes.

A semi-supervised D gives each picture K logits l, one for each class; the logit of an eleventh
class, "generated", is 0. Complete two functions of logits (n, K), each of which gives (n,):
`is_real`, the logit of being real, the logarithm of the sum of exp(l); and `surprise`, what D pays
for a real picture whose class it was told, minus the logarithm of that class's probability among
K + 1. Trust no exp of a large number.
"""
# %% start
import minigan as mg


def is_real(logits):
    return ...


def surprise(logits, one_hot):
    """one_hot: (n, K), as an array."""
    return ...


# %% solution
import minigan as mg


def is_real(logits):
    return mg.ops.logsumexp(logits, axis=1)


def surprise(logits, one_hot):
    """one_hot: (n, K), as an array."""
    # ln(1 + Σ exp l) is the softplus of is_real: 1 is exp of the last logit, 0
    return mg.ops.softplus(is_real(logits)) - (logits * one_hot).sum(axis=1)


# %% check
import numpy as np

from minigan.testing import check_grads

rng = np.random.default_rng(0)
some, k = rng.normal(size=(4, 3)), np.eye(3)[[0, 2, 1, 1]]


def of(function, logits, *told):
    with np.errstate(all="ignore"):
        value = function(mg.tensor(np.array(logits, dtype=float)), *told)
    name = function.__name__
    assert value is not ..., f"{name} still returns ...: mg.ops.logsumexp or softplus may help"
    assert isinstance(value, mg.Tensor), f"{name} returns {type(value).__name__}, not a tensor"
    n = len(logits)
    assert value.shape == (n,), (
        f"{name} of logits {np.shape(logits)} has the shape {value.shape}, but one number for each "
        f"picture is wanted, ({n},): over which axis is the sum?")
    return value.numpy()


wanted = np.log(np.exp(some).sum(axis=1))
assert np.allclose(of(is_real, some), wanted), (
    f"is_real says {of(is_real, some).round(3)}, but ln Σ exp(l) is {wanted.round(3)}")
assert np.isfinite(of(is_real, [[1000.0, 999.0, 0.0]])).all(), (
    "exp(1000) is infinite, but the logarithm of the sum is only 1000.3")
of_class = (some * k).sum(axis=1)
without, wanted = wanted - of_class, np.log(1 + np.exp(some).sum(axis=1)) - of_class
said = of(surprise, some, k)
assert not np.allclose(said, without), (
    "surprise leaves out the last class: among K + 1 the probabilities of the K add up to less "
    "than 1, and what is missing is exp(0) = 1")
assert not np.allclose(said, -wanted), "surprise is negative where D is right: minus the logarithm"
assert np.allclose(said, wanted), (
    f"surprise says {said.round(3)}, but −ln of the class's probability is {wanted.round(3)}")
assert np.allclose(of(surprise, [[1000.0, 0.0, 0.0]], np.eye(3)[:1]), 0), (
    "D is sure and right, with a logit of 1000: it pays nothing, but surprise is "
    f"{of(surprise, [[1000.0, 0.0, 0.0]], np.eye(3)[:1])[0]}")


def surprise_of_four(logits):
    return surprise(logits, k)


check_grads(surprise_of_four, some)
