"""How steep a layer is

Chapter: batch_norm. 4 minutes.

`steepness(W)` is to be the factor by which x @ W stretches the direction that it stretches most:
the largest singular value, found by multiplying with W and its transpose in turn, 100 rounds. The
start returns the root of the sum of all squares, which is never too small, and often too large.
"""
# %% start
import numpy as np


def steepness(W):
    return np.sqrt((W * W).sum())


print(steepness(np.diag([3.0, 2.0, 1.0])))       # 3 is right
# %% solution
import numpy as np


def steepness(W):
    x = np.random.default_rng(0).normal(size=len(W))     # any direction but an unlucky one
    for _ in range(100):
        x = x / np.linalg.norm(x)
        y = x @ W                       # as the layer does
        x = W @ y                       # and back: what is stretched most prevails
    return np.linalg.norm(y)


print(steepness(np.diag([3.0, 2.0, 1.0])))       # 3 is right
# %% check

rng = np.random.default_rng(1)
for shape in (3, 3), (6, 4), (4, 6), (1, 5):
    for scale in 2.0, 100.0:
        left, _, right = np.linalg.svd(rng.normal(size=shape), full_matrices=False)
        stretched = scale * 0.5 ** np.arange(min(shape))
        W = left * stretched @ right
        kept = W.copy()
        try:
            with np.errstate(all="ignore"):
                got = steepness(W)
        except ValueError as error:
            raise AssertionError(f"W of shape {shape}: {error}. x has as many numbers as W has "
                                 "rows, x @ W as many as it has columns") from None
        where = f"W of shape {shape}, which stretches by {stretched.round(2)}"
        assert got is not None and got is not ..., "steepness returns nothing yet"
        assert np.ndim(got) == 0, f"{where}: a number is wanted, not {np.size(got)} of them"
        assert np.isfinite(got), (
            f"{where}: steepness returned {got}. Does the vector grow without end? Give it length "
            "1 in each round")
        assert not (min(shape) > 1 and np.isclose(got, stretched[0] ** 2)), (
            f"{where}: {got:.6g} is the square of it: how many times was the vector stretched?")
        assert min(shape) == 1 or not np.isclose(got, np.linalg.norm(W)), (
            f"{where}: {got:.6g} is the root of the sum of all squares, and {stretched[0]:g} is "
            "right. Take some vector, and multiply")
        assert np.isclose(got, stretched[0], rtol=1e-6), (
            f"{where}: {got:.6g}, and {stretched[0]:g} is right")
        assert np.array_equal(W, kept), "W itself was changed"
