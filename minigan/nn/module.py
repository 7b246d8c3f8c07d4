"""What holds parameters."""
from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Iterable, Iterator, Mapping

from .. import backend
from ..autodiff import Tensor, _mode, as_tensor
from ..checked import checked
from ..failures import in_words, is_from_inside


CONTAINERS = (list, tuple, dict, set, frozenset)  # in which a Module looks for its state


class Parameter(Tensor):
    """A leaf that is trained: a module's attribute of this class is found by `parameters()`."""

    __slots__ = ()

    @checked
    def __init__(self, data: backend.Array, requires_grad: bool = True):
        super().__init__(data, requires_grad)


class Module:
    """Base of layers and networks: attributes that are Tensors are its state.

    Those that are Parameters are trained; the others (running statistics) are only saved.
    Modules contribute theirs. Both are found in lists, tuples and dicts, too, however deep, by
    names such as "blocks.0.1.weight" and "heads.class.weight"; in nothing else, and a set of them
    is an error. The order is that of definition.
    """

    training = True

    def forward(self, *inputs: Any) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} has no forward(x)")

    def __call__(self, *inputs: Any) -> Tensor:
        inputs = [as_tensor(x) if backend.is_array(x) else x for x in inputs]
        observers = _mode.observers
        for observer in observers:
            observer.entered(self)
        try:
            return self.forward(*inputs)
        except Exception as error:
            if is_from_inside(error):
                raise in_words(type(self).__name__, inputs, {}, error) from error
            raise
        finally:
            for observer in observers:
                observer.left(self)

    def children(self) -> Iterator[tuple[str, Any]]:
        """The names and values of the attributes that are Tensors or Modules, containers unrolled.
        Raises TypeError for a set of them, which has no order."""
        for name, value in vars(self).items():
            if isinstance(value, (Tensor, Module)):
                yield name, value
            elif isinstance(value, CONTAINERS):
                yield from _members(name, value)

    def modules(self) -> Iterator[Module]:
        """This module and all within it, each once."""
        return (module for _, module in self.named_modules())

    def named_modules(self, name: str = "") -> Iterator[tuple[str, Module]]:
        """The same, each with its dotted path, which starts with `name`, this module's own."""
        seen: set[int] = set()
        stack: list[tuple[str, Module]] = [(name, self)]
        while stack:
            path, module = stack.pop()
            if id(module) not in seen:
                seen.add(id(module))
                yield path, module
                stack.extend(reversed([(f"{path}.{n}" if path else n, v)
                                       for n, v in module.children() if isinstance(v, Module)]))

    def named_state(self, prefix: str = "", seen: set[int | str] | None = None
                    ) -> Iterator[tuple[str, Tensor]]:
        """The names and Tensors of the whole state, shared ones once, under their first name.
        Raises ValueError for two of the same name (of a dict's keys 1 and "1", for example)."""
        seen = set() if seen is None else seen
        for name, value in self.children():
            if id(value) in seen:
                continue
            seen.add(id(value))
            if isinstance(value, Module):
                yield from value.named_state(f"{prefix}{name}.", seen)
            elif prefix + name in seen:
                raise ValueError(f"two Tensors of {type(self).__name__} have the name "
                                 f"{prefix + name!r}: a state_dict would lose one of them")
            else:
                seen.add(prefix + name)
                yield prefix + name, value

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """The names and Parameters, in the order of definition."""
        return ((name, t) for name, t in self.named_state() if isinstance(t, Parameter))

    def parameters(self) -> Iterator[Parameter]:
        """The Parameters, in the order of definition."""
        return (p for _, p in self.named_parameters())

    def state_dict(self) -> dict[str, Any]:
        """A copy of the state: numpy.ndarrays by name, wherever the module computes."""
        return {name: t.numpy() for name, t in self.named_state()}

    @checked
    def check_state_dict(self, state: Mapping[str, Any]) -> None:
        """Raise KeyError for missing or unknown names, ValueError for a wrong shape or dtype."""
        own = dict(self.named_state())
        check_names(self, own, state)
        check_arrays(self, own, state)

    @checked
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over a state_dict; either all of it or, with an error, nothing.

        Raises KeyError for missing or unknown names, ValueError for a wrong shape or dtype.
        """
        self.check_state_dict(state)
        for name, t in self.named_state():
            new = state[name].data if isinstance(state[name], Tensor) else state[name]
            t.data[...] = backend.to_device(new, backend.of(t.data).name)
            t.mark_changed()

    @checked
    def train(self, mode: bool = True) -> Module:
        """Training mode, for BatchNorm and Dropout; returns the module."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Module:
        """Evaluation mode: running statistics, no dropout; returns the module."""
        return self.train(False)

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for p in self.parameters():
            p.grad = None

    @checked
    def to(self, device: str) -> Module:
        """Move the state to "cpu" or "cuda" (or "numpy", "cupy"); gradients are forgotten."""
        for _, t in self.named_state():
            t.data, t.grad = backend.to_device(t.data, device), None
        return self

    @checked
    def astype(self, dtype: Any) -> Module:
        """Convert the state to another floating point type; gradients are forgotten."""
        state = [t for _, t in self.named_state()]
        if any(backend.array_module(t.data).dtype(dtype).kind != "f" for t in state):
            raise TypeError(f"a module computes with floats, not with {dtype!r}")
        for t in state:
            t.data, t.grad = t.data.astype(dtype), None
        return self

    def describe(self) -> str:
        """What stands in the brackets of the repr: the arguments that matter."""
        return ""

    def __repr__(self) -> str:
        inner = [f"{name.partition('.')[2] or name}: {value!r}".replace("\n", "\n  ")
                 for name, value in self.children() if isinstance(value, Module)]
        body = "\n  " + "\n  ".join(inner) + "\n" if inner else self.describe()
        return f"{type(self).__name__}({body})"


def check_names(owner: Any, own: Iterable[str], state: Mapping[str, Any]) -> None:
    """Raise KeyError for names that a state of the owner's lacks, or should not have."""
    missing, unknown = [k for k in own if k not in state], [k for k in state if k not in own]
    if missing or unknown:
        raise KeyError(f"this state does not fit {type(owner).__name__}: "
                       f"missing {missing or 'nothing'}, unknown {unknown or 'nothing'}")


def check_arrays(owner: Any, own: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Raise ValueError for arrays in a state that have another shape or dtype than the owner's."""
    for name, t in own.items():
        shape, dtype = (getattr(state[name], a, None) for a in ("shape", "dtype"))
        if shape is None or tuple(shape) != t.shape or dtype != t.dtype:
            raise ValueError(f"state {name!r} is {'no array' if shape is None else tuple(shape)} "
                             f"of {dtype}, {type(owner).__name__}'s is {t.shape} of {t.dtype}")


def _members(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The Tensors and Modules in a container, and in those within it, with dotted names."""
    if isinstance(value, (set, frozenset)):
        if any(isinstance(v, (Tensor, Module)) for v in value):
            raise TypeError(f"{name} is a set of Tensors or Modules, which has no order: make it a "
                            "list")
        return
    for key, v in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(v, (Tensor, Module)):
            yield f"{name}.{key}", v
        elif isinstance(v, CONTAINERS):
            yield from _members(f"{name}.{key}", v)


@checked
@contextmanager
def frozen(module: Module) -> Iterator[Module]:
    """Within it the module's parameters are constants: gradients flow through, none is computed
    for them. A generator's update runs through a frozen discriminator."""
    flags = [(p, p.requires_grad) for p in module.parameters()]
    try:
        for p, _ in flags:
            p.requires_grad = False
        yield module
    finally:
        for p, flag in flags:
            p.requires_grad = flag


class Sequential(Module):
    """Modules one after the other."""

    def __init__(self, *layers: Module):
        for i, layer in enumerate(layers):
            if not isinstance(layer, Module):
                raise TypeError(f"Sequential takes modules, but layer {i} is {layer!r}; "
                                "wrap a function in a Module with a forward(x)")
        self.layers = list(layers)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x

    def __getitem__(self, i: int) -> Module:
        return self.layers[i]

    def __len__(self) -> int:
        return len(self.layers)
