"""Random numbers of a step that is recorded once and replayed."""
from __future__ import annotations

import copy
from contextlib import contextmanager
from typing import Callable, Iterator

import numpy as np

from .. import backend
from ..autodiff import Tensor
from ..checked import checked


class CaptureError(RuntimeError):
    """The step cannot be recorded or replayed; the message says what in it, and where."""


@checked
class Draws:
    """Random numbers for a captured step, drawn by NumPy's generator `rng` in host memory.

    A step that is given to `capture` with its Draws asks them, and them alone, for all that it
    draws: `draws(draw)` is draw(rng), an array, as a Tensor on the default device. Where Python
    makes the step it is drawn there and then. Before a replay, all that the step is going to ask
    for is drawn in the same order: the same seed gives the same numbers either way. Outside the
    step, draw from `draws.rng`. A draw is kept: let it refer to shapes, not to Tensors, which
    would be kept with it.
    """

    def __init__(self, rng: np.random.Generator):
        self.rng = rng
        self._draw: Callable[[Callable], Tensor] | None = None  # while a step is made or recorded

    def __call__(self, draw: Callable[[np.random.Generator], np.ndarray]) -> Tensor:
        return (self._draw or self._now)(draw)

    def _now(self, draw: Callable) -> Tensor:
        return Tensor(backend.asarray(draw(self.rng)))

    @contextmanager
    def logged(self, log: list[Callable]) -> Iterator[None]:
        """Within it every draw is written down."""
        def draw_and_log(draw: Callable) -> Tensor:
            log.append(draw)
            return self._now(draw)

        self._draw = draw_and_log
        try:
            yield
        finally:
            self._draw = None

    @contextmanager
    def drawn(self, log: list[Callable]
              ) -> Iterator[tuple[list[Tensor], list[tuple[Tensor, Callable]]]]:
        """Within it the n-th draw is what the log's n-th gave before. To know that it is the same,
        it is drawn once more, by a copy of the generator. Gives the Tensors that are going to be
        drawn, and the list of those that were, with how."""
        start, again = self.rng.bit_generator.state, copy.deepcopy(self.rng)
        arrays = [draw(self.rng) for draw in log]
        buffers = [Tensor(backend.asarray(array)) for array in arrays]
        drawn: list[tuple[Tensor, Callable]] = []

        def take(draw: Callable) -> Tensor:
            n, new = len(drawn), draw(again)
            if n == len(arrays) or (new.shape, new.dtype, new.tobytes()) != (
                    arrays[n].shape, arrays[n].dtype, arrays[n].tobytes()):
                raise CaptureError(f"draw {n + 1} of this step is another than it was in the step "
                                   "before: a captured step draws the same kinds of numbers, in "
                                   "the same order and shapes, each time")
            drawn.append((buffers[n], draw))
            return buffers[n]

        self._draw = take
        try:
            yield buffers, drawn
        except BaseException:
            self.rng.bit_generator.state = start  # the step was not made
            raise
        finally:
            self._draw = None

    def again(self, drawn: list[tuple[Tensor, Callable]]) -> None:
        """All that was drawn, drawn anew to where it is."""
        for own, draw in drawn:
            array = draw(self.rng)
            if array.shape != own.shape:
                raise CaptureError(f"a draw of shape {own.shape} when the step was captured is of "
                                   f"{array.shape} now: capture the step again")
            own.data[...] = backend.of(own.data).from_numpy(array)


def without_draws() -> Draws:
    """Those of a step that draws nothing."""
    return Draws(np.random.default_rng(0))
