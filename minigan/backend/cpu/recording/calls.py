"""A recorded step as a list of calls that write into memory made once."""
from __future__ import annotations

import gc
from functools import partial
from typing import Any, Callable, NamedTuple, Sequence

import numpy as np

from ...nested import leaves, mapped
from .array import RecordedArray
from .plan import ALIGNED, Plan, constants, places_in
from .recorder import Entry, Place, Recorder, host_of, place_of, recording, refused


class Kernel(NamedTuple):
    """A row of what a replay does."""

    name: str                      # of the function
    reads: list[tuple[int, ...]]   # shapes of the arrays that it is given,
    writes: list[tuple[int, ...]]  # and of those that it writes to
    bytes: int                     # the sizes of these together, each once
    buffers: list[int]             # the numbers of the buffers among them


class Calls:
    """The list. Called, it makes the step."""

    def __init__(self, recorder: Recorder, left: Sequence[Any]):
        self.changes = [array for array, _ in recorder.saved.values()]  # from before the step
        recorder.saved.clear()  # as large as the networks; and now there comes more
        kept = {x.buffer.number for x in left if x.buffer.number is not None}
        fixed = constants(recorder.entries, recorder.sizes, kept)
        always = {b for i in fixed for b in recorder.entries[i].changed}
        self.entries = [e for i, e in enumerate(recorder.entries) if i not in fixed]
        self.plan = Plan(self.entries, recorder.sizes, kept, always)  # of buffers in memory
        whole = np.empty(self.plan.size + ALIGNED, np.uint8)
        start = -whole.__array_interface__["data"][0] % ALIGNED
        self.memory = whole[start:start + self.plan.size]  # all that the step computes into
        self._arrays: dict[Place, np.ndarray] = {}
        for i in sorted(fixed):
            self._call(recorder.entries[i])()
        self.calls = [self._call(entry) for entry in self.entries]
        self.outputs = [  # arrays of it that outlive the step
            x.host if x.buffer.number is None else self._array(place_of(x)) for x in left]
        self.states = recorder.states  # of Python: each gives, when called, what puts it back
        self.copied = sum(e.how == "copied" for e in self.entries)  # computed elsewhere

    def __call__(self) -> None:
        for call in self.calls:
            call()

    def owns(self, array: np.ndarray) -> bool:
        """Whether a replay writes over it."""
        return np.may_share_memory(array, self.memory)

    def kernels(self) -> list[Kernel]:
        """What a replay does, call by call."""
        rows = []
        for entry in self.entries:
            arrays = self._array_list((entry.args, entry.options)), self._array_list(entry.out)
            shared = {id(a): a for a in (*arrays[0], *arrays[1])}
            numbers = {p.buffer for p in places_in((entry.args, entry.options, entry.out))}
            rows.append(Kernel(entry.name, *[[a.shape for a in part] for part in arrays],
                               sum(a.nbytes for a in shared.values()), sorted(numbers)))
        return rows

    def _array_list(self, value: Any) -> list[np.ndarray]:
        return [x for x in leaves(self._mapped(value)) if isinstance(x, np.ndarray)]

    def _array(self, place: Place) -> np.ndarray:
        """The array of a place: one object for all who name it."""
        if place not in self._arrays:
            self._arrays[place] = np.ndarray(
                place.shape, place.dtype, self.memory,
                self.plan.offsets[place.buffer] + place.offset, place.strides)
        return self._arrays[place]

    def _mapped(self, value: Any) -> Any:
        """Arguments of an entry, with arrays in place of the places."""
        return mapped(lambda x: self._array(x) if type(x) is Place else x, value)

    def _call(self, entry: Entry) -> Callable[[], Any]:
        function, errors = entry.function, entry.errors
        args, options, out = [self._mapped(v) for v in (entry.args, entry.options, entry.out)]
        if entry.how == "copied":
            call = partial(_copied, function, args, options, out)
        elif entry.how == "done":
            call = partial(function, *args, **options)
        else:
            call = partial(function, *args, out=out if len(out) > 1 else out[0], **options)
        return call if errors is None else np.errstate(**errors)(call)


def _copied(function: Callable, args: tuple, options: dict, out: tuple) -> None:
    """For what can only make an array of its own."""
    results = function(*args, **options)
    results = results if isinstance(results, (tuple, list)) else (results,)
    for target, result in zip(out, results):
        if target is not None and target.shape != result.shape:
            raise ValueError(f"{function.__name__} gave an array of shape {result.shape}, and "
                             f"{target.shape} when the step was recorded")
        if target is not None:
            target[...] = result


def capture(run: Callable[[list], tuple[Any, list]], arrays: Sequence[np.ndarray]
            ) -> tuple[Any, list[np.ndarray], Calls]:
    """run(the arrays, as a recorded step sees them) made and recorded. It returns anything, and the
    arrays that outlive it. Returns the former, the latter as NumPy's, and the list of calls."""
    with recording(RecordedArray) as recorder:
        try:
            value, left = run([recorder.wrap(array) for array in arrays])
            _check(recorder, left)
        except BaseException:
            recorder.take_back()
            raise
        calls = Calls(recorder, left)
    for output, x in zip(calls.outputs, left):
        if x.buffer.number is not None:
            output[...] = x.host
    return value, calls.outputs, calls


def _check(recorder: Recorder, left: Sequence[Any]) -> None:
    """Raise for arrays that would not be found again."""
    for x in left:
        if isinstance(x, np.ndarray):
            host_of(x)
    if recorder.kept(left) is not None:
        gc.collect()  # what a circle of references holds is nobody's
    if (x := recorder.kept(left)) is not None:
        raise refused(f"the step keeps an array of shape {x.shape} that it computed, and which a "
                      "replay would write over: let it return that, or forget it")
