"""What the kernels of every device ask of arrays: their module, their types, their channels."""
from __future__ import annotations

from functools import wraps
from typing import Any, Callable

import numpy as np

HALF = np.dtype(np.float16)


def xp_of(x: Any) -> Any:
    """The array module of an array."""
    from . import array_module  # the package imports this module first

    return array_module(x)


def same_floats(*arrays: Any) -> bool:
    """Whether the arrays have one floating dtype. Numbers fit any, and so does None."""
    dtypes = {a.dtype for a in arrays if not isinstance(a, (int, float, type(None)))}
    return len(dtypes) == 1 and dtypes.pop().kind == "f"


def precise(*arrays: Any) -> bool:
    """Whether what follows from the arrays is float32 or wider, which the BLAS knows."""
    dtype = np.result_type(*arrays)
    return dtype.kind == "f" and dtype.itemsize > 2


def is_half(x: Any) -> bool:
    """Whether x is of float16, in which 65520 is ∞ and 2048 + 1 is 2048: no type to add up in."""
    return x.dtype == HALF


def repeats(index: tuple) -> bool:
    """Whether an index may name an element more than once: slices, single integers and masks never
    do, while integers in arrays, lists or any other sequence may."""
    return not all(isinstance(i, (int, slice, type(None), type(...)))
                   or getattr(getattr(i, "dtype", None), "kind", "") == "b" for i in index)


def in_single(kernel: Callable) -> Callable:
    """A kernel of several results, the first one of its arrays' dtype, that computes in float32
    where its first argument is of float16. The other results, which are sums, stay float32."""
    @wraps(kernel)
    def widened(x: Any, *args: Any) -> Any:
        if not is_half(x):
            return kernel(x, *args)
        arrays = [a for a in (x, *args) if hasattr(a, "dtype")]
        first, *rest = kernel(*[a.astype(np.float32) if hasattr(a, "dtype") and is_half(a) else a
                                for a in (x, *args)])
        return first.astype(np.result_type(*[a.dtype for a in arrays])), *rest

    return widened


def by_groups(convolution: Callable) -> Callable:
    """A kernel of convolution, which is written for groups = 1, for any number of them: it
    computes each of so many equal parts of the channels, every array's last axis, by itself."""
    def part(x: Any, i: int, groups: int) -> Any:
        if not hasattr(x, "shape"):  # the size of an image, or no bias
            return x
        channels = x.shape[-1] // groups
        return x[..., i * channels:(i + 1) * channels]

    @wraps(convolution)
    def for_each_group(x: Any, w: Any, window: Any, groups: int, *more: Any) -> Any:
        if groups == 1:
            return convolution(x, w, window, 1, *more)
        joined = None
        for i in range(groups):
            some, kernel, *others = [part(a, i, groups) for a in (x, w, *more)]
            y = convolution(some, kernel, window, 1, *others)
            if joined is None:
                joined = xp_of(y).empty((*y.shape[:-1], groups * y.shape[-1]), y.dtype)
            part(joined, i, groups)[...] = y
        return joined

    return for_each_group
