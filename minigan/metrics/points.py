"""Points as rows, on whatever device they lie, and how far apart they are, block by block.

All is computed in float64, because squared distances come from |a|² + |b|² − 2 a·b: in float32 the
difference of such large terms would leave noise where two points are close, and closeness is what
is asked for here.
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .. import backend
from ..autodiff import Tensor
from ..errors import UserError

Array = Any  # a numpy.ndarray, or a cupy.ndarray
BLOCK = 2 ** 20  # distances held at once: 8 MB, which a cache has room for
LARGEST = 1e50  # more than any float32: the third power of products with it is still a number
NOTHING = 2.0 ** -40     # of a point's squared distance from the middle: less is rounding
ROUNDED = 2.0 ** 24 + 1  # by which a float64 is cut to 29 bits


def array(x: Any) -> Array:
    """The array of a tensor, or of a list; an array of any device stays where it is."""
    x = x.data if isinstance(x, Tensor) else x
    return x if backend.is_array(x) else np.asarray(x)


def host(x: Any) -> np.ndarray:
    """That in host memory."""
    x = array(x)
    return x if backend.is_host(x) else backend.to_numpy(x)


def like(x: np.ndarray, other: Array) -> Array:
    """An array of host memory beside the other one."""
    return backend.of(other).from_numpy(x)


def rows(points: Any, name: str, least: int = 1) -> Array:
    """Points (N, ...) as finite float64 rows (N, D). Raises UserError for fewer than the least
    number of points, for values that are not finite or beyond 1e50 and for what is no number."""
    points = array(points)
    if points.dtype.kind not in "fiub":
        raise UserError(f"{name} holds {points.dtype}, not numbers")
    if points.ndim == 0 or points.size == 0:
        raise UserError(f"{name} holds no points: expected (N, ...), got {points.shape}")
    if len(points) < least:
        raise UserError(f"{name} holds {len(points)} points, too few: it takes at least {least}")
    points = points.astype("float64", copy=False).reshape(len(points), -1)
    if not backend.array_module(points).isfinite(points).all():
        raise UserError(f"{name} holds values that are not finite, as NaN is: look for what made "
                        "them with mg.anomaly()")
    if max(points.max(), -points.min()) > LARGEST:
        raise UserError(f"{name} holds values beyond ±{LARGEST:g}, whose powers are no numbers any "
                        "more: scale them")
    return points


def alike(least: int = 1, **sets: Any) -> list[Array]:
    """Sets of points, given by name, as rows() makes them. Raises UserError for sets whose points
    differ in size or that lie on different devices, too."""
    made = {name: rows(points, name, least) for name, points in sets.items()}
    (first, a), *others = made.items()
    for name, b in others:
        on, where = backend.of(a).name, backend.of(b).name
        if on != where:
            raise UserError(f"{first} is an array of {on}, {name} of {where}: move one of them, as "
                            "with minigan.backend.to_numpy")
        if a.shape[1] != b.shape[1]:
            raise UserError(f"points of {first} and {name} differ in size: {a.shape[1]} and "
                            f"{b.shape[1]} values; take both from the same features or images")
    return list(made.values())


def blocks(a: Array, b: Array) -> Iterator[slice]:
    """Rows of a, so many at a time that a BLOCK of pairs with rows of b is made."""
    step = max(1, BLOCK // len(b))
    return (slice(start, start + step) for start in range(0, len(a), step))


def products(a: Array, b: Array) -> Iterator[tuple[slice, Array]]:
    """Inner products of rows of a with all rows of b, a block of rows of a at a time.

    Yields (block, products (rows in the block, len(b))), where a[block] are the rows.
    """
    for block in blocks(a, b):
        yield block, backend.kernels(a).matmul(a[block], b.T)


def squared_distances(a: Array, b: Array) -> Iterator[tuple[slice, Array]]:
    """Squared Euclidean distances, in blocks as those of products().

    A matrix product of the same two rows has other last bits in another block. So distances are
    rounded to 29 bits, and those that are nothing but rounding are 0: what is equally far is a tie,
    a copy is at 0, and how the points are cut into blocks makes no difference.
    """
    # Taken off both, since far from 0 the difference of the norms is all rounding. It is the median
    # of some rows, which no single one that lies far off can move
    some = b[::max(1, len(b) // 16)]
    middle = backend.array_module(b).sort(some, axis=0)[len(some) // 2]
    b = b - middle
    b_norm = (b * b).sum(axis=1)
    for block in blocks(a, b):
        some = a[block] - middle
        norm = (some * some).sum(axis=1)[:, None]
        distance = backend.kernels(a).matmul(some, b.T)
        distance *= -2
        distance += norm
        distance += b_norm
        distance[distance <= NOTHING * norm] = 0  # b's norm is then the same; below 0, too
        high = distance * ROUNDED                 # Dekker 1971
        distance -= high
        distance += high
        yield block, distance


def to_neighbours(points: Array, ks: Sequence[int], name: str) -> Array:
    """The squared distances (N, len(ks)) from each row to the k-th nearest other one, for each k.
    Raises UserError for more neighbours than there are."""
    most, xp = max(ks), backend.array_module(points)
    check_k(most, len(points) - 1, name)
    # the point itself is the nearest of the k + 1
    return xp.concatenate([
        xp.sort(xp.partition(distance, most, axis=1)[:, :most + 1], axis=1)[:, list(ks)]
        for _, distance in squared_distances(points, points)])


def to_neighbour(points: Array, k: int, name: str) -> Array:
    """The same of one k: (N,)."""
    return to_neighbours(points, [k], name)[:, 0]


def check_k(k: int, available: int, name: str) -> None:
    if k > available:
        raise UserError(f"k = {k} neighbours were asked for, of {available} that there are in "
                        f"{name}: give more points or a smaller k")
