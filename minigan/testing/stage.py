"""The check of one order: what its parts share."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Sequence

import numpy as np

from .differences import EPS, HOPELESS, STEP, Slopes, at_least_half, computational_noise, finite
from .frameworks import parts
from .function import (CheckedFunction, ComplexStepError, Point, close, flat, scales, sizes,
                       unflat)
from .report import GradientError, Report
from .trees import leaves

__tracebackhide__ = True  # pytest: the message says what is wrong

SAMPLES = 32  # of a gradient's rounding, which shows at few of them where it is a tie's
ORDERS = {1: "first order", 2: "second order", 3: "third order"}

# the parts of a check that can be left out, and what else helps if what they refuse is meant
PARTS = {"repeat": "generator= puts back the state of the random numbers that it draws, "
                   "nondeterministic=1e-12 allows for sums in another order",
         "in place": 'skip="in place" hands it copies',
         "linear": "cotangent=1.0 checks with that one alone",
         **{part: f'skip="{part}" leaves this out' for part in
            ("layouts", "alone", "one object", "ways", "zero-size", "curvature", "float32",
             "float16", "bfloat16", "forward mode", "vmap")}}


@dataclass
class Settings:
    """What `check_grads` was asked for."""

    directions: int
    kinks: str
    rtol: float
    atol: float
    accuracy: float = 0.0  # relative, of the function's values; 0: as rounding has it
    nondeterministic: float = 0.0
    skip: Sequence[str] = ()
    step: float = STEP
    cotangent: Any = None  # None: random ones

    def __post_init__(self) -> None:
        self.skip = (self.skip,) if isinstance(self.skip, str) else tuple(self.skip)


class Stage:
    """A function, a point, and what is found there; `before` is the stage of the function whose
    reverse pass this is."""

    def __init__(self, function: CheckedFunction, point: Point, settings: Settings, report: Report,
                 rng: np.random.Generator, before: Stage | None = None):
        self.function, self.point, self.before = function, point, before
        self.settings, self.report, self.rng = settings, report, rng
        self.order = 1 if before is None else before.order + 1  # 1: of the function itself
        self.name = ORDERS[self.order]
        # how many elements there are, without those that the function is linear in
        self.moving = sum(x.size for x in point[:len(point) - function.linear])
        self.rough = False  # whether slopes needed a second, shorter step so far
        self.part = ""      # which of PARTS is under way
        self.where = ""     # where the point is, if it is not the one that was given
        self.scales, self._noise = scales(point) * (settings.step / STEP), {}
        largest = sizes(point)
        self.reach = np.where(largest > 1e3, np.maximum(finite(flat(point)), 1),
                              np.minimum(largest, 1))
        # an error of the function itself is its own; one of its reverse pass is a finding.
        # start: the values at the point; returned: those that came with the gradients, which a
        # surrogate's are not
        self.start = self._values() if before is None else self.guarded(self._values)
        self.returned, floor = self.start, settings.accuracy * finite(self.start)
        if before is not None:  # a gradient is as exact as the values' own rounding lets it be
            u = flat(point[len(before.point):])
            floor = 20 * before.rounding(u) + abs(u) @ (before.near.noise * before.near.lost)
        self.near = self.guarded(function.near, point, self.start, floor)  # those around it
        noise = np.where(self.near.noise > np.maximum(self.near.seen, floor), HOPELESS, 0)
        if before is not None and noise.any() and before.is_rounding(u):  # gradients of terms that
            self.near.noise = np.maximum(self.near.noise, noise)          # cancel but for rounding
        if self.near.lost.any() and self.wants("repeat"):  # do they by the inputs alone?
            if any(self._values().tobytes() != self.start.tobytes() for _ in range(8)):
                raise self.fail("the same inputs gave two different values")
            self.part = ""

    @property
    def first(self) -> Stage:
        """The stage of the function itself."""
        return self if self.before is None else self.before.first

    def above(self) -> Stage:
        """The stage of the reverse pass, at random cotangents of numbers that every precision
        has."""
        cotangents = [self.rng.normal(size=y.shape).astype(np.float16).astype(np.float64)
                      for y in self.function.outputs]
        return Stage(self.function.reverse(), self.point + cotangents, self.settings, self.report,
                     self.rng, self)

    def moved(self, point: Point, part: str) -> Stage:
        """The stage of the same function at another point, for one of PARTS."""
        beside = Stage(self.function, point, self.settings, self.report, self.rng, self.before)
        beside.where, beside.part = ", beside these inputs", part
        return beside

    def _values(self) -> np.ndarray:
        """The value at the point, of inputs that are there for nothing else."""
        natives = self.function.natives(self.point, copy=True)
        before = self.copies(natives)
        start = self.function.values_of(natives)
        self.check_unchanged(before, natives)
        return start

    def copies(self, natives: Sequence[Any]) -> Point:
        """The arrays in host memory, as they are now."""
        return [self.function.framework.numpy(x).copy() for x in natives]

    def slopes(self, directions: np.ndarray,
               suffices: Callable[[Slopes], np.ndarray] | None = None) -> Slopes:
        """The slopes at the point along the directions, (D, all elements)."""
        found = self.guarded(self.function.slopes, self.point, directions, self.near, suffices,
                             self.settings.kinks == "subgradient")
        self.rough |= found.rough
        return found

    def slack(self, values: np.ndarray) -> np.ndarray:
        """By how much values may be others where these are computed otherwise."""
        return 1e-9 * finite(values) + self.near.noise + 1e-12 * self.near.size

    def invisible(self, u: np.ndarray) -> np.ndarray:
        """How small a change of ⟨u, f⟩ is that its rounding hides, for each row of u."""
        return EPS * (abs(u) @ self.near.size)

    def rounding(self, u: np.ndarray) -> np.ndarray:
        """What the gradient of ⟨u, f⟩ cannot tell from zero, for each of its elements: the values
        are rounded, and an input would have to move by its own size."""
        return self.invisible(u) / self.reach

    def excuses(self, off: Point, of: Point, u: np.ndarray,
                variables: Sequence[int] | None = None) -> list[bool]:
        """Whether rounding explains by how much gradients of ⟨u, f⟩, by all variables or these,
        are off that should be the same: 1e-9 of their sizes; or, where terms cancel, what is found
        near the point."""
        variables = range(len(self.point)) if variables is None else variables
        relative = max(1e-9, 10 * self.settings.accuracy)
        largest = [np.max(size, initial=0) for size in of]
        floors = self._parts(16 * (self.rounding(u) + EPS * np.max(abs(u), initial=0))
                             + self.settings.atol, variables)
        found = [np.all(o <= relative * size + floor)
                 for o, size, floor in zip(off, largest, floors)]
        if all(found):
            return found
        worst = np.max(self.reach, initial=1)
        noise = [self.capped(np.max(n, initial=0), 2e-9 * size + 1e4 * floor * worst, u)
                 for n, size, floor in zip(self._parts(self.gradient_noise(u), variables),
                                           largest, floors)]
        return [np.all(o <= relative * size + floor + n)
                for o, size, floor, n in zip(off, largest, floors, noise)]

    def capped(self, noise: np.ndarray, most: np.ndarray, u: np.ndarray) -> np.ndarray:
        """What is measured of the rounding of ⟨u, f⟩'s gradient, but no more than that unless it is
        float64's own: rounding to single precision is no rounding."""
        if np.any(noise > most) and self.is_rounding(u):
            return noise
        return np.minimum(noise, most)

    def gradient_noise(self, u: np.ndarray, dtype: Any = np.float64) -> np.ndarray:
        """By how much rounding may move the gradient of ⟨u, f⟩, element by element: as the last
        digits of the inputs change, and all of u's, in which it is linear if u is a random one."""
        key = u.tobytes(), dtype
        if key not in self._noise:
            at, step = flat(self.point), 1e-7 if dtype == np.float64 else 1e-4
            sides = np.where(np.arange(at.size + u.size) % 2, -1.618, 1.618)
            sides[:at.size] *= close(at, self.scales) * step
            sides[at.size:] *= u * (1e-2 if self.settings.cotangent is None else step)
            moved = [(np.append(at, u) + k * sides).astype(dtype) for k in range(1, 1 + SAMPLES)]
            found = np.stack([flat(self.pull_back(x[at.size:], x[:at.size])) for x in moved])
            self._noise[key] = at_least_half(computational_noise(found))
            if dtype == np.float32:
                self._noise[key][~np.isfinite(found).all(axis=0)] = np.inf
        return self._noise[key]

    def blur(self, u: np.ndarray) -> np.ndarray:
        """What the gradient of ⟨u, f⟩ may be off by, of all that rounding does."""
        return self.gradient_noise(u) + 16 * self.rounding(u)

    def is_rounding(self, u: np.ndarray) -> bool:
        """Whether the noise of that gradient is float64's own, of large terms that cancel, for in
        float32 there is a million times as much; of what float32 or an iteration does to it there
        is not. Where float32 overflows, or is too coarse to show any, it is if it is all there
        is."""
        noise = self.gradient_noise(u)
        try:
            single, seen = self.gradient_noise(u, np.float32), noise > np.finfo(np.float32).tiny
            hidden = np.isinf(single) | (single < noise)
            return bool(np.where(hidden, noise > abs(flat(self.pull_back(u))),
                                 single > 1e6 * noise)[seen].all())
        except GradientError:  # it takes no float32
            self.report.ok = True
            return False

    def _parts(self, x: np.ndarray, variables: Sequence[int]) -> Point:
        parts = unflat(x, self.point)
        return [parts[i] for i in variables]

    def check_unchanged(self, before: Point, natives: Sequence[Any]) -> None:
        """Raise if the function wrote into its inputs."""
        for i, (old, new) in enumerate(zip(before, self.copies(natives))):
            if old.tobytes() != new.tobytes():
                self.part = "in place"
                raise self.fail(f"input {i} was changed in place")

    def wants(self, part: str) -> bool:
        """Whether a part of the check is to be made, and begins."""
        self.part = part
        if part in self.settings.skip:
            self.report.skip(f"{part}, as asked")
        return part not in self.settings.skip

    def cotangents(self, count: int) -> np.ndarray:
        """Random ones, (count, elements of the value), or the one that was given."""
        if self.settings.cotangent is None:
            return self._seen(self.rng.normal(size=(count, self.start.size)))
        given = flat([parts(np.asarray(self.function.framework.host(x)))
                      for _, x in leaves(self.settings.cotangent)])
        if given.size not in (1, self.start.size):
            raise ValueError(f"cotangent has {given.size} elements, the function's result "
                             f"{self.start.size}")
        return np.tile(np.broadcast_to(given, self.start.shape), (count, 1))

    def cotangents_of_losses(self, number: int) -> np.ndarray:
        """Random ones, some in another form: ones, one-hot, with a row of zeros; and one more for
        each of several outputs, zero for all others."""
        if self.settings.cotangent is not None:
            return self.cotangents(1)
        u = self.cotangents(number)
        count = u.shape[1]
        rows = self.function.outputs[0].shape[:1] or (1,)
        forms = [np.ones(count), np.arange(count) == self.rng.integers(max(count, 1)),
                 np.where(np.arange(count) < count // max(rows[0], 1), 0, u[-1])]
        for i, form in enumerate(forms[:len(u) - 1], 1):
            u[i] = form
        sizes = [y.size for y in self.function.outputs]
        which = np.repeat(np.arange(len(sizes)), sizes)
        alone = [np.where(which == i, u[0], 0) for i in range(len(sizes)) if len(sizes) > 1]
        return self._seen(np.stack([*u, *alone]))

    def _seen(self, u: np.ndarray) -> np.ndarray:
        """The cotangents, of higher orders without those of gradients that are rounding alone."""
        return np.where(self.near.lost & (self.order > 1), 0, u)

    def beside(self, step: np.ndarray) -> np.ndarray:
        """The values so far from the point, for all elements side by side: NaN where refused."""
        return self.function.near_values(flat(self.point) + step, self.start)

    def rounded(self, direction: np.ndarray) -> np.ndarray:
        """Which values are equal at points close together along it, as what is left of larger ones
        is."""
        along = [self.beside(t * direction) for t in np.linspace(-1e-3, 1e-3, 5) * STEP]
        return np.any([a == b for a, b in zip(along, along[1:])], axis=0)

    def pull_back(self, u: np.ndarray, point: Any = None, **options: Any) -> Point:
        return self.guarded(self.function.pull_back, self.point if point is None else point, u,
                            **options)

    def pull_backs(self, u: Sequence[Any]) -> list[Point]:
        """The gradients of ⟨row, f⟩ for each row of u."""
        return self.guarded(self.function.pull_backs, self.point, u)

    def run(self, natives: Sequence[Any], u: np.ndarray, **options: Any
            ) -> tuple[np.ndarray, Point]:
        return self.guarded(self.function.run, natives, u, **options)

    def guarded(self, run: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """run(...), with what the engine and the reverse pass complain of told as a failure."""
        try:
            return run(*args, **options)
        except GradientError as error:
            raise (error if error.report else self.fail(str(error))) from None
        except (MemoryError, ComplexStepError):
            raise
        except Exception as error:
            raise self.fail(f"the reverse pass raised {type(error).__name__}: {error}"
                            ) from error

    def fail(self, message: str) -> GradientError:
        hint = f"\nif that is meant: {PARTS[self.part]}" if self.part in PARTS else ""
        return self.report.fail(f"wrong at {self.name}{self.where}: {message}{hint}")


def index(j: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The j-th element's index."""
    return tuple(int(k) for k in np.unravel_index(j, shape))
