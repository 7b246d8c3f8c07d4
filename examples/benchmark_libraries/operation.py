"""The single operations that ../benchmark_ops.py times: each written for minigan and for PyTorch.

A row is its name, its inputs, and the operation in both libraries. An input is a shape, with a
letter for what it is: "i" images, (N, H, W, C) here and (N, C, H, W) there; "k" a kernel,
(KH, KW, C / groups, O) here and (O, C / groups, KH, KW) there; "t" any other tensor. A result of
four axes is images if an input was. Each library has its data in the order that is its own.
"""
from __future__ import annotations

from typing import Any, Callable, NamedTuple, Sequence

import numpy as np

FROM_OURS = {"i": (0, 3, 1, 2), "k": (3, 2, 0, 1)}
TO_OURS = {"i": (0, 2, 3, 1), "k": (2, 3, 1, 0)}


class Operation(NamedTuple):
    family: str
    name: str
    inputs: Sequence[tuple]          # (letter, *shape)
    ours: Callable[..., Any]         # (minigan, *tensors) → a tensor
    theirs: Callable[..., Any]       # (torch, torch.nn.functional, *tensors) → a tensor
    dtype: Any = np.float32
    scale: float = 1                 # the standard deviation of the inputs

    def arrays(self) -> list[np.ndarray]:
        """The inputs, the same ones in every process."""
        rng = np.random.default_rng(0)
        return [(rng.standard_normal(shape, np.float32) * self.scale).astype(self.dtype)
                for _, *shape in self.inputs]

    def images(self, ndim: int) -> bool:
        return ndim == 4 and any(letter == "i" for letter, *_ in self.inputs)


def by(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape))
