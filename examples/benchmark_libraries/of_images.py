"""Convolutions, transposed convolutions and pooling, for ../benchmark_ops.py."""
from __future__ import annotations

import numpy as np

from .operation import Operation, by


def conv(name, x, w, bias=True, dtype=np.float32, **options):
    """conv2d of x (N, H, W, C) with w (KH, KW, C / groups, O)."""
    def theirs(torch, F, x, w, *b):
        return F.conv2d(x, w, *b, **options)

    def ours(mg, x, w, *b):
        return mg.ops.conv2d(x, w, *b, **options)

    return Operation("convolution", f"{name}: {by(x)}, {by(w)}", inputs(x, w, w[3] * bias),
                     ours, theirs, dtype)


def transposed(name, x, w, dtype=np.float32, groups=1, **options):
    """conv_transpose2d of x (N, H, W, O) with w (KH, KW, C / groups, O)."""
    def theirs(torch, F, x, w, b):
        return F.conv_transpose2d(x, w, b, groups=groups, **options)

    def ours(mg, x, w, b):
        return mg.ops.conv_transpose2d(x, w, b, groups=groups, **options)

    return Operation("transposed convolution", f"{name}: {by(x)}, {by(w)}",
                     inputs(x, w, w[2] * groups), ours, theirs, dtype)


def inputs(x, w, bias):
    return [("i", *x), ("k", *w), *[("t", bias)] * (bias > 0)]


def convolutions():
    f64 = np.float64
    return [
        conv("5×5, stride 2", (128, 14, 14, 64), (5, 5, 64, 128), stride=2, padding=2),
        conv("3×3", (32, 32, 32, 64), (3, 3, 64, 64), padding=1),
        conv("3×3, one channel", (128, 28, 28, 1), (3, 3, 1, 64), padding=1),
        conv("3×3, large image", (2, 256, 256, 3), (3, 3, 3, 32), padding=1),
        conv("3×3, large image", (1, 256, 256, 32), (3, 3, 32, 32), padding=1),
        conv("3×3, batch 1", (1, 32, 32, 128), (3, 3, 128, 128), padding=1),
        conv("3×3, batch 4096", (4096, 8, 8, 8), (3, 3, 8, 16), padding=1),
        conv("3×3, stride 3", (16, 96, 96, 16), (3, 3, 16, 32), stride=3),
        conv("3×3, dilation 2", (16, 64, 64, 32), (3, 3, 32, 32), padding=2, dilation=2),
        conv("3×3, float64", (16, 32, 32, 32), (3, 3, 32, 32), padding=1, dtype=f64),
        conv("1×7", (16, 32, 32, 64), (1, 7, 64, 64), padding=(0, 3)),
        conv("7×7 to one channel", (32, 28, 28, 64), (7, 7, 64, 1), padding=3),
        conv("11×11, few channels", (32, 32, 32, 3), (11, 11, 3, 32), padding=5),
        conv("larger than the image", (256, 4, 4, 64), (9, 9, 64, 64), padding=4),
        conv("the image itself", (128, 7, 7, 128), (7, 7, 128, 64)),
        conv("1×1", (32, 32, 32, 128), (1, 1, 128, 128)),
        conv("1×1, stride 2", (32, 32, 32, 64), (1, 1, 64, 128), stride=2),
        conv("1×1, batch 4096", (4096, 8, 8, 16), (1, 1, 16, 32)),
        conv("depthwise 5×5, 512²", (1, 512, 512, 64), (5, 5, 1, 64), padding=2, groups=64),
        conv("depthwise 3×3", (32, 32, 32, 64), (3, 3, 1, 64), padding=1, groups=64),
        conv("depthwise 3×3, stride 2", (16, 64, 64, 64), (3, 3, 1, 64), stride=2, padding=1,
             groups=64),
        conv("depthwise 3×3, dilation 2", (16, 32, 32, 64), (3, 3, 1, 64), padding=2, dilation=2,
             groups=64),
        conv("depthwise 7×7", (4, 56, 56, 96), (7, 7, 1, 96), padding=3, groups=96),
        conv("depthwise 3×3, twice", (16, 32, 32, 32), (3, 3, 1, 64), padding=1, groups=32),
        conv("depthwise 3×3, batch 1", (1, 112, 112, 32), (3, 3, 1, 32), padding=1, groups=32),
        conv("depthwise 3×3, float64", (16, 32, 32, 64), (3, 3, 1, 64), padding=1, groups=64,
             dtype=f64),
        conv("3×3, 2 groups", (32, 16, 16, 64), (3, 3, 32, 64), padding=1, groups=2),
        conv("3×3, 8 groups", (16, 28, 28, 128), (3, 3, 16, 128), padding=1, groups=8),
        conv("3×3, 32 groups", (16, 28, 28, 128), (3, 3, 4, 128), padding=1, groups=32),
        conv("1×1, 4 groups", (32, 28, 28, 64), (1, 1, 16, 64), groups=4),
        transposed("5×5, stride 2", (128, 7, 7, 128), (5, 5, 64, 128), stride=2, padding=2,
                   output_padding=1),
        transposed("4×4, stride 2", (64, 16, 16, 64), (4, 4, 32, 64), stride=2, padding=1),
        transposed("4×4 from one pixel", (128, 1, 1, 100), (4, 4, 256, 100)),
        transposed("7×7 to one channel", (32, 28, 28, 64), (7, 7, 1, 64), padding=3),
        transposed("2×2, stride 2", (16, 32, 32, 64), (2, 2, 32, 64), stride=2),
        transposed("2×2, stride 3", (16, 24, 24, 32), (2, 2, 32, 32), stride=3),
        transposed("3×3, dilation 2", (16, 32, 32, 32), (3, 3, 32, 32), dilation=2, padding=2),
        transposed("3×3, float64", (16, 16, 16, 32), (3, 3, 32, 32), padding=1, dtype=f64),
        transposed("depthwise 4×4, stride 2", (16, 32, 32, 64), (4, 4, 1, 64), stride=2,
                   padding=1, groups=64),
    ]


def images(family, name, shape, ours, theirs, dtype=np.float32):
    return Operation(family, f"{name}: {by(shape)}", [("i", *shape)], ours, theirs, dtype)


def pooling():
    def max_pool(name, shape, *args, dtype=np.float32):
        return images("pooling", f"max {name}", shape,
                      lambda mg, x: mg.ops.max_pool2d(x, *args),
                      lambda torch, F, x: F.max_pool2d(x, *args), dtype)

    def avg_pool(name, shape, *args):
        return images("pooling", f"mean {name}", shape,
                      lambda mg, x: mg.ops.avg_pool2d(x, *args),
                      lambda torch, F, x: F.avg_pool2d(x, *args))

    def adaptive(shape, size):
        return images("pooling", f"mean, to {size}×{size}", shape,
                      lambda mg, x: mg.ops.adaptive_avg_pool2d(x, size),
                      lambda torch, F, x: F.adaptive_avg_pool2d(x, size))

    def upsample(name, shape, ours, **options):
        return images("upsampling", name, shape, ours,
                      lambda torch, F, x: F.interpolate(x, **options))

    return [
        max_pool("2×2", (32, 28, 28, 64), 2),
        max_pool("2×2, large image", (2, 256, 256, 32), 2),
        max_pool("3×3, stride 2", (16, 56, 56, 64), 3, 2, 1),
        max_pool("5×5, stride 1", (8, 28, 28, 64), 5, 1, 2),
        max_pool("2×2, float64", (16, 28, 28, 64), 2, dtype=np.float64),
        avg_pool("2×2", (32, 28, 28, 64), 2),
        avg_pool("3×3, stride 2", (16, 56, 56, 64), 3, 2, 1),
        avg_pool("3×3, stride 1", (16, 28, 28, 64), 3, 1, 1),
        adaptive((64, 14, 14, 128), 1),
        adaptive((32, 30, 30, 64), 7),
        upsample("nearest, twice", (32, 16, 16, 64),
                 lambda mg, x: mg.ops.upsample_nearest(x, 2), scale_factor=2),
        upsample("nearest, 20 to 31", (16, 20, 20, 64),
                 lambda mg, x: mg.ops.upsample_nearest(x, size=31), size=31),
        upsample("bilinear, twice", (16, 16, 16, 64),
                 lambda mg, x: mg.ops.upsample_bilinear(x, 2), scale_factor=2, mode="bilinear"),
        images("upsampling", "pixel shuffle", (16, 32, 32, 64), pixel_shuffle_in_torchs_order,
               lambda torch, F, x: F.pixel_shuffle(x, 2)),
    ]


def pixel_shuffle_in_torchs_order(mg, x):
    n, height, width, channels = x.shape
    x = x.reshape(n, height, width, channels // 4, 4).swapaxes(3, 4)
    return mg.ops.pixel_shuffle(x.reshape(n, height, width, channels), 2)
