"""The layers. Arguments mean what they mean in PyTorch, except that weights are (in, out)."""
from __future__ import annotations

import math

import numpy as np

from .. import backend, ops
from ..autodiff import Tensor, no_grad
from . import init
from .module import Module, Parameter


class Dense(Module):
    """y = x @ w + b: x (…, inputs) → y (…, outputs).

    weight_init is a function of `nn.init`, rng a numpy.random.Generator (None: a new, unseeded
    one). Raises ValueError if x's last axis is not `inputs` long.
    """

    def __init__(self, inputs: int, outputs: int, bias: bool = True,
                 weight_init: init.Initializer = init.glorot_uniform,
                 rng: np.random.Generator | None = None):
        rng = rng or np.random.default_rng()
        self.weight = Parameter(backend.asarray(weight_init((inputs, outputs), rng)))
        self.bias = Parameter(backend.asarray(init.zeros((outputs,), rng))) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim < 1 or x.shape[-1] != self.weight.shape[0]:
            hint = ": put Flatten() before it" if x.ndim > 2 else ""
            raise ValueError(f"{self!r} got x of shape {x.shape}, but its last axis must be "
                             f"{self.weight.shape[0]} long{hint}")
        return x @ self.weight if self.bias is None else ops.affine(x, self.weight, self.bias)

    def describe(self) -> str:
        inputs, outputs = self.weight.shape
        return f"{inputs}, {outputs}" + (", bias=False" if self.bias is None else "")


class BatchNorm(Module):
    """(x − mean) / √(var + eps) · weight + bias over the last axis (Ioffe & Szegedy 2015).

    x is (…, features). In training, mean and variance are those of the batch, over all axes but
    the last, and the running statistics move by `momentum` towards them (the variance unbiased,
    as in PyTorch). In evaluation the running statistics are used.
    """

    def __init__(self, features: int, eps: float = 1e-5, momentum: float = 0.1):
        self.eps, self.momentum = eps, momentum
        self.weight = Parameter(backend.asarray(init.ones((features,), None)))
        self.bias = Parameter(backend.asarray(init.zeros((features,), None)))
        self.running_mean = Tensor(backend.asarray(init.zeros((features,), None)))
        self.running_var = Tensor(backend.asarray(init.ones((features,), None)))

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim < 2 or x.shape[-1] != self.weight.shape[0]:
            raise ValueError(f"{self!r} got x of shape {x.shape}, but its last axis must be "
                             f"{self.weight.shape[0]} long")
        if not self.training:
            scale = self.weight / ops.sqrt(self.running_var + self.eps)
            return (x - self.running_mean) * scale + self.bias
        axes, count = tuple(range(x.ndim - 1)), math.prod(x.shape[:-1])
        if count < 2:
            raise ValueError(f"{self!r} in training needs more than one value for each feature, "
                             f"got x of shape {x.shape}; call eval() to use it on single examples")
        mean = x.mean(axes)
        centred = x - mean
        var = (centred * centred).mean(axes)
        with no_grad():
            self._move(self.running_mean, mean)
            self._move(self.running_var, var * (count / (count - 1)))
        return centred * (self.weight / ops.sqrt(var + self.eps)) + self.bias

    def _move(self, running: Tensor, batch: Tensor) -> None:
        moved = (1 - self.momentum) * running + self.momentum * batch
        running.data = moved.astype(running.dtype).data

    def describe(self) -> str:
        return f"{self.weight.shape[0]}"


class LayerNorm(Module):
    """(x − mean) / √(var + eps) · weight + bias, mean and variance of each example's last axis
    (Ba et al. 2016). x is (…, features)."""

    def __init__(self, features: int, eps: float = 1e-5):
        self.eps = eps
        self.weight = Parameter(backend.asarray(init.ones((features,), None)))
        self.bias = Parameter(backend.asarray(init.zeros((features,), None)))

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim < 1 or x.shape[-1] != self.weight.shape[0]:
            raise ValueError(f"{self!r} got x of shape {x.shape}, but its last axis must be "
                             f"{self.weight.shape[0]} long")
        centred = x - x.mean(-1, keepdims=True)
        var = (centred * centred).mean(-1, keepdims=True)
        return centred / ops.sqrt(var + self.eps) * self.weight + self.bias

    def describe(self) -> str:
        return f"{self.weight.shape[0]}"


class Dropout(Module):
    """In training, each element is 0 with probability p and else divided by 1 − p
    (Srivastava et al. 2014); in evaluation, x itself."""

    def __init__(self, p: float = 0.5, rng: np.random.Generator | None = None):
        if not 0 <= p < 1:
            raise ValueError(f"Dropout's p is the probability of a zero, in [0, 1), not {p}")
        self.p, self.rng = p, rng or np.random.default_rng()

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        kept = self.rng.random(x.shape, np.float32) >= self.p
        kept = backend.to_device(kept, backend.of(x.data).name)
        return ops.where(kept, x * (1 / (1 - self.p)), 0)

    def describe(self) -> str:
        return f"{self.p}"


class Flatten(Module):
    """(N, …) → (N, features)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(x.shape[0], math.prod(x.shape[1:]))


class Reshape(Module):
    """(N, …) → (N, *shape)."""

    def __init__(self, *shape: int):
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(x.shape[0], *self.shape)

    def describe(self) -> str:
        return ", ".join(map(str, self.shape))


class LeakyReLU(Module):
    """x where x > 0, else negative_slope · x."""

    def __init__(self, negative_slope: float = 0.2):
        self.negative_slope = negative_slope

    def forward(self, x: Tensor) -> Tensor:
        return ops.leaky_relu(x, self.negative_slope)

    def describe(self) -> str:
        return f"{self.negative_slope}"


class ReLU(Module):
    """max(x, 0)."""

    def forward(self, x: Tensor) -> Tensor:
        return ops.relu(x)


class Sigmoid(Module):
    """1 / (1 + e⁻ˣ)."""

    def forward(self, x: Tensor) -> Tensor:
        return ops.sigmoid(x)


class Tanh(Module):
    """tanh x."""

    def forward(self, x: Tensor) -> Tensor:
        return ops.tanh(x)


class Softplus(Module):
    """ln(1 + eˣ)."""

    def forward(self, x: Tensor) -> Tensor:
        return ops.softplus(x)
