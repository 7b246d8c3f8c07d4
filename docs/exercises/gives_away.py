"""Who gives the forger away

Chapter: features. 5 minutes.

`real` and `fake` are features (n, k) of real and of generated images, not necessarily equally many;
`weight` (k,) are the last layer's. The mean logits of the two kinds differ by a sum over features.
Complete `shares`, the k summands, and `most`, the index of the feature whose share is largest.
"""
# %% start
import numpy as np


def shares(real, fake, weight):
    return ...


def most(real, fake, weight):
    return ...


# %% solution
import numpy as np


def shares(real, fake, weight):
    # the mean of a sum is the sum of the means; the bias is the same for both, and cancels
    return weight * (real.mean(axis=0) - fake.mean(axis=0))


def most(real, fake, weight):
    # not the largest weight, and not the largest difference: a difference that counts
    return int(shares(real, fake, weight).argmax())


# %% check
rng = np.random.default_rng(0)
for n, m, k in [(40, 30, 5), (6, 50, 3)]:
    order = rng.permutation(k)
    weight, apart = np.array([[0.9, -3.0, 1.0, 0.1, -0.2], [1.0, 1.0, 0.0, 2.0, 3.0]])[:, order]
    real, fake = rng.normal(apart, 0.3, (n, k)), rng.normal(0, 0.3, (m, k))
    found = shares(real.copy(), fake.copy(), weight)
    assert found is not ..., "shares still returns ...: which numbers add up to the difference?"
    assert np.shape(found) == (k,), (
        f"shares has the shape {np.shape(found)}, but one for each of {k} features is wanted")
    difference = (real @ weight).mean() - (fake @ weight).mean()
    found = np.asarray(found)
    assert not np.isclose(found.sum(), -difference), (
        "your shares add up to the difference with the wrong sign: real minus generated")
    assert np.isclose(found.sum(), difference), (
        f"the mean logits differ by {difference:.3f}, but your shares add up to {found.sum():.3f}")
    wanted = [((real[:, i] * weight[i]).mean() - (fake[:, i] * weight[i]).mean()) for i in range(k)]
    assert np.allclose(found, wanted), (
        "the shares add up to the difference, but they are not those of the features one by one")
    chosen = most(real, fake, weight)
    assert chosen is not ..., "most still returns ...: an index"
    assert isinstance(chosen, (int, np.integer)) and -k < chosen < k, (
        f"most returns {chosen!r}, but the index of one of {k} features is wanted")
    assert chosen == np.argmax(wanted), (
        f"most says {chosen}, with the share {wanted[int(chosen)]:.3f}, but there is a larger one: "
        "a negative share speaks for the generated ones, and neither a large weight nor a large "
        "difference alone makes a share")
