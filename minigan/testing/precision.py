"""float32 and float16 held against float64, as far as rounding explains the difference."""
from __future__ import annotations

from typing import Any

import numpy as np

from .contract import strided
from .differences import EPS
from .function import Point, unflat
from .stage import Stage, index

DRAWS = (3, 12)  # how often the inputs are moved by a rounding error: for most, for a suspect
FACTOR = 16      # how much more than that an honest computation may be off


def check_precision(stage: Stage, native: Point, keeps_dtype: bool = False) -> None:
    """Values and gradients in the inputs' own precision equal those of float64.

    What rounding the inputs and the cotangent once does to a result, rounding on the way does as
    well: the tolerance is FACTOR times the largest change that such errors made, and the rounding
    of the result and of what gradients are differences of, such as in y (1 − y). Numbers that tie
    are moved together, so that they still do. Where that is not enough, more of it is measured:
    see _measured.

    native       the stage's point in its own dtypes; nothing is compared if none is below float64
    keeps_dtype  whether the values must be of the inputs' dtype too, as gradients always must
    """
    lower = {x.dtype.name for x in native if finfo(x.dtype).eps > EPS}  # of longdouble it is less
    if not lower or not all([stage.wants(name) for name in lower]):
        return
    eps = max(float(finfo(x.dtype).eps) for x in native)
    # a cotangent of numbers that every precision has, so that it is not rounded
    u = stage.cotangents(1)[0].astype(np.float16).astype(native[0].dtype).astype(np.float64)
    exact = _results(stage, stage.point, u)
    tolerances = _tolerances(stage, native, u, exact, eps)
    dtypes = _value_dtypes(stage, native, keeps_dtype) + [x.dtype for x in native]
    # at second order the values are the gradients of the first, compared there
    first, measured = 0 if stage.order == 1 else len(stage.function.outputs), None
    for layout in (np.array, strided):
        found = _results(stage, [layout(x) for x in native], u)
        for name, y, dtype in zip(_names(stage), found, dtypes):
            if y.dtype != dtype:
                raise stage.fail(f"{name} of {native[0].dtype} inputs has dtype {y.dtype}, "
                                 f"not {dtype}")
        for k in range(first, len(found)):
            if not _off(found[k], exact[k], tolerances[k]).any():
                continue
            measured = measured or _measured(stage, native, u, exact, eps)
            _compare(stage, _names(stage)[k], found[k], exact[k], tolerances[k] + measured[k])
    stage.part = ""


def _tolerances(stage: Stage, native: Point, u: np.ndarray, exact: list[np.ndarray],
                eps: float) -> list[float]:
    """What rounding explains, for each of the results."""
    moved = [_results(stage, _moved(stage.rng, stage.point, eps),
                      u * (1 + stage.rng.choice([-eps, eps], u.shape))) for _ in range(DRAWS[0])]
    ratio, least = 2 * eps / EPS, max(float(finfo(x.dtype).smallest_subnormal) for x in native)
    floors = unflat(ratio * EPS * stage.near.size, stage.function.outputs) + unflat(
        ratio * stage.rounding(u), stage.point)
    return [FACTOR * (max(largest_number(m[k] - e) for m in moved) + eps * largest_number(e)
                      + least) + largest_number(floor)
            for k, (e, floor) in enumerate(zip(exact, floors))]


def _measured(stage: Stage, native: Point, u: np.ndarray, exact: list[np.ndarray],
              eps: float) -> list[float]:
    """What more measurements explain: inputs moved further, over kinks that lie near; and by how
    much the error itself varies where rounding is another. An error of the gradient does not, but
    in proportion to it, which does not count."""
    slack, errors, values = [0.0] * len(exact), [], []
    for n in range(DRAWS[1]):
        size = 2.0 ** (n % 4)
        moved = _results(stage, _moved(stage.rng, stage.point, size * eps), u)
        slack = [max(s, FACTOR / size * largest_number(m - e))
                 for s, m, e in zip(slack, moved, exact)]
        # so far that numbers beside which the inputs' changes are small are rounded otherwise, too
        far = min(2 * eps * 8.0 ** (n % 5), max(2 * eps, 1e-3))
        near = [m.astype(x.dtype) for m, x in zip(_moved(stage.rng, stage.point, far), native)]
        values.append(_results(stage, [x.astype(np.float64) for x in near], u))
        errors.append([a - b for a, b in zip(_results(stage, near, u), values[-1])])
    return [s + 4 * largest_number(np.ptp(_apart(np.stack(e), np.stack(v)), axis=0))
            for s, e, v in zip(slack, zip(*errors), zip(*values))]


def _apart(errors: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The errors of some draws without what is in proportion to the values, element by element."""
    square = (values * values).sum(axis=0)
    share = np.divide((errors * values).sum(axis=0), square, out=np.zeros_like(square),
                      where=(square > 0) & np.isfinite(square))
    return errors - share * values


def _off(y: np.ndarray, e: np.ndarray, tolerance: float) -> np.ndarray:
    """By how much y is not e, 0 where the tolerance or an overflow explains it."""
    off = abs(y.astype(np.float64) - e)
    return np.where((y == e) | (abs(e) >= finfo(y.dtype).max) | (off <= tolerance)
                    | (np.isnan(y) & np.isnan(e)), 0, np.nan_to_num(off, nan=np.inf))


def _compare(stage: Stage, name: str, y: np.ndarray, e: np.ndarray, tolerance: float) -> None:
    off = _off(y, e, tolerance)
    if off.any():
        at = index(int(np.argmax(off)), y.shape)
        ratio = f"{float(y[at]) / e[at]:.6g}" if e[at] else "undefined"
        raise stage.fail(f"{name}, at element {at}: in {y.dtype} it is {float(y[at]):.9g}, in "
                         f"float64 {e[at]:.9g} (ratio {ratio}), off by {off[at]:.3g} where "
                         f"rounding explains {tolerance:.2g}")


def _results(stage: Stage, point: Point, u: np.ndarray) -> list[np.ndarray]:
    """The values of all outputs, then the gradients by all variables."""
    function = stage.function
    _, gradients = stage.run(function.natives(point), u)
    if stage.order == 1:  # of higher orders nobody looks at them
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


def finfo(dtype: Any) -> Any:
    """NumPy's, and for bfloat16 that of the package which the dtype is of."""
    if dtype.kind == "f":
        return np.finfo(dtype)
    import ml_dtypes
    return ml_dtypes.finfo(dtype)


def largest_number(x: np.ndarray) -> float:
    """The largest finite magnitude, 0 if there is none."""
    return float(np.max(abs(x), initial=0, where=np.isfinite(x)))
