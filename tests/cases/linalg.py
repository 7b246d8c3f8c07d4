"""Matrix products."""
from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from minigan import ops
from minigan.testing.call import Call
from minigan.testing.strategies import arrays, matmul_shapes, shapes, sides

from .case import Case, numbers, several


@st.composite
def affine_shapes(draw: Any) -> tuple[tuple[int, ...], ...]:
    lead = draw(shapes(max_dims=2, max_side=2))
    k, m = draw(st.one_of(st.tuples(*[st.integers(0, 3)] * 2), st.sampled_from([(2, 3), (3, 2)])))
    return (*lead, k), (k, m), (m,)


def lengths_to_shapes(subscripts: str, length: dict[str, int]) -> list[tuple[int, ...]]:
    terms = subscripts.partition("->")[0].split(",")
    return [tuple(length[c] for c in term) for term in terms]


@st.composite
def sums(draw: Any, subscripts: tuple[str, ...]) -> Call:
    """Operands of one of the subscripts, with any length for each letter."""
    chosen = draw(st.sampled_from(subscripts))
    found = lengths_to_shapes(chosen, {c: draw(sides()) for c in "bijkl"})
    return Call(tuple(draw(arrays(shape)) for shape in found), {"subscripts": chosen})


def summing(variant: str, *subscripts: str, **flags: Any) -> Case:
    """A case of einsum. The first of the subscripts is the usual one."""
    options = {"subscripts": subscripts[0]}
    typical = lengths_to_shapes(subscripts[0], {"b": 2, "i": 2, "j": 3, "k": 2})
    empty = lengths_to_shapes(subscripts[0], {"b": 2, "i": 0, "j": 3, "k": 2})
    return Case("einsum", lambda *xs, subscripts: ops.einsum(subscripts, *xs),
                lambda *xs, subscripts: np.einsum(subscripts, *xs), sums(subscripts),
                Call(tuple(numbers(*s, seed=i) for i, s in enumerate(typical)), options),
                Call(tuple(map(np.zeros, empty)), options), variant, **flags)


CASES = [
    Case("matmul", ops.matmul, np.matmul, several(matmul_shapes()),
         Call((numbers(2, 3), numbers(3, 2, seed=1))),
         Call((np.zeros((0, 3)), np.ones((3, 2)))), bilinear=True, broadcasts=2),
    Case("affine", ops.affine, lambda x, w, b: np.einsum("...k,km->...m", x, w) + b,
         several(affine_shapes()),
         Call((numbers(2, 3), numbers(3, 2, seed=1), numbers(2, seed=2))),
         Call((np.zeros((0, 3)), np.ones((3, 2)), np.ones(2))), bilinear=True),
    summing("of one", "iji->ji", "ij->ji", "ii->i", "jii->j", "ii", "iii", "ji", "ij->", "i->i",
            "->", linear=True),
    summing("of two", "bij,bjk->kib", "ij,jk->ik", "i,i", "i,j->ji", "ij,ij->j", "ij,ij->ij",
            "ji,k->i", "iji,j->ij", "ij,jk", ",i->i", bilinear=True),
    summing("of three", "ij,jk,i->k", "ij,jk,kl->il", "i,i,i->i", "i,j,ij->"),
]
