"""The operations that ../benchmark_growth.py times: of each curve those of growing size."""
from __future__ import annotations

from .operation import Operation

BATCHES = [16, 64, 256, 1024, 4096]
WIDTHS = [64, 256, 1024, 4096]
SIDES = [8, 16, 32, 64, 128]


def dense(batch: int, width: int) -> Operation:
    def ours(mg, x, w, b, v, c):
        return mg.ops.affine(mg.ops.leaky_relu(mg.ops.affine(x, w, b)), v, c)

    def theirs(torch, F, x, w, b, v, c):
        return torch.addmm(c, F.leaky_relu(torch.addmm(b, x, w), 0.2), v)

    shapes = (batch, width), (width, width), (width,), (width, width), (width,)
    return Operation("growth", f"dense, batch {batch}, width {width}",
                     [("t", *shape) for shape in shapes], ours, theirs, scale=width ** -0.5)


def image(side: int) -> Operation:
    def ours(mg, x, w, b):
        return mg.ops.leaky_relu(mg.ops.conv2d(x, w, b, padding=1))

    def theirs(torch, F, x, w, b):
        return F.leaky_relu(F.conv2d(x, w, b, padding=1), 0.2)

    return Operation("growth", f"convolution, side {side}",
                     [("i", 4, side, side, 32), ("k", 3, 3, 32, 32), ("t", 32)], ours, theirs)


CURVES = {"batch": {n: dense(n, 256) for n in BATCHES},
          "width": {n: dense(64, n) for n in WIDTHS},
          "image": {n: image(n) for n in SIDES}}
