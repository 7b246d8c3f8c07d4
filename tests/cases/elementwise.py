"""Operations that work element by element."""
from __future__ import annotations

from typing import Any, Callable

import numpy as np
from hypothesis import strategies as st

from minigan import ops
from minigan.ops.activation import LeakyReLUGradient
from minigan.testing.call import Call
from minigan.testing.strategies import arrays, broadcastable_shapes

from .case import ANY, BOOLEAN, NONZERO, POSITIVE, Case, alike, fixed, numbers, one, several


def elementwise(op: str, reference: Callable, *elements: dict, options: dict | None = None,
                **flags: Any) -> Case:
    """A case of one or more inputs that broadcast. options: the values of each, a usual one
    first."""
    elements, options = elements or (ANY,), options or {}
    chosen = {name: values[0] for name, values in options.items()}
    empty = Call(tuple(np.zeros((0, 3), e.get("dtype", float)) for e in elements), chosen)
    if len(elements) == 1:
        drawn = {name: st.sampled_from(values) for name, values in options.items()}
        inputs, typical = one(elements[0], options=fixed(**drawn)), [(2, 3)]
    else:
        inputs = several(broadcastable_shapes(len(elements)), *elements)
        typical, flags["broadcasts"] = [(2, 3), (2, 1), (3,)], 0
    low, high = (0.2, 3) if POSITIVE in elements or NONZERO in elements else (-2, 2)
    usual = [numbers(*shape) > 0 if e is BOOLEAN else numbers(*shape, low=low, high=high, seed=i)
             for i, (e, shape) in enumerate(zip(elements, typical))]
    return Case(op, getattr(ops, op), reference, inputs, Call(tuple(usual), chosen), empty,
                **flags)


@st.composite
def quotients(draw: Any) -> Call:
    """x and y of which no quotient is near a whole number, where the remainder jumps."""
    first, second = draw(broadcastable_shapes(2))
    y = draw(arrays(second, np.int64, low=-2, high=2, avoid=[0], margin=1))
    return Call((draw(arrays(first, avoid=range(-3, 4))), np.asarray(y * 1.02)))


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


CASES = [
    elementwise("abs", np.abs),
    elementwise("add", np.add, ANY, ANY, linear=True),
    elementwise("subtract", np.subtract, ANY, ANY, linear=True),
    elementwise("multiply", np.multiply, ANY, ANY, bilinear=True),
    elementwise("divide", np.divide, ANY, NONZERO),
    Case("remainder", ops.remainder, np.remainder, quotients(),
         Call((numbers(2, 3, low=2.2, high=2.8), np.array([[1.02], [-2.04]]))),
         Call((np.zeros((0, 3)), np.ones(3))), broadcasts=0),
    elementwise("negative", np.negative, linear=True),
    elementwise("power", lambda x, p: x ** p, options={"p": [3, 2, 1, 0, 2.0]},
                variant="of any number"),
    elementwise("power", lambda x, p: x ** p, POSITIVE, options={"p": [0.5, -1, -0.5, 1.7]},
                variant="of a positive number"),
    elementwise("power", np.power, POSITIVE, {"low": -3.0, "high": 3.0}, variant="to a tensor"),
    Case("power", lambda x, p: ops.power(x, ops.astype(p, x.dtype)),
         lambda x, p: np.power(x, p.astype(x.dtype)),
         several(broadcastable_shapes(2), ANY, {"dtype": np.int64, "low": 0, "high": 3}),
         Call((numbers(2, 3), np.array([[2], [3]]))), Call((np.zeros((0, 3)), np.ones(3, int))),
         "to whole numbers in a tensor", broadcasts=0),
    elementwise("exp", np.exp),
    elementwise("log", np.log, POSITIVE),
    elementwise("sqrt", np.sqrt, POSITIVE),
    elementwise("sin", np.sin),
    elementwise("cos", np.cos),
    elementwise("maximum", np.maximum, ANY, ANY),
    elementwise("minimum", np.minimum, ANY, ANY),
    elementwise("clip", lambda x, low, high: np.clip(x, low, high),
                options={"low": [-1, None, -0.5], "high": [1.5, 2, None]}),
    elementwise("where", np.where, BOOLEAN, ANY, ANY, linear=True),
    elementwise("astype", lambda x, dtype: x.astype(dtype), options={"dtype": ["float64"]},
                linear=True, keeps_dtype=False),
    elementwise("sigmoid", sigmoid),
    elementwise("tanh", np.tanh),
    elementwise("softplus", lambda x: np.log(1 + np.exp(x))),
    elementwise("relu", lambda x: np.where(x > 0, x, 0)),
    elementwise("leaky_relu", lambda x, negative_slope: np.where(x > 0, x, negative_slope * x),
                options={"negative_slope": [0.2, 0.0, 1.0, 1.5, -0.5]}),
    Case("leaky_relu", lambda positive, grad: LeakyReLUGradient(positive.data, 0.2)(grad),
         lambda positive, grad: np.where(positive, grad, 0.2 * grad),
         several(alike(2), BOOLEAN, ANY), Call((numbers(2, 3) > 0, numbers(2, 3, seed=1))),
         Call((np.zeros((0, 3), bool), np.zeros((0, 3)))), "'s gradient", linear=True),
    elementwise("elu", lambda x, alpha: np.where(x > 0, x, alpha * (np.exp(x) - 1)),
                options={"alpha": [1.0, 0.5, 2.0]}),
]
