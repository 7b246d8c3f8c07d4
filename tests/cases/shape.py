"""Operations that move elements and change none."""
from __future__ import annotations

import math
from typing import Any, Callable

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigan import ops
from minigan.testing.call import Call
from minigan.testing.strategies import Shape, arrays, axes, one_axis, shapes

from .case import Case, numbers, one
from .naive import moved


def moving(op: str, options: Callable, reference: Callable | None = None,
           f: Callable | None = None, typical: dict | None = None, empty: dict | None = None,
           min_dims: int = 0, **flags: Any) -> Case:
    """A case of one array; options is a function of its shape that gives a strategy."""
    typical = typical or {}
    return Case(op, f or getattr(ops, op), reference or getattr(np, op),
                one(shape=shapes(min_dims=min_dims), options=options),
                Call((numbers(2, 3),), typical),
                Call((np.zeros((0, 3)),), typical if empty is None else empty),
                linear=True, **flags)


def new_shapes(shape: Shape) -> st.SearchStrategy:
    size = math.prod(shape)
    return st.sampled_from([(size,), shape[::-1], (1, *shape), (size, 1), (-1,) if size else (0,)]
                           ).map(lambda new: {"shape": new})


def orders(shape: Shape) -> st.SearchStrategy:
    return st.permutations(range(len(shape))).map(lambda order: {"axes": tuple(order)})


def two_axes(shape: Shape) -> st.SearchStrategy:
    return st.fixed_dictionaries({"axis1": one_axis(shape), "axis2": one_axis(shape)})


def unit_axes(shape: Shape) -> st.SearchStrategy:
    units = [i for i, n in enumerate(shape) if n == 1]
    some = st.lists(st.sampled_from(units), unique=True).map(tuple) if units else st.just(())
    return st.one_of(st.none(), some).map(lambda axis: {"axis": axis})


def new_axis(shape: Shape) -> st.SearchStrategy:
    return st.integers(-len(shape) - 1, len(shape)).map(lambda axis: {"axis": axis})


def larger_shapes(shape: Shape) -> st.SearchStrategy:
    added = st.lists(st.integers(0, 2), max_size=1)
    stretched = st.tuples(*[st.integers(0, 3) if n == 1 else st.just(n) for n in shape])
    return st.tuples(added, stretched).map(lambda s: {"shape": (*s[0], *s[1])})


def margins(shape: Shape) -> st.SearchStrategy:
    margin = st.tuples(st.integers(0, 2), st.integers(0, 1))
    return st.fixed_dictionaries({"pad_width": st.tuples(*[margin] * len(shape)),
                                  "constant_values": st.sampled_from([0, 1.5])})


def padded(x: np.ndarray, pad_width: Any, constant_values: float) -> np.ndarray:
    return np.pad(x, pad_width, constant_values=constant_values) if x.ndim else x


@st.composite
def cuts(draw: Any, shape: Shape) -> dict[str, Any]:
    axis = draw(one_axis(shape))
    n = shape[axis]
    equal = [k for k in range(1, n + 1) if n % k == 0] or [1]
    places = st.lists(st.integers(0, n), max_size=2).map(sorted)
    return {"sections": draw(st.one_of(st.sampled_from(equal), places)), "axis": axis}


def cut(x: np.ndarray, sections: Any, axis: int) -> list[np.ndarray]:
    return np.split(x, sections if isinstance(sections, int) else list(sections), axis)


def indices(shape: Shape) -> st.SearchStrategy:
    return hnp.basic_indices(shape, allow_newaxis=True).map(lambda index: {"index": index})


@st.composite
def joined(draw: Any, new_axis: bool) -> Call:
    """Arrays to concatenate along an axis, or of one shape to stack along a new one."""
    shape = draw(shapes(min_dims=1 - new_axis, max_dims=2))
    axis = draw(st.integers(-len(shape) - new_axis, len(shape) - 1 + new_axis))
    found = []
    for _ in range(draw(st.integers(1, 3))):
        lengths = list(shape)
        if not new_axis:
            lengths[axis] = draw(st.integers(0, 2))
        found.append(draw(arrays(tuple(lengths))))
    return Call(tuple(found), {"axis": axis})


@st.composite
def gathered(draw: Any) -> Call:
    """An array and integer arrays that index its first axes, elements repeated."""
    x = draw(arrays(shapes(min_dims=1, max_dims=2, min_side=1)))
    index = draw(hnp.integer_array_indices(x.shape[:draw(st.integers(1, x.ndim))],
                                           result_shape=shapes(min_dims=1, max_dims=2, min_side=1)))
    return Call((x, *index))


@st.composite
def looked_up(draw: Any) -> Call:
    """Indices of the rows of a table, some of them repeated, and the table."""
    table = draw(arrays(shapes(min_dims=2, max_dims=2, min_side=1)))
    indices = arrays(shapes(max_dims=2), np.int64, low=0, high=len(table) - 1)
    return Call((draw(indices), table))


@st.composite
def translated(draw: Any) -> Call:
    """Images, and how far each is moved, sometimes out of sight."""
    empty_or_not = st.integers(0, 1).flatmap(
        lambda side: shapes(min_dims=4, max_dims=4, min_side=side, max_size=24))
    x = draw(arrays(empty_or_not))
    return Call((x, *[draw(hnp.arrays(np.int64, len(x), elements=st.integers(-2, 2)))
                      for _ in range(2)]))


@st.composite
def masked(draw: Any) -> Call:
    x = draw(arrays(shapes(min_dims=1)))
    return Call((x, draw(arrays(x.shape[:draw(st.integers(1, x.ndim))], bool))))


CASES = [
    moving("reshape", new_shapes, lambda x, shape: np.reshape(x, shape),
           lambda x, shape: ops.reshape(x, shape), {"shape": (3, 2)}, {"shape": (3, 0, 2)}),
    moving("flatten", lambda shape: st.just({}), np.ravel),
    moving("transpose", orders, f=lambda x, axes: ops.transpose(x, axes), typical={"axes": (1, 0)}),
    moving("swapaxes", two_axes, typical={"axis1": 0, "axis2": -1}, min_dims=1),
    moving("squeeze", unit_axes, typical={"axis": ()}),
    moving("expand_dims", new_axis, typical={"axis": 1}),
    moving("broadcast_to", larger_shapes, typical={"shape": (4, 2, 3)}, empty={"shape": (4, 0, 3)}),
    moving("flip", lambda shape: axes(shape).map(lambda a: {"axis": a}), typical={"axis": 1}),
    moving("split", cuts, cut, typical={"sections": 3, "axis": 1}, min_dims=1),
    moving("pad", margins, padded,
           typical={"pad_width": ((1, 0), (2, 1)), "constant_values": 1.5}),
    moving("getitem", indices, lambda x, index: x[index],
           typical={"index": (slice(None), slice(None, None, -2))}, variant="by slices"),
    Case("getitem", lambda x, *index: ops.getitem(x, index), lambda x, *index: x[index],
         gathered(), Call((numbers(3, 2), np.array([2, 0, 2]))),
         Call((numbers(3, 2), np.zeros((0,), np.int64))), "by integers", linear=True),
    Case("getitem", lambda x, mask: ops.getitem(x, mask), lambda x, mask: x[mask],
         masked(), Call((numbers(3, 2), np.array([True, False, True]))),
         Call((np.zeros((0, 2)), np.zeros((0,), bool))), "by a mask", linear=True),
    Case("embedding", ops.embedding, lambda indices, table: table[indices], looked_up(),
         Call((np.array([[2, 0, 2]]), numbers(3, 2))),
         Call((np.zeros((2, 0), np.int64), numbers(3, 2))), linear=True),
    Case("translate", ops.translate, moved, translated(),
         Call((numbers(2, 3, 4, 1), np.array([1, -2]), np.array([0, 1]))),
         Call((np.zeros((2, 0, 4, 1)), np.array([1, 0]), np.array([0, 1]))), linear=True),
    Case("concatenate", lambda *xs, axis: ops.concatenate(xs, axis),
         lambda *xs, axis: np.concatenate(xs, axis), joined(new_axis=False),
         Call((numbers(2, 3), numbers(2, 1, seed=1)), {"axis": 1}),
         Call((np.zeros((0, 3)), np.zeros((0, 3))), {"axis": 0}), linear=True),
    Case("stack", lambda *xs, axis: ops.stack(xs, axis), lambda *xs, axis: np.stack(xs, axis),
         joined(new_axis=True), Call((numbers(2), numbers(2, seed=1)), {"axis": 1}),
         Call((np.zeros((0, 3)), np.zeros((0, 3))), {"axis": 1}), linear=True),
]
