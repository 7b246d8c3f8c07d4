"""What a gradient check found, in words."""
from __future__ import annotations

from dataclasses import dataclass, field


class GradientError(AssertionError):
    """A gradient is wrong; the message says where, and `report` what was found until then."""

    def __init__(self, message: str, report: Report | None = None):
        super().__init__(message)
        self.report = report


@dataclass
class Comparison:
    """A derivative along one direction: the reverse pass's, and the differences' with its bounds.

    At a smooth point low and high are equal; at a kink they are the one-sided slopes.
    """

    variable: str                   # "input 0"
    shape: tuple[int, ...]
    element: tuple[int, ...] | None  # the element that moved, None if all did
    value: float
    low: float
    high: float
    tolerance: float

    @property
    def ratio(self) -> float:
        """How far the value is outside its bounds, in tolerances."""
        if not self.low - self.tolerance <= self.value <= self.high + self.tolerance:
            off = max(self.low - self.value, self.value - self.high)
            return off / self.tolerance if off == off else float("inf")
        return max(self.low - self.value, self.value - self.high, 0.0) / self.tolerance

    def __str__(self) -> str:
        middle = (self.low + self.high) / 2
        numeric = (f"{middle:.9g}" if self.low == self.high
                   else f"between {self.low:.9g} and {self.high:.9g}")
        ratio = f"{self.value / middle + 0.0:.6g}" if middle else "undefined"
        at = "along a random direction" if self.element is None else f"at element {self.element}"
        return (f"{self.variable} of shape {self.shape}, {at}: the reverse pass says "
                f"{self.value:.9g}, differences say {numeric} (ratio {ratio}, "
                f"off by {self.ratio:.3g} tolerances)")


@dataclass
class Report:
    """The result of `check_grads`.

    ok       whether everything that was checked was right
    worst    the largest deviation, in tolerances: up to 1 is right
    checked  how many derivatives were compared, by order
    kinks    how many of them touched a kink and were held between the one-sided slopes
    skipped  how many could not be compared, by reason
    """

    op: str
    seed: int
    ok: bool = True
    worst: float = 0.0
    checked: dict[str, int] = field(default_factory=dict)
    kinks: int = 0
    skipped: dict[str, int] = field(default_factory=dict)

    def skip(self, reason: str) -> None:
        self.skipped[reason] = self.skipped.get(reason, 0) + 1

    def fail(self, message: str) -> GradientError:
        """The error to raise: the message, with the op before it and the seed behind."""
        self.ok = False
        return GradientError(f"{self.op}: {message}\nseed {self.seed}", self)

    def __str__(self) -> str:
        parts = [f"{count} derivatives of {order}" for order, count in self.checked.items()]
        if self.kinks:
            parts.append(f"{self.kinks} at kinks")
        parts += [f"{count} skipped ({reason})" for reason, count in self.skipped.items()]
        verdict = "right" if self.ok else "WRONG"
        return (f"{self.op}: {verdict}; {', '.join(parts) or 'nothing to compare'}; "
                f"worst deviation {self.worst:.2g} tolerances; seed {self.seed}")
