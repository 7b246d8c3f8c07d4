"""The check of one order: the contract, the native precision, and the derivatives' numbers."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Iterator, Sequence

import numpy as np

from .differences import Slopes, slopes
from .function import Point, TensorFunction
from .report import Comparison, GradientError, Report

FEW = 64  # up to so many elements, each is also moved alone
ORDERS = {1: "first order", 2: "second order", 3: "third order"}


@dataclass
class Settings:
    """What `check_grads` was asked for."""

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
            if not np.isfinite(g).all():
                at = _index(int(np.argmin(np.isfinite(g))), g.shape)
                raise self._fail(f"the gradient by {name} is not finite at element {at}: {g[at]}")
            tolerance = 1e-9 * np.max(abs(g) + abs(h), initial=0) + self.settings.atol
            if np.any(abs(2 * g - 3 * h - b) > tolerance):
                raise self._fail(f"the gradient by {name} is not linear in the cotangent")

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
        """The derivative along v, which moves variable i; None if no output that moves has one."""
        direction = [v if j == i else None for j in range(len(self.point))]
        found = slopes_along(self.function, self.point, direction, self.start)
        excluded = self._excluded(found)
        if excluded.any():
            u = np.where(excluded, 0, u)
            gradient = self.function.pull_back(self.point, u)[i]
        low, high, error = (np.where(excluded, 0, a) for a in (found.low, found.high, found.error))
        bounds = np.stack([u * low, u * high])
        size = np.sum(abs(bounds).max(axis=0))
        tolerance = self.settings.atol + self.settings.rtol * size + np.sum(abs(u) * error)
        result = Comparison(self.function.names[i], v.shape, element, float(np.sum(gradient * v)),
                            float(bounds.min(axis=0).sum()), float(bounds.max(axis=0).sum()),
                            float(tolerance))
        # what moved was excluded, what stayed has no slope: that alone proves nothing
        return None if excluded.any() and not bounds.any() and result.ratio <= 1 else result

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


def slopes_along(function: TensorFunction, point: Point, direction: Sequence[np.ndarray | None],
                 start: np.ndarray) -> Slopes:
    """The slopes of the function, whose value at the point is `start`, along a direction; where
    that is None, nothing moves."""
    moving = [(x, v) for x, v in zip(point, direction) if v is not None]
    length = max(float(np.max(abs(v), initial=0)) for _, v in moving) or 1.0
    size = max(float(np.max(abs(x), initial=0)) for x, _ in moving)

    def path(t: float) -> np.ndarray:
        return function.values([x if v is None else x + t * v for x, v in zip(point, direction)])

    return slopes(path, start, size / length)


def _unit(j: int, shape: tuple[int, ...]) -> np.ndarray:
    unit = np.zeros(int(np.prod(shape)))
    unit[j] = 1
    return unit.reshape(shape)


def _index(j: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(k) for k in np.unravel_index(j, shape))
