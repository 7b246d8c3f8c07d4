"""All operations that ../benchmark_ops.py times."""
from __future__ import annotations

from .of_images import convolutions, pooling
from .of_tensors import elementwise, moves, norms, products, reductions
from .operation import Operation


def operations() -> list[Operation]:
    return [*convolutions(), *pooling(), *products(), *norms(), *moves(), *reductions(),
            *elementwise()]
