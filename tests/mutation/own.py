"""Errors that are planted in minigan's operations alone: they are about options, shapes, layouts
and dtypes that the typical call, which is all that other checkers are shown, does not have."""
from __future__ import annotations

from typing import Any, Callable, Sequence

import numpy as np

from minigan import ops
from minigan.autodiff import Function, Tensor

from .generic import cotangents, inputs, when
from .kinds import F, Kind, Plant, floats, in_the_whole, on_input, on_values, replaced


class InPlace(Function):
    """x, which is destroyed on the way. Gradient: grad."""

    def forward(self, x):
        before = x.copy()
        x += 1
        return before

    def backward(self, grad):
        return grad


def change_cotangent(lib: Any, g: Tensor, x: Tensor) -> Tensor:
    copy = g * 1
    g.data[...] += 1
    return copy


def refuse_empty(lib: Any, g: Tensor, x: Tensor) -> Tensor:
    if not g.size:
        raise RuntimeError("cannot differentiate an array without elements")
    return g


def exchanged(gradients: Sequence[Tensor], needs: Sequence[bool]) -> Sequence[Tensor]:
    if len(gradients) < 2 or gradients[0].shape != gradients[1].shape:
        return gradients
    return [gradients[1], gradients[0], *gradients[2:]]


def any_strided(tensors: Sequence[Tensor]) -> bool:
    return any(not tensors[i].data.flags.c_contiguous for i in floats(tensors))


def is_fortran(x: Tensor) -> bool:
    return x.data.flags.f_contiguous and not x.data.flags.c_contiguous


def is_backwards(x: Tensor) -> bool:
    return any(s < 0 and n > 1 for s, n in zip(x.data.strides, x.shape))


def option(name: str, holds: Callable[[Any], bool]) -> Plant:
    """The gradient doubled where an option is so."""
    def plant(lib: Any, f: F, i: int) -> F:
        doubled = on_input(lambda lib, g, x: 2 * g)(lib, f, i)
        return lambda *tensors, **options: (
            doubled if name in options and holds(options[name]) else f)(*tensors, **options)
    return plant


def broadcast(mean: bool, keep: int) -> Plant:
    """On an input that broadcasts against the others, but for its last `keep` axes: it is
    repeated beforehand, and of the repetitions the first alone gets a gradient, or each a share."""
    def change(lib: Any, tensors: Sequence[Tensor], x: Tensor) -> Tensor:
        if min(t.ndim for t in tensors) < keep:
            return x
        lead = np.broadcast_shapes(*[t.shape[:t.ndim - keep] for t in tensors])
        shares = np.zeros(lead + x.shape[x.ndim - keep:])
        added = shares.ndim - x.ndim
        first = tuple(slice(0, 1) if axis < added or x.shape[axis - added] == 1 else slice(None)
                      for axis in range(shares.ndim))
        shares[... if mean else first] = x.size / max(shares.size, 1) if mean else 1
        return lib.tampered(lambda g, y: g * lib.constant(shares, g))(
            ops.broadcast_to(x, shares.shape))
    return replaced(change)


OWN = [
    Kind("inputs exchanged", "each of two inputs gets the other's gradient",
         in_the_whole(wrong=exchanged)),
    *[Kind(f"{done} a broadcast {axis}", f"{what} in place of the sum", broadcast(mean, keep),
           each=True, broadcasts=keep)
      for done, what, mean in [("no sum over", "one slice", False), ("mean over", "the mean", True)]
      for axis, keep in [("axis", 0), ("batch", 2)]],

    inputs("wrong where elements are equal", "twice the gradient",
           when(lambda x: np.unique(x.data).size < x.size)),
    inputs("wrong if 3-d or more", "twice the gradient", when(lambda x: x.ndim > 2)),
    inputs("wrong if zero-size", "an error in backward", refuse_empty, probe="empty"),
    *[Kind(f"wrong only if {what}", "twice the gradient", option(name, holds), option=name)
      for what, name, holds in [
          ("the stride is 2", "stride", lambda s: s is not None and 2 in np.ravel(s)),
          ("the strides differ", "stride", lambda s: np.unique(np.ravel(s or 1)).size > 1),
          ("the dilation is 2", "dilation", lambda d: 2 in np.ravel(d)),
          ("there are groups", "groups", lambda n: n > 1),
          ("there is padding", "padding", lambda p: p not in (0, "valid")),
          ("the padding is uneven", "padding", lambda p: np.ndim(p) == 2 and p[0][0] != p[0][1]),
          ("the factor is a pair", "factor", lambda n: isinstance(n, tuple)),
          ("keepdims is set", "keepdims", bool),
          ("the axis is None", "axis", lambda a: a is None),
          ("there are several axes", "axis", lambda a: isinstance(a, tuple) and len(a) > 1),
          ("the axis is negative", "axis", lambda a: isinstance(a, int) and a < 0),
          ("the slope is above 1", "negative_slope", lambda s: s > 1),
          ("alpha is not 1", "alpha", lambda a: a != 1),
      ]],

    inputs("wrong only in float16", "twice the gradient", when(lambda x: x.dtype == np.float16),
           probe="float16"),
    Kind("promoted to float64", "a float64 value of float32 inputs",
         on_values(lambda lib, y, xs: y.astype(np.float64) if y.dtype.kind == "f" else y),
         probe="float32"),
    inputs("wrong only for a Fortran-ordered input", "twice the gradient", when(is_fortran),
           probe="fortran"),
    inputs("wrong only for a reversed input", "twice the gradient where a stride is negative",
           when(is_backwards), probe="reversed"),
    Kind("values wrong for a strided input", "0.1 % too large",
         on_values(lambda lib, y, xs: y * 1.001 if any_strided(xs) else y), probe="strided"),
    Kind("values wrong", "a millionth too large", on_values(lambda lib, y, xs: y * (1 + 1e-6))),

    Kind("input changed by forward", "1 is added in place",
         replaced(lambda lib, tensors, x: InPlace()(x)), each=True),
    cotangents("cotangent changed by backward", "1 is added in place", change_cotangent),
]
