"""WHAT a derivative is: tensors that remember how they were made, and the walk back.

A `Tensor` is an array plus, if it was computed from tensors that require a gradient, its
`creator`: the `Function` that made it, which in turn holds its inputs. Tensors and functions
form a graph that points from results to inputs. The backward pass walks it once, from the
result, and hands every function the gradient of its output; the function answers with the
gradients of its inputs. Those answers are written with tensors too, so they can be
differentiated again. (ops/operators.py binds +, [] and their kin.)
"""
from __future__ import annotations

import threading
import weakref
from contextlib import contextmanager
from itertools import compress
from typing import Any, Callable, Container, Iterable, Iterator, Sequence

from . import backend, refusals


# Bookkeeping: what holds for a thread, and who looks on
class _Mode(threading.local):  # the only global of the engine, one for each thread
    grad_enabled = True
    observers: tuple[Any, ...] = ()  # who is told of what is done, see observer.py
    differentiating: Function | None = None  # whose backward is running
    followed = False  # within a function that functional.py differentiates


_mode = _Mode()
_adding = threading.RLock()  # held while gradients are added to leaves, which threads may share


@contextmanager
def _grad_mode(enabled: bool) -> Iterator[None]:
    before, _mode.grad_enabled = (_mode.grad_enabled, _mode.differentiating), enabled
    try:
        yield
    finally:
        _mode.grad_enabled, _mode.differentiating = before


def no_grad():
    """`with no_grad():` computes without remembering, so nothing in it can be differentiated."""
    return _grad_mode(False)


# The graph: what was computed, and from what
class Tensor:
    """An array that remembers how it was computed.

    data           the array (NumPy's, CuPy's); assigning another one counts as a change
    requires_grad  whether gradients flow to it; only floating point data can
    grad           what `backward` accumulated here: a Tensor, or None. Leaves only
    creator        the Function that computed it, or None for a leaf
    """

    __slots__ = ("_data", "_version", "grad", "_requires_grad", "creator", "__weakref__")

    def __init__(self, data: backend.Array, requires_grad: bool = False):
        data = backend.result(data)
        backend.of(data)  # raises TypeError for anything that is not an array
        if requires_grad:
            refusals.check_float(data)
        self._data = data
        self._version = [0]  # in a list, because views of the same memory share it
        self.grad: Tensor | None = None
        self._requires_grad = requires_grad
        self.creator: Function | None = None

    @property
    def data(self) -> backend.Array:
        return self._data

    @data.setter
    def data(self, array: backend.Array) -> None:
        backend.of(array)
        if self._requires_grad:
            refusals.check_float(array)
        self._data = array
        self.mark_changed()

    @property
    def requires_grad(self) -> bool:
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, flag: bool) -> None:
        if flag:
            refusals.check_float(self._data)
        self._requires_grad = flag

    def mark_changed(self) -> None:
        """Say that the data was changed in place. A backward pass that needs the old values then
        raises, where it would have computed with the wrong ones."""
        self._version[0] += 1
        for observer in _mode.observers:
            observer.changed(self)

    shape = property(lambda self: self._data.shape, doc="The lengths of the axes.")
    ndim = property(lambda self: self._data.ndim, doc="The number of axes.")
    size = property(lambda self: self._data.size, doc="The number of elements.")
    dtype = property(lambda self: self._data.dtype, doc="The type of the elements.")

    def item(self) -> float:
        """The one element as a Python number. On a GPU this waits for the device."""
        if self.size != 1:
            raise ValueError("item() needs a tensor of one element, "
                             f"this one has shape {self.shape}")
        return self._data.item()

    def numpy(self) -> Any:
        """A copy of the data as a numpy.ndarray in host memory."""
        return backend.to_numpy(self._data)

    def detach(self) -> Tensor:
        """The same data, cut off from the graph: a constant."""
        constant = Tensor(self._data)
        constant._version = self._version
        return constant

    def backward(self, grad: Tensor | None = None, create_graph: bool = False,
                 inputs: Iterable[Tensor] | None = None) -> None:
        """Add the gradient of this tensor to `.grad` of every leaf that it depends on.

        grad          the cotangent, of this tensor's shape; 1 if this tensor has one element
        create_graph  keep the gradients differentiable, for second derivatives
        inputs        the leaves that are asked for; the others cost nothing. None: all
        """
        if not self._requires_grad:
            raise refusals.no_graph("backward()", self)
        create_graph = create_graph or _mode.followed and _mode.grad_enabled
        targets = None if inputs is None else refusals.leaf_ids(_tensors("inputs", inputs))
        cotangent, path = _cotangent(self, grad), _path([self], targets)
        leaves = [t for t in path.values() if t.creator is None]
        grads = _gradients([self], [cotangent], path, leaves, create_graph)
        with _adding, _grad_mode(create_graph):
            for leaf, new in zip(leaves, grads):
                if leaf.grad is not None:
                    for observer in _mode.observers:
                        observer.adding_to(leaf)
                    new = leaf.grad + new
                leaf.grad = new


class Function:
    """One operation: how to compute it, and how to differentiate it.

    A subclass writes `forward`, arrays in and an array out, and `backward`, the gradient of the
    output in and a gradient for each input out, all of them Tensors. `backward` may read
    `self.inputs`, `self.output` and `self.needs` (for each input, whether its gradient is asked
    for; None is a fine answer for the others). It may keep shapes, masks and indices on `self`,
    never a floating point array: that would be a constant to the second derivative.
    """

    # whose values backward reads, of its inputs and its output: "nothing" if it is linear in all
    # inputs together, "the other factor" if it is bilinear in the first two, or "everything"
    reads = "everything"
    view = False  # the output shares memory with the first input

    # a further method, in place of None: `backward` on arrays, each input's gradient an array or
    # None. It is asked where nobody is going to differentiate what comes out.
    fused_backward: Callable[[backend.Array], Sequence[backend.Array | None]] | None = None

    inputs: tuple[Tensor, ...] = ()
    tracked: Sequence[bool]  # which inputs required a gradient then; the others stay constants
    needs: tuple[bool, ...] = ()  # which of the tracked ones this walk back is to give a gradient

    def forward(self, *arrays: backend.Array) -> backend.Array:
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def backward(self, grad: Tensor) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no backward")

    def gradients(self, grad: Tensor) -> Sequence[Tensor | None]:
        """`backward`, or its fused form where no graph is made; always as a sequence."""
        if self.fused_backward is not None and not _mode.grad_enabled:
            return [g if g is None else Tensor(g) for g in self.fused_backward(grad._data)]
        grads = self.backward(grad)
        return grads if isinstance(grads, (tuple, list)) else (grads,)

    @property
    def output(self) -> Tensor:
        """What this function computed; held weakly, so that graph and memory go together."""
        return self._output()

    def __call__(self, *inputs: Any) -> Tensor:
        if self.inputs:
            raise RuntimeError(f"this {type(self).__name__} is a node of a graph already: "
                               "make a new one for each call")
        inputs = tuple([x if isinstance(x, Tensor) else as_tensor(x) for x in inputs])
        try:
            output = _wrap(backend.result(self.forward(*[x._data for x in inputs])))
        except Exception as error:
            refusals.check_failure(self, inputs, error)
            raise
        for observer in _mode.observers:
            observer.computed(self, inputs, output)
        if self.view:
            output._version = inputs[0]._version
        tracked = [x._requires_grad for x in inputs] if _mode.grad_enabled else ()
        if True in tracked:
            self.inputs, self.tracked = inputs, tracked
            self._versions = [x._version[0] for x in (*inputs, output)]
            self._output = weakref.ref(output)
            output._requires_grad, output.creator = True, self
        return output


# Leaves and constants
def _wrap(array: backend.Array) -> Tensor:
    """Tensor(array) for what is known to be an array: it is made once for every operation."""
    t = Tensor.__new__(Tensor)
    t._data, t._version, t.grad, t._requires_grad, t.creator = array, [0], None, False, None
    return t


def tensor(data: Any, requires_grad: bool = False) -> Tensor:
    """A new leaf on the default backend, with a copy of the data.

    Arrays keep their dtype. Python floats become float32, as parameters are; Python ints stay ints.
    """
    array = backend.asarray(data.data if isinstance(data, Tensor) else data)
    return Tensor(array.copy(), requires_grad)


def as_tensor(data: Any, like: Any = None) -> Tensor:
    """data itself if it is a Tensor, else a constant. A number takes the dtype and the device of a
    Tensor beside it; an array is copied where backward may read it, for it may be changed since."""
    if isinstance(data, Tensor):
        return data
    if isinstance(like, Tensor) and backend.is_scalar(data):
        return _wrap(backend.number(data, like._data))
    if backend.is_array(data):
        return Tensor(data.copy() if _mode.grad_enabled else data)
    return Tensor(backend.asarray(data))


# The chain rule, over a whole graph
def grad(outputs: Tensor | Sequence[Tensor], inputs: Tensor | Iterable[Tensor],
         grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
         create_graph: bool = False, allow_unused: bool = False) -> tuple[Tensor, ...]:
    """The gradients of the outputs by the inputs, without touching any `.grad`.

    outputs       a Tensor or several; their contributions are added
    inputs        a Tensor or several, leaves or not
    grad_outputs  the cotangents, of the outputs' shapes; 1 for an output of one element
    create_graph  keep the gradients differentiable, for second derivatives
    allow_unused  zeros for inputs that no path leads to; else they are an error
    returns       a tuple, one Tensor for each input
    """
    outputs, inputs = _tensors("outputs", outputs), _tensors("inputs", inputs)
    if not isinstance(grad_outputs, (tuple, list)):
        grad_outputs = (grad_outputs,) * len(outputs)
    if len(grad_outputs) != len(outputs):
        raise ValueError(f"{len(outputs)} outputs need as many grad_outputs, "
                         f"got {len(grad_outputs)}")
    cotangents = [_cotangent(y, g) for y, g in zip(outputs, grad_outputs)]
    create_graph = create_graph or _mode.followed and _mode.grad_enabled
    path = _path(outputs, {id(x) for x in inputs})
    if not allow_unused:
        refusals.check_used(outputs, inputs, path)
    return tuple(_gradients(outputs, cotangents, path, inputs, create_graph))


def _path(outputs: Iterable[Tensor], targets: Container[int] | None) -> dict[int, Tensor]:
    """The tensors on the ways from the targets (ids; None: all leaves) to the outputs, by id(),
    each after the inputs that it was computed from. A stack: graphs are deeper than Python's."""
    path: dict[int, Tensor] = {}
    seen: set[int] = set()
    stack = [(t, False) for t in outputs if t._requires_grad]
    while stack:
        t, inputs_done = stack.pop()
        node = t.creator
        tracked = () if node is None else compress(node.inputs, node.tracked)
        if inputs_done:
            is_target = node is None if targets is None else id(t) in targets
            if is_target or not path.keys().isdisjoint(map(id, tracked)):
                path[id(t)] = t
        elif id(t) not in seen:
            seen.add(id(t))
            stack.append((t, True))
            stack.extend([(x, False) for x in tracked])
    return path


def _gradients(outputs: Sequence[Tensor], cotangents: Sequence[Tensor], path: dict[int, Tensor],
               targets: Sequence[Tensor], create_graph: bool) -> list[Tensor]:
    """The gradient of every target, in memory of its own: zeros where no path leads to it."""
    grads = _pull_back(outputs, cotangents, path, {id(x) for x in targets}, create_graph)
    shared = {id(cotangent._data) for cotangent in cotangents}
    with _grad_mode(create_graph):
        return [_own(grads[id(x)], shared) if id(x) in grads
                else Tensor(backend.array_module(x._data).zeros_like(x._data)) for x in targets]


def _pull_back(outputs: Sequence[Tensor], cotangents: Sequence[Tensor], path: dict[int, Tensor],
               targets: Container[int], create_graph: bool) -> dict[int, Tensor]:
    """Reverse-mode differentiation: the gradient of every target, by the target's id().

    A tensor's gradient is complete once everything computed from it has been visited, so the
    walk goes through `path`, inputs first, from its end.
    """
    grads: dict[int, Tensor] = {}
    with _grad_mode(create_graph):
        for y, cotangent in zip(outputs, cotangents):
            grads[id(y)] = _added(grads.get(id(y)), cotangent)
        for t in reversed(path.values()):
            node = t.creator
            if node is None:
                continue
            node.needs = tuple([was and id(x) in path
                                for x, was in zip(node.inputs, node.tracked)])
            if True not in node.needs:
                continue
            # what is not a target is not needed again: its memory can go
            grad = grads[id(t)] if id(t) in targets else grads.pop(id(t))
            for x, needed, new in zip(node.inputs, node.needs, _answer(node, t, grad)):
                if needed:
                    grads[id(x)] = _added(grads.get(id(x)), _fitting(new, x, node))
    return grads


def _added(so_far: Tensor | None, new: Tensor) -> Tensor:
    """The sum of two gradients; no node of a graph where none is made."""
    if so_far is None:
        return new
    return so_far + new if _mode.grad_enabled else _wrap(
        backend.result(so_far._data + new._data))


# Bookkeeping: arguments in one form, each operation's answer, and memory
def _tensors(name: str, given: Tensor | Iterable[Tensor]) -> tuple[Tensor, ...]:
    """The Tensors of an argument that is one or several."""
    several = not isinstance(given, Tensor) and isinstance(given, Iterable)
    tensors = tuple(given) if several else (given,)
    if not all(isinstance(t, Tensor) for t in tensors):
        raise TypeError(f"{name} is a Tensor or several of them, not {refusals.shown(given)}")
    return tensors


def _cotangent(output: Tensor, grad: Any) -> Tensor:
    """What the backward pass starts with: the given gradient, or 1 for a single number."""
    if grad is None:
        if output.size != 1:
            raise refusals.not_one_number(output)
        return _wrap(backend.array_module(output._data).ones_like(output._data))
    grad = as_tensor(grad, output)
    if grad.shape != output.shape:
        raise ValueError(f"the given gradient has shape {grad.shape}, the tensor {output.shape}")
    return grad


def _answer(node: Function, output: Tensor, grad: Tensor) -> Sequence[Tensor | None]:
    """node.gradients(grad), on the values of the forward pass, and told to who looks on."""
    if [x._version[0] for x in (*node.inputs, output)] != node._versions:
        refusals.check_unchanged(node)
    _mode.differentiating = node
    gradients = node.gradients(grad)
    for observer in _mode.observers:
        observer.differentiated(node, grad, gradients)
    if len(gradients) < len(node.inputs):
        raise refusals.too_few(node, gradients)
    return gradients


def _fitting(grad: Tensor | None, x: Tensor, node: Function) -> Tensor:
    """A gradient is a Tensor of its input's shape and dtype; the dtype is seen to here."""
    if not isinstance(grad, Tensor) or grad._data.shape != x._data.shape:
        raise refusals.unfit(grad, x, node)
    return grad if grad._data.dtype == x._data.dtype else grad.astype(x.dtype)


def _own(grad: Tensor, shared: set[int]) -> Tensor:
    """The gradient in memory of its own: no view, or, in a graph, none that was stretched."""
    graph, array = grad._requires_grad and _mode.grad_enabled, grad._data
    own = array.base is None or graph and getattr(array.flags, "writeable", all(array.strides))
    if id(array) in shared or not own:
        grad = grad * 1 if graph else _wrap(array.copy(order="K"))
    shared.add(id(grad._data))
    return grad
