"""A computation after the fact: what came from what, and what the walk back hands to whom.

The graph is read from its result, by `creator` and `inputs`. The gradients are heard: the engine
differentiates once more, and an observer notes what it gives to each operation, and gets from it.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import compress
from typing import Any, NamedTuple, Sequence

from .autodiff import Function, Tensor
from .autodiff import grad as differentiate
from .errors import UserError
from .nn import Module
from .observer import Observer, observing
from .refusals import no_graph

_DEEP, _MANY = 3, 1000  # how far the search for names goes into containers, and into which


@dataclass(eq=False)
class Node:
    """A tensor of the graph, the operation that made it (None: it was given), and where among the
    nodes that operation's inputs are. `parts` are the gradients that add up to `grad`, in the order
    in which they arrive: from which node, as the gradient of which of its inputs."""

    tensor: Tensor
    creator: Function | None
    inputs: tuple[int, ...]
    name: str    # the reader's variable; "" if there is none
    module: str  # whose parameters it uses, or is; without any, that of what it is computed from
    grad: Tensor | None = None
    parts: list[tuple[int, int, Tensor]] = field(default_factory=list)


class Trace(NamedTuple):
    nodes: list[Node]    # each after its inputs, the result last
    backward: list[int]  # the operations, in the order of the walk back


def trace(y: Tensor, grad: Tensor | None = None, *scopes: Mapping[str, Any]) -> Trace:
    """The graph of a Tensor with all values and gradients. Names are looked for in the scopes.

    grad  the cotangent, of y's shape; 1 if y has one element

    No `.grad` is touched. Raises ValueError without a graph or a cotangent, UserError if a tensor
    was changed since.
    """
    if y.creator is None:
        raise no_graph("steps", y)
    names, modules = _named(scopes)
    nodes: list[Node] = []
    at: dict[int, int] = {}  # where among the nodes a tensor is, by its id
    stack: list[tuple[Tensor, Function | None, bool]] = [(y, y.creator, False)]
    while stack:  # as in the engine, but from the left to the right, in which Python computes
        t, creator, inputs_done = stack.pop()
        inputs = creator.inputs if creator else ()
        if id(t) in at:
            continue
        if inputs_done or not inputs:
            of = tuple([at[id(x)] for x in inputs])
            near = [*[modules.get(id(x)) for x in (t, *inputs)], *[nodes[i].module for i in of]]
            at[id(t)] = len(nodes)
            name = names.get(id(t), "") or not creator and names.get(id(t.data)) or ""
            nodes.append(Node(t, creator, of, name, next(filter(None, near), "")))
        else:
            stack.append((t, creator, True))
            stack += [(x, x.creator if was else None, False)
                      for x, was in zip(inputs[::-1], creator.tracked[::-1])]
    _check_unchanged(nodes)
    heard = _Heard(nodes, at)
    tracked = {id(x) for node in nodes if node.creator
               for x in compress(node.creator.inputs, node.creator.tracked)}
    leaves = [n.tensor for n in nodes if n.creator is None and id(n.tensor) in tracked]
    with observing(heard):
        for leaf, total in zip(leaves, differentiate(y, leaves, grad)):
            nodes[at[id(leaf)]].grad = total
    return Trace(nodes, heard.order)


class _Heard(Observer):
    """Notes what each operation is given in the walk back, and what it answers."""

    def __init__(self, nodes: list[Node], at: dict[int, int]):
        self.nodes, self.at, self.order = nodes, at, []

    def differentiated(self, node: Function, grad: Tensor, gradients: Sequence) -> None:
        here = self.at[id(node.output)]
        self.nodes[here].grad = grad
        self.order.append(here)
        for i, (x, needed, new) in enumerate(zip(node.inputs, node.needs, gradients)):
            if needed and isinstance(new, Tensor):  # else the engine says what is wrong
                self.nodes[self.at[id(x)]].parts.append((here, i, new))


def _check_unchanged(nodes: Sequence[Node]) -> None:
    """Raise if a value is not that of the forward pass any more."""
    for node in nodes:
        if node.creator is None:
            continue
        of = [*[nodes[i] for i in node.inputs], node]
        for n, version in zip(of, node.creator._versions):
            if n.tensor._version[0] != version:
                raise UserError(
                    f"{n.name or 'a tensor'} of shape {n.tensor.shape} was changed since "
                    f"{type(node.creator).__name__} was computed (by an optimiser's step, or an "
                    "assignment to .data): look before the change, or compute again after it")


# Names
def _named(scopes: Sequence[Mapping[str, Any]]) -> tuple[dict[int, str], dict[int, str]]:
    """The names of tensors, and the modules that they are the state of, by the tensors' ids. A
    variable's own name comes first, then the path from a module, the largest first, then what
    stands in a list or a dict."""
    variables: dict[str, Any] = {}
    for scope in scopes:
        for name, value in scope.items():
            if not name.startswith("_") and name not in ("In", "Out"):  # a notebook's own
                variables.setdefault(name, value)
    found = [item for name, value in variables.items() for item in _members(name, value)]
    inner = {name: len(list(m.modules())) for name, m in found if isinstance(m, Module)}
    names = {id(t): name for name, t in reversed(variables.items()) if isinstance(t, Tensor)}
    owners: dict[int, str] = {}
    for name, module in sorted(found, key=lambda item: -inner.get(item[0], 0)):
        if isinstance(module, Module):
            with suppress(TypeError, ValueError):  # a state that cannot be named
                for path, t in module.named_state(f"{name}."):
                    names.setdefault(id(t), path)
                    owners.setdefault(id(t), path.rpartition(".")[0])
    for name, t in found:
        names.setdefault(id(t), name)
        if isinstance(t, Tensor):
            names.setdefault(id(t.data), f"{name}.detach()")
    return names, owners


def _members(name: str, value: Any, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """What is a Tensor or a Module of it, or in it, with names such as ws[0]."""
    if isinstance(value, (Tensor, Module)):
        yield name, value
    elif isinstance(value, (list, tuple, dict)) and depth < _DEEP and len(value) <= _MANY:
        for key, v in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _members(f"{name}[{key!r}]", v, depth + 1)
