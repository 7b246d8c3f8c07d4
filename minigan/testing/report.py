"""What a gradient check found, in words."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable


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

    name: str                        # "input 0"
    variable: int                    # its number among those that were differentiated by
    shape: tuple[int, ...]
    element: tuple[int, ...] | None  # the element that moved, None if all did
    value: float
    low: float
    high: float
    off: float                       # how far the value is outside of them, in tolerances

    def __str__(self) -> str:
        middle = (self.low + self.high) / 2
        numeric = (f"{middle:.9g}" if self.low == self.high
                   else f"between {self.low:.9g} and {self.high:.9g}")
        ratio = f"{self.value / middle + 0.0:.6g}" if middle else "undefined"
        at = "along a random direction" if self.element is None else f"at element {self.element}"
        return (f"{self.name} of shape {self.shape}, {at}: the reverse pass says "
                f"{self.value:.9g}, differences say {numeric} (ratio {ratio}, "
                f"off by {self.off:.3g} tolerances)")


@dataclass
class Report:
    """The result of `check_grads`."""

    op: str
    seed: int
    ok: bool = True     # whether everything that was checked was right
    worst: float = 0.0  # the largest deviation, in tolerances: up to 1 is right
    checked: dict[str, int] = field(default_factory=dict)  # derivatives compared, by order
    kinks: int = 0      # directions that touched a kink and were held between one-sided slopes
    skipped: dict[str, int] = field(default_factory=dict)  # what could not be compared, by reason
    zero_size: int = 0  # accepted shapes with an axis of length 0, which were checked
    reproduce: Callable[[], str] = field(default=str, repr=False, compare=False)

    @property
    def reproduction(self) -> str:
        """Lines of Python that make the same check again."""
        return self.reproduce()

    def skip(self, reason: str, count: int = 1) -> None:
        """Count what could not be compared."""
        if count:
            self.skipped[reason] = self.skipped.get(reason, 0) + count

    @property
    def met_kinks(self) -> int:
        """How many directions met a kink or a jump so far."""
        return self.kinks + sum(self.skipped.values())

    @property
    def partly(self) -> list[str]:
        """The orders of which more was skipped than compared."""
        return [order for order, count in self.checked.items() if count < sum(
            n for reason, n in self.skipped.items() if order in reason)]

    def fail(self, message: str) -> GradientError:
        """The error to raise: the message, with the op before it and how to see it again behind."""
        self.ok = False
        return GradientError(f"{self.op}: {message}\nto see it again (seed {self.seed}):\n"
                             f"{self.reproduction}", self)

    def __str__(self) -> str:
        parts = [f"{count} derivatives of {order}" for order, count in self.checked.items()
                 if count]
        if self.kinks:
            parts.append(f"{self.kinks} at kinks")
        parts += [f"{count} skipped ({reason})" for reason, count in self.skipped.items()]
        verdict = ("WRONG" if not self.ok else f"right, but only partly checked at {few}" if
                   (few := ", ".join(self.partly)) else "right")
        return (f"{self.op}: {verdict}; {', '.join(parts) or 'nothing to compare'}; "
                f"worst deviation {self.worst:.2g} tolerances; seed {self.seed}")
