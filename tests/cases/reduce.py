"""Operations over one or more axes."""
from __future__ import annotations

from typing import Any, Callable

import numpy as np
from hypothesis import strategies as st

from minigan import ops
from minigan.testing.call import Call
from minigan.testing.strategies import Shape, axes, distinct_arrays, one_axis, shapes

from .case import Case, fixed, numbers, one


def reduction(shape: Shape) -> st.SearchStrategy:
    return st.fixed_dictionaries({"axis": axes(shape), "keepdims": st.booleans()})


def along_one(shape: Shape) -> st.SearchStrategy:
    return st.fixed_dictionaries({"axis": one_axis(shape)})


def reducing(op: str, reference: Callable, options: Callable = reduction,
             typical: dict | None = None, shape: st.SearchStrategy | None = None,
             **flags: Any) -> Case:
    """A case of an operation that most shapes of no elements are refused by."""
    inputs = one(shape=shapes(min_dims=1, min_side=1) if shape is None else shape, options=options)
    return Case(op, getattr(ops, op), reference, inputs,
                Call((numbers(2, 3),), {"axis": -1} if typical is None else typical),
                Call((np.zeros((0, 3)),), {"axis": 1}), **flags)


@st.composite
def spread(draw: Any) -> Call:
    """Elements that are apart from each other: where all are equal, std has a kink."""
    ddof = draw(st.integers(0, 1))
    x = draw(distinct_arrays(draw(shapes(min_dims=1, min_side=1 + ddof)), margin=0.4))
    return Call((x,), {"axis": draw(axes(x.shape).filter(lambda axis: not ddof or axis != ())),
                       "keepdims": draw(st.booleans()), "ddof": ddof})


def softmax(x: np.ndarray, axis: int) -> np.ndarray:
    return np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)


CASES = [
    reducing("sum", np.sum, shape=shapes(), linear=True),
    reducing("mean", np.mean, linear=True),
    reducing("var", np.var),
    reducing("var", np.var, fixed(axis=st.sampled_from([None, 0, -1, (0,)]),
                                  keepdims=st.booleans(), ddof=st.just(1)),
             {"axis": 1, "ddof": 1}, shapes(min_dims=1, max_dims=2, min_side=2),
             variant="unbiased"),
    Case("std", ops.std, np.std, spread(), Call((numbers(2, 3),), {"axis": 1, "ddof": 1}),
         Call((np.zeros((0, 3)),), {"axis": 1, "ddof": 1})),
    reducing("prod", np.prod, shape=shapes()),
    reducing("cumsum", np.cumsum, lambda shape: st.one_of(
        st.just({"axis": None}), along_one(shape)), shape=shapes(min_dims=1), linear=True),
    reducing("max", np.max),
    reducing("min", np.min),
    reducing("logsumexp", lambda x, **options: np.log(np.sum(np.exp(x), **options))),
    reducing("softmax", softmax, along_one),
    reducing("log_softmax", lambda x, axis: np.log(softmax(x, axis)), along_one),
]
