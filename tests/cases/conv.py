"""Convolution and pooling: the smallest images on which every option shows."""
from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from minigan import ops
from minigan.autodiff import Tensor
from minigan.backend import array_module, kernels
from minigan.backend.geometry import Window
from minigan.ops.conv import Conv2dWeightGradient
from minigan.ops.pool import MaxPoolMean
from minigan.testing.call import Call
from minigan.testing.strategies import Shape, arrays, conv_configs

from . import naive
from .case import Case, numbers

WINDOW = Window((2, 2), (2, 1), ((1, 0), (0, 1)), (1, 2))  # of the weight gradient's case

TILES = Window((2, 2))  # of the windows whose winners' mean is taken


def number_or_pair(low: int, high: int) -> st.SearchStrategy:
    number = st.integers(low, high)
    return st.one_of(number, st.tuples(number, number))


@st.composite
def convolutions(draw: Any) -> Call:
    config = draw(conv_configs())
    shapes = (config.x, config.w, config.w[3:])[:draw(st.integers(2, 3))]
    return Call(tuple(map(draw, map(arrays, shapes))), config.options)


@st.composite
def transposed_configs(draw: Any) -> tuple[Shape, Shape, Shape, dict[str, Any]]:
    """The shapes of x, w and b, and the options, of conv_transpose2d."""
    config = draw(conv_configs())
    strides, dilations = naive.both(config.stride), naive.both(config.dilation)
    sides = naive.sides(0 if config.padding == "same" else config.padding, None, None, None)
    # at least as many pixels as leave one where the padding is cut off
    image = [max(1, 1 + -(-(sum(m) - d * (k - 1)) // s)) + draw(st.integers(0, 1))
             for m, d, k, s in zip(sides, dilations, config.w, strides)]
    options = config.options
    if config.padding != "same":
        options["output_padding"] = tuple(
            draw(st.integers(0, max(pair) - 1)) for pair in zip(strides, dilations))
    return (config.x[0], *image, config.w[3]), config.w, config.x[3:], options


@st.composite
def transposed_convolutions(draw: Any) -> Call:
    *shapes, options = draw(transposed_configs())
    shapes = shapes[:draw(st.integers(2, 3))]
    return Call(tuple(map(draw, map(arrays, shapes))), options)


def per_axis(axes: int, low: int, high: int) -> st.SearchStrategy:
    number = st.integers(low, high)
    return st.one_of(number, st.tuples(*[number] * axes))


@st.composite
def along(draw: Any, axes: int, transposed: bool = False) -> Call:
    """Convolutions along so many axes, or transposed ones."""
    kernel = draw(st.tuples(*[st.integers(1, 3 if axes == 1 else 2)] * axes))
    groups, per_x, per_y = (draw(st.integers(1, 2)) for _ in range(3))
    stride, dilation = draw(per_axis(axes, 1, 2)), draw(per_axis(axes, 1, 2))
    padding = draw(st.one_of(st.sampled_from(["valid", "same"]), per_axis(axes, 0, 1),
                             st.tuples(*[st.tuples(st.integers(0, 1), st.integers(0, 2))] * axes)))
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    sides = naive.sides(0 if padding == "same" else padding, None, None, None, axes)
    strides, dilations, image = naive.each(stride, axes), naive.each(dilation, axes), []
    for k, s, d, margins in zip(kernel, strides, dilations, sides):
        left = sum(margins) - d * (k - 1)  # how many pixels padding has beyond what a window needs
        least = 1 + -(-left // s) if transposed else 1 - left
        image.append(max(1, least) + draw(st.integers(0, 1)))
    if transposed and padding != "same":
        options["output_padding"] = tuple(draw(st.integers(0, max(pair) - 1))
                                          for pair in zip(strides, dilations))
    c, o = (groups * per_y, groups * per_x)[::1 if transposed else -1]
    shapes = [(draw(st.sampled_from([1, 2, 0])), *image, c), (*kernel, per_x, groups * per_y), (o,)]
    return Call(tuple(draw(arrays(shape)) for shape in shapes[:draw(st.integers(2, 3))]), options)


@st.composite
def weight_gradients(draw: Any) -> Call:
    image, batch = draw(st.tuples(st.integers(2, 3), st.integers(2, 3))), draw(st.integers(0, 2))
    return Call((draw(arrays((batch, *image, 4))),
                 draw(arrays((batch, *WINDOW.outputs(image), 2)))))


def weight_gradient(x: Any, g: Any) -> Tensor:
    if g.shape[:3] != (x.shape[0], *WINDOW.outputs(x.shape[1:3])):
        raise ValueError(f"no convolution of {x.shape} gives {g.shape}")
    return Conv2dWeightGradient(WINDOW, 2, x.shape[1:3])(x, g)


def winners_mean(u: Any) -> Tensor:
    """What the gradient of max pooling's gradient is, of an image in which every third number is
    the same."""
    if u.ndim != 4:
        raise ValueError(f"no images: {u.shape}")
    xp = array_module(u.data)
    x = (xp.arange(u.size) % 3).reshape(u.shape).astype(u.dtype)
    y = kernels(x).max_pool(x, TILES)
    return MaxPoolMean(TILES)(u, Tensor(x), Tensor(y))


def naive_winners_mean(u: np.ndarray) -> np.ndarray:
    x = (np.arange(u.size) % 3).reshape(u.shape)
    y = np.zeros((len(u), *TILES.outputs(u.shape[1:3]), u.shape[3]))
    for n, p, q, c in np.ndindex(y.shape):
        place = n, slice(p, p + 2), slice(q, q + 2), c
        y[n, p, q, c] = u[place][x[place] == x[place].max()].mean()
    return y


@st.composite
def pooled(draw: Any) -> Call:
    """Without padding, or with as much of it as a window needs to fit, or more."""
    size, padded = draw(number_or_pair(1, 3)), draw(st.booleans())
    image = [max(1, n + draw(st.integers(-2 * padded, 1))) for n in naive.both(size)]
    options = {"size": size, "stride": draw(st.one_of(st.none(), number_or_pair(1, 3)))}
    if padded:
        least = [max(k - n, 0) for k, n in zip(naive.both(size), image)]
        margin = [st.tuples(st.integers(-(-n // 2), k // 2), st.integers(n // 2, k // 2))
                  for n, k in zip(least, naive.both(size))]
        options["padding"] = draw(st.one_of(st.tuples(*margin), st.just("same")))
    x = draw(arrays((draw(st.integers(0, 2)), *image, draw(st.integers(0, 2)))))
    return Call((x,), options)


@st.composite
def enlarged(draw: Any, *options: str) -> Call:
    """Images, and how they are to be resized: by a factor or to a size."""
    option = draw(st.sampled_from(options))
    value = draw(number_or_pair(1, 3 if option == "factor" else 4))
    shape = (draw(st.integers(0, 2)), draw(st.integers(1, 2)), draw(st.integers(1, 3)))
    return Call((draw(arrays((*shape, draw(st.integers(0, 2))))),), {option: value})


@st.composite
def shuffled(draw: Any) -> Call:
    factor = draw(number_or_pair(1, 3))
    channels = draw(st.integers(0, 2)) * math.prod(naive.both(factor))
    shape = (draw(st.integers(0, 2)), draw(st.integers(1, 2)), draw(st.integers(1, 3)), channels)
    return Call((draw(arrays(shape)),), {"factor": factor})


def resizing(op: str, inputs: st.SearchStrategy, options: dict, channels: int = 1,
             **flags: Any) -> Case:
    """A case of an operation that makes images smaller or larger."""
    return Case(op, getattr(ops, op), getattr(naive, op), inputs,
                Call((numbers(1, 3, 3, channels),), options),
                Call((np.zeros((0, 3, 3, channels)),), options), **flags)


CASES = [
    Case("conv2d", ops.conv2d, naive.conv2d, convolutions(),
         Call((numbers(1, 3, 4, 2), numbers(2, 2, 1, 2, seed=1), numbers(2, seed=2)),
              {"stride": (1, 2), "padding": "same", "groups": 2}),
         Call((np.zeros((0, 3, 4, 2)), numbers(2, 2, 2, 3), numbers(3))), bilinear=True),
    Case("conv_transpose2d", ops.conv_transpose2d, naive.conv_transpose2d,
         transposed_convolutions(),
         Call((numbers(1, 2, 3, 2), numbers(2, 2, 1, 2, seed=1), numbers(2, seed=2)),
              {"stride": 2, "padding": (1, 0), "output_padding": 1, "groups": 2}),
         Call((np.zeros((0, 2, 3, 2)), numbers(2, 2, 3, 2), numbers(3))), bilinear=True),
    *[Case(op, getattr(ops, op), getattr(naive, op), along(axes, "transpose" in op),
           Call((numbers(1, *x, 2), numbers(*w, 1, 2, seed=1), numbers(2, seed=2)), options),
           Call((np.zeros((0, *x, 2)), numbers(*w, 1, 2), numbers(2)), {"groups": 2}),
           bilinear=True)
      for op, axes, x, w, options in [
          ("conv1d", 1, (4,), (3,), {"stride": 2, "padding": "same", "groups": 2}),
          ("conv_transpose1d", 1, (2,), (3,), {"stride": 2, "padding": 1, "output_padding": 1,
                                               "groups": 2}),
          ("conv3d", 3, (3, 2, 2), (2, 2, 1), {"stride": (2, 1, 1), "padding": ((1, 0), (0, 1), (
              0, 0)), "dilation": (2, 1, 1), "groups": 2}),
          ("conv_transpose3d", 3, (2, 1, 2), (3, 2, 1), {"stride": (2, 1, 1), "padding": (
              1, 0, 0), "output_padding": (1, 0, 0), "groups": 2})]],
    Case("conv2d", weight_gradient,
         lambda x, g: naive.conv2d_weight_gradient(x, g, *WINDOW, groups=2), weight_gradients(),
         Call((numbers(2, 3, 3, 4), numbers(2, *WINDOW.outputs((3, 3)), 2, seed=1))),
         Call((np.zeros((0, 3, 3, 4)), np.zeros((0, *WINDOW.outputs((3, 3)), 2)))),
         "'s weight gradient", bilinear=True),
    Case("max_pool2d", winners_mean, naive_winners_mean,
         st.tuples(st.integers(0, 2), st.just(3), st.integers(2, 3), st.integers(0, 2)).flatmap(
             arrays).map(lambda u: Call((u,))),
         Call((numbers(1, 3, 3, 2),)), Call((np.zeros((0, 3, 3, 1)),)),
         "'s gradient, reversed", linear=True),
    resizing("max_pool2d", pooled(), {"size": 2, "stride": 1, "padding": 1}),
    resizing("avg_pool2d", pooled(), {"size": 2, "stride": 1, "padding": 1}, linear=True),
    resizing("adaptive_avg_pool2d", enlarged("size"), {"size": 2}, linear=True),
    resizing("upsample_nearest", enlarged("factor", "size"), {"size": (4, 2)}, linear=True),
    resizing("upsample_bilinear", enlarged("factor", "size"), {"size": (4, 2)}, linear=True),
    resizing("pixel_shuffle", shuffled(), {"factor": (2, 1)}, 4, linear=True),
]
