"""The nearest training image

Chapter: asking. 7 minutes.

For each of n samples, (n, k), find the nearest of m training images, (m, k): its index and its
Euclidean distance. The code below makes the table of all n · m differences, k numbers each, which
for 1,000 samples and MNIST would be 188 GB. Do it for at most `block` samples at a time, and
without the differences: |a − b|² = |a|² + |b|² − 2 a · b needs one product of matrices.
"""
# %% start
import numpy as np


def nearest(samples, images, block=100):
    between = samples[:, None] - images[None]                     # (n, m, k)
    squares = (between ** 2).sum(axis=2)
    return squares.argmin(axis=1), np.sqrt(squares.min(axis=1))


# %% solution
import numpy as np


def nearest(samples, images, block=100):
    found, distances = [], []
    of_images = (images ** 2).sum(axis=1)
    for start in range(0, len(samples), block):
        some = samples[start:start + block]                       # the last one may be shorter
        squares = (some ** 2).sum(axis=1)[:, None] + of_images - 2 * some @ images.T
        found.append(squares.argmin(axis=1))
        # of an image and itself rounding may leave a little less than 0
        distances.append(np.sqrt(np.maximum(squares.min(axis=1), 0)))
    return np.concatenate(found), np.concatenate(distances)


# %% check
import tracemalloc

import numpy as np

from minigan.user_code import said

rng = np.random.default_rng(0)
images = rng.random((400, 16))
samples = np.concatenate([rng.random((97, 16)), images[:5]])
table = np.sqrt(((samples[:, None] - images) ** 2).sum(axis=2))
for block in 100, 10, 1, 102, 1000:
    try:
        with np.errstate(invalid="ignore"):
            which, distance = nearest(samples.copy(), images.copy(), block)
    except Exception as error:
        raise AssertionError(f"nearest raised {said(error)}, with block={block}") from None
    assert np.shape(which) == np.shape(distance) == (102,), (
        f"of 102 samples with block={block}: indices {np.shape(which)}, distances "
        f"{np.shape(distance)}. 102 is no multiple of {block}" if 102 % block else
        f"of 102 samples: indices {np.shape(which)} and distances {np.shape(distance)}")
    assert np.isfinite(distance).all(), ("a distance is NaN: five of the samples are copies, whose "
                                         "squared distance is -10⁻¹⁶ or so by rounding")
    assert np.array_equal(which, table.argmin(axis=1)), (
        f"with block={block} {int((which != table.argmin(axis=1)).sum())} of 102 indices are wrong")
    assert np.allclose(distance, table.min(axis=1), atol=1e-6), (
        f"with block={block} a distance is off by {abs(distance - table.min(axis=1)).max():.3g}")
tracemalloc.start()
nearest(samples, images, 10)
most = tracemalloc.get_traced_memory()[1]
tracemalloc.stop()
assert most < 300_000, (
    f"with block=10 it takes {most / 1e6:.2f} MB at once, and 10 · 400 distances are 0.03 MB: "
    + ("all differences of all samples" if most > 4e6 else "the whole table, or the differences "
       "of a block") + " are still there")
