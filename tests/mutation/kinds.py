"""What a planted error is, and how it is planted into any operation without touching it.

An identity is put on one of its inputs or on its output, and its backward is where the error
sits. It is written with the library's own operations, so that it is wrong in nothing but what it
says: the wrong gradient, too, can be differentiated.
"""
from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Callable, Iterator, Sequence

import numpy as np

from minigan.testing.call import Call

from .libraries import F, library

LARGE = 100  # elements: more than check_grads moves one by one

Wrong = Callable[[Any, Any, Any], Any]  # (library, gradient, its tensor) → wrong gradient
Plant = Callable[[Any, F, int], F]      # (library, f, float input) → the mutant of f


@dataclass(frozen=True, eq=False)
class Kind:
    """A planted error.

    name, about  what it is called, and what is wrong
    plant        (library, f, i) → the mutant of f; i is the float input that it sits on
    probe        where it shows: one of judge.PROBES
    each         planted on each float input in turn, else once
    ops          the operations that it is for; None: whichever it changes
    option       only for operations that have this option
    broadcasts   only for the cases whose `broadcasts` is this
    call         a call of its own, made from a case's typical one, in place of the drawn ones:
                 the error lies outside what the case's strategy draws
    shown        a call that shows it, for checks that draw none, made from the typical one
    patches      what is replaced in minigan meanwhile, as (owner, name, value)
    """

    name: str
    about: str
    plant: Plant = lambda lib, f, i: f
    probe: str = "graph"
    each: bool = False
    ops: frozenset[str] | None = None
    option: str | None = None
    broadcasts: int | None = None
    call: Callable[[Call], Call] | None = None
    shown: Callable[[Call], Call] | None = None
    patches: Sequence[tuple[Any, str, Any]] = ()

    def applies(self, case: Any) -> bool:
        """Whether it is meant for the case."""
        return ((self.ops is None or case.op in self.ops or str(case) in self.ops)
                and self.broadcasts in (None, case.broadcasts))

    @contextmanager
    def planted(self, f: F, i: int = 0) -> Iterator[F]:
        """The mutant of minigan's operation f, for as long as the context lasts."""
        with patched(self.patches):
            yield self.plant(library("minigan"), f, i)

    def __str__(self) -> str:
        return self.name


@contextmanager
def patched(patches: Sequence[tuple[Any, str, Any]]) -> Iterator[None]:
    """Attributes replaced, as (owner, name, value), and put back whatever happens."""
    before = [(owner, name, vars(owner)[name]) for owner, name, _ in patches]
    try:
        for owner, name, value in patches:
            setattr(owner, name, value)
        yield
    finally:
        for owner, name, value in reversed(before):
            setattr(owner, name, value)


# Where an error is planted

def floats(tensors: Sequence[Any]) -> list[int]:
    """The positions of the inputs that have gradients."""
    return [i for i, t in enumerate(tensors) if "float" in str(t.dtype)]


def listed(result: Any) -> list[Any]:
    """What an operation returned, one output or several, as a list."""
    return list(result) if isinstance(result, (list, tuple)) else [result]


def changed(outputs: Sequence[Any], result: Any) -> Any:
    """The outputs in the form of the result."""
    return outputs if isinstance(result, (list, tuple)) else outputs[0]


def replaced(change: Callable[[Any, Sequence[Any]], Any]) -> Plant:
    """Plants change(lib, tensors, input) in place of one float input."""
    def plant(lib: Any, f: F, i: int) -> F:
        def mutant(*tensors: Any, **options: Any) -> Any:
            for place in floats(tensors)[i:i + 1]:
                x = change(lib, tensors, tensors[place])
                tensors = (*tensors[:place], x, *tensors[place + 1:])
            return f(*tensors, **options)
        return mutant
    return plant


def on_input(wrong: Wrong) -> Plant:
    """Plants on one float input."""
    return replaced(lambda lib, tensors, x: lib.tampered(partial(wrong, lib))(x))


def on_values(wrong: Callable[[Any, Any, Sequence[Any]], Any]) -> Plant:
    """Plants in the values: what `wrong(lib, output, inputs)` computes, and differentiates."""
    def plant(lib: Any, f: F, i: int) -> F:
        def mutant(*tensors: Any, **options: Any) -> Any:
            result = f(*tensors, **options)
            return changed([wrong(lib, y, tensors) for y in listed(result)], result)
        return mutant
    return plant


def on_output(wrong: Wrong) -> Plant:
    """Plants on every output: the cotangent is tampered with on its way in."""
    return on_values(lambda lib, y, tensors: lib.tampered(partial(wrong, lib))(y))


def in_the_whole(through: Callable[[Any, Any], Any] = lambda lib, x: 1 * x,
                 wrong: Callable = lambda gradients, needs: gradients) -> Plant:
    """Plants where all gradients are made: see `rebuilt` of a library."""
    def plant(lib: Any, f: F, i: int) -> F:
        def mutant(*tensors: Any, **options: Any) -> Any:
            places = floats(tensors)

            def output(k: int, *moving: Any) -> Any:
                inputs = dict(enumerate(tensors)) | dict(zip(places, moving))
                return listed(f(*inputs.values(), **options))[k]

            result, moving = f(*tensors, **options), [tensors[place] for place in places]
            return changed([lib.rebuilt(partial(output, k), partial(through, lib), wrong)(*moving)
                            for k in range(len(listed(result)))], result)
        return mutant
    return plant


# Calls beyond what the strategies draw

def large(call: Call) -> Call:
    """The typical call with the first input's longest axis, and every axis of that length, made
    so many times longer that the input has at least LARGE elements."""
    rng, shape = np.random.default_rng(0), call.args[0].shape
    longest, factor = max(shape), 2
    while np.prod([n * factor if n == longest else n for n in shape]) < LARGE:
        factor += 1

    def grown(x: np.ndarray) -> np.ndarray:
        shape = tuple(n * factor if n == longest else n for n in x.shape)
        if x.dtype.kind != "f":
            return np.resize(x, shape)
        return rng.uniform(np.min(x), np.max(x), shape)

    return Call(tuple(grown(x) for x in call.args), call.options)


def saturated(value: float) -> Callable[[Call], Call]:
    """The typical call with one element of the first input far out."""
    def made(call: Call) -> Call:
        first = call.args[0].copy()
        first.reshape(-1)[-1] = value
        return Call((first, *call.args[1:]), call.options)
    return made
