"""The layers. Arguments mean what they mean in PyTorch, except that weights are (in, out)."""
from __future__ import annotations

import math

import numpy as np

from .. import backend, ops
from ..autodiff import Tensor
from ..checked import checked
from ..ops.choice import keep
from ..settings import Fraction, Positive
from . import init
from .module import Module, Parameter


class Dense(Module):
    """y = x @ w + b: x (…, inputs) → y (…, outputs).

    weight_init is a function of `nn.init`, rng a numpy.random.Generator (None: a new, unseeded
    one). Raises ValueError if x's last axis is not `inputs` long.
    """

    @checked
    def __init__(self, inputs: Positive, outputs: Positive, bias: bool = True,
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


class Dropout(Module):
    """In training, each element is 0 with probability p and else divided by 1 − p
    (Srivastava et al. 2014); in evaluation, x itself. A Trainer has its own draws take the place
    of `rng`."""

    @checked
    def __init__(self, p: Fraction = 0.5, rng: np.random.Generator | None = None):
        self.p, self.rng = p, rng or np.random.default_rng()

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        kept = self.rng.random(x.shape, np.float32) >= self.p
        kept = backend.to_device(kept, backend.of(x.data).name)
        return keep(x * (1 / (1 - self.p)), kept)

    def describe(self) -> str:
        return f"{self.p}"


class Flatten(Module):
    """(N, …) → (N, features)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(x.shape[0], math.prod(x.shape[1:]))


class Reshape(Module):
    """(N, …) → (N, *shape)."""

    @checked
    def __init__(self, *shape: int):
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(x.shape[0], *self.shape)

    def describe(self) -> str:
        return ", ".join(map(str, self.shape))


class LeakyReLU(Module):
    """x where x > 0, else negative_slope · x."""

    @checked
    def __init__(self, negative_slope: float = 0.2):
        self.negative_slope = negative_slope

    def forward(self, x: Tensor) -> Tensor:
        return ops.leaky_relu(x, self.negative_slope)

    def describe(self) -> str:
        return f"{self.negative_slope}"


class ELU(Module):
    """x where x > 0, else alpha · (eˣ − 1)."""

    @checked
    def __init__(self, alpha: float = 1.0):
        self.alpha = alpha

    def forward(self, x: Tensor) -> Tensor:
        return ops.elu(x, self.alpha)

    def describe(self) -> str:
        return f"{self.alpha}"


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


class Softmax(Module):
    """eˣ / Σ eˣ along the axis. Losses take logits: it is for what comes after them."""

    @checked
    def __init__(self, axis: int = -1):
        self.axis = axis

    def forward(self, x: Tensor) -> Tensor:
        return ops.softmax(x, self.axis)

    def describe(self) -> str:
        return f"{self.axis}"


class LogSoftmax(Softmax):
    """ln softmax(x) along the axis."""

    def forward(self, x: Tensor) -> Tensor:
        return ops.log_softmax(x, self.axis)


class Embedding(Module):
    """The rows of a table: indices (…) of integers → (…, features). See `ops.embedding`.

    The weight, (count, features), is drawn from N(0, 1) as in PyTorch; rng is a
    numpy.random.Generator (None: a new, unseeded one).
    """

    @checked
    def __init__(self, count: Positive, features: Positive, rng: np.random.Generator | None = None):
        rng = rng or np.random.default_rng()
        table = rng.standard_normal((count, features), np.float32)
        self.weight = Parameter(backend.asarray(table))

    def forward(self, indices: Tensor) -> Tensor:
        return ops.embedding(indices, self.weight)

    def describe(self) -> str:
        return ", ".join(map(str, self.weight.shape))
