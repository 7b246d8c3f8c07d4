"""Hypothesis strategies for what a gradient is tested with: shapes, arrays, options.

Numbers are tenths, and often those at which functions change: ties and zeros come up, and examples
stay readable; nothing here draws a subnormal, an infinity or NaN. Everything shrinks: arrays to
zeros or to the nearest number that is allowed, shapes to few and short axes, options to their
defaults.
"""
from __future__ import annotations

import math
import os
from typing import Any, NamedTuple, Sequence

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument
from hypothesis.extra import numpy as hnp

__all__ = ["ConvConfig", "arrays", "axes", "broadcastable_arrays", "broadcastable_shapes",
           "conv_configs", "cotangent_like", "distinct_arrays", "layouts", "matmul_shapes",
           "one_axis", "shapes"]

Shape = tuple[int, ...]
MOST = 10_000           # different numbers that arrays chooses from
SPECIAL = [0.0, 1.0, -1.0, -0.0, 0.001, -0.001, 10.0, -10.0, 1000.0, -1000.0]
SHORT, LONG, LARGEST = (12, 3), [17, 33, 65], 65  # elements and sides; long axes, elements of those

try:
    settings.get_profile("minigan")  # a project may have registered its own under this name
except InvalidArgument:
    settings.register_profile("minigan", deadline=None, derandomize="CI" in os.environ)


# Shapes: mostly of two and three axes of two and three elements, which show most; the others too

def sides(min_side: int = 0, max_side: int = 3) -> st.SearchStrategy[int]:
    """Lengths of axes, those above 1 more often, 0 seldom."""
    every = list(range(min_side, max_side + 1))
    return st.sampled_from(every + [side for side in every if side] * 5
                           + [side for side in every if side > 1] * 8)


@st.composite
def shapes(draw: Any, min_dims: int = 0, max_dims: int = 4, min_side: int = 0,
           max_side: int | None = None, max_size: int | None = None) -> Shape:
    """Shapes of at most max_size elements, zero-size ones among them unless min_side is larger.

    max_side, max_size  None: 3 and 12, and now and then one axis of 17, 33 or 65, where code that
                        works in blocks has its remainder

    >>> from hypothesis import find
    >>> find(shapes(min_dims=2, min_side=1), lambda shape: shape[1] == 3)
    (1, 3)
    >>> find(shapes(), lambda shape: max(shape, default=0) > 20)
    (33,)
    """
    every = list(range(min_dims, max_dims + 1))
    dims = draw(st.sampled_from(every + [dims for dims in every if 1 < dims < 4] * 2))
    size, side = (SHORT[i] if most is None else most for i, most in enumerate((max_size, max_side)))
    long = dims > 0 and max_side is max_size is None and draw(st.sampled_from([0] * 60 + LONG))
    at = draw(st.integers(0, dims - 1)) if long else None
    size = LARGEST // long if long else size
    shape: Shape = ()
    for axis in range(dims):
        room = size // max(math.prod(shape), 1)
        shape += (long if axis == at else draw(sides(min_side, max(min_side, min(side, room)))),)
        size = size * long if axis == at else size
    return shape


@st.composite
def broadcastable_shapes(draw: Any, n: int, min_dims: int = 0, max_dims: int = 4,
                         min_side: int = 0, max_side: int | None = None) -> tuple[Shape, ...]:
    """n shapes that broadcast together, zero-size ones among them; sides as for `shapes`. In some
    each axis is one shape's alone, as in an outer product.

    >>> from hypothesis import find
    >>> find(broadcastable_shapes(2), lambda pair: pair[0] == (2,) != pair[1])
    ((2,), ())
    """
    common = draw(shapes(min_dims, max_dims, min_side, max_side))
    most, single = len(common) - min_dims, st.sampled_from([False, False, min_side < 2])
    fewer = [draw(st.sampled_from([*range(most, -1, -1), 0, 0])) for _ in range(n)]
    ones = [[draw(single) for _ in common] for _ in range(n)]
    if min_side < 2 and draw(st.booleans()):
        ones = [[axis % n != i for axis in range(len(common))] for i in range(n)]
    return tuple(tuple(1 if one else side for one, side in zip(row[k:], common[k:]))
                 for k, row in zip(fewer, ones))


@st.composite
def matmul_shapes(draw: Any, max_side: int = 3) -> tuple[Shape, Shape]:
    """Two shapes that numpy.matmul takes: vectors, matrices, and batches that broadcast.

    >>> from hypothesis import find
    >>> find(matmul_shapes(), lambda pair: 0 not in pair[0] and len(pair[1]) == 1)
    ((1,), (1,))
    """
    k = draw(sides(0, max_side))
    rows, columns = (draw(st.sampled_from([(), *[(draw(sides(0, max_side)),)] * 4]))
                     for _ in range(2))
    if not (rows and columns):
        return (*rows, k), (k, *columns)
    batch = draw(broadcastable_shapes(2, max_dims=2, max_side=2))
    return (*batch[0], *rows, k), (*batch[1], k, *columns)


# Arrays

def arrays(shape: Any, dtype: Any = np.float64, *, low: float | None = None,
           high: float | None = None, avoid: Sequence[float] = (), margin: float = 0.2
           ) -> st.SearchStrategy[np.ndarray]:
    """Arrays of tenths from low to high (of whole numbers or booleans for such a dtype; of finer
    steps in a range shorter than 1, of coarser ones in one longer than 1,000), a quarter of them
    from among 0, −0.0 and, where these lie in the range, ±1, ±0.001, ±10 and ±1,000.

    shape      a shape, a length, or a strategy of shapes
    low, high  None: −3 and 3, but for an occasional ±10
    avoid      numbers that no element comes nearer to than margin: kinks, poles, branches

    Raises ValueError where nothing is left to be drawn.

    >>> from hypothesis import find
    >>> find(arrays((2, 2), avoid=[0], margin=0.3), lambda x: x[0, 1] < 0)
    array([[ 0.3, -0.3],
           [ 0.3,  0.3]])
    """
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return hnp.arrays(dtype, shape, fill=st.nothing())
    if dtype.kind not in "iuf":
        raise ValueError(f"arrays draws floats, whole numbers and booleans, not {dtype}")
    ends = -10.0 if low is None else low, 10.0 if high is None else high
    low, high = -3.0 if low is None else low, 3.0 if high is None else high
    unit = 10 if dtype.kind == "f" else 1
    while dtype.kind == "f" and (high - low) * unit < 10:  # a narrow range has finer steps
        unit *= 10
    first, last = math.ceil(unit * low - 1e-9), math.floor(unit * high + 1e-9)
    while last - first > MOST:  # a wide one coarser ones
        unit /= 10
        first, last = math.ceil(unit * low - 1e-9), math.floor(unit * high + 1e-9)

    def allowed(values: Any) -> list[float]:
        # tenths are no binary numbers: 0.3 - 0.2 is a little less than 0.1
        return [x for x in values if all(abs(x - a) >= margin - 1e-9 for a in avoid)]

    steps = allowed(k / unit for k in range(first, last + 1))
    if not steps:
        raise ValueError(f"arrays finds no number from {low} to {high}" + (
            f" that is {margin} away from all of {list(avoid)}: make margin smaller or the range "
            "larger" if avoid else ": low must be less than high"))
    steps.sort(key=lambda value: (abs(value), value < 0))
    special = allowed(x for x in SPECIAL if dtype.kind == "f" and ends[0] <= x <= ends[1]
                      and (ends[0] < 0 or math.copysign(1, x) > 0))
    steps += special * math.ceil(len(steps) / (3 * max(len(special), 1)))
    # without fill each element is drawn by itself: constant arrays hide errors
    drawn = hnp.arrays(np.float64, shape, elements=st.sampled_from(steps), fill=st.nothing())
    return drawn.map(lambda x: x.astype(dtype, copy=False))


@st.composite
def distinct_arrays(draw: Any, shape: Any, dtype: Any = np.float64, *,
                    margin: float = 0.1) -> np.ndarray:
    """Arrays in which any two elements are at least margin apart: for max, sort and pooling.

    >>> from hypothesis import find
    >>> find(distinct_arrays(4), lambda x: x[0] > x[1])
    array([0.1, 0. , 0.2, 0.3])
    """
    shape = _drawn(draw, shape)
    count = math.prod(shape)
    ranks = np.array(draw(st.permutations(range(count))), np.float64)
    return ((ranks - draw(st.integers(0, count))) * margin).reshape(shape).astype(dtype)


@st.composite
def broadcastable_arrays(draw: Any, n: int, dtype: Any = np.float64,
                         **options: Any) -> tuple[np.ndarray, ...]:
    """n arrays whose shapes broadcast together; options as for `arrays`.

    >>> from hypothesis import find
    >>> find(broadcastable_arrays(2, avoid=[0]), lambda pair: pair[0].ndim > pair[1].ndim and
    ...                                                      pair[0].size)
    (array([0.2]), array(0.2))
    """
    return tuple(draw(arrays(shape, dtype, **options)) for shape in draw(broadcastable_shapes(n)))


@st.composite
def cotangent_like(draw: Any, x: Any) -> np.ndarray:
    """A cotangent for an array or Tensor x: no two elements equal in magnitude, none zero.

    Under zeros, and under ones, wrong gradients pass: so this shrinks to neither.

    >>> from hypothesis import find
    >>> find(cotangent_like(np.zeros((2, 2))), lambda g: g[0, 0] < 0)
    array([[-0.1,  0.2],
           [ 0.3,  0.4]])
    """
    count = math.prod(x.shape)
    ranks = draw(st.permutations(range(1, count + 1)))
    signs = draw(st.lists(st.sampled_from([1, -1]), min_size=count, max_size=count))
    return (np.array(ranks, np.float64) * signs / 10).reshape(x.shape).astype(x.dtype)


def layouts(x: np.ndarray) -> st.SearchStrategy[np.ndarray]:
    """Copies of x, equal in value and different in memory: contiguous, every second element of a
    larger array, reversed twice (negative strides), Fortran-ordered.

    >>> from hypothesis import find
    >>> find(layouts(np.ones((2, 3))), lambda y: not y.flags.c_contiguous).strides
    (48, 16)
    """
    if not x.ndim:
        return st.builds(x.copy)
    return st.sampled_from([np.array(x, order="C"), np.repeat(x, 2, axis=-1)[..., ::2],
                            np.flip(np.flip(x).copy()), np.array(x, order="F")])


# Options

def one_axis(shape: Shape) -> st.SearchStrategy[int]:
    """One axis of a shape, counted from the front or, negative, from the end."""
    if not shape:
        raise ValueError("the shape () has no axes: draw shapes with min_dims=1")
    return st.sampled_from([*range(len(shape)), *range(-len(shape), 0)])


def axes(shape: Shape) -> st.SearchStrategy[None | int | tuple[int, ...]]:
    """What NumPy's reductions take as axis: None, one axis, or several; negative ones too.

    >>> from hypothesis import find
    >>> find(axes((2, 3, 4)), lambda axis: isinstance(axis, tuple) and len(axis) > 1)
    (0, 1)
    """
    if not shape:
        return st.none()
    several = st.lists(one_axis(shape), unique_by=lambda axis: axis % len(shape)).map(tuple)
    return st.one_of(st.none(), one_axis(shape), several)


class ConvConfig(NamedTuple):
    """One convolution: the shapes of x and w, and the options of `minigan.ops.conv2d`."""

    x: Shape        # (N, H, W, C)
    w: Shape        # (KH, KW, C / groups, O)
    stride: Any = 1
    padding: Any = 0
    dilation: Any = 1
    groups: int = 1

    @property
    def options(self) -> dict[str, Any]:
        """The keyword arguments of conv2d."""
        return {name: getattr(self, name) for name in ("stride", "padding", "dilation", "groups")}


@st.composite
def conv_configs(draw: Any) -> ConvConfig:
    """Convolutions, always valid: every kind of stride, padding, dilation and groups with every
    other, on images as small as show them.

    >>> from hypothesis import find
    >>> find(conv_configs(), lambda config: config.groups > 1 and config.padding == "same")
    ConvConfig(x=(1, 1, 1, 2), w=(1, 1, 1, 2), stride=1, padding='same', dilation=1, groups=2)
    """
    kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    groups = draw(st.integers(1, 3))
    stride, dilation = draw(_number_or_pair(1, 3)), draw(_number_or_pair(1, 2))
    ends = st.tuples(st.integers(0, 2), st.integers(0, 2))
    padding = draw(st.one_of(st.sampled_from([0, "valid", "same"]), _number_or_pair(0, 2),
                             st.tuples(ends, ends)))
    pair = dilation if isinstance(dilation, tuple) else (dilation, dilation)
    # as large as the window, which "same" allows to be larger than the image
    least = [max(1, d * (k - 1) + 1 - (2 if padding == "same" else 0))
             for k, d in zip(kernel, pair)]
    image = [n + draw(st.integers(0, 2)) for n in least]
    per_x, per_y = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    batch = draw(st.sampled_from([1, 2, 0]))
    return ConvConfig((batch, *image, groups * per_x), (*kernel, per_x, groups * per_y),
                      stride, padding, dilation, groups)


def _number_or_pair(low: int, high: int) -> st.SearchStrategy[Any]:
    number = st.integers(low, high)
    return st.one_of(number, st.tuples(number, number))


def _drawn(draw: Any, shape: Any) -> Shape:
    shape = draw(shape) if isinstance(shape, st.SearchStrategy) else shape
    return (shape,) if isinstance(shape, int) else tuple(shape)
