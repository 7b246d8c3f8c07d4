"""Derivatives by differences alone, and the test of adjoints, which needs none."""
from __future__ import annotations

from typing import Any, Callable, Sequence

import numpy as np

from ..autodiff import Tensor
from ..checked import checked
from .function import Point, flat
from .inputs import name_of, prepare
from .report import GradientError


@checked
def numerical_jvp(f: Callable[..., Any], inputs: Any, v: Any) -> np.ndarray:
    """J v, the derivative of f along v, by differences of f's values in float64.

    As in `mg.jvp`, `inputs` is a Tensor (or array) or a tuple of them, and v has its form. f
    returns one Tensor. At a kink the result is the mean of the one-sided slopes, at a jump NaN.
    """
    inputs, v = (x if isinstance(x, (tuple, list)) else (x,) for x in (inputs, v))
    function, native = prepare(f, inputs, range(len(inputs)))
    point = [x.astype(np.float64) for x in native]
    direction = [np.asarray(x.numpy() if isinstance(x, Tensor) else x, np.float64) for x in v]
    for x, d in zip(point, direction, strict=True):
        if x.shape != d.shape:
            raise ValueError(f"v has the shapes {[d.shape for d in direction]}, the inputs "
                             f"{[x.shape for x in point]}: they must be the same")
    with np.errstate(all="ignore"), function.framework.context():
        found = function.slopes(point, flat(direction)[None],
                                function.near(point, function.values(point)))
    return _middle(found)[0].reshape(function.outputs[0].shape)


@checked
def numerical_jacobian(f: Callable[..., Any], *inputs: Any, wrt: int = 0) -> np.ndarray:
    """∂f/∂(input wrt) by differences of f's values in float64, of the shape of f's output followed
    by the input's. f returns one Tensor; four calls for each element of the input."""
    function, native = prepare(f, inputs, [wrt])
    x = native[0].astype(np.float64)
    with np.errstate(all="ignore"), function.framework.context():
        start = function.values([x])
        if not x.size:
            return np.zeros((*function.outputs[0].shape, *x.shape))
        found = function.slopes([x], np.eye(x.size), function.near([x], start))
    return _middle(found).T.reshape(*function.outputs[0].shape, *x.shape)


@checked
def adjoint_test(f: Callable[..., Any], *inputs: Any, wrt: Sequence[int] | None = None,
                 seed: int = 0) -> None:
    """Check that f is linear in its inputs and that its reverse pass is its adjoint, to rounding.

    ⟨A x, g⟩ = ⟨x, Aᵀ g⟩ for random x and g of the inputs' shapes, with no difference quotient: an
    error of 1e-11 is seen. f may add a constant.

    inputs  floats give the shapes (and, where wrt leaves them out, the values to hold fixed)
    wrt     the positions of the inputs in which f is linear, all together; None: all floats.
            A product is linear in each of its factors alone: wrt=[0], then wrt=[1]

    Raises GradientError if f is not linear, or if the reverse pass is another map.
    """
    function, native = prepare(f, inputs, wrt)
    rng = np.random.default_rng(seed)
    name = name_of(f)
    with np.errstate(all="ignore"), function.framework.context():
        origin = function.values([np.zeros(x.shape) for x in native])

        def image(point: Point) -> np.ndarray:
            return function.values(point) - origin

        for _ in range(3):
            x, y = ([rng.normal(size=p.shape) for p in native] for _ in range(2))
            both, by_x, by_y = image([2 * a - 3 * b for a, b in zip(x, y)]), image(x), image(y)
            scale = np.max(abs(both) + abs(by_x) + abs(by_y) + abs(origin), initial=0)
            if not np.all(abs(both - (2 * by_x - 3 * by_y)) <= 1e-12 * scale):
                raise GradientError(f"{name} is not linear in {' and '.join(function.names)} "
                                    "together: check it with check_grads, or name the inputs in "
                                    "which it is linear with wrt")
            u = rng.normal(size=origin.size)
            terms = [(a * g).reshape(-1) for a, g in zip(x, function.pull_back(x, u))]
            left, right = float(np.sum(by_x * u)), float(sum(t.sum() for t in terms))
            size = sum(abs(t).sum() for t in (by_x * u, origin * u, *terms))
            if not abs(left - right) <= 1e-12 * size:
                raise GradientError(f"{name}: the reverse pass is not the adjoint: ⟨A x, g⟩ = "
                                    f"{left:.15g}, ⟨x, Aᵀ g⟩ = {right:.15g}, seed {seed}; "
                                    "check_grads says at which element")


def _middle(found: Any) -> np.ndarray:
    return np.where(found.jump, np.nan, (found.low + found.high) / 2)
