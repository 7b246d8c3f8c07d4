"""Matrix products."""
from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from minigan import ops
from minigan.testing.call import Call
from minigan.testing.strategies import matmul_shapes, shapes

from .case import Case, numbers, several


@st.composite
def affine_shapes(draw: Any) -> tuple[tuple[int, ...], ...]:
    lead = draw(shapes(max_dims=2, max_side=2))
    k, m = draw(st.one_of(st.tuples(*[st.integers(0, 3)] * 2), st.sampled_from([(2, 3), (3, 2)])))
    return (*lead, k), (k, m), (m,)


CASES = [
    Case("matmul", ops.matmul, np.matmul, several(matmul_shapes()),
         Call((numbers(2, 3), numbers(3, 2, seed=1))),
         Call((np.zeros((0, 3)), np.ones((3, 2)))), bilinear=True, broadcasts=2),
    Case("affine", ops.affine, lambda x, w, b: np.einsum("...k,km->...m", x, w) + b,
         several(affine_shapes()),
         Call((numbers(2, 3), numbers(3, 2, seed=1), numbers(2, seed=2))),
         Call((np.zeros((0, 3)), np.ones((3, 2)), np.ones(2))), bilinear=True),
]
