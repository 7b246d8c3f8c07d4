"""How an error is planted into any operation, without touching the operation.

An identity is put on one of its inputs or on its output, and its backward is where the error
sits. It is written with the library's own operations, so that it is wrong in nothing but what it
says: the wrong gradient, too, can be differentiated.
"""
from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Callable, Iterator, Sequence

from minigan.autodiff import Function, Tensor, _grad_mode, _mode, grad, no_grad

F = Callable[..., Any]
Wrong = Callable[[Tensor, Tensor], Tensor]  # (gradient, the tensor it belongs to) → wrong gradient


class Tampered(Function):
    """x, unchanged. Gradient: what `wrong` makes of it."""

    view = True

    def __init__(self, wrong: Wrong):
        self.wrong = wrong

    def forward(self, x):
        return x

    def backward(self, grad):
        return self.wrong(grad, self.inputs[0])


class WrongFused(Tampered):
    """x. The gradient is right where a graph is made, and twice as large where none is."""

    def fused_backward(self, grad):
        return (2 * grad,)


class RightFused(Tampered):
    """x. The gradient is right where no graph is made, and `wrong` where one is."""

    def fused_backward(self, grad):
        return (grad,)


class InPlace(Tampered):
    """x, which is destroyed on the way. Gradient: grad."""

    view = False

    def forward(self, x):
        before = x.copy()
        x += 1
        return before


class Rebuilt(Function):
    """f(*inputs). For the gradient f is computed again, at what `through` makes of the inputs,
    and differentiated there; `wrong(gradients, needs)` has the last word."""

    def __init__(self, f: F, through: Callable[[Tensor], Tensor], wrong: Callable):
        self.f, self.through, self.wrong = f, through, wrong

    def forward(self, *arrays):
        with no_grad():
            return self.f(*map(Tensor, arrays)).data.copy()

    def backward(self, grad_output):
        graph = _mode.grad_enabled
        with _grad_mode(True):
            xs = [self.through(x) if graph and x.requires_grad else constant(x)
                  for x in self.inputs]
            gradients = grad(self.f(*xs), xs, grad_output, create_graph=graph)
        with _grad_mode(graph):
            return self.wrong(gradients, self.needs)


def constant(x: Tensor) -> Tensor:
    """A new leaf with the values of x: the graph ends here."""
    return Tensor(x.data, requires_grad=True)


def identity(x: Tensor) -> Tensor:
    """x as a tensor of its own, so that one can differentiate by it."""
    return Tampered(lambda grad, x: grad)(x)


def floats(tensors: Sequence[Tensor]) -> list[int]:
    """The positions of the inputs that have gradients."""
    return [i for i, t in enumerate(tensors) if t.dtype.kind == "f"]


def listed(result: Any) -> list[Tensor]:
    """What an operation returned, one output or several, as a list."""
    return list(result) if isinstance(result, (list, tuple)) else [result]


def on_input(wrong: Wrong, node: type[Tampered] = Tampered,
             when: Callable[[Sequence[Tensor], dict], bool] | None = None):
    """Plants on one float input. `when` looks at the inputs and the options of the call."""
    def plant(f: F, i: int) -> F:
        def mutant(*tensors: Tensor, **options: Any) -> Any:
            places, tensors = floats(tensors), list(tensors)
            if i < len(places) and (when is None or when(tensors, options)):
                tensors[places[i]] = node(wrong)(tensors[places[i]])
            return f(*tensors, **options)
        return mutant
    return plant


def on_output(wrong: Wrong, when: Callable[[Sequence[Tensor], dict], bool] | None = None):
    """Plants on every output: the cotangent is tampered with on its way in."""
    def plant(f: F, i: int) -> F:
        def mutant(*tensors: Tensor, **options: Any) -> Any:
            result = f(*tensors, **options)
            if when is not None and not when(tensors, options):
                return result
            outputs = [Tampered(wrong)(y) for y in listed(result)]
            return outputs if isinstance(result, (list, tuple)) else outputs[0]
        return mutant
    return plant


def on_values(wrong: Callable[[Tensor, Sequence[Tensor]], Tensor]):
    """Plants in the values: what `wrong(output, inputs)` computes, and differentiates rightly."""
    def plant(f: F, i: int) -> F:
        def mutant(*tensors: Tensor, **options: Any) -> Any:
            result = f(*tensors, **options)
            outputs = [wrong(y, tensors) for y in listed(result)]
            return outputs if isinstance(result, (list, tuple)) else outputs[0]
        return mutant
    return plant


def in_the_whole(through: Callable[[Tensor], Tensor] = identity,
                 wrong: Callable = lambda gradients, needs: gradients):
    """Plants where all gradients are made: see Rebuilt."""
    def plant(f: F, i: int) -> F:
        def mutant(*tensors: Tensor, **options: Any) -> Any:
            places = floats(tensors)

            def output(k: int) -> F:
                def f_k(*moving: Tensor) -> Tensor:
                    inputs = list(tensors)
                    for place, x in zip(places, moving):
                        inputs[place] = x
                    return listed(f(*inputs, **options))[k]
                return f_k

            with no_grad():
                result = f(*tensors, **options)
            moving = [tensors[place] for place in places]
            outputs = [Rebuilt(output(k), through, wrong)(*moving)
                       for k in range(len(listed(result)))]
            return outputs if isinstance(result, (list, tuple)) else outputs[0]
        return mutant
    return plant


@contextmanager
def patched(patches: Sequence[tuple[Any, str, Any]]) -> Iterator[None]:
    """Attributes replaced, as (owner, name, value), and put back whatever happens."""
    before = [(owner, name, vars(owner)[name]) for owner, name, _ in patches]
    try:
        for owner, name, value in patches:
            setattr(owner, name, value)
        yield
    finally:
        for owner, name, value in reversed(before):
            setattr(owner, name, value)
