"""Ops that move elements about: their gradients move them back."""
from __future__ import annotations

import math
from itertools import accumulate
from operator import index
from typing import Any, Sequence

from ..autodiff import Function, Tensor, as_tensor
from ..backend import array_module, is_array, is_host, kernels, plain
from ..backend.nested import mapped
from .elementwise import sum_to

Axis = int | tuple[int, ...] | None


def normalize_axis(axis: Axis, ndim: int) -> tuple[int, ...]:
    """The axes as a tuple of numbers in 0 … ndim − 1; None means all of them."""
    axes = range(ndim) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
    for a in axes:
        if not -ndim <= a < ndim:
            raise ValueError(f"axis {a} does not exist in a tensor of {ndim} axes")
    normal = tuple(a % ndim for a in axes)
    if len(set(normal)) != len(normal):
        raise ValueError(f"an axis is named twice in {axes}")
    return normal


class Reshape(Function):
    """The same elements, in the same order, in another shape. Gradient: shaped back."""

    reads, view = "nothing", True

    def __init__(self, shape: tuple[int, ...]):
        self.shape = shape

    def forward(self, x):
        return x.reshape(self.shape)

    def backward(self, grad):
        return grad.reshape(self.inputs[0].shape)


def reshape(x: Any, *shape: Any) -> Tensor:
    """x in another shape, given as one tuple or as numbers; one length may be −1."""
    x, shape = as_tensor(x), _shape(shape)
    known = math.prod(n for n in shape if n != -1)
    if shape.count(-1) == 1 and known and x.size % known == 0:
        shape = tuple(x.size // known if n == -1 else n for n in shape)
    if math.prod(shape) != x.size or min(shape, default=0) < 0:
        raise ValueError(f"a tensor of shape {x.shape} ({x.size} elements) cannot take the "
                         f"shape {shape}")
    return Reshape(shape)(x)


def flatten(x: Any) -> Tensor:
    """All elements along one axis, row by row."""
    return reshape(x, -1)


def squeeze(x: Any, axis: int | tuple[int, ...] | None = None) -> Tensor:
    """x without the named axes, which must have length 1; without all of length 1 if None."""
    x = as_tensor(x)
    axes = normalize_axis([i for i, n in enumerate(x.shape) if n == 1] if axis is None else axis,
                          x.ndim)
    for a in axes:
        if x.shape[a] != 1:
            raise ValueError(f"cannot squeeze axis {a} of shape {x.shape}: its length is not 1")
    return Reshape(tuple(n for i, n in enumerate(x.shape) if i not in axes))(x)


def expand_dims(x: Any, axis: int | tuple[int, ...]) -> Tensor:
    """x with new axes of length 1, which stand at `axis` in the result."""
    x = as_tensor(x)
    ndim = x.ndim + (len(axis) if isinstance(axis, (tuple, list)) else 1)
    new, lengths = normalize_axis(axis, ndim), iter(x.shape)
    return Reshape(tuple(1 if i in new else next(lengths) for i in range(ndim)))(x)


class Transpose(Function):
    """The axes in another order. Gradient: ordered back."""

    reads, view = "nothing", True

    def __init__(self, axes: tuple[int, ...]):
        self.axes = axes

    def forward(self, x):
        return x.transpose(self.axes)

    def backward(self, grad):
        return grad.transpose(tuple(self.axes.index(i) for i in range(len(self.axes))))


def transpose(x: Any, *axes: Any) -> Tensor:
    """x with its axes in the given order; reversed if none is given."""
    x, axes = as_tensor(x), _shape(axes)
    order = normalize_axis(axes, x.ndim) if axes else tuple(reversed(range(x.ndim)))
    if len(order) != x.ndim:
        raise ValueError(f"transpose of shape {x.shape} needs all {x.ndim} axes, got {axes}")
    return Transpose(order)(x)


def swapaxes(x: Any, axis1: int, axis2: int) -> Tensor:
    """x with two axes exchanged."""
    x = as_tensor(x)
    (i,), (j,) = normalize_axis(axis1, x.ndim), normalize_axis(axis2, x.ndim)
    order = list(range(x.ndim))
    order[i], order[j] = j, i
    return Transpose(tuple(order))(x)


class BroadcastTo(Function):
    """x repeated along new and stretched axes. Gradient: summed over them."""

    reads, view = "nothing", True

    def __init__(self, shape: tuple[int, ...]):
        self.shape = shape

    def forward(self, x):
        return array_module(x).broadcast_to(x, self.shape)

    def backward(self, grad):
        return sum_to(grad, self.inputs[0].shape)


def broadcast_to(x: Any, shape: int | tuple[int, ...]) -> Tensor:
    """x repeated to `shape` by NumPy's rules, without copying."""
    x, shape = as_tensor(x), _shape((shape,))
    tail = shape[len(shape) - x.ndim:]
    if len(shape) < x.ndim or any(n not in (1, m) for n, m in zip(x.shape, tail)):
        raise ValueError(f"shape {x.shape} does not broadcast to {shape}")
    return BroadcastTo(shape)(x)


class Concatenate(Function):
    """The inputs one after the other along an axis. Each gets its own part of the gradient."""

    reads = "nothing"

    def __init__(self, axis: int):
        self.axis = axis

    def forward(self, *xs):
        return array_module(xs[0]).concatenate(xs, axis=self.axis)

    def backward(self, grad):
        *cuts, _ = accumulate([x.shape[self.axis] for x in self.inputs])
        return split(grad, cuts, self.axis)


def concatenate(xs: Sequence[Any], axis: int = 0) -> Tensor:
    """The tensors one after the other along an existing axis."""
    xs = [as_tensor(x) for x in xs]
    if not xs:
        raise ValueError("concatenate needs at least one tensor")
    (axis,) = normalize_axis(axis, xs[0].ndim)
    if any(x.shape[:axis] + x.shape[axis + 1:] != xs[0].shape[:axis] + xs[0].shape[axis + 1:]
           for x in xs):
        raise ValueError(f"shapes {', '.join(str(x.shape) for x in xs)} must agree in all axes "
                         f"but axis {axis} to be concatenated")
    return Concatenate(axis)(*xs)


def stack(xs: Sequence[Any], axis: int = 0) -> Tensor:
    """Tensors of one shape along a new axis; numbers among tensors take the first one's dtype."""
    beside = next((x for x in xs if isinstance(x, Tensor)), None)
    return concatenate([expand_dims(as_tensor(x, beside), axis) for x in xs], axis)


class GetItem(Function):
    """x[index]. Gradient: added to zeros at the index, as often as the index repeats."""

    reads, view = "nothing", True

    def __init__(self, index: Any):
        self.index = index

    def forward(self, x):
        return x[self.index]

    def backward(self, grad):
        return AddAt(self.index, self.inputs[0].shape)(grad)


def getitem(x: Any, index: Any) -> Tensor:
    """x[index] with slices, integers, None, ..., integer arrays and boolean masks."""
    return GetItem(mapped(_copied, index if isinstance(index, tuple) else (index,)))(x)


def _copied(part: Any) -> Any:
    """A part of an index that stays as it is until backward, whatever becomes of the caller's."""
    part = part.data if isinstance(part, Tensor) else part
    return part.copy() if is_array(part) else part


def split(x: Any, sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """x cut along an axis into n equal parts, or before each of the given indices."""
    x = as_tensor(x)
    (axis,) = normalize_axis(axis, x.ndim)
    length, sections = x.shape[axis], plain(sections)
    if isinstance(sections, int):
        if sections < 1 or length % sections:
            raise ValueError(f"an axis of length {length} cannot be split into {sections} "
                             "equal parts")
        sections = range(length // sections, length, length // sections) if length else ()
    cuts = [0, *sections, length]
    return [x[(slice(None),) * axis + (slice(a, b),)] for a, b in zip(cuts[:-1], cuts[1:])]


class Flip(Function):
    """The order of elements reversed along the axes. Gradient: reversed again."""

    reads, view = "nothing", True

    def __init__(self, axes: tuple[int, ...]):
        self.axes = axes

    def forward(self, x):
        return x[tuple(slice(None, None, -1 if i in self.axes else 1) for i in range(x.ndim))]

    def backward(self, grad):
        return Flip(self.axes)(grad)


def flip(x: Any, axis: int | tuple[int, ...] | None = None) -> Tensor:
    """x with the order of elements reversed along the axes (None: all)."""
    x = as_tensor(x)
    return Flip(normalize_axis(axis, x.ndim))(x)


class AddAt(Function):
    """Zeros of `shape` with x added at the index: the adjoint of x[index]. Gradient:
    grad[index]."""

    reads = "nothing"

    def __init__(self, index: Any, shape: tuple[int, ...]):
        self.index, self.shape = index, shape

    def forward(self, x):
        return kernels(x).add_at(self.shape, self.index, x)

    def backward(self, grad):
        return GetItem(self.index)(grad)


def embedding(indices: Any, table: Any) -> Tensor:
    """The rows of a table (count, features) at indices (…) of integers: (…, features). Each row's
    gradient is added up over all the places that it was taken to.

    Raises ValueError for indices that are not in 0 … count − 1; on a GPU, where Python would have
    to wait to see them, they are wrapped.
    """
    indices, table = as_tensor(indices), as_tensor(table)
    if indices.dtype.kind not in "iu" or table.ndim != 2:
        raise ValueError("embedding needs indices (…) of integers and a table (count, features), "
                         f"got {indices.shape} of {indices.dtype} and {table.shape}")
    i = indices.data
    if is_host(i) and i.size and not 0 <= i.min() <= i.max() < len(table):
        raise ValueError(f"embedding got a table of {len(table)} rows and indices from {i.min()} "
                         f"to {i.max()}")
    return table[indices]


class Pad(Function):
    """x with a constant margin of (before, after) elements on each axis. Gradient: the inside."""

    reads = "nothing"

    def __init__(self, widths: tuple[tuple[int, int], ...], value: float):
        self.widths, self.value = widths, value

    def forward(self, x):
        return array_module(x).pad(x, self.widths, constant_values=self.value)

    def backward(self, grad):
        return grad[tuple(slice(before, n - after)
                          for (before, after), n in zip(self.widths, grad.shape))]


def pad(x: Any, pad_width: Any, constant_values: float = 0) -> Tensor:
    """x with a constant margin. pad_width as in NumPy: n, (before, after), or a pair per axis."""
    x = as_tensor(x)
    pairs = [pad_width] if isinstance(pad_width, int) else list(pad_width)
    if 0 < len(pairs) < 3 and all(isinstance(p, int) for p in pairs):
        pairs = [(pairs[0], pairs[-1])]
    widths = tuple(tuple(p) for p in (pairs * x.ndim if len(pairs) == 1 else pairs))
    if len(widths) != x.ndim or any(len(p) != 2 or min(p) < 0 for p in widths):
        raise ValueError(f"pad_width {pad_width} does not fit shape {x.shape}: give n, "
                         "(before, after), or one pair for each axis, none negative")
    return Pad(widths, constant_values)(x) if widths else x


def _shape(shape: Sequence[Any]) -> tuple[int, ...]:
    """(2, 3) from ((2, 3),), ([2, 3],), (2, 3) or (6,)."""
    if len(shape) == 1 and isinstance(shape[0], (tuple, list)):
        shape = shape[0]
    return tuple(index(n) for n in shape)
