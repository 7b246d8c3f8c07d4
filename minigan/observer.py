"""Who is told what the engine does, and changes nothing: `anomaly` and `capture`."""
from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Iterator, Sequence

from .autodiff import Function, Tensor, _mode


class Observer:
    """Is told of what the engine does within `observing`, in this thread: a method an event."""

    def computed(self, function: Function, inputs: Sequence[Tensor], output: Tensor) -> None:
        """An operation was computed."""

    def differentiated(self, function: Function, grad: Tensor, gradients: Sequence) -> None:
        """Its backward was given grad, and answered; what it computed on the way is told, too."""

    def changed(self, tensor: Tensor) -> None:
        """A tensor's data are others now."""

    def adding_to(self, leaf: Tensor) -> None:
        """A gradient is going to be added to the one that the leaf has."""

    def entered(self, module: Any) -> None:
        """A module's forward begins."""

    def left(self, module: Any) -> None:
        """It ended."""


@contextmanager
def observing(observer: Observer, instead_of: Observer | None = None) -> Iterator[None]:
    """Within it the observer is told, and so are those around it, but for the one it replaces."""
    before = _mode.observers
    _mode.observers = (*[o for o in before if o is not instead_of], observer)
    try:
        yield
    finally:
        _mode.observers = before


def observed_by(kind: type[Observer]) -> Any:
    """The innermost observer of that class, or None."""
    return next((o for o in reversed(_mode.observers) if isinstance(o, kind)), None)
