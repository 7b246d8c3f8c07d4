"""Errors that can be made in any library, each written once: see `libraries`."""
from __future__ import annotations

import math
from itertools import count
from typing import Any, Callable

import numpy as np

from .kinds import (Kind, Plant, Wrong, in_the_whole, large, on_input, on_output, on_values,
                    saturated)

# What an error makes of a gradient

def where(condition: Callable[[Any], Any], factor: float = 2.0) -> Wrong:
    """The gradient times the factor where the condition on x holds, element by element."""
    return lambda lib, g, x: g * lib.factor(condition(x), factor, g)


def when(condition: Callable[[Any], bool], factor: float = 2.0) -> Wrong:
    """The whole gradient times the factor if x is so."""
    return lambda lib, g, x: g * factor if condition(x) else g


def moved(order: Callable[[np.ndarray], np.ndarray]) -> Wrong:
    """The gradient's elements in another order, in its shape."""
    def wrong(lib: Any, g: Any, x: Any) -> Any:
        places = np.arange(math.prod(g.shape))
        return g.reshape(places.size)[order(places.reshape(g.shape)).flatten()].reshape(g.shape)
    return wrong


transposed, shifted = moved(np.transpose), moved(lambda places: np.roll(places, -1))


def averaged(lib: Any, g: Any, x: Any) -> Any:
    return 0 * g + g.mean() if math.prod(g.shape) else g


def one_element(at: int) -> Wrong:
    def wrong(lib: Any, g: Any, x: Any) -> Any:
        factor = np.ones(math.prod(g.shape))
        factor[at % max(factor.size, 1):][:1] = 1.1
        return g * lib.constant(factor.reshape(g.shape), g)
    return wrong


def once(lib: Any, g: Any, x: Any) -> Any:
    """The gradient, which cannot be differentiated."""
    def refused(*_: Any) -> Any:
        raise NotImplementedError("no second derivative")
    return lib.tampered(refused)(g)


def change_in_place(lib: Any, g: Any, x: Any) -> Any:
    x.data[...] += 1
    return g


def doubled_when_alone(gradients: list, needs: list[bool]) -> list:
    return [g if all(needs) else 2 * g for g in gradients]


def unrepeatable(plant: Callable[[Callable[[], float]], Plant]) -> Plant:
    """A counter for each mutant: every use is off by a little more."""
    def planted(lib: Any, f: Callable, i: int) -> Callable:
        uses = count(1)
        return plant(lambda: 1 + 1e-7 * next(uses))(lib, f, i)
    return planted


def inputs(name: str, about: str, wrong: Wrong, **more: Any) -> Kind:
    return Kind(name, about, on_input(wrong), each=True, **more)


def cotangents(name: str, about: str, wrong: Wrong, **more: Any) -> Kind:
    return Kind(name, about, on_output(wrong), **more)


def second(name: str, wrong: Wrong) -> Kind:
    """The gradient is right; its derivative by the inputs is not."""
    return Kind(f"second derivative {name}", "of the part by the inputs",
                in_the_whole(lambda lib, x: lib.tampered(lambda g, x: wrong(lib, g, x))(x)))


SATURATING = ["sigmoid", "tanh", "softplus", "losses.bce_with_logits", "exp", "elu"]

GENERIC = [
    inputs("wrong sign", "the gradient times −1", lambda lib, g, x: -g),
    inputs("factor two", "the gradient times 2", lambda lib, g, x: 2 * g),
    inputs("one of two uses lost", "the gradient times ½: not accumulated",
           lambda lib, g, x: 0.5 * g),
    inputs("off by 1 %", "the gradient times 1.01", lambda lib, g, x: 1.01 * g),
    inputs("off by 0.01 %", "the gradient times 1.0001", lambda lib, g, x: 1.0001 * g),
    inputs("zero gradient", "the gradient times 0", lambda lib, g, x: 0 * g),
    inputs("transposed", "the gradient transposed, in the input's shape", transposed),
    inputs("shifted by one", "every element gets its neighbour's gradient", shifted),
    inputs("reversed", "the gradient backwards along the last axis",
           moved(lambda places: places[..., ::-1] if places.ndim else places)),
    inputs("averaged", "every element gets the mean of the gradient", averaged),
    inputs("one element", "the last element's gradient times 1.1", one_element(-1)),
    inputs("one element of a hundred", "the 77th element's gradient times 1.1",
           one_element(77), call=large),
    inputs("rounded to float32", "a float64 gradient computed in float32",
           lambda lib, g, x: lib.float32(g)),

    cotangents("cotangent ignored", "taken to be all ones",
               lambda lib, g, y: lib.constant(np.ones(g.shape), g)),
    cotangents("cotangent clipped", "to [−1, 1]", lambda lib, g, y: g.clip(-1, 1)),
    cotangents("cotangent's magnitude", "its sign lost", lambda lib, g, y: abs(g)),
    cotangents("cotangent averaged", "its mean in its place", averaged),
    cotangents("cotangent shifted", "by one element", shifted),
    cotangents("offset", "0.001 added to the cotangent", lambda lib, g, y: g + 0.001),

    inputs("NaN at zero", "NaN where the input is 0", where(lambda x: x == 0, math.nan)),
    inputs("wrong at one", "twice the gradient where the input is 1", where(lambda x: x == 1)),
    inputs("wrong for negative inputs", "twice the gradient there", where(lambda x: x < 0)),
    inputs("wrong if an axis has size 1", "twice the gradient", when(lambda x: 1 in x.shape)),
    inputs("wrong if 0-d", "twice the gradient", when(lambda x: x.ndim == 0)),
    inputs("wrong above 64 elements", "1 % too large",
           when(lambda x: math.prod(x.shape) > 64, 1.01), call=large),
    inputs("wrong only in float32", "1 % too large",
           when(lambda x: "float32" in str(x.dtype), 1.01), probe="float32"),
    inputs("wrong only for a strided input", "twice the gradient",
           lambda lib, g, x: 2 * g if lib.strided(x) else g, probe="strided"),
    cotangents("wrong only for a strided cotangent", "twice the gradient",
               lambda lib, g, y: 2 * g if lib.strided(g) else g, probe="strided cotangent"),
    *[inputs(f"clipped away {side}", "zero gradient there", where(far, 0.0), call=saturated(value),
             ops=frozenset(names))
      for side, far, value, names in [
          ("above 0.999", lambda x: x > 0.999, 0.9995, ["losses.bce", "log", "sqrt"]),
          ("below 0.001", lambda x: x < 0.001, 0.0005, ["losses.bce", "log", "sqrt"]),
          ("above 5", lambda x: x > 5, 6.0, SATURATING),
          ("below −5", lambda x: x < -5, -6.0, SATURATING)]],

    cotangents("cotangent detached", "the gradient does not know that it depends on it",
               lambda lib, g, y: lib.stop(g)),
    inputs("gradient detached", "it is a constant to the second derivative",
           lambda lib, g, x: lib.stop(g)),
    Kind("values saved as constants", "backward reads inputs cut off from the graph",
         in_the_whole(lambda lib, x: lib.stop(x))),
    second("off by 1 %", lambda lib, g, x: 1.01 * g),
    second("of the wrong sign", lambda lib, g, x: -g),
    second("transposed", transposed),
    inputs("not differentiable twice", "an error", once),
    inputs("wrong where no graph is made", "the fused gradient is twice the readable one",
           lambda lib, g, x: g if lib.in_graph() else 2 * g, probe="no graph"),
    inputs("wrong where a graph is made", "the readable gradient is twice the fused one",
           lambda lib, g, x: 2 * g if lib.in_graph() else g),
    Kind("wrong if asked for alone", "twice the gradient if another input is a constant",
         in_the_whole(wrong=doubled_when_alone), probe="alone"),

    Kind("values not repeatable", "off by a ten-millionth more with each call",
         unrepeatable(lambda factor: on_values(lambda lib, y, tensors: y * factor()))),
    Kind("gradient not repeatable", "off by a ten-millionth more with each call",
         unrepeatable(lambda factor: on_input(lambda lib, g, x: g * factor())), each=True),
    inputs("input changed by backward", "1 is added in place", change_in_place),
]
