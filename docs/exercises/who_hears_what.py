"""Who hears how many taps

Chapter: convolution. 5 minutes.

A transposed convolution in one dimension paints a copy of its kernel, of `size` taps, at every
`stride`-th pixel. So away from the border the pixels fall into `stride` kinds: pixel p is of kind
p mod `stride`. Write `heard`: how many taps reach a pixel of each kind. On average it is
size / stride, and the average is the start; it is right only where there is no checkerboard.
"""
# %% start
def heard(size, stride):
    """A list: how many taps reach the pixels of kind 0, of kind 1, ..., of kind stride − 1."""
    return [size / stride] * stride


for size in 3, 4, 5:
    print(size, "taps, stride 2:", heard(size, 2))
# %% solution
def heard(size, stride):
    """A list: how many taps reach the pixels of kind 0, of kind 1, ..., of kind stride − 1."""
    # Copies begin at multiples of the stride, so tap i lands on pixels of kind i mod stride.
    return [len(range(kind, size, stride)) for kind in range(stride)]


for size in 3, 4, 5:
    print(size, "taps, stride 2:", heard(size, 2))
# %% check
import numpy as np

import minigan as mg

for size, stride in (4, 2), (5, 2), (3, 2), (1, 1), (7, 3), (2, 3), (9, 3), (5, 4):
    ones = np.ones((1, 1, 12, 1)), np.ones((1, size, 1, 1))
    painted = mg.ops.conv_transpose2d(*ones, stride=(1, stride)).numpy()[0, 0, :, 0]
    inner = painted[6 * stride:7 * stride].astype(int).tolist()
    got = heard(size, stride)
    assert isinstance(got, list) and len(got) == stride, (
        f"heard({size}, {stride}) is {got}: a list of {stride} numbers is wanted")
    assert sum(got) == size, (
        f"heard({size}, {stride}) is {got}, together {sum(got):g}: each of the {size} taps reaches "
        "one kind of pixel, so they add up to it")
    assert got == inner, (
        f"heard({size}, {stride}) is {got}, and painting with a kernel of ones gives {inner}. "
        "A copy begins on a pixel of kind 0. On which kinds do its taps 0, 1, 2, ... land?")
