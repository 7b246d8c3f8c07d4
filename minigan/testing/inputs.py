"""What a user hands over, made a function of arrays side by side.

Arrays may stand in dicts, tuples and lists, as deep as you like, and among the keyword arguments;
all else (strings, None, objects) is held fixed. A complex array counts as two real ones.
"""
from __future__ import annotations

import inspect
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Callable, Mapping, Sequence

import numpy as np

from .. import backend
from ..autodiff import Function, Tensor
from .differentiable import Differentiable
from .frameworks import MAKERS, Framework, Minigan, NumPy, is_float, parts
from .function import CheckedFunction, Point
from .report import GradientError
from .trees import is_numbers, leaves, mapped

__tracebackhide__ = True  # pytest: the message says what is wrong


@dataclass(eq=False)
class Slot:
    """The place of an array among the arguments."""

    owner: int | str   # the number of the input, or the name of the option or parameter, it is in
    name: str          # "input 0['w']"
    value: np.ndarray  # real; of complex numbers both parts, along a last axis
    is_complex: bool

    @property
    def is_float(self) -> bool:
        return is_float(self.value.dtype)


@dataclass(eq=False)
class Flat:
    """f as a function of the arrays in its arguments alone, side by side."""

    f: Callable[..., Any]
    framework: Framework
    tree: Any                  # the arguments, (args, options), a Slot in the place of each array
    before: Callable[[], Any]  # is called before every call of f
    copies: bool               # whether f is given copies, for it writes into its inputs

    def __post_init__(self) -> None:
        args, options = self.tree  # most are nothing but arrays: no tree to fill for every call
        self.is_plain = not (self.copies or options) and all(
            isinstance(x, Slot) and not x.is_complex for x in args)

    def arguments(self, arrays: Sequence[Any]) -> Any:
        """(args, options), with these arrays in the slots."""
        if self.is_plain:
            return arrays, {}
        rest = iter(arrays)
        return mapped(lambda name, x: self._filled(x, next(rest)) if isinstance(x, Slot) else x,
                      self.tree)

    def _filled(self, slot: Slot, x: Any) -> Any:
        x = self.framework.copy(x) if self.copies else x
        return self.framework.complex(x) if slot.is_complex else x

    def written(self, names: Sequence[Any]) -> Any:
        """(args, options), with the names of the arrays."""
        rest = iter(names)
        return mapped(lambda name, x: type(names[0])(
            f"{next(rest)}{' @ [1, 1j]' * x.is_complex}") if isinstance(x, Slot) else x, self.tree)

    def __call__(self, *arrays: Any) -> Any:
        args, options = self.arguments(arrays)
        self.before()
        return self.f(*args, **options)

    def pull_back(self, vjp: Callable[..., Any], arrays: Sequence[Any], grad: Any,
                  wrt: Sequence[int]) -> list[np.ndarray]:
        """The gradients that a NumPy function's vjp gives by the arrays at wrt."""
        args, options = self.arguments(arrays)
        self.before()
        grads = vjp(*args, grad, **options)
        grads = grads if isinstance(grads, (tuple, list)) else (grads,)
        if len(grads) != len(args) and len(grads) and is_numbers(grads):
            raise GradientError(f"vjp returned {len(grads)} numbers in a {type(grads).__name__}: "
                                "return an array")
        if len(grads) != len(args):
            raise GradientError(f"vjp returned {len(grads)} gradients for {len(args)} inputs: one "
                                "for each is wanted, None for a constant")
        found: list[tuple[Any, Any]] = list(zip(self.tree[0], grads)) if self.is_plain else []
        if not self.is_plain:
            mapped(lambda name, slot, g: found.append((slot, g)), self.tree, (grads, None))
        found = [(slot, g) for slot, g in found if isinstance(slot, Slot)]
        for slot, g in [found[i] for i in wrt]:
            if g is None:
                raise GradientError(f"vjp returned None for {slot.name}: return its gradient, or "
                                    "name the inputs to differentiate by with wrt")
        return [parts(np.asarray(g)) if slot.is_complex else np.asarray(g)
                for slot, g in [found[i] for i in wrt]]


def prepare(f: Callable[..., Any], inputs: Sequence[Any], wrt: Any = None,
            options: Mapping[str, Any] | None = None, surrogate: Callable[..., Any] | None = None,
            generator: Any = None, copies: bool = False) -> tuple[CheckedFunction, Point]:
    """f as a function of the arrays to differentiate by, and their values in their own dtype."""
    _refuse_what_takes_no_tensors(f)
    framework = _framework(f, inputs)
    args = [_slotted(framework, i, f"input {i}", x) for i, x in enumerate(inputs)]
    parameters = f.parameters if isinstance(f, Differentiable) else None
    if parameters is not None:  # in the inputs' precision; in their own if all are integers
        dtype = next((slot.value.dtype for slot in _slots(args) if slot.is_float), None)
        values = {name: framework.numpy(x) for name, x in parameters.items()}
        args.insert(0, {name: _slotted(framework, name, f"parameter {name}",
                                       x.astype(dtype or x.dtype)) for name, x in values.items()})
    tree = tuple(args), {name: _slotted(framework, name, f"option {name}", x)
                         for name, x in (options or {}).items()}
    slots = _slots(tree)
    variables = _variables(slots, wrt)
    for slot in [slots[k] for k in variables]:
        if np.isnan(slot.value).any():
            at = tuple(map(int, np.argwhere(np.isnan(slot.value))[0]))
            raise ValueError(f"{slot.name} is NaN at element {at}, where no gradient is right")
    flat = partial(Flat, framework=framework, tree=tree, before=_rewinder(generator),
                   copies=copies)
    function = CheckedFunction(flat(_bare(f)), framework, [slot.value for slot in slots], variables,
                               [slots[k].name for k in variables], own=len(parameters or ()))
    function.surrogate = surrogate and flat(_bare(surrogate))
    function.closes_over = _closed_over(_bare(f), framework) if parameters is None else ""
    return function, [slots[k].value for k in variables]


def _slotted(framework: Framework, owner: int | str, name: str, tree: Any) -> Any:
    """An argument with a slot in the place of each array. An input's numbers, and lists of them,
    are arrays as well; within a tree those alone that are no whole numbers, in an option none."""
    def slotted(where: str, x: Any) -> Any:
        kinds = "" if isinstance(owner, str) else "biufc" if where == name else "fc"
        x_on_host = _host(framework, x, kinds)
        if x_on_host is None:
            if framework.hides_arrays(x):
                raise TypeError(f"{where} is a {type(x).__name__}, and arrays are looked for in "
                                "dicts, tuples and lists: hand over its leaves, as a list, and "
                                "make it of them within the function")
            return x
        if x_on_host.dtype.kind == "c":
            if framework.no_complex:
                raise TypeError(f"{where} is complex, {framework.no_complex}")
            return Slot(owner, f"{where} (real, imaginary)", parts(x_on_host), True)
        return Slot(owner, where, x_on_host, False)

    return mapped(slotted, tree, name=name, is_leaf=is_numbers)


def _host(framework: Framework, x: Any, kinds: str) -> np.ndarray | None:
    """An array in host memory, plain numbers if they are of these kinds; None for other things."""
    if isinstance(x, (bool, int, float, complex, tuple, list)):
        x = np.asarray(x)
        return x if x.dtype.kind in kinds else None
    if framework.is_array(x):
        return framework.numpy(x)
    x = backend.to_numpy(x) if backend.is_array(x) else x
    with suppress(TypeError):  # JAX's random keys will not be converted
        x = np.asarray(x) if hasattr(x, "__array__") else x
    is_numeric = isinstance(x, np.ndarray) and (x.dtype.kind in "biuc" or is_float(x.dtype))
    return x if is_numeric else None


def _slots(tree: Any) -> list[Slot]:
    return [x for _, x in leaves(tree) if isinstance(x, Slot)]


def _variables(slots: Sequence[Slot], wrt: Any) -> list[int]:
    """The numbers of the slots to differentiate by."""
    floats = list(dict.fromkeys(slot.owner for slot in slots if slot.is_float))
    owners = floats if wrt is None else [wrt] if isinstance(wrt, (int, str)) else list(wrt)
    if not owners or not set(owners) <= set(floats) or len(set(owners)) < len(owners):
        raise ValueError("wrt names the inputs to differentiate by, each once, and they must be "
                         f"floats: of the inputs {floats} are, wrt is {wrt}" if floats else
                         "the inputs to differentiate by must be floats, but none of them is: "
                         "write 1.0 for 1, for integers are constants")
    return [k for owner in owners for k, slot in enumerate(slots)
            if slot.owner == owner and slot.is_float]


def _closed_over(f: Callable[..., Any], framework: Framework) -> str:
    """The names of the arrays outside of its arguments that f may differentiate by: in its object,
    in the functions around it and in its module. NumPy's functions do so by those of an object."""
    f = inspect.unwrap(f)
    owner = getattr(f, "__self__", f)
    found = dict(owner.named_parameters() if hasattr(owner, "named_parameters") else
                 getattr(owner, "__dict__", {}))
    if not isinstance(framework, NumPy):
        with suppress(TypeError, ValueError):  # not written in Python
            around = inspect.getclosurevars(f)
            found |= {**around.nonlocals, **around.globals}
    return ", ".join(name for name, x in found.items() if any(
        framework.is_array(y) and hasattr(y, "shape") and framework.is_float(y)
        and getattr(y, "requires_grad", True) for _, y in leaves(x)))


def _rewinder(generator: Any) -> Callable[[], Any]:
    """What puts a generator of random numbers back to the state that it is in now."""
    if generator is None:
        return lambda: None
    if isinstance(generator, np.random.Generator):
        bits, state = generator.bit_generator, generator.bit_generator.state
        return lambda: setattr(bits, "state", state)
    for get, put in (("get_state", "set_state"), ("getstate", "setstate")):
        if hasattr(generator, get):
            return partial(getattr(generator, put), getattr(generator, get)())
    raise TypeError(f"generator is one of NumPy's or PyTorch's, or an object with get_state and "
                    f"set_state (np.random, torch.random.default_generator), not {generator!r}")


def _refuse_what_takes_no_tensors(f: Callable[..., Any]) -> None:
    """Raise TypeError for a function of another library, and for an operation's class."""
    if isinstance(f, Differentiable):
        return
    if isinstance(f, (type, Function)):
        raise TypeError(f"check_grads takes a function of Tensors, not the class or object "
                        f"{name_of(f)}: write lambda *x: {name_of(f)}()(*x)")
    library = (getattr(f, "__module__", None) or type(f).__module__).split(".")[0]
    if library in MAKERS:
        raise TypeError(f"{name_of(f)} is a function of {library}, and takes no Tensors of minigan:"
                        f" check minigan.testing.{MAKERS[library]}")


def _framework(f: Callable[..., Any], inputs: Sequence[Any]) -> Framework:
    if isinstance(f, Differentiable):
        return f.framework
    for _, x in leaves(list(inputs)):
        x = x.data if (is_tensor := isinstance(x, Tensor)) else x
        if is_tensor or backend.is_array(x) and not isinstance(x, np.ndarray):
            return Minigan(backend.of(x))
    return Minigan(backend.current())


def _bare(f: Callable[..., Any]) -> Callable[..., Any]:
    return f.f if isinstance(f, Differentiable) else f


def name_of(f: Callable[..., Any]) -> str:
    """What to call a function in a message."""
    f = f.func if isinstance(f, partial) else f
    name = getattr(f, "__name__", type(f).__name__).replace("<lambda>", "a lambda")
    owner = getattr(_bare(f), "__self__", None)
    return f"{owner.__name__}.{name}" if isinstance(owner, type) else name
