"""The logarithm of a sum, row by row

Chapter: stable. 6 minutes.

Write `log_sum_exp`: for each row of a table, of shape (n, k), the number ln Σ exp(x). It occurs in
every softmax, and by its formula it overflows at 89. The rows may be of very different sizes.
NumPy is enough here.
"""
# %% start
import numpy as np


def log_sum_exp(x):
    """ln Σⱼ exp(xᵢⱼ), of shape (n,), for x of shape (n, k)."""
    return np.log(np.exp(x).sum(axis=1))


print(log_sum_exp(np.array([[0.0, 0.0], [1.0, 2.0]])))       # ln 2, and 2.3133
# %% solution
import numpy as np


def log_sum_exp(x):
    """ln Σⱼ exp(xᵢⱼ), of shape (n,), for x of shape (n, k)."""
    top = x.max(axis=1, keepdims=True)              # one for each row: its own largest
    return np.log(np.exp(x - top).sum(axis=1)) + top[:, 0]


print(log_sum_exp(np.array([[0.0, 0.0], [1.0, 2.0]])))       # ln 2, and 2.3133
# %% check
TABLES = {
    "small numbers": [[0.0, 1.0, -1.0], [2.0, 2.0, 0.5]],
    "large numbers": [[1000.0, 1001.0, 1002.0], [5000.0, 0.0, -5000.0]],
    "numbers far below 0": [[-1000.0, -1001.0, -1002.0], [-3000.0, -3000.0, -3000.0]],
    "a large row and a small one": [[1000.0, 1001.0, 1002.0], [-1000.0, -1001.0, -1002.0]],
    "a square table": [[1.0, 2.0, 3.0], [40.0, 50.0, 60.0], [-900.0, -800.0, -700.0]],
    "a row of one number": [[700.0], [-800.0]],
}
for name, rows in TABLES.items():
    x = np.array(rows)
    kept = x.copy()
    right = np.array([np.logaddexp.reduce(row) for row in x])
    try:
        with np.errstate(all="ignore"):
            got = np.asarray(log_sum_exp(x))
    except ValueError as error:
        raise AssertionError(f"{name}: {error}. One number for each row: which shape has the "
                             "largest of each row, to be subtracted from that row?") from None
    assert got.shape == (len(x),), f"{name}, shape {x.shape}: the result has shape {got.shape}"
    assert np.array_equal(x, kept), f"{name}: the table itself was changed"
    if not np.allclose(got, right, rtol=1e-12):
        i = int(np.argmin(np.isclose(got, right, rtol=1e-12)))
        say = ("Something overflows: which exponent is the largest that may occur?"
               if np.isposinf(got[i]) or np.isnan(got[i]) else
               "Every exponential of the row became 0: what was subtracted from it, and is that "
               "one of its own numbers?" if np.isneginf(got[i]) else
               "What was taken out of the exponents has to be added again, behind the logarithm, "
               "and to the same row.")
        raise AssertionError(f"{name}: row {i}, {rows[i]}, gives {got[i]:.6g}, and {right[i]:.6g} "
                             f"is right. {say}")
