"""Twice as large, and back

Chapter: convolution. 5 minutes.

`Twice` doubles an image in both directions, each pixel becoming a square of four. Generators use it
before a convolution, against the checkerboard. Complete its `backward`: `grad` has the shape of the
large image, (N, 2H, 2W, C), what it returns that of the small one. It must be written with Tensors;
they have `reshape` and `sum`, and slices.
"""
# %% start
import minigan as mg


class Twice(mg.Function):
    """Every pixel twice, down and to the right: (N, H, W, C) becomes (N, 2H, 2W, C)."""

    def forward(self, x):
        return x.repeat(2, axis=1).repeat(2, axis=2)

    def backward(self, grad):
        return grad[:, ::2, ::2]


# %% solution
import minigan as mg


class Twice(mg.Function):
    """Every pixel twice, down and to the right: (N, H, W, C) becomes (N, 2H, 2W, C)."""

    def forward(self, x):
        return x.repeat(2, axis=1).repeat(2, axis=2)

    def backward(self, grad):
        n, h, w, c = self.inputs[0].shape
        # What is used four times gets the sum of four. (Four slices added do as well.)
        return grad.reshape((n, h, 2, w, 2, c)).sum(axis=(2, 4))


# %% check
import numpy as np

from minigan.testing import check_grads


def twice(x):
    return Twice()(x)


rng = np.random.default_rng(0)
for shape in (1, 1, 2, 1), (2, 2, 3, 2):
    check_grads(twice, rng.normal(size=shape))
