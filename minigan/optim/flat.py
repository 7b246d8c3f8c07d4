"""Parameters laid end to end, so that a step is a few operations on long arrays."""
from __future__ import annotations

from typing import Any, Iterable, Iterator

from .. import backend
from ..autodiff import Tensor
from ..backend import array_module


class FlatTensors:
    """Tensors of one dtype and device, laid end to end in `array`; their data are views of it."""

    def __init__(self, tensors: Iterable[Tensor]):
        self.tensors = list(tensors)
        if not all(isinstance(t, Tensor) for t in self.tensors) or not self.tensors:
            raise TypeError("expected at least one parameter, such as module.parameters() yields")
        if len({id(t) for t in self.tensors}) < len(self.tensors):
            raise ValueError("a parameter is listed twice: it would be updated twice")
        self.sizes = [t.size for t in self.tensors]
        self.join()

    def join(self) -> None:
        """Lay the tensors end to end, unless they still are where this put them."""
        if hasattr(self, "views") and all(t.data is v for t, v in zip(self.tensors, self.views)):
            return
        kinds = {(backend.of(t.data).name, t.dtype) for t in self.tensors}
        if len(kinds) > 1:
            listed = ", ".join(sorted(f"{dtype} on {device}" for device, dtype in kinds))
            raise ValueError(f"the parameters must be of one dtype on one device, not {listed}")
        data = [t.data for t in self.tensors]
        self.array = array_module(data[0]).concatenate([d.reshape(-1) for d in data])
        ends = [0]
        for size in self.sizes:
            ends.append(ends[-1] + size)
        self.views = [self.array[a:b].reshape(d.shape) for a, b, d in zip(ends, ends[1:], data)]
        for t, view in zip(self.tensors, self.views):
            t._data = view  # the values are the same: no change for a pending backward

    def runs(self) -> Iterator[tuple[slice, list[Tensor]]]:
        """The longest stretches of neighbours that have a gradient."""
        start = stop = 0
        run: list[Tensor] = []
        for t, size in zip(self.tensors, self.sizes):
            if t.grad is None:
                if run:
                    yield slice(start, stop), run
                start, run = stop + size, []
            else:
                run.append(t)
            stop += size
        if run:
            yield slice(start, stop), run


def beside(x: Any, p: Any) -> Any:
    """A number, or a 0-d array of a device, as it is computed with beside p: in p's dtype."""
    return x.astype(p.dtype) if backend.is_array(x) else x
