"""Elementwise arithmetic, with NumPy's broadcasting."""
from __future__ import annotations

from typing import Any, Sequence

from ..autodiff import Function, Tensor, as_tensor
from ..backend import array_module, is_array, kernels


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
        return x.sum(axis=axes).reshape(self.shape)

    def backward(self, grad):
        return grad.broadcast_to(self.inputs[0].shape)


def sum_to(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """x summed over what broadcasting from `shape` to x.shape repeated."""
    return x if x.shape == shape else SumTo(shape)(x)


def operands(x: Any, y: Any) -> tuple[Tensor, Tensor]:
    """Both as Tensors; a Python number takes the other's dtype and device."""
    return (x if isinstance(x, Tensor) else as_tensor(x, y),
            y if isinstance(y, Tensor) else as_tensor(y, x))


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


class Power(Elementwise):
    """xᵖ for a constant number p. Gradient: grad · p · xᵖ⁻¹, and 0 for p = 0 also where x = 0."""

    def __init__(self, p: float):
        self.p = p

    def forward(self, x):
        return x ** self.p

    def backward(self, grad):
        if self.p == 0:
            return keep(grad, array_module(grad.data).zeros(grad.shape, bool))
        return grad * (self.p * self.inputs[0] ** (self.p - 1))


def power(x: Any, p: Any) -> Tensor:
    """xᵖ. For a number p any x that NumPy allows; for a Tensor p only x > 0, as exp(p · ln x)."""
    if isinstance(p, Tensor) or is_array(p):
        x, p = operands(x, p)
        return exp(p * log(x))
    return Power(p if isinstance(p, int) else float(p))(x)


class Exp(Elementwise):
    """eˣ. Gradient: grad · eˣ."""

    def forward(self, x):
        return array_module(x).exp(x)

    def backward(self, grad):
        return grad * self.output


def exp(x: Any) -> Tensor:
    """eˣ."""
    return Exp()(x)


class Log(Elementwise):
    """ln x. Gradient: grad / x."""

    def forward(self, x):
        return array_module(x).log(x)

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


class Abs(Elementwise):
    """|x|. Gradient: grad · sign(x). At the kink, x = 0, it is 0."""

    def forward(self, x):
        return array_module(x).abs(x)

    def backward(self, grad):
        x = self.inputs[0].data
        return keep(grad * Tensor(array_module(x).sign(x)), x != 0)


def abs(x: Any) -> Tensor:  # noqa: A001 (NumPy's name)
    """The absolute value; its gradient at 0 is 0."""
    return Abs()(x)


class Sin(Elementwise):
    """sin x. Gradient: grad · cos x."""

    def forward(self, x):
        return array_module(x).sin(x)

    def backward(self, grad):
        return grad * cos(self.inputs[0])


def sin(x: Any) -> Tensor:
    """The sine, x in radians."""
    return Sin()(x)


class Cos(Elementwise):
    """cos x. Gradient: −grad · sin x."""

    def forward(self, x):
        return array_module(x).cos(x)

    def backward(self, grad):
        return -grad * sin(self.inputs[0])


def cos(x: Any) -> Tensor:
    """The cosine, x in radians."""
    return Cos()(x)


class Maximum(Elementwise):
    """max(x, y). The gradient goes to the larger; at a tie half to each, the mean of the
    one-sided derivatives."""

    def forward(self, x, y):
        return array_module(x).maximum(x, y)

    def backward(self, grad):
        x, y = (t.data for t in self.inputs)
        grad = grad * Tensor(1 - 0.5 * (x == y).astype(grad.dtype))
        return (keep(grad, self.wins(x, y)) if self.needs[0] else None,
                keep(grad, self.wins(y, x)) if self.needs[1] else None)

    @staticmethod
    def wins(x, y):
        """Where x is not below y: beside NaN both are the result."""
        return ~(x < y)


def maximum(x: Any, y: Any) -> Tensor:
    """The larger of x and y, element by element; at a tie each gets half of the gradient."""
    return Maximum()(*operands(x, y))


class Minimum(Maximum):
    """min(x, y). The gradient goes to the smaller; at a tie half to each."""

    def forward(self, x, y):
        return array_module(x).minimum(x, y)

    @staticmethod
    def wins(x, y):
        return ~(x > y)


def minimum(x: Any, y: Any) -> Tensor:
    """The smaller of x and y, element by element; at a tie each gets half of the gradient."""
    return Minimum()(*operands(x, y))


class Clip(Elementwise):
    """x limited to [low, high] (None: no limit). Gradient: grad where low ≤ x ≤ high, else 0."""

    def __init__(self, low: float | None, high: float | None):
        self.low, self.high = low, high

    def forward(self, x):
        return array_module(x).clip(x, self.low, self.high)

    def backward(self, grad):
        return keep(grad, self.output.data == self.inputs[0].data)


def clip(x: Any, low: float | None, high: float | None) -> Tensor:
    """x limited to [low, high]; None is no limit. The gradient passes where low ≤ x ≤ high."""
    return Clip(low, high)(x)


class Where(Elementwise):
    """x where the condition holds, y elsewhere. Each gradient is grad there and 0 elsewhere."""

    reads = "nothing"

    def __init__(self, condition: Any):
        self.condition = condition

    def forward(self, x, y):
        return array_module(x).where(self.condition, x, y)

    def backward(self, grad):
        mask = array_module(grad.data).broadcast_to(self.condition, grad.shape)
        return (keep(grad, mask) if self.needs[0] else None,
                keep(grad, ~mask) if self.needs[1] else None)


def where(condition: Any, x: Any, y: Any) -> Tensor:
    """x where condition (a boolean array or Tensor) holds, else y; all three broadcast."""
    condition = condition.data if isinstance(condition, Tensor) else condition
    return Where(condition)(*operands(x, y))


class Keep(Elementwise):
    """x where the mask holds, else 0, be x infinite: x · mask would be NaN there, and a gradient
    that was cut off would come back. Gradient: grad where the mask holds, else 0."""

    reads = "nothing"

    def __init__(self, mask: Any):
        self.mask = mask

    def forward(self, x):
        return kernels(x).keep(x, self.mask)

    def backward(self, grad):
        return keep(grad, self.mask)


def keep(x: Tensor, mask: Any) -> Tensor:
    """x where the mask, an array of booleans of x's shape, holds, else 0."""
    return Keep(mask)(x)


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
