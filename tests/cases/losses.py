"""Losses: each one number."""
from __future__ import annotations

from typing import Any, Callable

import numpy as np
from hypothesis import strategies as st

from minigan import losses
from minigan.testing.call import Call
from minigan.testing.strategies import arrays, shapes

from .case import ANY, PROBABILITY, Case, alike, numbers, several
from .elementwise import sigmoid
from .reduce import softmax


def loss(name: str, reference: Callable, inputs: st.SearchStrategy, *typical: np.ndarray,
         f: Callable | None = None, empty: Call | None = None) -> Case:
    return Case(f"losses.{name}", f or getattr(losses, name), reference, inputs, Call(typical),
                empty)


def penalty(name: str, reference: Callable) -> Case:
    """A case of a loss of a list of parameters."""
    f = getattr(losses, name)
    return loss(name, reference, several(st.lists(shapes(), min_size=1, max_size=3)),
                numbers(2, 3), numbers(3, seed=1), f=lambda *ws: f(ws),
                empty=Call((np.zeros((0, 3)),)))


def pairs(x: dict, y: dict) -> st.SearchStrategy:
    """Calls of two arrays of one shape."""
    return several(alike(2, min_side=1), x, y)


@st.composite
def labelled(draw: Any) -> Call:
    shape = draw(shapes(min_dims=1, min_side=1, max_side=2))
    return Call((draw(arrays((*shape, 3))), draw(arrays(shape, np.int64, low=0, high=2))))


def bce(p: np.ndarray, t: np.ndarray) -> np.ndarray:
    return -(t * np.log(p) + (1 - t) * np.log(1 - p)).mean()


def cross_entropy(x: np.ndarray, labels: np.ndarray) -> np.ndarray:
    chosen = np.take_along_axis(softmax(x, -1), labels[..., None], -1)
    return -np.log(chosen).mean()


CASES = [
    loss("bce", bce, pairs(PROBABILITY, PROBABILITY), numbers(2, 3, low=0.1, high=0.9),
         numbers(2, 3, low=0.1, high=0.9, seed=1)),
    loss("bce_with_logits", lambda x, t: bce(sigmoid(x), t), pairs(ANY, PROBABILITY),
         numbers(2, 3), numbers(2, 3, low=0.1, high=0.9, seed=1)),
    loss("mse", lambda x, y: ((x - y) ** 2).mean(), pairs(ANY, ANY), numbers(2, 3),
         numbers(2, 3, seed=1)),
    loss("cross_entropy", cross_entropy, labelled(), numbers(2, 3), np.array([0, 2])),
    penalty("l1", lambda *ws: sum(np.abs(w).sum() for w in ws)),
    penalty("l2", lambda *ws: sum((w ** 2).sum() for w in ws)),
]
