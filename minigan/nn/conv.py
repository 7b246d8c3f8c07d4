"""The layers of convolutional networks. Images are (N, H, W, C), signals (N, L, C) and solids
(N, D, H, W, C); arguments mean what they mean in PyTorch, and sizes, strides and factors are
numbers, or one for each axis: pairs (height, width)."""
from __future__ import annotations

from typing import Any, Literal

import numpy as np

from .. import backend, ops
from ..autodiff import Tensor
from ..backend.geometry import (WORDS, Padding, Sides, check_groups, margins, pair,
                                per_axis)
from ..checked import checked
from ..settings import Positive
from . import init
from .module import Module, Parameter


class Convolution(Module):
    """What the convolutions share: arguments, which are checked here, and parameters.

    axes         how many the window has
    kernel_init  (shape (*window, in / groups, out), rng) → the weight, in the layer's own form
    """

    axes: int
    op: str  # of minigan.ops

    def __init__(self, in_channels: int, out_channels: int, kernel_size: Sides, bias: bool,
                 kernel_init: init.Initializer, rng: np.random.Generator | None, **options: Any):
        rng = rng or np.random.default_rng()
        groups = options["groups"]
        check_groups(groups, {"in_channels": in_channels, "out_channels": out_channels})
        margins(options["padding"], self.axes)  # refuses what is no padding
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size = per_axis("kernel_size", kernel_size, self.axes)
        self.options = {name: per_axis(name, value, self.axes)
                        if name in ("stride", "dilation") else value
                        for name, value in options.items()}
        shape = (*self.kernel_size, in_channels // groups, out_channels)
        self.weight = Parameter(backend.asarray(kernel_init(shape, rng)))
        self.bias = Parameter(backend.asarray(init.zeros((out_channels,), rng))) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        self._check(x)
        return getattr(ops, self.op)(x, self.weight, self.bias, **self.options)

    def _check(self, x: Tensor) -> None:
        """Raise ValueError, by the layer's name, if x is not a batch of images of its channels."""
        words, ndim = WORDS[self.axes], self.axes + 2
        if x.ndim == ndim and x.shape[-1] == self.in_channels:
            return
        hint = ""
        if x.ndim == 2:
            hint = f": put Reshape({words.x}, C) before it"
        elif x.ndim == ndim and x.shape[1] == self.in_channels:
            hint = ": channels come last here"
        raise ValueError(f"{self!r} got x of shape {x.shape}, but it needs {words.things} "
                         f"(N, {words.x}, {self.in_channels}){hint}")

    def describe(self) -> str:
        usual = {"stride": 1, "padding": 0, "output_padding": 0, "dilation": 1, "groups": 1}
        parts = [f"{self.in_channels}, {self.out_channels}, {short(self.kernel_size)}"]
        parts += [f"{name}={short(value)!r}" for name, value in self.options.items()
                  if short(value) != usual[name]]
        return ", ".join(parts + (["bias=False"] if self.bias is None else []))


class _Conv(Convolution):
    def __init__(self, in_channels: Positive, out_channels: Positive, kernel_size: Sides,
                 stride: Sides = 1, padding: Padding = 0, dilation: Sides = 1,
                 groups: Positive = 1, bias: bool = True,
                 weight_init: init.Initializer = init.glorot_uniform,
                 rng: np.random.Generator | None = None):
        super().__init__(in_channels, out_channels, kernel_size, bias, weight_init, rng,
                         stride=stride, padding=padding, dilation=dilation, groups=groups)


class _ConvTranspose(Convolution):
    def __init__(self, in_channels: Positive, out_channels: Positive, kernel_size: Sides,
                 stride: Sides = 1, padding: Padding = 0, output_padding: Sides = 0,
                 dilation: Sides = 1, groups: Positive = 1, bias: bool = True,
                 weight_init: init.Initializer = init.glorot_uniform,
                 rng: np.random.Generator | None = None):
        def turned_round(shape, rng):
            *window, inputs, outputs = shape
            w = weight_init(shape, rng).reshape(*window, inputs, groups, outputs // groups)
            return w.swapaxes(-3, -1).reshape(*window, outputs // groups, groups * inputs)

        super().__init__(in_channels, out_channels, kernel_size, bias, turned_round, rng,
                         stride=stride, padding=padding, output_padding=output_padding,
                         dilation=dilation, groups=groups)


@checked
class Conv2d(_Conv):
    """`ops.conv2d` with a weight (KH, KW, in / groups, out) and a bias: (N, H, W, in) →
    (N, H', W', out).

    weight_init is a function of `nn.init`, rng a numpy.random.Generator (None: a new, unseeded
    one). Raises ValueError for arguments that `ops.conv2d` refuses, and if x is not (N, H, W, in).
    """

    axes, op = 2, "conv2d"


@checked
class ConvTranspose2d(_ConvTranspose):
    """`ops.conv_transpose2d` with a weight and a bias: (N, H, W, in) → (N, H', W', out).

    The weight is that of the conv2d which leads back, (KH, KW, out / groups, in). It is drawn as
    Conv2d(in, out) would draw its own and then turned round, so that fan_in and fan_out are those
    of this layer's direction: KH · KW · in / groups and KH · KW · out. (The weight's own shape
    would give those of the way back.) Strides do not count in either. Otherwise as Conv2d.
    """

    axes, op = 2, "conv_transpose2d"


@checked
class Conv1d(_Conv):
    """`ops.conv1d` with a weight (K, in / groups, out) and a bias: (N, L, in) → (N, L', out).
    Otherwise as Conv2d."""

    axes, op = 1, "conv1d"


@checked
class ConvTranspose1d(_ConvTranspose):
    """`ops.conv_transpose1d` with a weight (K, out / groups, in) and a bias: (N, L, in) →
    (N, L', out). Otherwise as ConvTranspose2d."""

    axes, op = 1, "conv_transpose1d"


@checked
class Conv3d(_Conv):
    """`ops.conv3d` with a weight (KD, KH, KW, in / groups, out) and a bias: (N, D, H, W, in) →
    (N, D', H', W', out). Otherwise as Conv2d."""

    axes, op = 3, "conv3d"


@checked
class ConvTranspose3d(_ConvTranspose):
    """`ops.conv_transpose3d` with a weight (KD, KH, KW, out / groups, in) and a bias:
    (N, D, H, W, in) → (N, D', H', W', out). Otherwise as ConvTranspose2d."""

    axes, op = 3, "conv_transpose3d"


class _Pool2d(Module):
    """What the two poolings share. kernel_size, stride and padding as `size`, `stride` and
    `padding` of the op."""

    op: str  # of minigan.ops

    @checked
    def __init__(self, kernel_size: Sides, stride: Sides | None = None,
                 padding: Padding = 0):
        margins(padding)  # refuses what is no padding
        self.kernel_size, self.padding = pair("kernel_size", kernel_size), padding
        self.stride = self.kernel_size if stride is None else pair("stride", stride)

    def forward(self, x: Tensor) -> Tensor:
        return getattr(ops, self.op)(x, self.kernel_size, self.stride, self.padding)

    def describe(self) -> str:
        stride = "" if self.stride == self.kernel_size else f", stride={short(self.stride)}"
        padding = "" if self.padding == 0 else f", padding={short(self.padding)!r}"
        return f"{short(self.kernel_size)}{stride}{padding}"


class MaxPool2d(_Pool2d):
    """The largest element of each window: see `ops.max_pool2d`."""

    op = "max_pool2d"


class AvgPool2d(_Pool2d):
    """The mean of each window: see `ops.avg_pool2d`."""

    op = "avg_pool2d"


class AdaptiveAvgPool2d(Module):
    """(N, H, W, C) → (N, *size, C), 1 for the mean of the image: see `ops.adaptive_avg_pool2d`."""

    @checked
    def __init__(self, size: Sides):
        self.size = pair("size", size)

    def forward(self, x: Tensor) -> Tensor:
        return ops.adaptive_avg_pool2d(x, self.size)

    def describe(self) -> str:
        return f"{short(self.size)}"


class Upsample(Module):
    """(N, H, W, C) → (N, H · factor, W · factor, C), or (N, *size, C): see `ops.upsample_nearest`
    and `ops.upsample_bilinear`, the two modes."""

    MODES = {"nearest": ops.upsample_nearest, "bilinear": ops.upsample_bilinear}

    @checked
    def __init__(self, factor: Sides | None = None,
                 mode: Literal["nearest", "bilinear"] = "nearest",
                 size: Sides | None = None):
        if (factor is None) == (size is None):
            raise ValueError("Upsample needs either a factor or a size, as in Upsample(2) or "
                             "Upsample(size=(28, 28))")
        self.factor = None if factor is None else pair("factor", factor)
        self.size = None if size is None else pair("size", size)
        self.mode = mode

    def forward(self, x: Tensor) -> Tensor:
        return self.MODES[self.mode](x, self.factor, self.size)

    def describe(self) -> str:
        to = f"size={short(self.size)}" if self.factor is None else f"{short(self.factor)}"
        return f"{to}, mode={self.mode!r}"


class PixelShuffle(Module):
    """(N, H, W, factor² · C) → (N, H · factor, W · factor, C): see `ops.pixel_shuffle`."""

    @checked
    def __init__(self, factor: Sides):
        self.factor = pair("factor", factor)

    def forward(self, x: Tensor) -> Tensor:
        return ops.pixel_shuffle(x, self.factor)

    def describe(self) -> str:
        return f"{short(self.factor)}"


def short(value: Any) -> Any:
    """Equal numbers, one for each axis, as one of them."""
    equal = isinstance(value, tuple) and len(set(value)) == 1 and not isinstance(value[0], tuple)
    return value[0] if equal else value
