"""`python -m tests.diagnoses`: what is said of wrong gradients whose cause is known.

Each row is a right function with a known mistake in its gradient, at inputs so small that guesses
coincide: one, two and three elements, 2 × 2 and 2 × 3, ordinary numbers and such as Hypothesis
draws. Beside the mistake stand the sayings that are right for it. `judge` sorts what was said:

    right   one of these
    where   nothing but which elements are wrong, or that it is the second derivative
    none    no cause at all
    wrong   another cause

Mistakes that change nothing at an input, and those that the contract tells of, do not count.
"""
from __future__ import annotations

import re
import sys
from collections import Counter
from itertools import permutations
from typing import Any, Callable, Iterable, Iterator

import numpy as np

from minigan import ops
from minigan.testing import GradientError, check_grads, from_numpy
from minigan.testing.call import Call
from tests.mutation.generic import GENERIC
from tests.mutation.judge import probe, same

Row = tuple[str, Callable[..., Any], tuple[Any, ...], str]  # name, function, inputs, what is right

SHAPES = [(1,), (2,), (3,), (2, 2), (2, 3)]
WHERE = (r"wrong in \d+ of", "the gradient is right, its derivative is not")
RIGHT = {  # what may be said of the errors that can be made in any operation
    "wrong sign": "wrong sign", "factor two": "a factor of two",
    "one of two uses lost": "one half", "off by 1 %": r"factor 1\.01\b",
    "off by 0.01 %": r"factor 1\.0001\b", "zero gradient": "no gradient arrives",
    "transposed": "transposed", "shifted by one": "shift of -1", "reversed": "opposite order",
    "averaged": "no gradient arrives", "one element": r"factor 1\.1\b|at index",
    "rounded to float32": "never",
    "wrong for negative inputs": "is negative|is not positive|not negative|a factor of two",
    "cotangent detached": "a constant instead", "gradient detached": "a constant instead",
    "values saved as constants": "detached",
    "second derivative off by 1 %": r"factor 1\.01\b",
    "second derivative of the wrong sign": "wrong sign",
    "second derivative transposed": "transposed"}
OPERATIONS = {
    "exp": (ops.exp, 1), "tanh": (ops.tanh, 1), "square": (lambda x: x * x, 1),
    "leaky_relu": (ops.leaky_relu, 1), "softmax": (ops.softmax, 1),
    "sum": (lambda x: (x * x).sum(-1), 1), "logsumexp": (ops.logsumexp, 1),
    "multiply": (ops.multiply, 2), "divide": (ops.divide, 2)}


def inputs(shape: tuple[int, ...], count: int) -> Iterator[tuple[np.ndarray, ...]]:
    """Ordinary numbers, halves of which some tie, and positive ones."""
    rng = np.random.default_rng(len(shape) + 7 * int(np.prod(shape)))
    yield tuple(rng.normal(size=shape) for _ in range(count))
    yield tuple(rng.integers(1, 5, shape) * rng.choice([-0.5, 0.5], shape) for _ in range(count))
    yield tuple(rng.uniform(0.2, 2, shape) for _ in range(count))


def planted_anywhere(every: int = 1) -> Iterator[Row]:
    """The mistakes that the planted errors of tests.mutation make of any operation; of their uses
    at one of the inputs in turn, all or every so manieth."""
    uses = [(kind, name, shape) for kind in GENERIC if kind.name in RIGHT for name in OPERATIONS
            for shape in SHAPES]
    for turn in range(0, len(uses), every):
        kind, name, shape = uses[turn]
        f, count = OPERATIONS[name]
        xs = list(inputs(shape, count))[turn % 3]
        with kind.planted(f, count - 1) as mutant:
            if not same(*[probe(g, Call(xs), kind.probe) for g in (f, mutant)]):
                yield f"{kind.name} in {name}", mutant, xs, RIGHT[kind.name]


def diagonal(y: np.ndarray, g: np.ndarray) -> np.ndarray:
    return g * y * (1 - y)


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def normalised(x: np.ndarray) -> np.ndarray:
    return x / np.sqrt((x * x).sum())


def edge(g: np.ndarray, k: int) -> np.ndarray:
    """The gradient where the k-th element alone is wrong."""
    return g * np.where(np.arange(g.size).reshape(g.shape) == k % max(g.size, 1), 1.5, 1)


def column(g: np.ndarray) -> np.ndarray:
    return g * np.where(np.arange(g.shape[-1]) == 0, 1.5, 1)


# by one input: what is wrong, the function, its vjp, and what may be said
ALONE = {
    "mean for sum": (np.sum, lambda x, g: np.full(x.shape, g / x.size), "in place of a sum"),
    "sum for mean": (np.mean, lambda x, g: np.full(x.shape, g), "in place of a mean"),
    "mean for sum over an axis": (
        lambda x: (x * x).sum(-1), lambda x, g: 2 * x * g[..., None] / x.shape[-1],
        "in place of a sum"),
    "sum for mean over an axis": (
        lambda x: (x * x).mean(0), lambda x, g: 2 * x * g, "in place of a mean"),
    "x² once": (np.square, lambda x, g: x * g, "one half"),
    "flipped": (np.sin, lambda x, g: (g * np.cos(x))[::-1], "opposite order along axis 0"),
    "rolled": (np.sin, lambda x, g: np.roll(g * np.cos(x), 1, -1), "a shift of 1 along axis"),
    "without the cotangent's sum": (softmax, lambda x, g: diagonal(softmax(x), g),
                                    "one counts"),
    "abs": (np.abs, lambda x, g: g, "is negative|is not positive|wrong sign"),
    "clipped": (np.sin, lambda x, g: g * np.where(abs(x) > 0.8, 0, np.cos(x)),
                r"\|input 0\| is above|no gradient arrives"),
    "first column": (np.sin, lambda x, g: column(g * np.cos(x)), "at index 0|factor 1.5"),
    "last element": (np.sin, lambda x, g: edge(g * np.cos(x), -1), "factor 1.5"),
    "exp's inner factor": (lambda x: np.exp(2 * x), lambda x, g: g * np.exp(2 * x), "one half"),
    # no pattern: nothing may be said but where
    "sin for cos": (np.sin, lambda x, g: g * np.sin(x), "never"),
    "sign of cos": (np.sin, lambda x, g: g * abs(np.cos(x)), r"\|input 0\| is above|wrong sign"),
    "3x for 3x²": (lambda x: x ** 3, lambda x, g: 3 * x * g, "never"),
    "x² for 3x²": (lambda x: x ** 3, lambda x, g: x * x * g, r"factor 0\.3333"),
    "x³ for 3x²": (lambda x: x ** 3, lambda x, g: x ** 3 * g, "never"),
    "2 for 2x": (np.square, lambda x, g: 2 * g, "never"),
    "x for 1": (lambda x: x + 1, lambda x, g: x * g, "never"),
    "y for 1 − y²": (np.tanh, lambda x, g: g * np.tanh(x), "never"),
    "1 − y for 1 − y²": (np.tanh, lambda x, g: g * (1 - np.tanh(x)), "never"),
    "y for y (1 − y)": (lambda x: 1 / (1 + np.exp(-x)), lambda x, g: g / (1 + np.exp(-x)),
                        "never"),
    "1 / x for −1 / x²": (lambda x: 1 / x, lambda x, g: g / x, "never"),
    "norm without its own": (normalised, lambda x, g: g / np.sqrt((x * x).sum()), "never"),
    "mean forgotten": (lambda x: x - x.mean(), lambda x, g: g, "never"),
    "softmax over all": (softmax, lambda x, g: softmax(x) * (g - (g * softmax(x)).sum()), "never"),
    "sum of g": (np.tanh, lambda x, g: g.sum() * (1 - np.tanh(x) ** 2), "never"),
    "cumsum undone forwards": (lambda x: np.cumsum(x, -1), lambda x, g: np.cumsum(g, -1), "never"),
    "max to all": (lambda x: x.max(-1), lambda x, g: np.broadcast_to(g[..., None], x.shape) * 1.0,
                   "never"),
    "max to the first": (lambda x: x.max(-1), lambda x, g: g[..., None] * (
        np.arange(x.shape[-1]) == 0), "never"),
    "sorted": (lambda x: np.sort(x, -1), lambda x, g: g, "never")}
# by two inputs: (f, vjp, of which shapes)
TOGETHER = {
    "exchanged": (np.multiply, lambda x, y, g: (g * x, g * y), SHAPES,
                  "the gradient by input|wrong order"),
    "exchanged quotient": (np.divide, lambda x, y, g: (-g * x / y ** 2, g / y), SHAPES,
                           "the gradient by input|wrong order"),
    "x + y for x y": (np.multiply, lambda x, y, g: (g * y, g * y), SHAPES,
                      "the gradient by input 0"),
    "no sign": (np.subtract, lambda x, y, g: (g, g), SHAPES, "wrong sign|the gradient by input 0"),
    "1 / y for −x / y²": (np.divide, lambda x, y, g: (g / y, g / y), SHAPES,
                          "the gradient by input 0"),
    "x / y for −x / y²": (np.divide, lambda x, y, g: (g / y, g * x / y), SHAPES, "never")}
BROADCAST = {  # x (n, m) and y (m)
    "the first row": (lambda x, y, g: (g * y, (g * x)[0]), "a sum is missing"),
    "the last row": (lambda x, y, g: (g * y, (g * x)[-1]), "a sum is missing"),
    "the mean of the rows": (lambda x, y, g: (g * y, (g * x).mean(0)), "in place of a sum"),
    "all columns": (lambda x, y, g: (g * y, np.broadcast_to((g * x).sum(), y.shape) * 1.0),
                    "never")}


def assigned(x: np.ndarray, i: np.ndarray, g: np.ndarray) -> tuple[np.ndarray, None]:
    out = np.zeros_like(x)
    out[i] = g
    return out, None


def written() -> Iterator[Row]:
    """Mistakes in gradients of NumPy functions, written by hand."""
    for name, (f, vjp, right) in ALONE.items():
        for shape in SHAPES:
            for xs in inputs(shape, 1):
                yield name, from_numpy(f, vjp), xs, right
    for name, (f, pair, shapes, right) in TOGETHER.items():
        for shape in shapes:
            for xs in inputs(shape, 2):
                yield name, from_numpy(f, pair), xs, right
    rng = np.random.default_rng(1)
    for name, (vjp, right) in BROADCAST.items():
        for n, m in [(2, 1), (2, 2), (2, 3), (3, 2)]:
            yield name, from_numpy(np.multiply, vjp), (rng.normal(size=(n, m)),
                                                       rng.normal(size=m)), right
    for places in ([0, 0], [0, 1, 0], [1, 1, 0], [0, 2, 0, 1]):
        yield "assigned", from_numpy(lambda x, i: x[i] ** 2, lambda x, i, g: assigned(
            x, i, 2 * x[i] * g)), (rng.normal(size=max(places) + 1), np.array(places)), (
                "one counts" if places != [0, 0] else "a sum is missing")


CURVES = {  # and their derivatives
    "sin": (np.sin, np.cos), "exp": (np.exp, np.exp), "x²": (np.square, lambda x: 2 * x),
    "x³": (lambda x: x ** 3, lambda x: 3 * x * x), "x": (lambda x: 1.0 * x, np.ones_like),
    "tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2),
    "log(1 + x²)": (lambda x: np.log1p(x * x), lambda x: 2 * x / (1 + x * x)),
    "1 / (1 + x²)": (lambda x: 1 / (1 + x * x), lambda x: -2 * x / (1 + x * x) ** 2)}


def exchanged() -> Iterator[Row]:
    """The derivative of one curve for another's: at some numbers they seem to differ by a factor,
    or on one side of zero."""
    for (name, (f, _)), (other, (_, slope)) in permutations(CURVES.items(), 2):
        for x in ([0.5], [1.0], [1.0, 1.0], [-1.0, 2.0], [0.0, 1.0], [[1.0, -1.0], [0.0, 0.5]]):
            yield (f"{other}'s derivative for that of {name}", from_numpy(
                f, lambda x, g, slope=slope: g * slope(x)), (np.array(x),), "never")


def said(f: Callable[..., Any], xs: tuple[Any, ...]) -> str | None:
    """The likely cause, "" where none is told; None if the contract speaks, or nothing is wrong."""
    try:
        check_grads(f, *xs)
    except GradientError as error:
        if "derivatives are wrong" not in str(error):
            return None
        found = re.search(r"^likely: (.*)$", str(error), re.MULTILINE)
        return found.group(1) if found else ""
    return None


def judge(text: str, right: str) -> str:
    """The verdict on what was said."""
    if not text:
        return "none"
    if re.search(right, text):
        return "right"
    return "where" if any(re.match(where, text) for where in WHERE) else "wrong"


def judged(rows: Iterable[Row]) -> Iterator[tuple[str, str, Row]]:
    """For each row that is told of: verdict, what was said, the row."""
    for row in rows:
        text = said(row[1], row[2])
        if text is not None:
            yield judge(text, row[3]), text, row


def main() -> int:
    """Print what was said wrongly, and the counts."""
    counts: Counter[str] = Counter()
    for rows in (written, exchanged, planted_anywhere):
        for verdict, text, (name, _, xs, _) in judged(rows()):
            counts[verdict] += 1
            if verdict == "wrong" or verdict in sys.argv[1:]:
                print(f"{verdict}: {name} at {', '.join(map(repr, xs))}: {text}")
    print(f"{counts.total()} wrong gradients:", ", ".join(
        f"{counts[verdict]} {verdict}" for verdict in ("right", "where", "none", "wrong")))
    return int(counts["wrong"] > 0)


if __name__ == "__main__":
    sys.exit(main())
