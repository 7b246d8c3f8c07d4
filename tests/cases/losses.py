"""Losses: each one number, or the numbers that it is the mean or the sum of."""
from __future__ import annotations

from typing import Any, Callable, Sequence

import numpy as np
from hypothesis import strategies as st

from minigan import losses
from minigan.testing.call import Call
from minigan.testing.strategies import arrays, shapes

from .case import ANY, PROBABILITY, Case, alike, numbers, several
from .elementwise import sigmoid
from .reduce import softmax


def loss(name: str, reference: Callable, inputs: st.SearchStrategy, *typical: np.ndarray,
         f: Callable | None = None, empty: Call | None = None, variant: str = "") -> Case:
    return Case(f"losses.{name}", f or getattr(losses, name), reference, inputs, Call(typical),
                empty, variant)


def penalty(name: str, reference: Callable) -> Case:
    """A case of a loss of a list of parameters."""
    f = getattr(losses, name)
    return loss(name, reference, several(st.lists(shapes(), min_size=1, max_size=3)),
                numbers(2, 3), numbers(3, seed=1), f=lambda *ws: f(ws),
                empty=Call((np.zeros((0, 3)),)))


REDUCTIONS = {"mean": np.mean, "sum": np.sum, "none": np.asarray}


def reduced(each: Callable) -> Callable:
    """A reference of that for each element, and of a loss's options."""
    return lambda *args, reduction="mean", **options: REDUCTIONS[reduction](each(*args, **options))


@st.composite
def pairs(draw: Any, x: dict, y: dict, **options: st.SearchStrategy) -> Call:
    """Calls of two arrays of one shape."""
    call = draw(several(alike(2, min_side=1), x, y))
    options["reduction"] = st.sampled_from([*REDUCTIONS])
    return Call(call.args, draw(st.fixed_dictionaries({}, optional=options)))


def counted(**options: st.SearchStrategy) -> st.SearchStrategy:
    """Options of cross_entropy."""
    return st.fixed_dictionaries({}, optional={
        "reduction": st.sampled_from([*REDUCTIONS]), "label_smoothing": st.just(0.25),
        "weight": st.just([0.5, 1.0, 4.0]), **options})


@st.composite
def labelled(draw: Any) -> Call:
    """At least one example counts."""
    shape = draw(shapes(min_dims=1, min_side=1, max_side=2))
    logits, labels = draw(arrays((*shape, 3))), draw(arrays(shape, np.int64, low=0, high=2))
    options = draw(counted(ignore_index=st.sampled_from([-100, 0, 2])))
    if "ignore_index" in options:
        labels[draw(arrays(shape, bool))] = options["ignore_index"]
        labels.flat[0] = 1
    return Call((logits, labels), options)


@st.composite
def shares(draw: Any) -> Call:
    shape = draw(shapes(min_dims=1, min_side=1, max_side=2))
    return Call((draw(arrays((*shape, 3))), draw(arrays((*shape, 3), **PROBABILITY))),
                draw(counted()))


@reduced
def bce(p: np.ndarray, t: np.ndarray) -> np.ndarray:
    return -(t * np.log(p) + (1 - t) * np.log(1 - p))


@reduced
def huber(x: np.ndarray, y: np.ndarray, delta: float = 1) -> np.ndarray:
    d = np.abs(x - y)
    return np.where(d <= delta, d ** 2 / 2, delta * d - delta ** 2 / 2)


def cross_entropy(x: np.ndarray, labels: np.ndarray, weight: Sequence[float] = (1, 1, 1),
                  ignore_index: int | None = None, label_smoothing: float = 0,
                  reduction: str = "mean") -> np.ndarray:
    """Of labels or probabilities, example by example."""
    log_p, counts = np.log(softmax(x, -1)).reshape(-1, 3), 0
    soft, each = labels.shape == x.shape, np.zeros(len(log_p))
    for n, label in enumerate(labels.reshape(-1, 3) if soft else labels.flat):
        if soft or label != ignore_index:
            q = label if soft else np.arange(3) == label
            q = (1 - label_smoothing) * q + label_smoothing / 3
            each[n] = -np.sum(weight * q * log_p[n])
            counts += 1 if soft else weight[label]
    each = each.reshape(x.shape[:-1])
    return each.sum() / counts if reduction == "mean" else REDUCTIONS[reduction](each)


CASES = [
    loss("bce", bce, pairs(PROBABILITY, PROBABILITY), numbers(2, 3, low=0.1, high=0.9),
         numbers(2, 3, low=0.1, high=0.9, seed=1)),
    loss("bce_with_logits", lambda x, t, **options: bce(sigmoid(x), t, **options),
         pairs(ANY, PROBABILITY), numbers(2, 3), numbers(2, 3, low=0.1, high=0.9, seed=1)),
    loss("mse", reduced(lambda x, y: (x - y) ** 2), pairs(ANY, ANY), numbers(2, 3),
         numbers(2, 3, seed=1)),
    loss("mae", reduced(lambda x, y: np.abs(x - y)), pairs(ANY, ANY), numbers(2, 3),
         numbers(2, 3, seed=1)),
    loss("huber", huber, pairs(ANY, ANY, delta=st.sampled_from([0.5, 2])), numbers(2, 3),
         numbers(2, 3, seed=1)),
    loss("cross_entropy", cross_entropy, labelled(), numbers(2, 3), np.array([0, 2])),
    loss("cross_entropy", cross_entropy, shares(), numbers(2, 3), numbers(2, 3, low=0.1, seed=1),
         variant="of probabilities"),
    penalty("l1", lambda *ws: sum(np.abs(w).sum() for w in ws)),
    penalty("l2", lambda *ws: sum((w ** 2).sum() for w in ws)),
]
