"""Kernels made of source.py's bodies, once for each array module, and the matrix product."""
from __future__ import annotations

from functools import cache
from typing import Any

from . import graph, source


@cache
def kernel(xp: Any, name: str) -> Any:
    """The kernel of that name in source.py. CuPy compiles it when it is first called, anew
    for each combination of dtypes and numbers of axes."""
    if name in source.ELEMENTWISE:
        return xp.ElementwiseKernel(*source.ELEMENTWISE[name], f"minigan_{name}")
    *expressions, reduce_type, preamble = source.REDUCTION[name]
    return xp.ReductionKernel(*expressions, f"minigan_{name}", reduce_type=reduce_type,
                              preamble=preamble)


@cache
def join_kernel(xp: Any, count: int) -> Any:
    """The kernel that lays `count` arrays end to end."""
    return xp.ElementwiseKernel(*source.join(count), f"minigan_join_{count}")


def gemm(a, b):
    """a @ b for two matrices; transposed ones cost nothing, other strides a copy."""
    return graph.matmul(a, b) if graph.is_capturing(a) else a @ b
