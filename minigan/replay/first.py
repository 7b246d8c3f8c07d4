"""The first replay of a step on the CPU, compared bit by bit with the step itself.

What is recorded follows from what the arrays were asked. That Python decides otherwise in the next
step, or computes something out of their sight, shows here: once, on other inputs than the recorded
ones. What differs is given up, and nothing wrong has happened.
"""
from __future__ import annotations

import warnings
from functools import partial
from hashlib import sha256
from typing import Any

import numpy as np

from ..autodiff import Tensor
from ..backend.nested import leaves


class State:
    """All that a step changes, as it is now."""

    def __init__(self, step: Any):
        grads = [grad._data for _, grad in step.gradients if grad is not None]  # a replay's target
        self.arrays = [(array, array.copy()) for array in (*step.replay.changes, *grads)]
        self.others = [state() for state in step.replay.states]
        self.others += [partial(setattr, t, "grad", t.grad) for t, _ in step.gradients]
        rng = step.draws.rng.bit_generator
        self.others.append(partial(setattr, rng, "state", rng.state))

    def restore(self) -> None:
        """Make it so again."""
        for array, was in self.arrays:
            array[...] = was
        for put_back in self.others:
            put_back()


def compared(step: Any, inputs: tuple) -> Any:
    """The first replay of a CapturedStep, and the step itself from the same numbers. What that
    leaves is what stays; if the replay left anything else, the step goes on being made as it is."""
    if not step.on_cpu:
        result, step.compared = step.again(inputs), True
        step.decided.settle()
        return result
    state = State(step)
    try:
        again = step.again(inputs)
        replayed, why = _left(step, again), None
    except Exception as error:
        why = f"an error ({error})"
    state.restore()
    del state  # it may be most of the memory
    (result, _), step.compared = step.eager(inputs), True
    if (moved := step.moved()) is not None:
        return _given_up(step, result, f"it gave a tensor of shape {moved.shape} another array")
    why = why or next((what for (what, bits), other in zip(_left(step, result), replayed)
                       if (what, bits) != other), None)
    if why is not None:
        return _given_up(step, result, f"a replay differs from the step in {why}")
    step.decided.settle()
    return again


def _given_up(step: Any, result: Any, why: str) -> Any:
    step.given_up, step.replay = True, None
    warnings.warn(f"the step is not captured, and made as it is each time: {why}. Python did not "
                  "do the same as when it was recorded (it counts, draws without Draws, or computes"
                  " beside the Tensors)", stacklevel=5)
    return result


def _left(step: Any, result: Any) -> list[tuple[str, Any]]:
    """What a step has left: each thing in words, and its bits, of arrays a digest."""
    grads = [t.grad for t, _ in step.gradients]
    arrays = [(f"a result or gradient of shape {t.shape}", t.data)
              for t in [*leaves(result), *grads] if isinstance(t, Tensor)]
    arrays += [(f"an array of shape {x.shape} that it changes", x) for x in step.replay.changes]
    plain = [x for x in leaves(result) if isinstance(x, (int, float, str))]
    return [("what it returns beside Tensors", plain),
            ("which tensors have a gradient", [grad is None for grad in grads]),
            *[(what, sha256(np.ascontiguousarray(x)).digest()) for what, x in arrays],
            *[("a count of steps", scalar.value) for scalar in step.decided.scalars]]
