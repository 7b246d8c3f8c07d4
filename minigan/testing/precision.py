"""float32 and float16 held against float64, as far as rounding explains the difference."""
from __future__ import annotations

from typing import Any

import numpy as np

from .contract import strided
from .function import Point
from .stage import Stage, index

DRAWS = 3    # how often the inputs are moved by a rounding error
FACTOR = 16  # how much more than that an honest computation may be off


def check_precision(stage: Stage, native: Point, keeps_dtype: bool = False) -> None:
    """Values and gradients in the inputs' own precision equal those of float64.

    What rounding the inputs and the cotangent once does to a result, rounding on the way does as
    well: the tolerance is FACTOR times the largest change that such errors made, and the rounding
    of numbers as large as the values, or the inputs if these are larger: a gradient such as
    y (1 − y) is a difference of such. Numbers that tie are moved together, so that they still do.

    native       the stage's point in its own dtypes; nothing is compared if all are float64
    keeps_dtype  whether the values must be of the inputs' dtype too, as gradients always must
    """
    if all(x.dtype == np.float64 for x in native):
        return
    eps = max(float(np.finfo(x.dtype).eps) for x in native)
    # a cotangent of numbers that every precision has, so that it is not rounded
    u = stage.cotangents(1)[0].astype(np.float16).astype(np.float64)
    exact = _results(stage, stage.point, u)
    tolerances = _tolerances(stage, native, u, exact, eps)
    dtypes = _value_dtypes(stage, native, keeps_dtype) + [x.dtype for x in native]
    values = len(stage.function.outputs)
    for layout in (np.array, strided):
        found = _results(stage, [layout(x) for x in native], u)
        for name, y, dtype in zip(_names(stage), found, dtypes):
            if y.dtype != dtype:
                raise stage.fail(f"{name} of {native[0].dtype} inputs has dtype {y.dtype}, "
                                 f"not {dtype}")
        # at second order the values are the gradients of the first, compared there
        first = 0 if stage.order == 1 else values
        for name, y, e, tolerance in list(zip(_names(stage), found, exact, tolerances))[first:]:
            _compare(stage, name, y, e, tolerance)


def _tolerances(stage: Stage, native: Point, u: np.ndarray, exact: list[np.ndarray],
                eps: float) -> list[float]:
    """What rounding explains, for each of the results."""
    changed = [_results(stage, _moved(stage.rng, stage.point, eps),
                        u * (1 + stage.rng.choice([-eps, eps], u.shape))) for _ in range(DRAWS)]
    count, inputs = len(exact) - len(native), max(map(largest_number, native))
    value = max([inputs, *map(largest_number, exact[:count])])
    sizes = [value] * count + [largest_number(u) * value / (inputs or 1.0)] * len(native)
    least = max(float(np.finfo(x.dtype).smallest_subnormal) for x in native)
    return [FACTOR * (max(largest_number(m[k] - e) for m in changed)
                      + eps * (largest_number(e) + size) + least)
            for k, (e, size) in enumerate(zip(exact, sizes))]


def _compare(stage: Stage, name: str, y: np.ndarray, e: np.ndarray, tolerance: float) -> None:
    dtype, y = y.dtype, y.astype(np.float64)
    off = np.where((y == e) | (abs(e) >= np.finfo(dtype).max), 0, abs(y - e))
    if not np.all((off <= tolerance) | (np.isnan(y) & np.isnan(e))):
        at = index(int(np.argmax(np.nan_to_num(off, nan=np.inf))), y.shape)
        ratio = f"{y[at] / e[at]:.6g}" if e[at] else "undefined"
        raise stage.fail(f"{name}, at element {at}: in {dtype} it is {y[at]:.9g}, in float64 "
                         f"{e[at]:.9g} (ratio {ratio}), off by {off[at]:.3g} where rounding "
                         f"explains {tolerance:.2g}")


def _results(stage: Stage, point: Point, u: np.ndarray) -> list[np.ndarray]:
    """The values of all outputs, then the gradients by all variables."""
    function = stage.function
    _, gradients = stage.run(function.natives(point), u)
    stage.guarded(function.values, point)
    return [*function.outputs, *gradients]


def _names(stage: Stage) -> list[str]:
    outputs = stage.function.outputs
    values = ["the value" if len(outputs) == 1 else f"the value of output {k}"
              for k in range(len(outputs))]
    return values + [f"the gradient by {name}" for name in stage.function.names]


def _value_dtypes(stage: Stage, native: Point, keeps_dtype: bool) -> list[Any]:
    """What the outputs' dtypes must be: where not the inputs', those that they are."""
    if keeps_dtype:
        return [native[0].dtype] * len(stage.function.outputs)
    stage.guarded(stage.function.values, native)
    return [y.dtype for y in stage.function.outputs]


def _moved(rng: np.random.Generator, point: Point, eps: float) -> Point:
    """Every number a relative eps up or down, equal numbers the same way."""
    numbers, which = np.unique(np.concatenate([x.reshape(-1) for x in point]),
                               return_inverse=True)
    signs = rng.choice([-eps, eps], numbers.shape)[which.reshape(-1)]
    ends = np.cumsum([x.size for x in point])[:-1]
    return [np.asarray(x * (1 + s.reshape(x.shape))) for x, s in zip(point, np.split(signs, ends))]


def largest_number(x: np.ndarray) -> float:
    """The largest finite magnitude, 0 if there is none."""
    return float(np.max(abs(x), initial=0, where=np.isfinite(x)))
