"""What a network is made of: its layers, the shapes between them, and their weights."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from .. import backend
from ..autodiff import Tensor, no_grad
from ..checked import checked
from ..errors import BRIEF, UserError
from ..settings import POSITIVE
from .module import Module

Shape = tuple[int, ...]


class Row(NamedTuple):
    """A layer: its dotted name and its repr, the shape of what came out of it last (of several
    outputs, all of them; None if it was not called), and what it holds itself."""

    name: str
    layer: str
    output: Shape | tuple[Shape, ...] | None
    parameters: int
    state: int
    bytes: int


@dataclass(frozen=True, repr=False)
class Summary:
    """The layers of a network; printed, a table.

    parameters  how many numbers are trained; state: how many more are saved; bytes: of both
    """

    rows: tuple[Row, ...]

    @property
    def parameters(self) -> int:
        return sum(row.parameters for row in self.rows)

    @property
    def state(self) -> int:
        return sum(row.state for row in self.rows)

    @property
    def bytes(self) -> int:
        return sum(row.bytes for row in self.rows)

    def __repr__(self) -> str:
        lines = [("", "layer", "output", "parameters", "bytes")]
        lines += [(r.name, r.layer, _shown(r.output), f"{r.parameters:,}" if r.parameters else "",
                   _size(r.bytes) if r.bytes else "") for r in self.rows]
        lines += [("", "in all", "", f"{self.parameters:,}", _size(self.bytes))]
        widths = [max(map(len, column)) for column in zip(*lines)]
        table = ["  ".join(cell.rjust(n) if i > 2 else cell.ljust(n)
                           for i, (cell, n) in enumerate(zip(line, widths)) if n).rstrip()
                 for line in lines]
        rule = "-" * max(map(len, table))
        more = [f"and {self.state:,} numbers that are saved, but not trained"] * bool(self.state)
        return "\n".join([table[0], rule, *table[1:-1], rule, table[-1], *more])


@checked
def summary(module: Module, *shapes: Any) -> Summary:
    """The layers of a module, how many parameters each has, and if it is told the shape of one
    example, without N, for each of its inputs, also the shapes of what comes out of them:

        print(nn.summary(generator, (100,)))

    The module is called once for that, in evaluation, with zeros; it is left as it was. Raises
    UserError for what is no shape, and what the module raises for inputs of these shapes.
    """
    for shape in shapes:
        if not isinstance(shape, (tuple, list)) or not all(map(POSITIVE.fits, shape)):
            raise UserError("summary takes the shape of one example, without N, for each input of "
                            f"the module, such as (28, 28, 1), not {BRIEF.repr(shape)}")
    outputs = _outputs(module, shapes) if shapes else {}
    seen: set[int] = set()
    rows = []
    for name, part in module.named_modules():
        children = [value for _, value in part.children()]
        own = {id(t): t for t in children if isinstance(t, Tensor) and id(t) not in seen}
        seen.update(own)
        if own or not any(isinstance(value, Module) for value in children):
            trained = sum(t.size for t in own.values() if t.requires_grad)
            rows.append(Row(
                name, f"{type(part).__name__}({part.describe()})", outputs.get(id(part)), trained,
                sum(t.size for t in own.values()) - trained,
                sum(t.size * t.dtype.itemsize for t in own.values())))
    return Summary(tuple(rows))


def _outputs(module: Module, shapes: tuple[Shape, ...]) -> dict[int, Any]:
    """By its id, the shape of what each module within this one gives for an example of zeros."""
    outputs: dict[int, Any] = {}

    def watched(part: Module) -> Any:
        forward = part.forward

        def call(*inputs: Any) -> Any:
            output = forward(*inputs)
            outputs[id(part)] = (tuple([getattr(t, "shape", ()) for t in output])
                                 if isinstance(output, tuple) else getattr(output, "shape", None))
            return output

        return call

    like = next((t.data for _, t in module.named_state()), backend.asarray(0.0))
    zeros = [Tensor(backend.array_module(like).zeros((1, *shape), like.dtype)) for shape in shapes]
    before = [(part, dict(vars(part))) for part in module.modules()]
    try:
        module.eval()
        for part, _ in before:
            part.forward = watched(part)  # an object's own attribute stands before its class's
        with no_grad():
            module(*zeros)
    finally:
        for part, attributes in before:
            vars(part).clear()
            vars(part).update(attributes)
    return outputs


def _shown(shape: Any) -> str:
    if shape is None:
        return ""
    if shape and isinstance(shape[0], tuple):
        return " and ".join(map(_shown, shape))
    return f"(N, {', '.join(map(str, shape[1:]))})" if len(shape) > 1 else "(N,)"


def _size(count: int) -> str:
    power = min(len(str(count)) - 1, 9) // 3
    return f"{count / 1000 ** power:.{min(power, 1)}f} {('B', 'kB', 'MB', 'GB')[power]}"
