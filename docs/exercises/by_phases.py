"""Gathered by phases

Chapter: fast_cpu. 6 minutes.

`scattered` is a transposed convolution in one dimension, as most libraries on NumPy have it: copies
of the kernel, added where they overlap. Write `gathered`, which gives the same and writes each
pixel once: the pixels `kind`, `kind + stride`, `kind + 2 * stride`, ... hear the taps `kind`,
`kind + stride`, ... and no others. `np.convolve(a, b)`, of length len(a) + len(b) − 1, is the
convolution without a stride that each of the kinds needs.
"""
# %% start
import numpy as np


def scattered(grad, w, stride):
    out = np.zeros(stride * (len(grad) - 1) + len(w))
    for p in range(len(grad)):
        out[stride * p:stride * p + len(w)] += grad[p] * w
    return out


def gathered(grad, w, stride):
    out = np.zeros(stride * (len(grad) - 1) + len(w))
    for kind in range(stride):
        out[kind::stride] = 0           # here a convolution is to stand
    return out


grad, w = np.array([1.0, 2.0, 3.0]), np.array([1.0, 10.0, 100.0])
print(scattered(grad, w, 2), gathered(grad, w, 2))
# %% solution
import numpy as np


def scattered(grad, w, stride):
    out = np.zeros(stride * (len(grad) - 1) + len(w))
    for p in range(len(grad)):
        out[stride * p:stride * p + len(w)] += grad[p] * w
    return out


def gathered(grad, w, stride):
    out = np.zeros(stride * (len(grad) - 1) + len(w))
    for kind in range(stride):
        out[kind::stride] = np.convolve(grad, w[kind::stride])      # a small kernel of its own
    return out


grad, w = np.array([1.0, 2.0, 3.0]), np.array([1.0, 10.0, 100.0])
print(scattered(grad, w, 2), gathered(grad, w, 2))
# %% check
rng = np.random.default_rng(0)
for n, taps, stride in (1, 3, 1), (4, 5, 2), (4, 4, 2), (3, 3, 3), (5, 7, 3), (2, 5, 2):
    grad, w = rng.normal(size=n), rng.normal(size=taps)
    what = f"{n} outputs, {taps} taps, stride {stride}"
    try:
        got = gathered(grad, w, stride)
    except ValueError as error:
        raise AssertionError(f"{what}: {error}. How many pixels are of each kind, and how many "
                             "taps do they hear?") from None
    right = np.zeros(stride * (n - 1) + taps)
    for p in range(n):
        right[stride * p:stride * p + taps] += grad[p] * w
    assert np.shape(got) == right.shape, f"{what}: {len(right)} pixels, not {np.shape(got)}"
    wrong = sorted({int(i) % stride for i in np.flatnonzero(~np.isclose(got, right))})
    assert not wrong, (
        f"{what}: the pixels of kind {', '.join(map(str, wrong))} are not right: those at "
        f"{wrong[0]}, {wrong[0] + stride}, ... are {got[wrong[0]::stride].round(3)}, and "
        f"{right[wrong[0]::stride].round(3)} is right. Which taps do they hear?")
