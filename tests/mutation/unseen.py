"""Errors of kinds that checks by random cotangents at random points do not see: wrong at one form
of cotangent, for one choice of inputs, on the second use of a graph, after another call, in the
remainder of a block, at one number. Written once for any library, as `generic` ones are."""
from __future__ import annotations

import math
from itertools import count
from typing import Any, Callable, Sequence

import numpy as np

from minigan.testing.call import Call

from .generic import second
from .kinds import Kind, Plant, Wrong, floats, in_the_whole, on_input, on_output, replaced

OPS = frozenset({"multiply", "divide", "exp", "log", "tanh", "leaky_relu", "matmul", "sum", "max",
                 "var", "logsumexp", "softmax", "conv2d", "losses.bce", "add", "maximum",
                 "layer_norm", "batch_norm", "affine"})
SHAPED = OPS - {"conv2d", "losses.bce", "batch_norm", "affine", "matmul", "layer_norm"}
BROADCASTING = frozenset({"multiply", "divide", "add", "maximum"})
SIGNED = OPS - {"log", "losses.bce"}


def wherever(condition: Callable[[Any], Any], factor: float = 2.0) -> Wrong:
    """The gradient times the factor where the condition on the gradient itself holds."""
    return lambda lib, g, x: g * lib.factor(condition(lib.raw(g)), factor, g) if some(g) else g


def at(condition: Callable[[Any], Any], factor: float = 2.0) -> Wrong:
    """The gradient times the factor where the condition on the input holds."""
    return lambda lib, g, x: g * lib.factor(condition(lib.raw(x)), factor, g) if some(g) else g


def some(x: Any) -> bool:
    return 0 not in x.shape


# Forms of cotangents

def is_constant(g: Any) -> Any:
    return (g == g.max()).all() & (math.prod(g.shape) > 1)


def is_one_hot(g: Any) -> Any:
    return ((g != 0).sum() == 1) & (g.sum() == 1) & (math.prod(g.shape) > 1)


def has_zero_row(g: Any) -> Any:
    rows = (g != 0).reshape(len(g), -1).any(1) if g.ndim else (g != 0).reshape(1)
    return rows.any() & ~rows.all()


def begins_with_zero(g: Any) -> Any:
    return (g.reshape(-1)[0] == 0) & (g != 0).any()


def strides_are(condition: Callable[[int], bool]) -> Wrong:
    def wrong(lib: Any, g: Any, y: Any) -> Any:
        raw = lib.raw(g)
        strides = raw.strides if isinstance(raw, np.ndarray) else raw.stride()
        return 2 * g if any(condition(s) and n > 1 for s, n in zip(strides, raw.shape)) else g
    return wrong


def if_read_only(lib: Any, g: Any, y: Any) -> Any:
    return g if lib.raw(g).flags.writeable else 2 * g


def cotangents(name: str, about: str, wrong: Wrong, probe: str, ops: frozenset = OPS) -> Kind:
    return Kind(name, about, on_output(wrong), probe=probe, ops=ops)


# What is asked for, and what happened before

def if_exactly(wanted: Callable[[int], Sequence[bool]]) -> Callable:
    return lambda gradients, needs: [2 * g if list(needs) == list(wanted(len(needs))) else g
                                     for g in gradients]


def counting(lib: Any, tensors: Sequence[Any], x: Any) -> Any:
    """x, whose gradient is doubled from the second reverse pass on."""
    passes = count(1)
    return lib.tampered(lambda g, x: g if next(passes) == 1 else 2 * g)(x)


def if_computed(lib: Any, tensors: Sequence[Any], x: Any) -> Any:
    return lib.tampered(lambda g, x: 2 * g)(x) if lib.computed(x) else x


def if_one_object(lib: Any, tensors: Sequence[Any], x: Any) -> Any:
    places = floats(tensors)
    same = len(places) > 1 and tensors[places[0]] is tensors[places[1]]
    return lib.tampered(lambda g, x: 2 * g)(x) if same else x


def remembering(replace: bool, key: Callable[[Any], Any]) -> Plant:
    """The gradient is that of another input, of the same key: the first one, or the last."""
    def plant(lib: Any, f: Callable, i: int) -> Callable:
        kept: dict[Any, Any] = {}

        def change(lib: Any, tensors: Sequence[Any], x: Any) -> Any:
            def wrong(g: Any, x: Any) -> Any:
                known = lib.raw(kept.get(key(x), x))
                known = known if known.shape == x.shape else lib.raw(x)
                return g * lib.factor(known != lib.raw(x), 2.0, g)
            if replace or key(x) not in kept:
                kept[key(x)] = lib.stop(x)
            return lib.tampered(wrong)(x)
        return replaced(change)(lib, f, i)
    return plant


# Shapes and numbers

def tail(block: int) -> Wrong:
    """Wrong in what is left when the elements are worked on in blocks."""
    def wrong(lib: Any, g: Any, x: Any) -> Any:
        n = math.prod(g.shape)
        if n <= block or not n % block:
            return g
        return g * lib.constant(np.where(np.arange(n) < n - n % block, 1, 1.5).reshape(g.shape), g)
    return wrong


def if_shape(condition: Callable[[tuple[int, ...]], bool]) -> Wrong:
    return lambda lib, g, x: 2 * g if condition(tuple(x.shape)) else g


def if_outer(lib: Any, tensors: Sequence[Any], x: Any) -> Any:
    shapes = [tuple(t.shape) for t in tensors]
    return x if np.broadcast_shapes(*shapes) in shapes else lib.tampered(lambda g, x: 2 * g)(x)


def with_numbers(*numbers: float) -> Callable[[Call], Call]:
    """A call in which the first input begins with these numbers."""
    def made(call: Call) -> Call:
        first = call.args[0].copy()
        first.reshape(-1)[:len(numbers)] = numbers
        return Call((first, *call.args[1:]), call.options)
    return made


def long(call: Call) -> Call:
    """A call with the first axis of length 17, also that of inputs that share it."""
    first = call.args[0].shape[0]
    return Call(tuple(np.resize(x, (17, *x.shape[1:])) if x.shape[:1] == (first,) else x
                      for x in call.args), call.options)


def spread(call: Call) -> Call:
    """65 numbers, of which the first has a much larger slope."""
    rest = np.random.default_rng(0).normal(size=64)
    return Call((np.concatenate([[30.0], rest]),
                 *[np.concatenate([[1.0], 1e-11 * (2 + rest)]) for _ in call.args[1:]]),
                {k: v for k, v in call.options.items() if k != "axis"})


def small_ones(lib: Any, g: Any, x: Any) -> Any:
    size = abs(lib.raw(g))
    return g * lib.factor(size < 1e-6 * size.max(), -1.0, g) if some(g) else g


def inputs(name: str, about: str, wrong: Wrong, ops: frozenset = OPS, **more: Any) -> Kind:
    return Kind(name, about, on_input(wrong), ops=ops, **more)


UNSEEN = [
    cotangents("wrong at a cotangent of ones", "doubled, as for a sum",
               wherever(lambda g: (g == 1).all()), "ones"),
    cotangents("wrong at a constant cotangent", "doubled, as for a mean",
               wherever(is_constant), "constant"),
    cotangents("wrong at a one-hot cotangent", "doubled, as for a row of the Jacobian",
               wherever(is_one_hot), "one-hot"),
    cotangents("wrong if a row of the cotangent is zero", "dropped, as for padding",
               wherever(has_zero_row, 0.0), "zero row"),
    cotangents("wrong if the cotangent begins with 0", "taken for unused",
               wherever(begins_with_zero, 0.0), "zero row"),
    cotangents("cotangent clipped at 10⁴", "as by a loss scale in half precision",
               lambda lib, g, y: g.clip(-1e4, 1e4), "large"),
    cotangents("small cotangents flushed", "to zero, below 10⁻⁸",
               wherever(lambda g: abs(g) < 1e-8, 0.0), "small"),
    cotangents("negative cotangents halved", "where they are negative",
               wherever(lambda g: g < 0, 0.5), "graph"),
    cotangents("wrong where the cotangent is zero", "0.1 there",
               lambda lib, g, y: g + 0.1 * (1 - lib.factor(lib.raw(g) == 0, 0.0, g)), "zero row"),
    cotangents("wrong for a cotangent of strides 0", "doubled", strides_are(lambda s: s == 0),
               "one number"),
    cotangents("wrong for a reversed cotangent", "doubled", strides_are(lambda s: s < 0),
               "reversed cotangent"),
    cotangents("wrong if the cotangent is read-only", "doubled", if_read_only, "one number"),
    cotangents("wrong for a float32 cotangent", "by 0.1 %", lambda lib, g, y: (
        1.001 * g if "float32" in str(g.dtype) else g), "float32"),

    *[Kind(f"wrong if exactly {which} asked for", "doubled", in_the_whole(wrong=if_exactly(wanted)),
           probe="alone" if "but" not in which else "all but one", ops=OPS)
      for which, wanted in [
          ("the first is", lambda n: [i == 0 and n > 1 for i in range(n)]),
          ("the last is", lambda n: [i == n - 1 and n > 1 for i in range(n)]),
          ("all but the first are", lambda n: [i > 0 for i in range(n)]),
          ("all but the last are", lambda n: [i < n - 1 for i in range(n)])]],
    Kind("wrong if two inputs are one object", "doubled", replaced(if_one_object),
         probe="one object", ops=BROADCASTING),
    Kind("wrong on the second reverse pass", "doubled", replaced(counting), probe="second pass",
         ops=OPS),
    Kind("wrong if the input was computed", "doubled", replaced(if_computed), probe="computed",
         ops=OPS),
    Kind("gradient of the first input of that shape", "a cache by shape",
         remembering(False, lambda x: tuple(x.shape)), probe="called before", ops=OPS),
    Kind("gradient of the last input", "a buffer shared by all calls",
         remembering(True, lambda x: 0), probe="called between", ops=OPS),

    inputs("wrong in the tail of blocks of 16", "half more", tail(16), SHAPED, shown=long),
    inputs("wrong in the tail of blocks of 4", "half more", tail(4), shown=long),
    inputs("wrong if 4-d", "doubled", if_shape(lambda s: len(s) == 4), SHAPED,
           shown=lambda call: Call(tuple(x[None, None] for x in call.args), call.options)),
    inputs("wrong if the first axis is long", "doubled", if_shape(lambda s: s[:1] > (16,)), SHAPED,
           shown=long),
    inputs("wrong if the last axis has length 2", "doubled", if_shape(lambda s: s[-1:] == (2,))),
    inputs("wrong at −0.0", "dropped", at(lambda x: (x == 0) & (1 / x < 0), 0.0),
           SHAPED & SIGNED, shown=with_numbers(-0.0)),
    inputs("wrong at minus one", "doubled", at(lambda x: x == -1), SIGNED, shown=with_numbers(-1)),
    inputs("wrong if there are two zeros", "dropped", at(lambda x: (x == 0).sum() > 1, 0.0), SIGNED,
           shown=with_numbers(0, 0)),
    inputs("wrong below 0.01", "doubled", at(lambda x: (abs(x) < 0.01) & (x != 0)),
           SIGNED, shown=with_numbers(0.001)),
    inputs("wrong above 5", "halved", at(lambda x: abs(x) > 5, 0.5), SHAPED & SIGNED,
           shown=with_numbers(10)),
    inputs("wrong at an equal neighbour", "doubled", at(lambda x: (
        (x.reshape(-1)[1:] == x.reshape(-1)[:-1]) & (x.reshape(-1)[1:] != 0)).any()),
           shown=with_numbers(0.5, 0.5)),
    Kind("wrong in an outer product", "doubled", replaced(if_outer), ops=BROADCASTING,
         shown=lambda call: Call((call.args[0][:, :1], call.args[1][:1] if call.args[1].ndim > 1
                                  and call.args[1].shape[1] > 1 else call.args[0][:1]),
                                 call.options)),
    inputs("wrong sign beside a large slope", "of elements a millionth as large", small_ones,
           frozenset({"exp", "multiply"}), call=spread),

    *[second(f"{name}", wrong) for name, wrong in [
        ("wrong if 4-d", if_shape(lambda s: len(s) == 4)),
        ("wrong at minus one", at(lambda x: x == -1)),
        ("dropped below 0.01", at(lambda x: abs(x) < 0.01, 0.0)),
        ("halved where negative", wherever(lambda g: g < 0, 0.5)),
        ("wrong in the tail of blocks of 4", tail(4))]],
]
