"""`check_grads`: a function's gradient held against differences of its values.

A check goes order by order. The first compares the reverse pass of f with differences of f; the
second takes that reverse pass, a function of inputs and cotangents, and does the same to it.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Iterator, Sequence

import numpy as np

from .. import backend
from ..autodiff import Tensor
from .differences import Slopes, slopes
from .function import Point, TensorFunction
from .report import Comparison, GradientError, Report

FEW = 64  # up to so many elements, each is also moved alone
KINKS = ("subgradient", "skip", "raise")
ORDERS = {1: "first order", 2: "second order", 3: "third order"}


def check_grads(f: Callable[..., Any], *inputs: Any, wrt: Sequence[int] | None = None,
                order: int = 2, directions: int = 8, kinks: str = "subgradient",
                rtol: float | None = None, atol: float | None = None, seed: int = 0) -> Report:
    """Check that f's gradients, up to the given order, are the derivatives of f's values.

    f           Tensors in, a Tensor or several out
    inputs      Tensors, arrays, Python numbers or lists. Floats are checked in float64; where they
                are float32 or float16, their own gradient is compared with the one in float64.
                Integers and booleans are constants
    wrt         the positions of the inputs to differentiate by; None: all floats
    directions  how many random directions, each with a random cotangent, for each input; inputs
                of up to 64 elements are checked element by element besides
    kinks       where the one-sided slopes differ: "subgradient" accepts what lies between them,
                "skip" does not compare, "raise" fails
    rtol, atol  the tolerance (default 1e-6 and 1e-9), beside the differences' own error

    Before the numbers comes the contract: the same answer twice, inputs left alone, gradients of
    their inputs' shapes and dtypes, linear in the cotangent. Returns a Report. Raises
    GradientError (an AssertionError) if a gradient is wrong, or if nothing could be compared.
    """
    if kinks not in KINKS:
        raise ValueError(f"kinks is one of {', '.join(KINKS)}, not {kinks!r}")
    if order not in ORDERS or directions < 1:
        raise ValueError(f"order is 1, 2 or 3 and directions at least 1, not {order}, {directions}")
    function, native = _prepare(f, inputs, wrt)
    report = Report(_name(f), seed)
    settings = Settings(directions, kinks, 1e-6 if rtol is None else rtol,
                        1e-9 if atol is None else atol)
    rng = np.random.default_rng(seed)
    point = [x.astype(np.float64) for x in native]
    with np.errstate(all="ignore"):
        for n in range(1, order + 1):
            stage = Stage(function, point, ORDERS[n], settings, report, rng)
            stage.check_contract()
            if n == 1:
                stage.check_native(native)
            stage.check_derivatives()
            if n < order:
                point = point + [rng.normal(size=shape) for shape in function.shapes]
                function = function.reverse()
    return report


def numerical_jvp(f: Callable[..., Any], inputs: Any, v: Any) -> np.ndarray:
    """J v, the derivative of f along v, by differences of f's values in float64.

    As in `mg.jvp`, `inputs` is a Tensor (or array) or a tuple of them, and v has its form. f
    returns one Tensor. At a kink the result is the mean of the one-sided slopes.
    """
    inputs, v = (x if isinstance(x, (tuple, list)) else (x,) for x in (inputs, v))
    function, native = _prepare(f, inputs, range(len(inputs)))
    point = [x.astype(np.float64) for x in native]
    direction = [np.asarray(_as_tensor(x).numpy(), np.float64) for x in v]
    with np.errstate(all="ignore"):
        found = _slopes(function, point, direction, function.values(point))
    return np.where(found.jump, np.nan, (found.low + found.high) / 2).reshape(function.shapes[0])


@dataclass
class Settings:
    directions: int
    kinks: str
    rtol: float
    atol: float


class Stage:
    """The check of one order: a function, a point, and what is found there."""

    def __init__(self, function: TensorFunction, point: Point, order: str, settings: Settings,
                 report: Report, rng: np.random.Generator):
        self.function, self.point, self.order = function, point, order
        self.settings, self.report, self.rng = settings, report, rng
        self.start = self._guarded(lambda: function.values(point))
        self.size = self.start.size

    def check_contract(self) -> None:
        """What a gradient must be before its numbers are looked at."""
        function, point = self.function, self.point
        before = function.tensors(point, False)
        u, w = self.rng.normal(size=(2, self.size))
        after, values, by_u = self._guarded(lambda: function.run(point, u))
        if self.order == ORDERS[1] and function.creator:
            self.report.op += f" ({function.creator})"
        for i, (old, new) in enumerate(zip(before, after)):
            if old.numpy().tobytes() != new.numpy().tobytes():
                raise self._fail(f"input {i} was changed in place")
        _, again, by_u_again = self._guarded(lambda: function.run(point, u))
        if values.tobytes() != again.tobytes():
            raise self._fail("the same inputs gave two different values")
        for name, x, g, g_again in zip(function.names, point, by_u, by_u_again):
            if g.tobytes() != g_again.tobytes():
                raise self._fail(f"the same inputs gave two different gradients by {name}")
            if g.shape != x.shape or g.dtype != x.dtype:
                raise self._fail(f"the gradient by {name} has shape {g.shape} and dtype {g.dtype}, "
                                 f"{name} itself {x.shape} and {x.dtype}")
        by_w = self._guarded(lambda: function.pull_back(point, w))
        both = self._guarded(lambda: function.pull_back(point, 2 * u - 3 * w))
        for name, g, h, b in zip(function.names, by_u, by_w, both):
            scale = np.max(abs(g) + abs(h), initial=0)
            if not np.all(abs(2 * g - 3 * h - b) <= 1e-9 * scale):
                raise self._fail(f"the gradient by {name} is not linear in the cotangent, or not "
                                 "finite")

    def check_native(self, native: Point) -> None:
        """float32 and float16 gradients equal the float64 one, as far as their digits go."""
        if all(x.dtype == np.float64 for x in native):
            return
        eps = max(float(np.finfo(x.dtype).eps) for x in native)
        u = self.rng.normal(size=self.size).astype(np.float16).astype(np.float64)
        signs = [self.rng.choice([-eps, eps], x.shape) for x in self.point]
        nearby = [x * (1 + s) for x, s in zip(self.point, signs)]
        actual = self._guarded(lambda: self.function.pull_back(native, u))
        expected = self.function.pull_back(self.point, u)
        moved = self.function.pull_back(nearby, u)
        for name, x, a, e, m in zip(self.function.names, native, actual, expected, moved):
            if a.dtype != x.dtype:
                raise self._fail(f"the gradient by {name} of {x.dtype} has dtype {a.dtype}")
            # what rounding x once does to the gradient, rounding within f does as well
            tolerance = 16 * (eps * np.max(abs(e), initial=0) + np.max(abs(m - e), initial=0))
            off = np.where(abs(e) < np.finfo(x.dtype).max, abs(a.astype(np.float64) - e), 0)
            if not np.all(off <= tolerance):
                at = _index(int(np.argmax(np.nan_to_num(off, nan=np.inf))), x.shape)
                raise self._fail(f"{name} of shape {x.shape}, at element {at}: the gradient in "
                                 f"{x.dtype} is {a[at]:.9g}, in float64 {e[at]:.9g} "
                                 f"(ratio {a[at] / e[at]:.6g})")

    def check_derivatives(self) -> None:
        """⟨u, J v⟩ by differences against ⟨Jᵀ u, v⟩ by the reverse pass."""
        cotangents = self.rng.normal(size=(self.settings.directions, self.size))
        gradients = [self.function.pull_back(self.point, u) for u in cotangents]
        made, failed = 0, []
        wanted = self.size * sum(x.size for x in self.point)
        for i, x in enumerate(self.point):
            if not self.size:
                break
            for k, (v, element) in enumerate(self._directions(x)):
                k = 0 if element is not None else k % len(cotangents)
                compared = self._compare(i, v, element, cotangents[k], gradients[k][i])
                if compared is not None:
                    made += 1
                    self.report.worst = max(self.report.worst, compared.ratio)
                    if not compared.ratio <= 1:
                        failed.append((compared, i, v, cotangents[k], gradients[k][i]))
        self.report.checked[self.order] = made
        if failed:
            raise self._fail(self._explain(failed, made))
        if wanted and not made:
            raise self._fail(f"nothing could be compared: {self.report}")

    def _directions(self, x: np.ndarray) -> Iterator[tuple[np.ndarray, tuple[int, ...] | None]]:
        """Random ones and all ones (which elements that tie follow without a kink), then each
        element alone if there are few."""
        if x.size > 1:
            for _ in range(self.settings.directions):
                yield self.rng.normal(size=x.shape), None
            yield np.ones(x.shape), None
        if x.size <= FEW:
            for j in range(x.size):
                yield _unit(j, x.shape), _index(j, x.shape)

    def _compare(self, i: int, v: np.ndarray, element: tuple[int, ...] | None, u: np.ndarray,
                 gradient: np.ndarray) -> Comparison | None:
        """The derivative along v, which moves variable i; None if no output has one."""
        direction = [v if j == i else None for j in range(len(self.point))]
        found = _slopes(self.function, self.point, direction, self.start)
        excluded = self._excluded(found)
        if excluded.any():
            if excluded.all():
                return None
            u = np.where(excluded, 0, u)
            gradient = self.function.pull_back(self.point, u)[i]
        low, high, error = (np.where(excluded, 0, a) for a in (found.low, found.high, found.error))
        bounds = np.stack([u * low, u * high])
        size = np.sum(abs(bounds).max(axis=0))
        tolerance = self.settings.atol + self.settings.rtol * size + np.sum(abs(u) * error)
        return Comparison(self.function.names[i], v.shape, element, float(np.sum(gradient * v)),
                          float(bounds.min(axis=0).sum()), float(bounds.max(axis=0).sum()),
                          float(tolerance))

    def _excluded(self, found: Slopes) -> np.ndarray:
        """The outputs that are not compared, counted; raises where a kink is not allowed."""
        if self.settings.kinks == "raise" and (found.kink | found.jump).any():
            raise self._fail("a kink or a jump at this point, where none is allowed")
        if found.jump.any():
            self.report.skip(f"a jump, {self.order}")
        if self.settings.kinks == "skip" and found.kink.any():
            self.report.skip(f"a kink, {self.order}")
            return found.jump | found.kink
        self.report.kinks += bool(found.kink.any())
        return found.jump

    def _explain(self, failed: list[tuple], made: int) -> str:
        """The worst single element; if only whole directions failed, bisected down to one."""
        single = [c for c, *_ in failed if c.element is not None]
        worst = max(single, key=lambda c: c.ratio) if single else self._bisect(*failed[0][1:])
        return f"{len(failed)} of {made} derivatives are wrong, the worst by\n{worst}"

    def _bisect(self, i: int, v: np.ndarray, u: np.ndarray, gradient: np.ndarray) -> Comparison:
        """Halve the elements that move until a single one is left, keeping the worse half."""
        elements = np.arange(v.size)
        compared = None
        while True:
            halves = [h for h in np.array_split(elements, 2) if h.size]
            tried = []
            for half in halves:
                part = np.zeros(v.size)
                part[half] = v.reshape(-1)[half]
                element = _index(int(half[0]), v.shape) if half.size == 1 else None
                result = self._compare(i, part.reshape(v.shape), element, u, gradient)
                if result is not None:
                    tried.append((result, half))
            if not tried:
                return compared
            compared, elements = max(tried, key=lambda t: t[0].ratio)
            if elements.size == 1:
                return compared

    def _guarded(self, run: Callable[[], Any]) -> Any:
        """run(), with what the engine and the function complain of told as this check's failure."""
        try:
            return run()
        except GradientError as error:
            raise (error if error.report else self._fail(str(error))) from None
        except RuntimeError as error:
            raise self._fail(str(error)) from error

    def _fail(self, message: str) -> GradientError:
        return self.report.fail(f"wrong at {self.order}: {message}")


def _slopes(function: TensorFunction, point: Point, direction: Sequence[np.ndarray | None],
            start: np.ndarray) -> Slopes:
    """The slopes of the function, whose value at the point is `start`, along a direction; where
    that is None, nothing moves."""
    moving = [(x, v) for x, v in zip(point, direction) if v is not None]
    length = max(float(np.max(abs(v), initial=0)) for _, v in moving) or 1.0
    size = max(float(np.max(abs(x), initial=0)) for x, _ in moving)

    def path(t: float) -> np.ndarray:
        return function.values([x if v is None else x + t * v for x, v in zip(point, direction)])

    return slopes(path, start, size / length)


def _prepare(f: Callable[..., Any], inputs: Sequence[Any],
             wrt: Sequence[int] | None) -> tuple[TensorFunction, Point]:
    """f as a function of the inputs at `wrt`, and their values in their own dtype."""
    tensors = [_as_tensor(x) for x in inputs]
    floats = [i for i, x in enumerate(tensors) if x.dtype.kind == "f"]
    variables = floats if wrt is None else list(wrt)
    if not variables or not set(variables) <= set(floats):
        raise ValueError(f"the inputs to differentiate by must be floats: of the inputs "
                         f"{floats} are, wrt is {wrt}")
    names = [f"input {i}" for i in variables]
    return TensorFunction(f, tensors, variables, names), [tensors[i].numpy() for i in variables]


def _as_tensor(x: Any) -> Tensor:
    if isinstance(x, Tensor):
        return x.detach()
    return Tensor(x if backend.is_array(x) else backend.current().from_numpy(np.asarray(x)))


def _name(f: Callable[..., Any]) -> str:
    return getattr(f, "__name__", type(f).__name__).replace("<lambda>", "a lambda")


def _unit(j: int, shape: tuple[int, ...]) -> np.ndarray:
    unit = np.zeros(int(np.prod(shape)))
    unit[j] = 1
    return unit.reshape(shape)


def _index(j: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(k) for k in np.unravel_index(j, shape))
