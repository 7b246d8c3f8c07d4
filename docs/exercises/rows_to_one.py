"""Rows that sum to one

Chapter: broadcasting. 3 minutes.

`shares` is to divide each row of a table by the sum of that row. With a table of shape (2, 3) it
raises an error; with one of shape (3, 3) it is worse: it raises none, and is wrong. Mend it.
"""
# %% start
import numpy as np

import minigan as mg


def shares(table):
    """A table of the same shape, (n, k), whose rows sum to 1."""
    return table / table.sum(axis=1)


print(shares(mg.tensor([[1.0, 1.0], [1.0, 3.0]])).numpy().sum(axis=1))
# %% solution
import numpy as np

import minigan as mg


def shares(table):
    """A table of the same shape, (n, k), whose rows sum to 1."""
    return table / table.sum(axis=1, keepdims=True)     # (n, 1), a column: one sum for each row


print(shares(mg.tensor([[1.0, 1.0], [1.0, 3.0]])).numpy().sum(axis=1))
# %% check
rng = np.random.default_rng(0)
for n, k in (3, 3), (2, 3), (4, 1), (1, 4):
    table = mg.tensor(rng.uniform(1, 2, (n, k)))
    try:
        got = shares(table)
    except ValueError as error:
        raise AssertionError(
            f"a table of shape ({n}, {k}): {error}. Write the two shapes below each other, aligned "
            f"on the right: which shape of the sums goes with ({n}, {k})?") from None
    assert isinstance(got, mg.Tensor), f"shares is to return a Tensor, not {type(got).__name__}"
    got = got.numpy()
    assert got.shape == (n, k), f"a table of shape ({n}, {k}) became one of shape {got.shape}"
    if not np.allclose(got.sum(axis=1), 1):
        sums = ", ".join(f"{s:.3g}" for s in got.sum(axis=1))
        raise AssertionError(
            f"a table of shape ({n}, {k}): its rows sum to {sums}. A shape of ({n},) is aligned "
            "on the right, and so is a row: whose sum meets which number of the table?")
    right = table.numpy() / table.numpy().sum(axis=1, keepdims=True)
    assert np.allclose(got, right), (
        f"a table of shape ({n}, {k}): its rows sum to 1, but its first row {table.numpy()[0]} "
        f"became {got[0]}. Each number is to be divided by the sum of its row, no more")
