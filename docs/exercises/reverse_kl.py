"""How uneven

Chapter: collapse. 4 minutes.

`counts` says how many good samples lie on each of the K heaps. With p their shares, the reverse
Kullback-Leibler divergence is the sum of p ln(p K): 0 where all heaps have equally many, ln K where
one has all. A heap without samples adds nothing. Write it.
"""
# %% start
import numpy as np


def reverse_kl(counts):
    return ...


# %% solution
import numpy as np


def reverse_kl(counts):
    counts = np.asarray(counts)
    p = counts[counts > 0] / counts.sum()             # 0 ln 0 is 0, but NumPy says nan
    return (p * np.log(p * len(counts))).sum()        # K: all heaps, also those without samples


# %% check
def divergence(*counts):
    with np.errstate(all="ignore"):
        value = reverse_kl(np.array(counts))
    assert value is not ..., "reverse_kl still returns ...: first the shares p, then the sum"
    assert np.ndim(value) == 0 and isinstance(value, (int, float, np.floating)), (
        f"reverse_kl returns {value!r}, but one number is asked for")
    return float(value)


even, one = divergence(5, 5, 5, 5), divergence(0, 20, 0, 0)
assert abs(even) < 1e-9, (
    f"four heaps with 5 samples each are perfectly even, but reverse_kl says {even:.3f}, not 0")
assert one == one, "with an empty heap reverse_kl is nan: what does NumPy make of 0 · ln 0?"
assert abs(one) > 1e-9, (
    "all 20 samples lie on one of four heaps, but reverse_kl is 0: is K the number of *all* heaps?")
assert abs(one - 2) > 1e-9, "20 samples on one of four heaps: ln 4 is 1.386; 2 is log₂ 4"
assert abs(one - np.log(4)) < 1e-9, (
    f"20 samples on one of four heaps: ln 4 = 1.386 is wanted, reverse_kl says {one:.3f}")
for counts, wanted in [((10, 10, 0, 0), np.log(2)), ((30, 10), 0.1308120), ((6, 3, 1), 0.2006657)]:
    value = divergence(*counts)
    assert abs(value - wanted) < 1e-6, (
        f"for {counts} the divergence is {wanted:.4f}, but reverse_kl says {value:.4f}")
