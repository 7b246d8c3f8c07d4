"""Normalisations."""
from __future__ import annotations

from typing import Any, Callable

import numpy as np
from hypothesis import strategies as st

from minigan import ops
from minigan.testing.call import Call
from minigan.testing.strategies import Shape, arrays, shapes

from .case import Case, numbers


def normalising(op: str, f: Callable, axes_of: Callable, shape: st.SearchStrategy, typical: Shape,
                empty: Shape | None, groups: int | None = None) -> Case:
    """A case of (x − mean) / √(var + eps) · weight + bias, over the axes that x gives, its last
    axis cut into groups if there are any."""
    grouped = {"groups": groups} if groups else {}

    @st.composite
    def calls(draw: Any) -> Call:
        lengths = draw(shape)
        lengths = (*lengths[:-1], lengths[-1] * (groups or 1))
        # apart from each other: near a variance of 0 the function bends more than differences see
        spread = numbers(*lengths, seed=draw(st.integers(0, 9)))
        x = 0.5 * draw(arrays(lengths, low=-1, high=1)) + spread
        weight, bias = (draw(arrays(lengths[-1:])) for _ in range(2))
        return Call((x, weight, bias), {"eps": draw(st.sampled_from([0.1, 0.5])), **grouped})

    def reference(x: np.ndarray, weight: np.ndarray, bias: np.ndarray,
                  eps: float = 1e-5, groups: int = 1) -> np.ndarray:
        if grouped:
            whole, x = x.shape, x.reshape(*x.shape[:-1], groups, x.shape[-1] // groups)
        mean, var = (g(x, axis=axes_of(x), keepdims=True) for g in (np.mean, np.var))
        y = (x - mean) / np.sqrt(var + eps)
        return (y.reshape(whole) if grouped else y) * weight + bias

    channels = typical[-1]
    return Case(op, f, reference, calls(),
                Call((numbers(*typical), numbers(channels, seed=1), numbers(channels, seed=2)),
                     grouped),
                empty and Call((np.zeros(empty), *np.ones((2, empty[-1]))), grouped))


CASES = [
    normalising("batch_norm", lambda *inputs, **options: ops.batch_norm(*inputs, **options)[0],
                lambda x: tuple(range(x.ndim - 1)),
                shapes(min_dims=2, max_dims=4, min_side=1, max_size=24), (4, 3), None),
    normalising("layer_norm", ops.layer_norm, lambda x: -1, shapes(min_dims=1, min_side=1),
                (2, 3), (0, 3)),
    normalising("instance_norm", ops.instance_norm, lambda x: tuple(range(1, x.ndim - 1)),
                shapes(min_dims=3, max_dims=4, min_side=1, max_size=24), (2, 2, 2, 2),
                (0, 2, 2, 3)),
    normalising("group_norm", ops.group_norm, lambda x: (*range(1, x.ndim - 2), x.ndim - 1),
                shapes(min_dims=2, max_dims=4, min_side=1, max_size=12), (2, 2, 2, 4),
                (0, 2, 2, 4), groups=2),
]
