"""NumPy's functions and Python's, called with a Tensor."""
from __future__ import annotations

import operator
from typing import Any, Callable

import numpy

from ..autodiff import Tensor, as_tensor
from ..backend.nested import mapped
from ..habits import missing

operations: dict[str, Callable] = {}  # what this package exports, by NumPy's names

# NumPy's names for what is an operator here, and for ops of another name
_OPERATORS = {"less": "lt", "less_equal": "le", "greater": "gt", "greater_equal": "ge",
              "equal": "eq", "not_equal": "ne", "positive": "pos"}
_NAMES = {"absolute": "abs", "amax": "max", "amin": "min", "permute_dims": "transpose",
          "concat": "concatenate"}
# what has no gradient in any case
_NOT_DIFFERENTIABLE = {"all", "allclose", "any", "argmax", "argmin", "argsort", "array_equal",
                       "iscomplexobj", "isclose", "isfinite", "isinf", "isnan", "ndim",
                       "result_type", "shape", "size"}


def array(self: Tensor, dtype: Any = None, copy: bool | None = None) -> numpy.ndarray:
    """numpy.asarray(tensor): the values, of a tensor that does not require a gradient."""
    if self.requires_grad:
        raise TypeError("NumPy's functions do not pass gradients on: use mg.ops, or take "
                        "the values alone with .numpy()")
    if copy is False:
        raise ValueError("a tensor's values are copied: leave copy=False out")
    return self.numpy() if dtype is None else self.numpy().astype(dtype)


def ufunc(self: Tensor, f: Callable, method: str, *inputs: Any, **options: Any) -> Any:
    """numpy.exp(tensor), array * tensor: by minigan's operation of that name, which passes the
    gradient on."""
    if method != "__call__" or options.get("out") is not None:
        raise TypeError(f"numpy.{f.__name__} cannot write into an array what comes of a tensor, or "
                        f"reduce one: write x = x + y, or take the values with .numpy()")
    if f.__name__ in _OPERATORS:
        return getattr(operator, _OPERATORS[f.__name__])(*map(as_tensor, inputs))
    name = _NAMES.get(f.__name__, f.__name__)
    if name in operations and not options:
        return operations[name](*inputs)
    return function(self, f, (), inputs, options)


def function(self: Tensor, f: Callable, types: Any, args: tuple, options: dict[str, Any]) -> Any:
    """numpy.sum(tensor): by minigan's operation of that name, or on the values alone if none of
    the tensors requires a gradient."""
    name = _NAMES.get(f.__name__, f.__name__)
    refusal = None
    if name in operations and getattr(numpy, f.__name__, None) is f:
        try:
            return operations[name](*args, **options)
        except (TypeError, ValueError) as error:  # it takes other arguments than NumPy's function
            refusal = error
    try:
        args, options = _values(f, args), _values(f, options)
    except TypeError as loss:  # of a gradient
        raise (refusal or loss) from None
    return f(*args, **options)


def _values(f: Callable, given: Any) -> Any:
    """The arrays of all Tensors within lists, tuples and dicts."""
    def array_of(x: Any) -> Any:
        if isinstance(x, Tensor) and x.requires_grad and f.__name__ not in _NOT_DIFFERENTIABLE:
            raise TypeError(f"minigan has no numpy.{f.__name__} that passes gradients on: write it "
                            "with mg.ops, or take the values alone with .numpy()")
        return x.numpy() if isinstance(x, Tensor) else x

    return mapped(array_of, given)


def unknown(self: Tensor, name: str) -> Any:
    """tensor.view: an AttributeError that says what it is called here."""
    if hasattr(type(self), name):  # a property that raised an AttributeError, which stays
        return object.__getattribute__(self, name)
    return missing("Tensor")(name)


def formatted(self: Tensor, spec: str) -> str:
    """f"{loss:.4f}", of a tensor of one element."""
    return format(self.item(), spec) if spec else str(self)


def index(self: Tensor) -> int:
    """range(n), of a tensor of one integer."""
    return operator.index(self.item())


class _ForNumPy:
    """`ufunc` to NumPy, which looks at the class; None to CuPy, which looks at the object and then
    leaves `array * tensor` to the tensor."""

    def __get__(self, tensor: Tensor | None, cls: type) -> Callable | None:
        return ufunc if tensor is None else None


Tensor.__array__, Tensor.__array_ufunc__, Tensor.__array_function__ = array, _ForNumPy(), function
Tensor.__getattr__ = unknown
Tensor.__format__, Tensor.__index__ = formatted, index
Tensor.__bool__ = lambda self: bool(self.item())
Tensor.__int__ = lambda self: int(self.item())
Tensor.__float__ = lambda self: float(self.item())
Tensor.__round__ = lambda self, digits=None: round(self.item(), digits)
