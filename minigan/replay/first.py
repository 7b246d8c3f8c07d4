"""The first replay of a step on the CPU, compared bit by bit with the step itself.

What is recorded follows from what the arrays were asked. That Python decides otherwise in the next
step, or computes something out of their sight, shows here: once, on other inputs than the recorded
ones. What differs is given up, and nothing wrong has happened.
"""
from __future__ import annotations

import warnings
from functools import partial
from typing import Any

from .. import backend
from ..autodiff import Tensor
from ..backend.nested import leaves


class State:
    """All that a step changes, as it is now."""

    def __init__(self, step: Any):
        self.step = step
        self.arrays = [(array, array.copy()) for array in step.replay.changes]
        self._note()

    def _note(self) -> None:
        """All but the arrays."""
        self.scalars = [(scalar, scalar.value) for scalar in self.step.decided.scalars]
        self.restore = [state() for state in self.step.replay.states]
        self.restore += [partial(setattr, scalar, "value", value) for scalar, value in self.scalars]
        if self.step.draws is not None:
            rng = self.step.draws.rng.bit_generator
            self.restore.append(partial(setattr, rng, "state", rng.state))

    def difference(self) -> str | None:
        """What is otherwise by now, in words."""
        for array, was in self.arrays:
            if array.tobytes() != was.tobytes():
                return f"an array of shape {array.shape} that it changes"
        return next(("a count of steps" for scalar, value in self.scalars
                     if scalar.value != value), None)

    def swap(self) -> None:
        """Make it so again, and keep what it is now in the same memory."""
        for array, was in self.arrays:
            array[...], was[...] = was, array.copy()
        self.arrays.reverse()  # so that a second swap is this one's inverse, should they overlap
        restore = self.restore
        self._note()
        for put_back in restore:
            put_back()


def compared(step: Any, inputs: tuple, notes: Any) -> Any:
    """The first replay of a CapturedStep. If it is not what the step itself does, the step is made,
    and goes on being made as it is."""
    step.compared = True
    if not step.on_cpu:
        result = step.again(inputs)
        step.decided.settle()
        return result
    state = State(step)
    result = step.eager(inputs, notes)
    grads = [(t, t.grad) for t, _ in step.gradients]
    if (moved := step.moved()) is not None:
        return _given_up(step, result, f"it gave a tensor of shape {moved.shape} another array")
    state.swap()
    try:
        again = step.again(inputs)
        why = (_difference(result, again) or _difference(*[[t.grad for t, _ in step.gradients],
                                                           [grad for _, grad in grads]])
               or state.difference())
    except Exception as error:
        why = f"an error ({error})"
    if why is None:
        step.decided.settle()
        return again
    state.swap()
    for t, grad in grads:
        t.grad = grad
    return _given_up(step, result, f"a replay differs from the step in {why}")


def _given_up(step: Any, result: Any, why: str) -> Any:
    step.given_up, step.replay = True, None
    warnings.warn(f"the step is not captured, and made as it is each time: {why}. Python did not "
                  "do the same as when it was recorded (it counts, draws without Draws, or computes"
                  " beside the Tensors)", stacklevel=5)
    return result


def _difference(expected: Any, got: Any) -> str | None:
    """What differs between two results, in words."""
    for a, b in zip(leaves(expected), leaves(got), strict=True):
        if (a is None) != (b is None):
            return "which tensors have a gradient"
        if isinstance(a, Tensor) and (a.shape != b.shape or backend.to_numpy(
                a.data).tobytes() != backend.to_numpy(b.data).tobytes()):
            return f"a result or gradient of shape {a.shape}"
    return None
