"""A page on which a computation is stepped through: its values, then its gradients."""
from __future__ import annotations

import inspect
import json
import math
import os
import sys
import textwrap
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..autodiff import Function, Tensor, as_tensor
from ..checked import checked
from ..files import write_text
from ..trace import Node, Trace, trace

NUMBERS = 100_000  # on a page, about: of each array a corner, of at most
LARGEST = 1024     # and at least
SMALLEST = 16
WHOLE = 64         # numbers up to which an array is whole, if there are not too many of them
HEIGHT = 760       # pixels that a page has in a notebook


class Page(NamedTuple):
    """A page of HTML, and what is on it. A notebook shows it by itself."""

    title: str
    html: str

    def write(self, path: str | os.PathLike) -> None:
        """Write it as a file, in one step."""
        write_text(path, self.html)

    def __repr__(self) -> str:
        return f"<{self.title}: a page of {len(self.html) // 1024 + 1} KB; a notebook shows it>"

    def _repr_html_(self) -> str:
        return (f'<iframe title="{escape(self.title)}" srcdoc="{escape(self.html)}" '
                f'style="width: 100%; height: {HEIGHT}px; border: 0"></iframe>')


@checked
def steps(y: Tensor, path: str | os.PathLike | None = None, grad: Tensor | None = None) -> Page:
    """One HTML file, which needs nothing else, of the computation that made y: its graph, and the
    way through it a node at a time, first the values, then the gradients.

    y     a Tensor that was computed from one that requires a gradient; a gradient by
          `create_graph=True` is one, too
    path  the file to write; None: none is, and the page is only returned, as what a notebook shows
    grad  the cotangent, of y's shape; 1 if y has one element

    Numbers are the engine's, which differentiates once for it; no `.grad` is touched. Names are
    those of the caller's variables and modules. Arrays of up to 64 numbers are shown whole, of
    larger ones a corner of 1,024 at most, less where there are many. Raises ValueError if y has no
    graph, or more than one element and no cotangent, and UserError if a tensor was changed since
    the forward pass.
    """
    frame = sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").startswith("minigan."):
        frame = frame.f_back  # of what checks the arguments
    page = draw(trace(as_tensor(y), grad, frame.f_locals, frame.f_globals))
    if path is not None:
        page.write(path)
    return page


def draw(found: Trace, title: str = "") -> Page:
    """The page of a trace."""
    title = f"{title or found.nodes[-1].name or 'A computation'}, step by step"
    text = json.dumps(_data(found), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    page = Path(__file__).with_name("stepper.html").read_text("utf-8")
    return Page(title, page.replace("{{title}}", escape(title), 2)
                .replace("{{data}}", text.replace("<", "\\u003c"), 1))


def _data(found: Trace) -> dict[str, Any]:
    """What the page's script is given."""
    nodes, kinds = found.nodes, {}
    arrays = sum(2 + (len(node.parts) > 1) * len(node.parts) for node in nodes)
    cap = min(LARGEST, max(SMALLEST, NUMBERS // arrays))
    for node in nodes:
        if node.creator is not None:
            kinds.setdefault(type(node.creator), len(kinds))
    return {"nodes": [_node(node, kinds, cap) for node in nodes], "backward": found.backward,
            "operations": [_operation(kind) for kind in kinds]}


def _node(node: Node, kinds: dict[type[Function], int], cap: int) -> dict[str, Any]:
    one = len(node.parts) == 1  # which is the gradient itself
    dtype = node.tensor.dtype   # the engine sees to it that gradients are of it, too
    return {
        "name": node.name, "module": node.module, "inputs": node.inputs,
        "operation": None if node.creator is None else kinds[type(node.creator)],
        "trained": node.creator is None and node.grad is not None,
        "settings": _settings(node.creator), "value": _numbers(node.tensor, dtype, cap),
        "grad": None if node.grad is None else _numbers(node.grad, dtype, cap),
        "parts": [[source, i, None if one else _numbers(part, dtype, cap)]
                  for source, i, part in node.parts]}


def _numbers(t: Tensor, dtype: Any, cap: int) -> dict[str, Any]:
    """An array's shape, the corner of it that is shown, and what it is as a whole."""
    array = t.numpy().astype(dtype)
    plane, corner = _corner(array.shape, max(cap, WHOLE) if array.size <= WHOLE else cap)
    told = {"shape": array.shape, "dtype": str(dtype), "plane": plane, "corner": corner,
            "numbers": list(map(_plain, array[tuple(map(slice, corner))].ravel()))}
    if array.size > math.prod(corner) or array.size > WHOLE:
        with np.errstate(all="ignore"):
            told["range"] = [_plain(array.min()), _plain(array.max()),
                             _plain(array.mean(dtype="float64"))]
    return told


def _corner(shape: tuple[int, ...], cap: int) -> tuple[list[int], list[int]]:
    """Two axes to show as rows and columns, neighbours of equal length as images and kernels have,
    or the last; and the lengths of a corner of at most `cap` elements, the most of it in these."""
    rows = next((i for i in range(len(shape) - 1) if shape[i] == shape[i + 1] > 1),
                max(len(shape) - 2, 0))
    plane = [i for i in (rows, rows + 1) if i < len(shape)]
    corner, room = list(shape), cap
    for i in sorted(range(len(shape)), key=lambda i: (i not in plane, -i)):
        fair = math.isqrt(cap) if len(plane) == 2 and i == plane[1] else room
        if i in plane[1:] and shape[plane[0]]:
            fair = max(fair, cap // shape[plane[0]])
        corner[i] = min(shape[i], fair)
        room //= max(corner[i], 1)
    return plane, corner


def _plain(number: Any) -> Any:
    """As JSON can say it: a float by the fewest digits that are it in its type."""
    if number.dtype.kind != "f":
        return int(number)
    return float(str(number)) if np.isfinite(number) else str(number)


def _settings(creator: Function | None) -> str:
    """What an operation was made with, as in axis = (0,)."""
    return ", ".join([
        f"{name} = {value!r}" for name, value in vars(creator).items() if name[0] != "_"
        and name not in ("inputs", "tracked", "needs", "origin") and len(repr(value)) < 60
        and isinstance(value, (bool, int, float, str, tuple))]) if creator else ""


def _operation(kind: type[Function]) -> dict[str, Any]:
    """What the code of an operation says."""
    parameters = list(inspect.signature(kind.forward).parameters.values())[1:]
    return {"name": kind.__name__, "about": inspect.cleandoc(kind.__doc__ or ""),
            "arguments": [str(p.replace(annotation=p.empty)) for p in parameters],
            "forward": _source(kind.forward), "backward": _source(kind.backward),
            "fused": kind.fused_backward is not None,
            "sums": kind.gradients is not Function.gradients}


def _source(function: Any) -> str:
    try:
        return textwrap.dedent(inspect.getsource(function)).strip()
    except (OSError, TypeError):  # it was typed where no file is
        return ""
