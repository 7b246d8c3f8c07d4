"""Two blocks make one

Chapter: fast_cpu. 5 minutes.

Of a block of numbers three things are kept: how many there are, n, their mean, and S, the sum of
the squared deviations from that mean. Write `merged`: the three things of two blocks together,
without looking at the numbers again. As written it forgets something; and the way by Σ x² is
closed, since the mean may be large.
"""
# %% start
import numpy as np


def summary(x):
    return len(x), x.mean(), ((x - x.mean()) ** 2).sum()


def merged(a, b):
    (n_a, mean_a, S_a), (n_b, mean_b, S_b) = a, b
    return n_a + n_b, (mean_a + mean_b) / 2, S_a + S_b


x = np.arange(10.0)
print(merged(summary(x[:5]), summary(x[5:])), summary(x))
# %% solution
import numpy as np


def summary(x):
    return len(x), x.mean(), ((x - x.mean()) ** 2).sum()


def merged(a, b):
    (n_a, mean_a, S_a), (n_b, mean_b, S_b) = a, b
    n = n_a + n_b
    mean = mean_a + (mean_b - mean_a) * n_b / n
    # Each block's deviations from the common mean: its own, and how far its mean is from that.
    S = S_a + n_a * (mean_a - mean) ** 2 + S_b + n_b * (mean_b - mean) ** 2
    return n, mean, S


x = np.arange(10.0)
print(merged(summary(x[:5]), summary(x[5:])), summary(x))
# %% check
rng = np.random.default_rng(0)
for offset in 0.0, 1e8:
    for n_a, n_b, apart in (8, 8, 0.0), (8, 8, 3.0), (3, 12, 3.0), (1, 1, 2.0), (20, 1, 5.0):
        x = offset + np.concatenate([rng.normal(size=n_a), apart + rng.normal(size=n_b)])
        got = merged(summary(x[:n_a]), summary(x[n_a:]))
        n, mean, S = summary(x)
        what = f"blocks of {n_a} and {n_b} numbers"
        assert isinstance(got, tuple) and len(got) == 3, "merged is to return n, mean and S"
        assert got[0] == n, f"{what} have {n} numbers, not {got[0]}"
        assert abs(got[1] - mean) < 1e-6, (
            f"{what}: the mean is {mean - offset:.4f}, and not {got[1] - offset:.4f} (both above "
            f"{offset:g}): how much does each block count?")
        say = ("Digits were lost: a difference of two large numbers?" if offset else
               "A block whose mean lies elsewhere deviates more than it says: by how much, in "
               "squares, and how often?")
        assert abs(got[2] - S) < 1e-5 * S, f"{what}: S is {S:.6f}, and not {got[2]:.6f}. {say}"
