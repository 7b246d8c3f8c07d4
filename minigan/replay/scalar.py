"""A number that changes from step to step: a learning rate, a count of steps."""
from __future__ import annotations

from functools import partial
from typing import Any, Callable

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
            self._leave_device()
            return self._value
        if backend.of(like).name == "numpy":
            raise backend.BackendError("a learning rate or a count of steps is read where it would "
                                       "stay what it is now: read it in a rule, or outside")
        if self._array is None or backend.of(self._array) is not backend.of(like):
            self._array = backend.array_module(like).full((), self.value, "float64")
            self._counted = False
        return self._array

    def tick(self, like: backend.Array) -> None:
        """Add one, on the device of `like`."""
        if backend.of(like).name == "numpy":
            if self._array is not None:
                self._leave_device()
            backend.each_time(self._add_one, self._state)
        else:
            array = self.on(like)
            array += 1
            self._counted = True

    def _leave_device(self) -> None:
        self._value, self._array, self._counted = self.value, None, False

    def _add_one(self) -> None:
        self._value += 1

    def _state(self) -> Callable[[], None]:
        return partial(setattr, self, "_value", self._value)
