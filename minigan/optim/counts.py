"""How often each parameter has stepped."""
from __future__ import annotations

from numbers import Integral
from typing import Any, Sequence

from ..replay import Scalar
from .flat import FlatTensors
from .groups import joined, spread


class StepCounts:
    """The steps of each parameter: one that has no gradient makes none. Those that always stepped
    together share a Scalar, so that their step is one rule on one long array."""

    def __init__(self, flat: FlatTensors):
        self.flat, self.each = flat, [Scalar(0)] * len(flat.tensors)

    def tick(self) -> list[Scalar | None]:
        """Count a step of all that have a gradient. Returns their counts, None for the others.
        Raises ValueError for a gradient of another shape than its parameter's: it would be taken
        by numbers in a row, or one of them for all."""
        unfit = [t for t in self.flat.tensors if t.grad is not None and t.grad.shape != t.shape]
        if unfit:
            raise ValueError(f"a parameter of shape {unfit[0].shape} has a gradient of shape "
                             f"{unfit[0].grad.shape}")
        moving = [t.grad is not None for t in self.flat.tensors]
        if len({*zip(self.each, moving)}) > len({*self.each}):
            self._split(moving)
        counts = [count if moves else None for count, moves in zip(self.each, moving)]
        for count in {*counts} - {None}:
            count.tick(self.flat.array)
        return counts

    def _split(self, keys: Sequence[Any]) -> None:
        """Give those that share a count, but not their key, counts of their own. All are laid out
        anew: a captured step that counts them together is then refused, as after a move."""
        own = {pair: Scalar(pair[0].value) for pair in {*zip(self.each, keys)}}
        self.each = [own[pair] for pair in zip(self.each, keys)]
        self.flat.lay_out()

    def saved(self) -> int | list[int]:
        """A number, or one for each parameter where they differ. On a GPU this waits for it."""
        values = {count: count.value for count in {*self.each}}
        return joined([values[count] for count in self.each])

    def of(self, saved: int | list[int]) -> list[int]:
        """One for each parameter. Raises ValueError if they are of another number of them."""
        return spread("the steps", saved, len(self.each), Integral)

    def load(self, saved: int | list[int]) -> None:
        """Go on from there."""
        values = self.of(saved)
        if len({*zip(self.each, values)}) > len({*self.each}):
            self._split(values)
        for count, value in {*zip(self.each, values)}:
            count.value = value
