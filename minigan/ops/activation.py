"""The non-linearities of networks."""
from __future__ import annotations

from typing import Any

from ..autodiff import Tensor
from ..backend import kernels, plain
from .choice import choose, keep
from .elementwise import Elementwise, as_numpys_floats, exp


class Sigmoid(Elementwise):
    """σ(x) = 1 / (1 + e⁻ˣ). Gradient: grad · σ(x) · (1 − σ(x))."""

    def forward(self, x):
        return kernels(x).sigmoid(x)

    def backward(self, grad):
        y = self.output
        return grad * (y * (1 - y))

    def fused_backward(self, grad):
        return (kernels(grad).sigmoid_gradient(grad, self.output.data),)


def sigmoid(x: Any) -> Tensor:
    """1 / (1 + e⁻ˣ), in (0, 1); exact also for |x| in the thousands."""
    return Sigmoid()(as_numpys_floats(x))


class Tanh(Elementwise):
    """tanh x. Gradient: grad · (1 − tanh² x)."""

    def forward(self, x):
        return kernels(x).tanh(x)

    def backward(self, grad):
        y = self.output
        return grad * (1 - y * y)

    def fused_backward(self, grad):
        return (kernels(grad).tanh_gradient(grad, self.output.data),)


def tanh(x: Any) -> Tensor:
    """The hyperbolic tangent, in (−1, 1)."""
    return Tanh()(x)


class Softplus(Elementwise):
    """ln(1 + eˣ). Gradient: grad · σ(x)."""

    def forward(self, x):
        return kernels(x).softplus(x)

    def backward(self, grad):
        return grad * sigmoid(self.inputs[0])

    def fused_backward(self, grad):
        return (kernels(grad).softplus_gradient(grad, self.inputs[0].data),)


def softplus(x: Any) -> Tensor:
    """ln(1 + eˣ), a smooth max(x, 0); no overflow."""
    return Softplus()(as_numpys_floats(x))


class ReLU(Elementwise):
    """max(x, 0). Gradient: grad where x > 0, else 0. At the kink, x = 0, it is 0."""

    def forward(self, x):
        return kernels(x).relu(x)

    def backward(self, grad):
        return keep(grad, self.inputs[0].data > 0)

    def fused_backward(self, grad):
        return (kernels(grad).leaky_relu_gradient(grad, self.inputs[0].data, 0),)


def relu(x: Any) -> Tensor:
    """max(x, 0); its gradient at 0 is 0."""
    return ReLU()(x)


class LeakyReLU(Elementwise):
    """x where x > 0, else slope · x. Gradient: grad, or slope · grad; at x = 0 the latter."""

    def __init__(self, slope: float):
        self.slope = slope

    def forward(self, x):
        return kernels(x).leaky_relu(x, self.slope)

    def backward(self, grad):
        return LeakyReLUGradient(self.inputs[0].data > 0, self.slope)(grad)

    def fused_backward(self, grad):
        return (kernels(grad).leaky_relu_gradient(grad, self.inputs[0].data, self.slope),)


def leaky_relu(x: Any, negative_slope: float = 0.2) -> Tensor:
    """x where x > 0, else negative_slope · x (Maas et al. 2013); at 0 the gradient is the slope."""
    return LeakyReLU(plain(negative_slope))(x) if negative_slope else relu(x)


class LeakyReLUGradient(Elementwise):
    """grad where `positive`, else slope · grad: linear in grad, and so its own gradient."""

    reads = "nothing"

    def __init__(self, positive: Any, slope: float):
        self.positive, self.slope = positive, slope

    def forward(self, grad):
        return kernels(grad).leaky_relu_gradient(grad, self.positive, self.slope)

    def backward(self, grad):
        return LeakyReLUGradient(self.positive, self.slope)(grad)


class ELU(Elementwise):
    """x where x > 0, else α (eˣ − 1). Gradient: grad, or grad · α eˣ; at x = 0 the latter."""

    def __init__(self, alpha: float):
        self.alpha = alpha

    def forward(self, x):
        return kernels(x).elu(x, self.alpha)

    def backward(self, grad):
        x = self.inputs[0]
        positive = x.data > 0
        # e^x is taken of 0 where x is positive: there it could overflow, and is not wanted
        return choose(positive, grad, grad * (self.alpha * exp(choose(positive, 0, x))))

    def fused_backward(self, grad):
        return (kernels(grad).elu_gradient(grad, self.inputs[0].data, self.alpha),)


def elu(x: Any, alpha: float = 1.0) -> Tensor:
    """x where x > 0, else alpha · (eˣ − 1) (Clevert et al. 2016)."""
    return ELU(plain(alpha))(as_numpys_floats(x))
