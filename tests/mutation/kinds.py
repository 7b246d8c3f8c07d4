"""The kinds of errors that are planted in every operation to which they apply."""
from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Callable, Iterator, Sequence

import numpy as np

from minigan import ops
from minigan.autodiff import Tensor
from minigan.testing.call import Call

from .errors import (Undifferentiable, any_strided, averaged, broadcast, change_cotangent,
                     change_in_place, doubled_when_alone, exchanged, has_equals, is_backwards,
                     is_fortran, one_element, option, refuse_empty, reversed_, shifted, transposed,
                     unrepeatable, when, where)
from .tamper import (F, InPlace, RightFused, Tampered, WrongFused, constant, identity,
                     in_the_whole, on_input, on_output, on_values, patched)

LARGE = 100  # elements: more than check_grads moves one by one


@dataclass(frozen=True, eq=False)
class Kind:
    """A planted error.

    name, about  what it is called, and what is wrong
    plant        (f, i) → the mutant of f; i is the float input that it sits on
    probe        where it shows: one of judge.PROBES
    each         planted on each float input in turn, else once
    ops          the operations that it is for; None: whichever it changes
    option       only for operations that have this option
    broadcasts   only for the cases whose `broadcasts` is this
    call         a call of its own, made from a case's typical one, in place of the drawn ones:
                 the error lies outside what the case's strategy draws
    patches      what is replaced in the library meanwhile, as (owner, name, value)
    """

    name: str
    about: str
    plant: Callable[[F, int], F] = lambda f, i: f
    probe: str = "graph"
    each: bool = False
    ops: frozenset[str] | None = None
    option: str | None = None
    broadcasts: int | None = None
    call: Callable[[Call], Call | None] | None = None
    patches: Sequence[tuple[Any, str, Any]] = ()

    def applies(self, case: Any) -> bool:
        """Whether it is meant for the case."""
        return ((self.ops is None or case.op in self.ops or str(case) in self.ops)
                and self.broadcasts in (None, case.broadcasts))

    @contextmanager
    def planted(self, f: F, i: int = 0) -> Iterator[F]:
        """The mutant, for as long as the context lasts."""
        with patched(self.patches):
            yield self.plant(f, i)

    def __str__(self) -> str:
        return self.name


# Calls beyond what the strategies draw

def large(call: Call) -> Call:
    """The typical call with the first input's longest axis, and every axis of that length, made
    so many times longer that the input has at least LARGE elements."""
    rng, shape = np.random.default_rng(0), call.args[0].shape
    longest, factor = max(shape), 2
    while np.prod([n * factor if n == longest else n for n in shape]) < LARGE:
        factor += 1

    def grown(x):
        shape = tuple(n * factor if n == longest else n for n in x.shape)
        if x.dtype.kind != "f":
            return np.resize(x, shape)
        return rng.uniform(np.min(x), np.max(x), shape)

    return Call(tuple(grown(x) for x in call.args), call.options)


def saturated(value: float):
    """The typical call with one element of the first input far out."""
    def made(call):
        first = call.args[0].copy()
        first.reshape(-1)[-1] = value
        return Call((first, *call.args[1:]), call.options)
    return made


def _inputs(name, about, wrong, **more):
    return Kind(name, about, on_input(wrong), each=True, **more)


def _cotangents(name, about, wrong, **more):
    return Kind(name, about, on_output(wrong), **more)


KINDS = [
    _inputs("wrong sign", "the gradient times −1", lambda g, x: -g),
    _inputs("factor two", "the gradient times 2", lambda g, x: 2 * g),
    _inputs("one of two uses lost", "the gradient times ½: not accumulated", lambda g, x: 0.5 * g),
    _inputs("off by 1 %", "the gradient times 1.01", lambda g, x: 1.01 * g),
    _inputs("off by 0.01 %", "the gradient times 1.0001", lambda g, x: 1.0001 * g),
    _inputs("zero gradient", "the gradient times 0", lambda g, x: 0 * g),
    _inputs("transposed", "the gradient transposed, in the input's shape", transposed),
    _inputs("shifted by one", "every element gets its neighbour's gradient", shifted),
    _inputs("reversed", "the gradient backwards along the last axis", reversed_),
    _inputs("averaged", "every element gets the mean of the gradient", averaged),
    _inputs("one element", "the last element's gradient times 1.1", one_element(-1)),
    _inputs("rounded to float32", "a float64 gradient computed in float32",
            lambda g, x: g.astype(np.float32).astype(g.dtype)),
    Kind("inputs exchanged", "each of two inputs gets the other's gradient",
         in_the_whole(wrong=exchanged)),
    *[Kind(f"{done} a broadcast {axis}", f"{what} in place of the sum", broadcast(mean, keep),
           each=True, broadcasts=keep)
      for done, what, mean in [("no sum over", "one slice", False), ("mean over", "the mean", True)]
      for axis, keep in [("axis", 0), ("batch", 2)]],

    _cotangents("cotangent ignored", "taken to be all ones",
                lambda g, y: Tensor(np.ones(g.shape, g.dtype))),
    _cotangents("cotangent clipped", "to [−1, 1]", lambda g, y: g.clip(-1, 1)),
    _cotangents("cotangent's magnitude", "its sign lost", lambda g, y: ops.abs(g)),
    _cotangents("cotangent averaged", "its mean in its place", averaged),
    _cotangents("cotangent shifted", "by one element", shifted),
    _cotangents("offset", "0.001 added to the cotangent", lambda g, y: g + 0.001),

    _inputs("NaN at zero", "NaN where the input is 0", where(lambda x: x == 0, np.nan)),
    _inputs("wrong at one", "twice the gradient where the input is 1", where(lambda x: x == 1, 2)),
    _inputs("wrong for negative inputs", "twice the gradient there", where(lambda x: x < 0, 2)),
    _inputs("wrong where elements are equal", "twice the gradient", when(has_equals)),
    _inputs("wrong if an axis has size 1", "twice the gradient", when(lambda x: 1 in x.shape)),
    _inputs("wrong if 0-d", "twice the gradient", when(lambda x: x.ndim == 0)),
    _inputs("wrong if 3-d or more", "twice the gradient", when(lambda x: x.ndim > 2)),
    _inputs("wrong if zero-size", "an error in backward", refuse_empty, probe="empty"),
    _inputs("wrong above 64 elements", "1 % too large", when(lambda x: x.size > 64, 1.01),
            call=large),
    _inputs("one element of a hundred", "the 77th element's gradient times 1.1",
            one_element(77), call=large),

    *[Kind(f"wrong only if {what}", "twice the gradient", option(name, holds), option=name)
      for what, name, holds in [
          ("the stride is 2", "stride", lambda s: s is not None and 2 in np.ravel(s)),
          ("the strides differ", "stride", lambda s: np.unique(np.ravel(s or 1)).size > 1),
          ("the dilation is 2", "dilation", lambda d: 2 in np.ravel(d)),
          ("there are groups", "groups", lambda n: n > 1),
          ("there is padding", "padding", lambda p: p not in (0, "valid")),
          ("the padding is uneven", "padding", lambda p: np.ndim(p) == 2 and p[0][0] != p[0][1]),
          ("the factor is a pair", "factor", lambda n: isinstance(n, tuple)),
          ("keepdims is set", "keepdims", bool),
          ("the axis is None", "axis", lambda a: a is None),
          ("there are several axes", "axis", lambda a: isinstance(a, tuple) and len(a) > 1),
          ("the axis is negative", "axis", lambda a: isinstance(a, int) and a < 0),
          ("the slope is above 1", "negative_slope", lambda s: s > 1),
          ("alpha is not 1", "alpha", lambda a: a != 1),
      ]],

    _inputs("wrong only in float32", "1 % too large",
            when(lambda x: x.dtype == np.float32, 1.01), probe="float32"),
    _inputs("wrong only in float16", "twice the gradient",
            when(lambda x: x.dtype == np.float16), probe="float16"),
    Kind("promoted to float64", "a float64 value of float32 inputs",
         on_values(lambda y, tensors: y.astype(np.float64) if y.dtype.kind == "f" else y),
         probe="float32"),
    _inputs("wrong only for a strided input", "twice the gradient",
            when(lambda x: not x.flags.c_contiguous), probe="strided"),
    _inputs("wrong only for a Fortran-ordered input", "twice the gradient", when(is_fortran),
            probe="fortran"),
    _inputs("wrong only for a reversed input", "twice the gradient where a stride is negative",
            when(is_backwards), probe="reversed"),
    _cotangents("wrong only for a strided cotangent", "twice the gradient",
                lambda g, y: g if g.data.flags.c_contiguous else 2 * g, probe="strided cotangent"),
    Kind("values wrong for a strided input", "0.1 % too large",
         on_values(lambda y, tensors: y * 1.001 if any_strided(tensors) else y), probe="strided"),
    Kind("values wrong", "a millionth too large", on_values(lambda y, tensors: y * (1 + 1e-6))),

    _cotangents("cotangent detached", "the gradient does not know that it depends on it",
                lambda g, y: g.detach()),
    _inputs("gradient detached", "it is a constant to the second derivative",
            lambda g, x: g.detach()),
    Kind("values saved as constants", "backward reads inputs cut off from the graph",
         in_the_whole(constant)),
    Kind("second derivative off by 1 %", "of the part by the inputs",
         in_the_whole(lambda x: Tampered(lambda g, x: 1.01 * g)(x))),
    Kind("second derivative of the wrong sign", "of the part by the inputs",
         in_the_whole(lambda x: Tampered(lambda g, x: -g)(x))),
    Kind("second derivative transposed", "of the part by the inputs",
         in_the_whole(lambda x: Tampered(transposed)(x))),
    _inputs("not differentiable twice", "an error",
            lambda g, x: Undifferentiable()(g)),
    Kind("wrong where no graph is made", "the fused gradient is twice the readable one",
         on_input(lambda g, x: g, WrongFused), probe="no graph", each=True),
    Kind("wrong where a graph is made", "the readable gradient is twice the fused one",
         on_input(lambda g, x: 2 * g, RightFused), each=True),
    Kind("wrong if asked for alone", "twice the gradient if another input is a constant",
         in_the_whole(identity, doubled_when_alone), probe="alone"),

    Kind("values not repeatable", "off by a ten-millionth more with each call",
         unrepeatable(lambda factor: on_values(lambda y, tensors: y * factor()))),
    Kind("gradient not repeatable", "off by a ten-millionth more with each call",
         unrepeatable(lambda factor: on_input(lambda g, x: g * factor())), each=True),
    Kind("input changed by forward", "1 is added in place", on_input(lambda g, x: g, InPlace),
         each=True),
    _inputs("input changed by backward", "1 is added in place", change_in_place),
    _cotangents("cotangent changed by backward", "1 is added in place", change_cotangent),

    *[_inputs(f"clipped away {side}", "zero gradient there", where(far, 0), call=saturated(value),
              ops=frozenset(names))
      for side, far, value, names in [
          ("above 0.999", lambda x: x > 0.999, 0.9995, ["losses.bce", "log", "sqrt"]),
          ("below 0.001", lambda x: x < 0.001, 0.0005, ["losses.bce", "log", "sqrt"]),
          ("above 5", lambda x: x > 5, 6.0,
           ["sigmoid", "tanh", "softplus", "losses.bce_with_logits", "exp", "elu"]),
          ("below −5", lambda x: x < -5, -6.0,
           ["sigmoid", "tanh", "softplus", "losses.bce_with_logits", "exp", "elu"])]],
]
