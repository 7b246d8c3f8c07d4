"""A training step recorded once and replayed: on a GPU one launch in place of hundreds.

An eager step asks the device for every kernel by itself, and Python takes longer to ask than a
small kernel takes to run. A CUDA graph keeps the list of kernels, with the addresses that they
read and write, and is launched as a whole.
"""
from __future__ import annotations

from typing import Any, Callable

from . import backend
from .autodiff import Tensor

WARM_UP = 2  # steps made as they are, before one is recorded: kernels compile, buffers are made


class CaptureError(RuntimeError):
    """The step cannot be recorded; the message says what in it, and where."""


class CapturedStep:
    """What `capture` returns: called with Tensors, it makes a step."""

    def __init__(self, step: Callable[..., Any]):
        self.step, self.calls = step, 0
        self.inputs: list[Tensor] = []  # the recorded step reads these, whatever comes in
        self.result: Any = None         # and writes here
        self.replay: Callable[[], None] | None = None

    def __call__(self, *inputs: Tensor) -> Any:
        for i, x in enumerate(inputs):
            if not isinstance(x, Tensor):
                raise TypeError(f"a captured step takes Tensors: input {i} is a "
                                f"{type(x).__name__}, which would stay as it is in all replays")
        record = backend.of(inputs[0].data).capture if inputs else backend.current().capture
        if record is None:
            return self.step(*inputs)
        self.calls += 1
        if self.calls <= WARM_UP:
            return self.step(*inputs)
        if self.replay is None:
            self._record(record, inputs)
        else:
            self._check(inputs)
            for own, x in zip(self.inputs, inputs):
                own.data[...] = x.data
            self.replay()
        return self.result

    def _record(self, record: Callable, inputs: tuple[Tensor, ...]) -> None:
        self.inputs = [Tensor(x.data.copy(), x.requires_grad) for x in inputs]
        try:
            self.result, self.replay = record(lambda: self.step(*self.inputs))
        except backend.BackendError as error:
            raise CaptureError(f"this step cannot be captured: {error}") from error

    def _check(self, inputs: tuple[Tensor, ...]) -> None:
        known, given = ([(x.shape, str(x.dtype)) for x in xs] for xs in (self.inputs, inputs))
        if known != given:
            raise CaptureError(f"the step was captured with inputs of {known}, and is called with "
                               f"{given}: every replay takes the same shapes and dtypes. Leave an "
                               "incomplete last batch out, or capture another step for it")


def capture(step: Callable[..., Any]) -> CapturedStep:
    """A step, to be called as before, that a GPU replays as one CUDA graph.

    step     takes Tensors and returns Tensors (in tuples, lists or named tuples if it likes), and
             does everything that a training step does: forward, backward, optimiser, average
    returns  a callable of the same arguments. Its first two calls make the step as it is, the
             third records it, and from then on it is replayed. What it returns are always the
             same Tensors, which the next call overwrites: read a number with item(), which waits,
             or copy what is to be kept

    In a replay no Python runs: what a step counts, prints or draws with Python happens once, when
    it is recorded. Optimisers, EMA and running statistics count on the device. Change a learning
    rate between steps, not within. On the CPU the step is simply called.

    Raises CaptureError for a step that reads a number (item(), float(), a decision), copies from
    the host (drawing noise, Dropout), or computes with what cannot be recorded; and for inputs of
    another shape or dtype than those that were recorded.
    """
    return CapturedStep(step)
