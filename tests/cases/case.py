"""A row of the table, and what rows are made with."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Mapping

import numpy as np
from hypothesis import strategies as st

from minigan.testing.call import Call
from minigan.testing.strategies import arrays, shapes

# What `arrays` is asked for
ANY: dict[str, Any] = {}
POSITIVE = {"low": 0.1, "high": 4.0}
NONZERO = {"avoid": [0], "margin": 0.3}
PROBABILITY = {"low": 0.1, "high": 0.9}
BOOLEAN = {"dtype": bool}


@dataclass(frozen=True, repr=False, eq=False)
class Case:
    """One way to call an operation.

    f          Tensors and options in, a Tensor or several out
    reference  the same on NumPy arrays, written from the definition
    inputs     a strategy for Calls, within the domain, ties and kinks included
    typical    a Call where one will do: away from kinks, all elements different
    empty      a Call of zero size; None where that is refused
    linear     in all of its float inputs together; bilinear in the first two
    broadcasts how many of the last axes of each input do not broadcast: 0 for an elementwise
               operation, 2 for matmul; None if no axis does
    """

    op: str
    f: Callable[..., Any]
    reference: Callable[..., Any]
    inputs: st.SearchStrategy[Call]
    typical: Call
    empty: Call | None
    variant: str = ""
    linear: bool = False
    bilinear: bool = False
    keeps_dtype: bool = True
    broadcasts: int | None = None

    def __str__(self) -> str:
        return f"{self.op} {self.variant}" if self.variant else self.op

    __repr__ = __str__

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What Hypothesis prints of a case."""
        printer.text(str(self))


def numbers(*shape: int, low: float = -2.0, high: float = 2.0, seed: int = 0) -> np.ndarray:
    """Numbers for a typical call: no ties, no kinks."""
    return np.random.default_rng(seed).uniform(low, high, shape)


@st.composite
def one(draw: Any, elements: Mapping[str, Any] = ANY, shape: st.SearchStrategy | None = None,
        options: Callable[[tuple[int, ...]], st.SearchStrategy] | None = None) -> Call:
    """A Call of one array; options is a function of its shape that gives a strategy."""
    drawn = draw(shapes() if shape is None else shape)
    return Call((draw(arrays(drawn, **elements)),), draw(options(drawn)) if options else {})


@st.composite
def several(draw: Any, drawn_shapes: st.SearchStrategy, *elements: Mapping[str, Any]) -> Call:
    """A Call of arrays, of which the strategy draws the shapes."""
    found = draw(drawn_shapes)
    elements = elements or (ANY,) * len(found)
    return Call(tuple(draw(arrays(shape, **e)) for shape, e in zip(found, elements)))


def alike(count: int, min_side: int = 0) -> st.SearchStrategy:
    """One shape, so many times."""
    return shapes(min_dims=min(min_side, 1), min_side=min_side).map(lambda shape: (shape,) * count)


def fixed(**strategies: st.SearchStrategy) -> Callable[..., st.SearchStrategy]:
    """Options that do not depend on the shape."""
    return lambda shape: st.fixed_dictionaries(strategies)
