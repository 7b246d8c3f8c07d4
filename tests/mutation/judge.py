"""Whether a planted error is one: its derivatives compared with the right ones.

A mutant that computes what the original computes is no error, and must not be counted as one that
nobody found. The judge runs both and compares; it knows nothing of `check_grads`. It compares to
the last digits but not bit by bit, since a node more in a graph changes the order in which
gradients are added up.
"""
from __future__ import annotations

from typing import Any, Callable, Sequence

import numpy as np

from minigan.autodiff import Tensor, grad
from minigan.testing.call import Call

from .kinds import F, listed

Outcome = list[np.ndarray] | str


def probe(f: F, call: Call, where: str) -> Outcome:
    """What f computes for the call: values, gradients, gradients of those, and the inputs as they
    are afterwards; or the error that it raises. `where` is one of PROBES."""
    try:
        with np.errstate(all="ignore"):
            return PROBES[where](f, call)
    except Exception as error:  # whatever a mutant raises is what it does
        return f"{type(error).__name__}: {error}"


def same(a: Outcome, b: Outcome) -> bool:
    """Equal in shapes and dtypes, and in values but for rounding. NaN equals NaN."""
    if isinstance(a, str) or isinstance(b, str):
        return isinstance(a, str) and isinstance(b, str) and a == b
    floats = [x for x in b if x.dtype.kind == "f"]
    size = max([float(np.max(abs(x), initial=0, where=np.isfinite(x))) for x in floats], default=0)
    return len(a) == len(b) and all(
        x.shape == y.shape and x.dtype == y.dtype and np.allclose(
            x, y, rtol=0, equal_nan=True,
            atol=32 * float(np.finfo(x.dtype).eps) * size if x.dtype.kind == "f" else 0)
        for x, y in zip(a, b))


def _run(f: F, call: Call, dtype: Any = np.float64, layout: Callable = np.array,
         cotangent_layout: Callable = np.array, graph: bool = True,
         variables: Sequence[int] | None = None, leaves: bool = True, passes: int = 1,
         elsewhere: Sequence[str] = ()) -> list[np.ndarray]:
    def tensor(i: int, x: Any) -> Tensor:
        x = np.asarray(x)
        if x.dtype.kind != "f":
            return Tensor(x)
        return Tensor(layout(x.astype(dtype)), variables is None or i in variables)

    tensors = [tensor(i, x) for i, x in enumerate(call.args)]
    inputs = [t for t in tensors if t.requires_grad]
    if not leaves:
        tensors = [t * 1 if t.requires_grad else t for t in tensors]

    def call_elsewhere(when: str) -> None:
        if when in elsewhere:
            f(*[Tensor(t.data * 1.001 + 1e-4) if t.requires_grad else t for t in tensors],
              **call.options)

    call_elsewhere("before")
    outputs = [y for y in listed(f(*tensors, **call.options)) if y.dtype.kind == "f"]
    rng = np.random.default_rng(0)

    def noise(ts: Sequence[Tensor], requires_grad: bool) -> list[Tensor]:
        return [Tensor(cotangent_layout(rng.normal(size=t.shape).astype(t.dtype)), requires_grad)
                for t in ts]

    u = noise(outputs, graph)
    values = [y.numpy() for y in outputs]
    call_elsewhere("between")
    for _ in range(passes - 1):
        grad(outputs, inputs, u, create_graph=graph)
    first = grad(outputs, inputs, u, create_graph=graph)
    second = (grad(first, [*inputs, *u], noise(first, False), allow_unused=True)
              if graph else ())
    return values + [t.numpy() for t in (*first, *second, *tensors, *u)]


def _alone(f: F, call: Call, but: bool = False) -> list[np.ndarray]:
    """Each float input asked for alone, or all of them but each."""
    places = [i for i, x in enumerate(call.args) if np.asarray(x).dtype.kind == "f"]
    asked = [[j for j in places if (j == i) != but] for i in places]
    return [a for some in asked if some for a in _run(f, call, graph=False, variables=some)]


def _one_object(f: F, call: Call) -> list[np.ndarray]:
    first, second, *others = call.args
    if first.shape != second.shape or first.dtype.kind != "f":
        return []
    x = Tensor(np.asarray(first), requires_grad=True)
    y = f(x, x, *map(Tensor, others), **call.options)
    return [t.numpy() for t in grad(y, [x], Tensor(np.full(y.shape, 0.7)))]


def _cotangent(form: Callable[[np.ndarray], np.ndarray]) -> Callable[[F, Call], list[np.ndarray]]:
    return lambda f, call: _run(f, call, cotangent_layout=lambda g: np.asarray(form(g), g.dtype))


def one_hot(g: np.ndarray) -> np.ndarray:
    """1 in the middle, 0 elsewhere."""
    return (np.arange(g.size) == g.size // 2).reshape(g.shape)


def zero_row(g: np.ndarray) -> np.ndarray:
    """The first row set to zero."""
    return g * (np.arange(len(g)) > 0).reshape(-1, *[1] * (g.ndim - 1)) if g.ndim else g


def one_number(g: np.ndarray) -> np.ndarray:
    """The same number everywhere, of strides 0."""
    return np.broadcast_to(np.asarray(0.7, g.dtype), g.shape)


def strided(x: np.ndarray) -> np.ndarray:
    """x as every other element of a longer array."""
    return np.repeat(x, 2, axis=-1)[..., ::2] if x.ndim else x


def fortran(x: np.ndarray) -> np.ndarray:
    """x with its first axis running fastest."""
    return np.array(x, order="F")


def reversed_(x: np.ndarray) -> np.ndarray:
    """x read backwards from memory in which it stands backwards."""
    return np.flip(np.flip(x).copy())


PROBES: dict[str, Callable[[F, Call], list[np.ndarray]]] = {
    "graph": _run,
    "no graph": lambda f, call: _run(f, call, graph=False),
    "float32": lambda f, call: _run(f, call, np.float32, graph=False),
    "float16": lambda f, call: _run(f, call, np.float16, graph=False),
    "strided": lambda f, call: _run(f, call, layout=strided, graph=False),
    "fortran": lambda f, call: _run(f, call, layout=fortran, graph=False),
    "reversed": lambda f, call: _run(f, call, layout=reversed_, graph=False),
    "strided cotangent": lambda f, call: _run(f, call, cotangent_layout=strided, graph=False),
    "alone": _alone,
    "all but one": lambda f, call: _alone(f, call, but=True),
    "empty": lambda f, call: _run(f, call, graph=False),
    "ones": _cotangent(np.ones_like),
    "constant": _cotangent(lambda g: np.full_like(g, 0.7)),
    "one-hot": _cotangent(one_hot),
    "zero row": _cotangent(zero_row),
    "large": _cotangent(lambda g: 1e8 * g),
    "small": _cotangent(lambda g: 1e-9 * g),
    "one number": lambda f, call: _run(f, call, cotangent_layout=one_number, graph=False),
    "reversed cotangent": lambda f, call: _run(f, call, cotangent_layout=reversed_, graph=False),
    "computed": lambda f, call: _run(f, call, leaves=False),
    "second pass": lambda f, call: _run(f, call, passes=2),
    "called before": lambda f, call: _run(f, call, elsewhere=["before"]),
    "called between": lambda f, call: _run(f, call, elsewhere=["between"]),
    "one object": _one_object,
}
