"""A training step recorded once and replayed: on a GPU one launch in place of hundreds.

An eager step asks the device for every kernel by itself, and Python takes longer to ask than a
small kernel takes to run. A CUDA graph is the list of kernels, with the addresses that they read
and write; on the CPU it is a list of calls (backend/cpu/recording). So what a step reads and
changes has to stay where it lies: the engine tells `Notes` of every tensor, and a replay looks
whether it did.
"""
from __future__ import annotations

import weakref
from typing import Any, Callable, Iterable, Sequence

from .. import backend
from ..autodiff import Function, Tensor
from ..checked import checked
from ..observer import Observer, observed_by, observing
from .decided import Decided
from .draws import CaptureError, Draws, without_draws
from .first import compared
from ..backend.nested import leaves, mapped

WARM_UP = 2  # steps made as they are, before one is recorded: kernels compile, buffers are made
RESTLESS = 4  # further ones in which the step moved its own arrays, after which it is given up
ANEW = 8      # how often a step is recorded anew, because it became another one, before it is not


class Notes(Observer):
    """What a step reads and changes: the engine says so within `observing(notes)`."""

    def __init__(self, inputs: Iterable[Tensor], gradients: Iterable[Tensor | None] = ()):
        self.inputs = {id(x) for x in inputs}
        self.old = {id(grad) for grad in gradients}  # from before the step, for `adding_to`
        self.seen: dict[int, weakref.ref] = {}
        self.written: set[int] = set()

    def computed(self, function: Function, inputs: Sequence[Tensor], output: Tensor) -> None:
        for t in inputs:
            if t.creator is None:
                self.seen[id(t)] = weakref.ref(t)

    def changed(self, t: Tensor) -> None:
        self.seen[id(t)] = weakref.ref(t)
        self.written.add(id(t))

    def adding_to(self, leaf: Tensor) -> None:
        if id(leaf.grad) in self.old:
            raise CaptureError(
                f"this step adds to a gradient, of shape {leaf.shape}, that was there before it "
                "began: a replay would add to the same one each time. Call zero_grad() inside the "
                "step; to accumulate over several batches, make them all in one captured step")

    def alive(self) -> list[Tensor]:
        """Those of the tensors that outlive the step: parameters, averages, statistics."""
        tensors = [ref() for ref in self.seen.values()]
        return [t for t in tensors if t is not None and id(t) not in self.inputs]


class CapturedStep:
    """What `capture` returns: called with Tensors, it makes a step."""

    def __init__(self, step: Callable[..., Any], draws: Draws):
        self.step, self.draws, self.calls = step, draws, 0
        self.moves: list[Tensor] = []  # see _warm_up
        self.inputs, self.kinds = (), ""  # the recorded step reads these, whatever comes in
        self.result: Any = None           # and writes here
        self.replay: Callable[[], None] | None = None
        self.held: list[tuple[Tensor, backend.Array]] = []  # what it reads, and where that lies
        self.changed: list[Tensor] = []                     # what it changes
        self.gradients: list[tuple[Tensor, Tensor | None]] = []  # what it leaves in .grad
        self.log, self.drawn = [], []  # what the last warm-up drew; (where to, what) is drawn now
        self.compared = self.given_up = False  # see first.py
        self.decided, self.recorded = None, 0  # see decided.py; how often it was recorded
        self.trained: list[bool] = []  # whether each of the held requires a gradient

    def __call__(self, *inputs: Any) -> Any:
        if self.is_another():
            self.forget()
        if self.given_up or observed_by(Observer) is not None:  # who looks on is to see the step
            return self.step(*inputs)
        device = _device(leaves(inputs))
        if self.replay is not None:
            if not self._fits(inputs):
                return self.step(*inputs)
            return self.again(inputs) if self.compared else compared(self, inputs)
        if self.calls < WARM_UP or self.moves or self.moved() is not None:
            return self._warm_up(inputs)
        return self._record(device.capture, inputs)

    def kernels(self) -> list:
        """On the CPU what a replay does, call by call: rows of name, reads, writes (shapes), bytes
        and buffers. Raises CaptureError before the step is recorded."""
        if not self.on_cpu:
            raise CaptureError("there is no list of kernels: a step has one on the CPU, from its "
                               "third call on")
        return self.replay.kernels()

    def moved(self) -> Tensor | None:
        """A tensor of the step's whose data are another array than when the step ended."""
        return next((t for t, array in self.held if t._data is not array), None)

    def eager(self, inputs: tuple) -> tuple[Any, Notes]:
        """The step as it is, and what it read; it is logged what is drawn in it."""
        notes, log = Notes(leaves(inputs)), []
        with observing(notes), self.draws.logged(log):
            result = self.step(*inputs)
        self.log = log
        return result, notes

    def _warm_up(self, inputs: tuple) -> Any:
        """`moves` has a tensor of each time in a row that the step moved arrays of its own (an
        optimiser lays its parameters out anew where somebody replaced them): these end."""
        if len(self.moves) >= RESTLESS:
            raise _restless(self.moves[-1])
        self.held = [(t, t._data) for t, _ in self.held]
        result, notes = self.eager(inputs)
        self.moves = [] if (moved := self.moved()) is None else [*self.moves, moved]
        self.held = [(t, t._data) for t in notes.alive()]
        self.gradients = [(t, t.grad) for t, _ in self.held]
        self.calls += 1
        return result

    def _record(self, record: Callable, inputs: tuple) -> Any:
        """The step recorded, and made once. If it cannot be, all is put back where it was."""
        own = mapped(lambda x: Tensor(x.data.copy()), inputs)
        found = [(t, t._data, t.grad) for t, _ in self.held]
        for t, left in self.gradients:  # as the step left them: it has to clear them itself
            t.grad = left if t.grad is None else t.grad
        before = {id(t): t.grad for t, *_ in found}
        notes = Notes(leaves(own), before.values())
        try:
            with self.draws.drawn(self.log) as (buffers, drawn):
                tensors = [*[t for t, *_ in found], *leaves(own), *buffers]
                given = [t._data for t in tensors]
                try:
                    (result, held, gradients, left), outputs, replay = record(
                        lambda arrays: self._run(own, notes, before, tensors, arrays, drawn), given)
                finally:
                    for t, array in zip(tensors, given):
                        t._data = array
        except BaseException as error:
            self.held = [(t, array) for t, array, _ in found]
            for t, _, grad in found:
                t.grad = grad
            if isinstance(error, backend.BackendError):
                raise CaptureError(f"this step cannot be captured: {error}") from error
            raise
        for t, array in zip(left, outputs):
            t._data = array
        self.inputs, self.kinds, self.drawn = own, _kinds(own), drawn
        self.result, self.replay = result, replay
        self.held = [(t, t._data) for t in held]
        self.trained = [t._requires_grad for t in held]
        self.changed = [*(t for t in held if id(t) in notes.written), *_tensors(result)]
        self.gradients = gradients
        for t, _, grad in found:  # what it did not touch is what it was
            t.grad = grad if t.grad is before[id(t)] else t.grad
        self.decided, self.recorded = Decided(self.step), self.recorded + 1
        return self._given_out(inputs)

    def _run(self, own: tuple, notes: Notes, before: dict, tensors: list[Tensor], arrays: list,
             drawn: list) -> tuple[tuple, list]:
        """The step with these arrays in the tensors; its result, what it reads, what it leaves in
        .grad, and the tensors that outlive it, and of those the arrays."""
        for t, array in zip(tensors, arrays):
            t._data = array
        self.held = [(t, t._data) for t, _ in self.held]
        with observing(notes):
            result = mapped(lambda x: x.detach() if isinstance(x, Tensor) and x.creator else x,
                            self.step(*own))  # without the graph, and what that holds
        if (t := self.moved()) is not None:
            raise _restless(t)
        if len(drawn) < len(self.log):
            raise CaptureError(f"this step drew {len(drawn)} times, {len(self.log)} times in "
                               "the step before: a captured step draws the same each time")
        held = notes.alive()
        gradients = [(t, t.grad) for t in held if t.grad is not before.get(id(t))]
        left = [*_tensors(result), *[grad for _, grad in gradients if grad is not None]]
        return (result, held, gradients, left), [t._data for t in left]

    def is_another(self) -> bool:
        """Whether Python would not decide as it did when the step was recorded; on the CPU also
        whether what it reads lies elsewhere. Then it is recorded anew."""
        return self.replay is not None and (
            self.compared and (self.decided.is_changed() or self.trained != [
                t._requires_grad for t, _ in self.held])
            or self.on_cpu and self.moved() is not None)

    def forget(self) -> None:
        """What was recorded: the next calls make the step as it is, and record it."""
        self.replay, self.result, self.inputs, self.calls = None, None, (), 0
        self.compared, self.given_up = False, self.recorded >= ANEW

    @property
    def on_cpu(self) -> bool:
        """Whether it is a list of the CPU's kernels that is replayed."""
        return hasattr(self.replay, "kernels")

    def _fits(self, inputs: tuple) -> bool:
        """Whether the recorded step was made for these. On the CPU it is made as it is for others;
        on a GPU they are refused, as is what was moved."""
        if (given := _kinds(inputs)) != self.kinds and not self.on_cpu:
            raise CaptureError(
                f"the step was captured with inputs of {self.kinds}, and is called with {given}: "
                "every replay takes the same shapes, dtypes and device, and dicts with their keys "
                "in the same order. Leave an incomplete last batch out, or capture another step "
                "for it")
        if not self.on_cpu and (t := self.moved()) is not None:
            raise CaptureError(f"a tensor of shape {t.shape} was moved, converted or given other "
                               "data since the step was captured: capture the step again, or "
                               "change data in place, t.data[...] = new")
        return given == self.kinds

    def again(self, inputs: tuple) -> Any:
        """A replay."""
        for own, x in zip(leaves(self.inputs), leaves(inputs)):
            own.data[...] = x.data
        self.draws.again(self.drawn)
        self.replay()
        for t in self.changed:
            t.mark_changed()
        for t, grad in self.gradients:
            t.grad = grad
        return self._given_out(inputs)

    def _given_out(self, inputs: tuple) -> Any:
        """The result. On a GPU the next call overwrites it; on the CPU it is a copy, as somebody
        who keeps the results of eager steps expects."""
        if not self.on_cpu:
            return self.result
        same = {id(own._data): x for own, x in zip(leaves(self.inputs), leaves(inputs))}

        def given_out(t: Any) -> Any:
            if not isinstance(t, Tensor):
                return t
            if id(t._data) in same:
                return same[id(t._data)].detach()
            return Tensor(t._data.copy()) if self.replay.owns(t._data) else t

        return mapped(given_out, self.result)


def _restless(t: Tensor) -> CaptureError:
    return CaptureError(f"this step gives a tensor of shape {t.shape} another array each time: let "
                        "one optimiser alone have it, and change it in place, t.data[...] = new")


def _device(inputs: list) -> backend.Backend:
    """Where the inputs are; without any, the default device."""
    for i, x in enumerate(inputs):
        if not isinstance(x, Tensor):
            raise TypeError(f"a captured step takes Tensors: input {i} is a "
                            f"{type(x).__name__}, which would stay as it is in all replays")
        if x.requires_grad:
            raise CaptureError(f"input {i} of a captured step requires a gradient, but a replay "
                               "reads a copy, and the gradient would be the copy's: use a "
                               "parameter without passing it, detach() what was computed")
    devices = {backend.of(x.data).name: backend.of(x.data) for x in inputs}
    if len(devices) > 1:
        raise CaptureError(f"the inputs of a captured step are on {' and '.join(devices)}: "
                           "move them to one device")
    return next(iter(devices.values()), backend.current())


def _kinds(inputs: tuple) -> str:
    """What inputs have to have in common with those of the recorded step; dicts also the order of
    their keys, which a step may go through."""
    return repr(mapped(lambda x: (x.shape, str(x.dtype), backend.of(x.data).name), inputs))


def _tensors(result: Any) -> list[Tensor]:
    """The Tensors of a result."""
    return [t for t in leaves(result) if isinstance(t, Tensor)]


@checked
def capture(step: Callable[..., Any], draws: Draws | None = None) -> CapturedStep:
    """A step, to be called as before, that is recorded and replayed: on a GPU as one CUDA graph, on
    the CPU as a list of NumPy's calls that write into memory made once.

    step     takes Tensors and returns Tensors (both in tuples, lists or dicts if it likes), and
             does everything that a training step does: forward, backward, optimiser, average
    draws    where the step draws its random numbers, if it draws any
    returns  a callable of the same arguments. Its first two calls make the step as it is, the
             third records it (a later one, if arrays were replaced meanwhile), and from then on it
             is replayed. On the CPU the fourth makes the step beside its replay, and goes on
             without it, with a warning, if a bit differs. Results have no graph. A GPU's are the
             same Tensors each time, which the next call overwrites: read a number with item(),
             which waits, or copy what is to be kept. `kernels()` lists the CPU's calls

    In a replay no Python runs. What a step counts or prints happens once, when it is recorded.
    What Python decided by (whether a module was in training or frozen, a weight_decay) is looked at
    before each replay, and if it is otherwise now, the step is recorded anew. Optimisers, EMA and
    running statistics count on; a learning rate may be changed between steps, and data in place
    (load_state_dict). Inputs are copied, and say where the step computes; without any it is the
    default device. Who observes (anomaly) sees the step itself.

    Raises CaptureError for a step that reads a number (item(), float(), a decision), has arrays
    from NumPy (random numbers without `draws`, a Dropout outside a Trainer), adds to gradients of
    the step before, or computes with what cannot be recorded. On a GPU also for inputs of another
    shape, dtype, device or order of a dict's keys than those that were recorded, and if a parameter
    was moved, converted or given other data since; on the CPU such a step is made as it is, or
    recorded anew.
    """
    return CapturedStep(step, draws or without_draws())
