"""A batch computed in shards, and what they tell each other on the way.

A floating-point sum depends on its order. So the order is the batch's, and nobody else's: each
shard's part is computed alone, and the parts are added in one fixed tree, whoever computed them.
"""
from __future__ import annotations

import contextvars
import threading
from importlib.util import find_spec
from itertools import accumulate
from typing import Any, Callable, Mapping, Sequence

from .autodiff import Function, Tensor, _mode
from .backend import Array, array_module, is_host
from .errors import UserError

BLOCK = 1 << 14  # numbers that are added at a time
Part = Sequence[Array]  # what a shard adds to a sum: arrays that become one, end to end
Node = tuple[int, int]  # of the tree: the shards from the first to before the second


def halves(node: Node) -> tuple[Node, Node]:
    """What a node of the tree is the sum of; the first half is the longer one."""
    first, last = node
    middle = first + (last - first + 1) // 2
    return (first, middle), (middle, last)


def added(node: Node, known: Mapping[Node, Array]) -> Array:
    """The sum of a node, of nodes below it whose sums are known: lower shards + higher ones."""
    if node in known:
        return known[node]
    lower, higher = halves(node)
    return added(lower, known) + added(higher, known)


def summed(node: Node, parts: Sequence[Part], first: int) -> Array:
    """The sum of a node as one flat array, of the parts of the shards from `first` on. It is added
    in blocks that stay in a core's cache: each number is read once from memory."""
    xp, sizes = array_module(parts[0][0]), [array.size for array in parts[0]]
    out = xp.empty(sum(sizes), xp.result_type(*[array.dtype for array in parts[0]]))
    block = BLOCK if is_host(out) else out.size
    start = 0
    for size, arrays in zip(sizes, zip(*parts)):
        rows = [array.reshape(-1) for array in arrays]
        for i in range(0, size, block):
            leaves = {(j, j + 1): row[i:i + block] for j, row in enumerate(rows, first)}
            out[start + i:start + min(i + block, size)] = added(node, leaves)
        start += size
    return out


def joined(arrays: Sequence[Array]) -> Array:
    """Arrays of one dtype, end to end. (For more than eight, CuPy's concatenate uploads where they
    lie, which no captured step may do.)"""
    sizes = [array.size for array in arrays]
    out = array_module(arrays[0]).empty(sum(sizes), arrays[0].dtype)
    for array, stop in zip(arrays, accumulate(sizes)):
        out[stop - array.size:stop].reshape(array.shape)[...] = array
    return out


def whole_nodes(node: Node, shards: range) -> list[Node]:
    """The nodes from this one down that are sums of these shards alone, as few as there can be."""
    first, last = node
    if shards.start <= first and last <= shards.stop:
        return [node]
    if last <= shards.start or shards.stop <= first:
        return []
    return [found for half in halves(node) for found in whole_nodes(half, shards)]


def block(count: int, rank: int, ranks: int) -> range:
    """The shards, of so many, that one of several ranks computes: neighbours, so that most of the
    tree is added where they are."""
    return range(rank * count // ranks, (rank + 1) * count // ranks)


DIFFERENT_ROWS = ("the shards of this batch have different numbers of rows at a BatchNorm: take "
                  "the statistics of each shard (batch_norm='shard')")


def check_greenlet() -> None:
    """Raise UserError where shards cannot meet."""
    if find_spec("greenlet") is None:
        raise UserError("BatchNorm over the shards of a batch needs greenlet: pip install "
                        "'minigan[mpi]', or take each shard's statistics (--batch-norm shard)")


class Meeting:
    """Functions, one for each shard, that run in turn, and wait for each other where one calls
    `total`. They run in one thread, each on a stack of its own that it is left on and taken up
    again (a greenlet): a hand-over between threads would take longer than the layer.

    total   what adds the parts of these shards, and of those elsewhere: a list of them ↦ the sum
    count   how many shards there are, here and elsewhere

    `met` has the size and the rows of all sums, for whoever compares it with what other ranks had.
    """

    def __init__(self, total: Callable[[list[Part]], Array], count: int):
        self._total, self.count = total, count
        self.met: list[tuple[int, int]] = []

    def run(self, functions: Sequence[Callable[[], Any]]) -> list[Any]:
        """What they return. What one raises is raised, and the others end."""
        turns = [_Turn(self, function) for function in functions]
        try:
            while not self._round(turns):
                pass
        finally:
            for turn in turns:
                turn.end()
        return [turn.result for turn in turns]

    def _round(self, turns: list[_Turn]) -> bool:
        """Let each go on to where it waits, and tell all what was added up; or say that they
        returned."""
        for turn in turns:
            turn.go_on()
        over = [turn.stack.dead for turn in turns]
        if all(over):
            return True
        if any(over) or len({turn.part.size for turn in turns}) > 1:
            raise UserError("the shards of this batch went different ways: where one needs a sum "
                            "over all of them, each has to add its part, of one size. Take the "
                            "statistics of each shard instead (batch_norm='shard')")
        if len({turn.rows for turn in turns}) > 1:
            raise UserError(DIFFERENT_ROWS)
        self.met.append((turns[0].part.size, turns[0].rows))
        total = self._total([[turn.part] for turn in turns])
        for turn in turns:
            turn.sum = total.copy()  # no two may share memory
        return False


class _Turn:
    """A function on a stack of its own."""

    def __init__(self, meeting: Meeting, function: Callable[[], Any]):
        from greenlet import greenlet

        self.meeting, self.function = meeting, function
        self.stack = greenlet(self._work)
        self.stack.gr_context = contextvars.copy_context()  # NumPy's errstate is in it
        self.mode = dict(vars(_mode))  # grad mode and observers
        self.part: Array = None
        self.rows = 0
        self.result = self.sum = None

    def _work(self) -> None:
        self.result = self.function()

    def go_on(self) -> None:
        """Called from outside: let it run to where it waits or ends."""
        self._within(self.stack.switch)

    def _within(self, action: Callable[[], Any]) -> None:
        """Do it in this function's mode, and go back to that outside."""
        outside, around = dict(vars(_mode)), _here.turn
        _set_mode(self.mode)
        _here.turn = self
        try:
            action()
        finally:
            self.mode, _here.turn = dict(vars(_mode)), around
            _set_mode(outside)

    def total(self, part: Array, rows: int) -> Array:
        """Called from inside: the sum of all shards' parts, each of so many rows."""
        self.part, self.rows = part, rows
        self.stack.parent.switch()
        return self.sum

    def end(self) -> None:
        """Called from outside: let it run no further."""
        if self.stack and not self.stack.dead:
            self._within(self.stack.throw)


def _set_mode(mode: dict[str, Any]) -> None:
    vars(_mode).clear()
    vars(_mode).update(mode)


class _Here(threading.local):
    turn: _Turn | None = None  # whose it is


_here = _Here()


def meeting() -> Meeting | None:
    """That in which this is computed, if it is one shard of several that meet."""
    turn = _here.turn
    return None if turn is None else turn.meeting


class Across(Function):
    """y = Σ x over the shards, each of which gets y.

    Each shard's loss depends on every x by way of y, so that ∂/∂x of all their losses together is
    the sum of what they have as ∂/∂y: the same operation.
    """

    reads = "nothing"

    def __init__(self, rows: int):
        self.rows = rows

    def forward(self, x):
        turn = _here.turn
        if turn is None:
            raise RuntimeError("a sum over shards is differentiated where the shards do not meet")
        return turn.total(x, self.rows).reshape(x.shape)

    def backward(self, grad):
        return across(grad, self.rows)


def across(x: Tensor, rows: int) -> Tensor:
    """The sum of x over the shards that meet here, each of which has so many rows. Differentiable,
    where they meet in backward, too."""
    return Across(rows)(x)
