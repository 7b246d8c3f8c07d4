"""Elementwise arithmetic, with NumPy's broadcasting."""
from __future__ import annotations

from functools import wraps
from typing import Any, Callable, Sequence

from ..autodiff import Function, Tensor, as_tensor
from ..backend import array_module, is_half, is_scalar, kernels


class Elementwise(Function):
    """Base of the ops that work element by element on inputs broadcast to one shape.

    Their `backward` is written as if all inputs had the output's shape. Here, in one place, what
    broadcasting repeated is added up again: a value used n times gets the sum of n gradients.
    """

    def gradients(self, grad: Tensor) -> Sequence[Tensor | None]:
        return [g if g is None or g._data.shape == x._data.shape else sum_to(g, x.shape)
                for g, x in zip(super().gradients(grad), self.inputs)]


class SumTo(Function):
    """x summed over the axes that broadcasting from `shape` to x.shape added or stretched.
    Gradient: grad, broadcast."""

    reads = "nothing"

    def __init__(self, shape: tuple[int, ...]):
        self.shape = shape

    def forward(self, x):
        before = (None,) * (x.ndim - len(self.shape)) + self.shape
        axes = tuple(i for i, n in enumerate(before) if n != x.shape[i])
        return kernels(x).total(x, axes, False).reshape(self.shape)

    def backward(self, grad):
        return grad.broadcast_to(self.inputs[0].shape)


def sum_to(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """x summed over what broadcasting from `shape` to x.shape repeated."""
    return x if x.shape == shape else SumTo(shape)(x)


def operands(x: Any, y: Any) -> tuple[Tensor, Tensor]:
    """Both as Tensors; a number takes the other's dtype and device, see as_tensor."""
    if not isinstance(x, Tensor):
        x = as_tensor(x, y if isinstance(y, Tensor) or is_scalar(y) else as_tensor(y))
    return x, y if isinstance(y, Tensor) else as_tensor(y, x)


def as_floats(x: Any, dtype: Any = "float64") -> Tensor:
    """x, if it is of floats. Integers and booleans become floats of that type, by default float64,
    as in NumPy's means: before anything is subtracted from them, which in unsigned ones wraps."""
    x = as_tensor(x)
    return x if x.dtype.kind == "f" else Tensor(x.data.astype(dtype))


def as_numpys_floats(x: Any) -> Tensor:
    """x, if it is of floats; else what NumPy's exp and its kin give for its type: float16 for 8
    bits and for booleans, float32 for 16, float64 for more."""
    x = as_tensor(x)
    return as_floats(x, array_module(x.data).result_type(x.dtype, "float16"))


class Add(Elementwise):
    """x + y. Gradients: grad, grad."""

    reads = "nothing"

    def forward(self, x, y):
        return x + y

    def backward(self, grad):
        return grad, grad


def add(x: Any, y: Any) -> Tensor:
    """x + y."""
    return Add()(*operands(x, y))


class Subtract(Elementwise):
    """x − y. Gradients: grad, −grad."""

    reads = "nothing"

    def forward(self, x, y):
        return x - y

    def backward(self, grad):
        return grad, -grad if self.needs[1] else None


def subtract(x: Any, y: Any) -> Tensor:
    """x − y."""
    return Subtract()(*operands(x, y))


class Multiply(Elementwise):
    """x · y. Gradients: grad · y, grad · x."""

    reads = "the other factor"

    def forward(self, x, y):
        return x * y

    def backward(self, grad):
        x, y = self.inputs
        return grad * y if self.needs[0] else None, grad * x if self.needs[1] else None


def multiply(x: Any, y: Any) -> Tensor:
    """x · y, element by element."""
    return Multiply()(*operands(x, y))


class Divide(Elementwise):
    """x / y. Gradients: grad / y, −grad · (x / y) / y."""

    def forward(self, x, y):
        return x / y

    def backward(self, grad):
        y = self.inputs[1]
        by_x = grad / y
        return by_x, -by_x * self.output if self.needs[1] else None


def divide(x: Any, y: Any) -> Tensor:
    """x / y."""
    return Divide()(*operands(x, y))


class Negative(Elementwise):
    """−x. Gradient: −grad."""

    reads = "nothing"

    def forward(self, x):
        return -x

    def backward(self, grad):
        return -grad


def negative(x: Any) -> Tensor:
    """−x."""
    return Negative()(x)


class Exp(Elementwise):
    """eˣ. Gradient: grad · eˣ."""

    def forward(self, x):
        return kernels(x).exp(x)

    def backward(self, grad):
        return grad * self.output


def exp(x: Any) -> Tensor:
    """eˣ."""
    return Exp()(x)


class Log(Elementwise):
    """ln x. Gradient: grad / x."""

    def forward(self, x):
        return kernels(x).log(x)

    def backward(self, grad):
        return grad / self.inputs[0]


def log(x: Any) -> Tensor:
    """The natural logarithm."""
    return Log()(x)


class Sqrt(Elementwise):
    """√x. Gradient: grad / (2 √x), infinite at 0."""

    def forward(self, x):
        return array_module(x).sqrt(x)

    def backward(self, grad):
        return grad / (2 * self.output)


def sqrt(x: Any) -> Tensor:
    """The square root; its gradient at 0 is infinite."""
    return Sqrt()(x)


class Sin(Elementwise):
    """sin x. Gradient: grad · cos x."""

    def forward(self, x):
        return kernels(x).sin(x)

    def backward(self, grad):
        return grad * cos(self.inputs[0])


def sin(x: Any) -> Tensor:
    """The sine, x in radians."""
    return Sin()(x)


class Cos(Elementwise):
    """cos x. Gradient: −grad · sin x."""

    def forward(self, x):
        return kernels(x).cos(x)

    def backward(self, grad):
        return -grad * sin(self.inputs[0])


def cos(x: Any) -> Tensor:
    """The cosine, x in radians."""
    return Cos()(x)


class AsType(Elementwise):
    """x in another floating point type. Gradient: grad in x's type."""

    reads = "nothing"

    def __init__(self, dtype: Any):
        self.dtype = dtype

    def forward(self, x):
        return x.astype(self.dtype)

    def backward(self, grad):
        return grad.astype(self.inputs[0].dtype)


def astype(x: Any, dtype: Any) -> Tensor:
    """x in another type. Floats stay differentiable; integers and booleans are constants."""
    x = as_tensor(x)
    to = array_module(x.data).dtype(dtype)
    return AsType(to)(x) if to.kind == "f" and x.dtype.kind == "f" else Tensor(x.data.astype(to))


def in_single(f: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A function of a Tensor x that adds much up, computed in float32 where x is of float16; the
    result is float16 again. So it is in PyTorch."""
    @wraps(f)
    def widened(x: Any, *args: Any, **options: Any) -> Tensor:
        x = as_tensor(x)
        if not is_half(x):
            return f(x, *args, **options)
        return f(x.astype("float32"), *args, **options).astype(x.dtype)

    return widened
