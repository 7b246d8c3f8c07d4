"""Where a number that is not finite came from: the operation, the layer, and what went in.

A NaN spreads: when a loss shows it, every weight may have it. So each operation is asked, at once,
whether what it made is finite, and the first whose result is not is named.
"""
from __future__ import annotations

import math
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Iterator, NamedTuple, Sequence

from . import backend
from .autodiff import Function, Tensor, _mode
from .backend import Array
from .checked import checked
from .nn import Module
from .observer import Observer, observed_by, observing

_HERE = Path(__file__).parent
# whose lines say nothing
_ENGINE = (*[str(_HERE / name) for name in ("autodiff.py", "checked.py", "ops")], __file__)


class AnomalyError(ArithmeticError):
    """An operation made a number that is not finite; the message says which and from what."""

    operation: str     # the class of the Function, such as "Log"
    phase: str         # "forward" or "backward"
    layer: str | None  # the dotted path of the module that called it; None: outside of all modules


@checked
@contextmanager
def anomaly(**networks: Module) -> Iterator[None]:
    """Within it the first operation that makes an infinite number or a NaN, as its result or as
    its gradient, raises AnomalyError.

    networks  the names that messages are to use, as in anomaly(generator=G, discriminator=D). A
              network that has none goes by its class: `discriminator` for a Discriminator

    It holds for the thread that enters it, and may be nested. Each operation is looked at as it is
    done: a training step takes a few per cent longer on a CPU, while on a GPU every operation waits
    for the device, and a step cannot be captured. The forward pass has to be within it for the
    layer of a gradient to be known. Infinite numbers that are meant, such as a mask of −∞, are
    reported as well.

    >>> import minigan as mg
    >>> with mg.anomaly():
    ...     x = mg.tensor([4.0, 0.0], requires_grad=True)
    ...     mg.ops.sqrt(x).sum().backward()
    Traceback (most recent call last):
        ...
    minigan.anomaly.AnomalyError: Sqrt, backward, ...
    """
    outer = observed_by(Watch)
    with observing(Watch(networks, outer), instead_of=outer):
        yield


class Origin(NamedTuple):
    """Where an operation was called."""

    modules: tuple[Module, ...]  # those whose forward was running, outermost first
    line: tuple[str, int]        # the file and the number
    gradient_of: str = ""        # the operation whose backward called it


class Watch(Observer):
    """What is known while `anomaly()` is on: which modules are running, and their names."""

    def __init__(self, networks: dict[str, Module], outer: Watch | None):
        self.networks = {**(outer.networks if outer else {}), **networks}
        self.running: list[Module] = outer.running if outer else []

    def entered(self, module: Module) -> None:
        if not self.running and self.path(module) is None:
            name = type(module).__name__.lower()
            alike = sum(type(m) is type(module) for m in self.networks.values())
            self.networks[f"{name}{alike + 1}" if name in self.networks else name] = module
        self.running.append(module)

    def left(self, module: Module) -> None:
        self.running.pop()

    def computed(self, node: Function, inputs: Sequence[Tensor], output: Tensor) -> None:
        """Within a backward nothing is judged: what matters is what comes out of it, and that is
        asked of `differentiated`."""
        outer = _mode.differentiating
        if outer is None:
            node.origin = Origin(tuple(self.running), _calling_line())
        else:
            made = getattr(outer, "origin", Origin((), ("", 0)))
            node.origin = made._replace(gradient_of=type(outer).__name__)
        if outer is None and not is_finite(output.data):
            raise self._forward_error(node, inputs, output)

    def differentiated(self, node: Function, grad: Tensor,
                       gradients: Sequence[Tensor | None]) -> None:
        for i, (needed, new) in enumerate(zip(node.needs, gradients)):
            if needed and isinstance(new, Tensor) and not is_finite(new.data):
                raise self._backward_error(node, grad, i, new)

    def _forward_error(self, node: Function, inputs: Sequence[Tensor], output: Tensor
                       ) -> AnomalyError:
        bad = [i for i, x in enumerate(inputs) if not is_finite(x.data)]
        came_in = ("; ".join([self._already(inputs, i) for i in bad]) if bad else
                   f"{_listed(inputs)}; {_hint(FORWARD, node, inputs)}")
        return self._error(node, "forward", f"the result {_described(output)}; {came_in}")

    def _backward_error(self, node: Function, grad: Tensor, i: int, new: Tensor) -> AnomalyError:
        x = node.inputs[i]
        name = self.parameter(x)
        text = (f"the gradient of {_number(node.inputs, i)}{f', {name},' if name else ''} "
                f"{_described(new)}; the gradient of its result {_described(grad)}")
        hint = (f"{_listed(node.inputs)}; {_hint(BACKWARD, node, node.inputs)}"
                if is_finite(grad.data) else "that is what the backward pass started from, or a "
                "sum of gradients that grew too large")
        return self._error(node, "backward", f"{text}; {hint}")

    def _error(self, node: Function, phase: str, text: str) -> AnomalyError:
        origin = getattr(node, "origin", None)
        operation = type(node).__name__
        where, layer = "called before anomaly() began", None
        if origin is not None:
            layer, where = self._layer(origin.modules)
            file, line = origin.line
            where += f" at {'/'.join(Path(file).parts[-2:])}:{line}" if line else ""
        within = f" (within the gradient of {origin.gradient_of})" if (
            origin and origin.gradient_of) else ""
        error = AnomalyError(f"{operation}{within}, {phase}, {where}: {text}")
        error.operation, error.phase, error.layer = operation, phase, layer
        return error

    def _layer(self, modules: tuple[Module, ...]) -> tuple[str | None, str]:
        """The innermost module's path, and how to say it."""
        for module in reversed(modules):
            path = self.path(module)
            if path is not None:
                kind = type(modules[-1]).__name__  # perhaps made on the way, and in no attribute
                return path, f"in {path} ({kind})"
        return None, "outside of all layers"

    def path(self, module: Module) -> str | None:
        """The module's dotted path from one of the networks."""
        return next((path for name, network in self.networks.items()
                     for path, m in network.named_modules(name) if m is module), None)

    def parameter(self, t: Tensor) -> str | None:
        """The name of a Tensor that is in a network's state, or shares its memory."""
        return next((path for name, network in self.networks.items()
                     for path, own in network.named_state(f"{name}.")
                     if own is t or own.data is t.data), None)

    def _already(self, inputs: Sequence[Tensor], i: int) -> str:
        """That an input was wrong before, and who that is."""
        x, name = inputs[i], self.parameter(inputs[i])
        if name is not None:
            who = (f"it is {name}; a step of the optimiser made it so (lower the learning rate, "
                   "or clip the gradients), or it was loaded so")
        elif x.creator is not None:
            who = "it was computed before anomaly() began"
        else:
            who = "it is the input, data that came from outside: look for it there"
        return f"{_number(inputs, i)} {_described(x)} already: {who}"


def is_finite(array: Array) -> bool:
    """Whether there is neither an infinite number nor a NaN in it. Waits for a GPU."""
    return array.dtype.kind != "f" or bool(backend.array_module(array).isfinite(array).all())


def _number(tensors: Sequence[Tensor], i: int) -> str:
    return "its input" if len(tensors) == 1 else f"its input {i + 1} of {len(tensors)}"


def _listed(tensors: Sequence[Tensor]) -> str:
    """All inputs, none of which is to blame."""
    return "; ".join([f"{_number(tensors, i)} {_described(t)}" for i, t in enumerate(tensors)])


def _described(t: Tensor) -> str:
    """Its shape and its range, or what in it is not finite."""
    x = t.numpy()
    if not x.size:
        return f"{t.shape} is empty"
    if is_finite(x):
        return f"{t.shape} is finite, from {x.min():.3g} to {x.max():.3g}"
    kinds = {"NaN": x != x, "inf": x == float("inf"), "-inf": x == -float("inf")}
    counts = [f"{int(found.sum())} {kind}" for kind, found in kinds.items() if found.any()]
    return f"{t.shape} has {' and '.join(counts)}"


def _calling_line() -> tuple[str, int]:
    """The line, outside of the engine and the operations, that is being executed."""
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_ENGINE):
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


# Why an operation of finite numbers makes one that is not, and what helps. By the operation's name:
# a function of the node and its inputs in host memory. None: the numbers were just too large.
Hint = Callable[[Function, Sequence[Array]], "str | None"]

FORWARD: dict[str, Hint] = {
    "Log": lambda node, x: (
        "the log of 0 or less is not: add a small number first, or take a loss of logits or "
        "log_softmax, which need no log of a probability") if (x[0] <= 0).any() else None,
    "Sqrt": lambda node, x: (
        "the root of a negative number is not") if (x[0] < 0).any() else None,
    "Divide": lambda node, x: (
        "a division by 0 is not: add a small number to what is divided by"
        if (x[1] == 0).any() else
        "a division by numbers that small is not: add a small number to what is divided by"),
    "Exp": lambda node, x: (
        f"e to more than {math.log(_largest(x[0])):.4g} is too large for {x[0].dtype}: subtract "
        "the maximum first, as softmax and logsumexp do, or clip"),
    "Power": lambda node, x: (
        "0 to a negative power is not" if node.p < 0 and (x[0] == 0).any() else
        "a negative number to a power that is no integer is not"
        if node.p % 1 and (x[0] < 0).any() else None),
}

BACKWARD: dict[str, Hint] = {
    "Sqrt": lambda node, x: (
        "the slope of a root is infinite at 0: add a small number under it, or keep 0 away from it "
        "with ops.where (before it and after it)") if (x[0] == 0).any() else None,
    "Log": lambda node, x: (
        "the slope of the log, 1 / x, is too large so close to 0: add a small number first"),
    "Divide": lambda node, x: (
        "the slope is divided by these numbers again, and they are too small for that: add a "
        "small number to them"),
    "Power": lambda node, x: (
        f"the slope of x ** {node.p:g} is infinite at 0: add a small number to x"
        if node.p < 1 and (x[0] == 0).any() else None),
}


def _hint(table: dict[str, Hint], node: Function, inputs: Sequence[Tensor]) -> str:
    arrays = [backend.to_numpy(x.data) for x in inputs]
    hint = table.get(type(node).__name__, lambda node, x: None)(node, arrays)
    return hint or (
        f"what these make is too large for {arrays[0].dtype} (more than "
        f"{_largest(arrays[0]):.1e}): weights, activations or slopes have grown without bounds; "
        "lower the learning rate, or clip the gradients")


def _largest(x: Array) -> float:
    """The largest number of x's type."""
    return float(backend.array_module(x).finfo(x.dtype).max)
