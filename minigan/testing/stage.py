"""The check of one order: what its parts share."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Sequence

import numpy as np

from .differences import Slopes
from .function import CheckedFunction, ComplexStepError, Point
from .report import GradientError, Report

__tracebackhide__ = True  # pytest: the message says what is wrong

ORDERS = {1: "first order", 2: "second order", 3: "third order"}


@dataclass
class Settings:
    """What `check_grads` was asked for."""

    directions: int
    kinks: str
    rtol: float
    atol: float | None


class Stage:
    """A function, a point, and what is found there.

    order  1 for the function itself, 2 for its reverse pass, 3 for that one's
    start  the value at the point, flat
    noise  by how much rounding within the function may have moved it, (M,)
    scale  how large its slopes are, about
    """

    def __init__(self, function: CheckedFunction, point: Point, order: int, settings: Settings,
                 report: Report, rng: np.random.Generator):
        self.function, self.point, self.order = function, point, order
        self.settings, self.report, self.rng = settings, report, rng
        self.rough = False  # whether slopes needed a second, shorter step so far
        # an error of the function itself is its own; one of its reverse pass is a finding
        self.start = self._values() if order == 1 else self.guarded(self._values)
        self.noise = self.guarded(function.noise, point)
        self.scale = self.guarded(function.variation, point, self.start)

    def _values(self) -> np.ndarray:
        """The value at the point, of inputs that are there for nothing else."""
        natives = self.function.natives(self.point, copy=True)
        before = self.copies(natives)
        self.start = self.function.values_of(natives)
        self.check_unchanged(before, natives)
        return self.start

    def copies(self, natives: Sequence[Any]) -> Point:
        """The arrays in host memory, as they are now."""
        return [self.function.framework.numpy(x).copy() for x in natives]

    def slopes(self, directions: np.ndarray,
               suffices: Callable[[Slopes], np.ndarray] | None = None) -> Slopes:
        """The slopes at the point along the directions, (D, all elements)."""
        found = self.guarded(self.function.slopes, self.point, directions, self.start, self.noise,
                             suffices)
        self.rough |= found.rough
        return found

    def check_unchanged(self, before: Point, natives: Sequence[Any]) -> None:
        """Raise if the function wrote into its inputs."""
        for i, (old, new) in enumerate(zip(before, self.copies(natives))):
            if old.tobytes() != new.tobytes():
                raise self.fail(f"input {i} was changed in place")

    @property
    def name(self) -> str:
        return ORDERS[self.order]

    def atol(self, size: float = 0.0) -> float:
        """The absolute tolerance: 1e-9 where gradients, or what is compared, are of size 1 and
        more, and in proportion where they are smaller; or what was asked for."""
        if self.settings.atol is not None:
            return self.settings.atol
        return 1e-9 * min(1.0, max(self.scale, size))

    def cotangents(self, count: int) -> np.ndarray:
        """Random ones, (count, elements of the value)."""
        return self.rng.normal(size=(count, self.start.size))

    def pull_back(self, u: np.ndarray, point: Point | None = None, **options: Any) -> Point:
        return self.guarded(self.function.pull_back, self.point if point is None else point, u,
                            **options)

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
        return self.report.fail(f"wrong at {self.name}: {message}")


def index(j: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The j-th element's index."""
    return tuple(int(k) for k in np.unravel_index(j, shape))
