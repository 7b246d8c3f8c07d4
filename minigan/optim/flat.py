"""Parameters laid end to end, so that a step is a few operations on long arrays."""
from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import Any, Iterable, Iterator

from .. import backend
from ..autodiff import Tensor
from ..backend import Array, array_module
from ..checked import checked


@checked
class FlatTensors:
    """Tensors of one dtype and device, laid end to end in `array`; their data are views of it. The
    arrays of `state`, as long, zeros at first, go along when the tensors are moved or converted."""

    def __init__(self, tensors: Iterable[Tensor], state_names: Iterable[str] = ()):
        self.tensors = list(tensors)
        if not all(isinstance(t, Tensor) for t in self.tensors) or not self.tensors:
            raise TypeError("expected at least one parameter, such as module.parameters() yields")
        self.state: dict[str, Array] = {}
        self.lay_out()
        for name in state_names:
            self.state[name] = array_module(self.array).zeros_like(self.array)

    def join(self) -> Array:
        """The array, after laying out anew what is no longer where this put it."""
        if any(t.data is not v for t, v in zip(self.tensors, backend.seen(self.views))):
            self.lay_out()
        return backend.seen(self.array)

    def lay_out(self) -> None:
        """Lay the tensors end to end in a new array."""
        kinds = {(backend.of(t.data).name, t.dtype) for t in self.tensors}
        if len(kinds) > 1:
            listed = ", ".join(sorted(f"{dtype} on {device}" for device, dtype in kinds))
            raise ValueError(f"the parameters must be of one dtype on one device, not {listed}")
        backend.refuse_recording("parameters are laid out in memory anew: make optimisers before")
        xp = array_module(self.tensors[0].data)
        self.array = xp.concatenate([t.data.reshape(-1) for t in self.tensors])
        self.views, start = [], 0
        for t in self.tensors:
            self.views.append(self.array[start:start + t.size].reshape(t.shape))
            t._data = self.views[-1]  # the values are the same: no change for a pending backward
            start += t.size
        for name, array in self.state.items():
            self.state[name] = backend.to_device(array, backend.of(self.array).name).astype(
                self.array.dtype, copy=False)

    def __getstate__(self) -> dict[str, Any]:
        """For copies and pickles, whose arrays share no memory: the copy lays its own out anew."""
        return {**vars(self), "array": None, "views": [None] * len(self.tensors)}

    def runs(self, keys: Iterable[Any]) -> Iterator[tuple[slice, list[Tensor], Any]]:
        """The longest stretches of neighbours of one key, with it; none of those whose is None."""
        stop = 0
        for key, run in groupby(zip(keys, self.tensors), itemgetter(0)):
            tensors = [t for _, t in run]
            start, stop = stop, stop + sum([t.size for t in tensors])
            if key is not None:
                yield slice(start, stop), tensors, key


def beside(x: Any, p: Any) -> Any:
    """A number, or a 0-d array of a device, as it is computed with beside p: in p's dtype."""
    return x.astype(p.dtype) if backend.is_array(x) else x
