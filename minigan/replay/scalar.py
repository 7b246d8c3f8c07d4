"""A number that changes from step to step: a learning rate, a count of steps."""
from __future__ import annotations

from typing import Any

from .. import backend


class Scalar:
    """On the CPU a Python number; on a device an array of no axes (float64) beside the parameters.

    A captured step reads the array anew at every replay, where a Python number would stay what it
    was when the step was captured.
    """

    def __init__(self, value: float):
        self._value, self._array = value, None
        self._counted = False  # whether the device counts: a replay goes on without Python

    @property
    def value(self) -> float:
        """As a Python number. After `tick` on a GPU this waits for the device."""
        return type(self._value)(self._array) if self._counted else self._value

    @value.setter
    def value(self, value: float) -> None:
        self._value = value
        if self._array is not None:
            self._array.fill(value)

    def on(self, like: backend.Array) -> Any:
        """The number to compute with beside the array `like`: a Python number, or the array."""
        if backend.is_host(like):
            self._value, self._array, self._counted = self.value, None, False
            return self._value
        if self._array is None or backend.of(self._array) is not backend.of(like):
            self._array = backend.array_module(like).full((), self.value, "float64")
            self._counted = False
        return self._array

    def tick(self, like: backend.Array) -> None:
        """Add one, on the device of `like`."""
        if backend.is_host(like):
            self._value = self.on(like) + 1
        else:
            array = self.on(like)
            array += 1
            self._counted = True
