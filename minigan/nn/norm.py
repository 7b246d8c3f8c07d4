"""The layers that normalise: activations to mean 0 and variance 1, or weights to norm 1."""
from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np

from .. import backend, ops, shards
from ..autodiff import Tensor, no_grad
from ..backend import is_half
from ..backend.geometry import check_groups
from ..backend.nested import replaced
from ..checked import checked
from ..settings import NotNegative, Positive, Probability
from . import init
from .conv import Convolution
from .layers import Dense
from .module import Module, Parameter


class Normalisation(Module):
    """Base of those that normalise x (…, features) and then apply weight (1 at first) and bias
    (0 at first), one of each for every feature."""

    ndim = 1  # the least number of axes that x has

    @checked
    def __init__(self, features: Positive, eps: NotNegative = 1e-5):
        self.eps = eps
        self.weight = Parameter(backend.asarray(init.ones((features,), None)))
        self.bias = Parameter(backend.asarray(init.zeros((features,), None)))

    def check(self, x: Tensor) -> None:
        """Raise ValueError, by the layer's name, if x does not fit."""
        features = self.weight.shape[0]
        if x.ndim < self.ndim or x.shape[-1] != features:
            raise ValueError(f"{self!r} got x of shape {x.shape}, but it must have {self.ndim} or "
                             f"more axes, the last of them {features} long")

    def describe(self) -> str:
        return f"{self.weight.shape[0]}"


class BatchNorm(Normalisation):
    """(x − mean) / √(var + eps) · weight + bias over the last axis (Ioffe & Szegedy 2015).

    x is (N, …, features). In training, mean and variance are those of the batch, over all axes but
    the last, and the running statistics move by `momentum` towards them (the variance unbiased,
    as in PyTorch). In evaluation the running statistics are used.

    Every pass in training mode moves them, whether or not anybody calls backward. In one step of
    a GAN (`gan.train_step`) the discriminator's move three times, towards the statistics of the
    real batch, of the generated one, and of the generated one again in the generator's update;
    the generator's move once.
    """

    ndim = 2

    @checked
    def __init__(self, features: Positive, eps: NotNegative = 1e-5,
                 momentum: Probability | None = 0.1):
        super().__init__(features, eps)
        if momentum is None:
            raise ValueError("BatchNorm's momentum is a number, 0.1 for example: the average over "
                             "all batches, PyTorch's None, is not kept")
        self.momentum = momentum
        self.running_mean = Tensor(backend.asarray(init.zeros((features,), None)))
        self.running_var = Tensor(backend.asarray(init.ones((features,), None)))

    def forward(self, x: Tensor) -> Tensor:
        self.check(x)
        if not self.training:
            scale = self.weight / ops.sqrt(self.running_var + self.eps)
            return (x - self.running_mean) * scale + self.bias
        count = math.prod(x.shape[:-1])
        if count < 2:
            raise ValueError(f"{self!r} in training needs more than one value for each feature, "
                             f"got x of shape {x.shape}; call eval() to use it on single examples")
        if (met := shards.meeting()) is not None:
            return self._across(x, count, met.count)
        y, mean, var = ops.batch_norm(x, self.weight, self.bias, self.eps)
        self._move(mean, var, count)
        return y

    def _across(self, x: Tensor, rows: int, parts: int) -> Tensor:
        """The same of one of so many shards of a batch (shards.py)."""
        half, axes, each = is_half(x), tuple(range(x.ndim - 1)), 1 / (rows * parts)
        wide = x.astype("float32") if half else x  # squares overflow
        mean = shards.across(wide.sum(axes), rows) * each
        centred = wide - mean
        var = shards.across((centred * centred).sum(axes), rows) * each
        y = centred * (self.weight / ops.sqrt(var + self.eps)) + self.bias
        self._move(mean, var, rows * parts)
        return y.astype(x.dtype) if half else y

    def _move(self, mean: Tensor, var: Tensor, count: int) -> None:
        """The running statistics, in place: a captured step goes on from there."""
        running = self.running_mean, self.running_var
        backend.kernels(mean.data).move_statistics(
            *[t.data for t in (*running, mean, var)], self.momentum, count)
        for t in running:
            t.mark_changed()


class LayerNorm(Normalisation):
    """(x − mean) / √(var + eps) · weight + bias, mean and variance of each example's last axis
    (Ba et al. 2016). x is (…, features)."""

    def forward(self, x: Tensor) -> Tensor:
        self.check(x)
        return ops.layer_norm(x, self.weight, self.bias, self.eps)


class InstanceNorm(Normalisation):
    """(x − mean) / √(var + eps) · weight + bias, mean and variance of each image's each channel
    (Ulyanov et al. 2016), in training and in evaluation. x is (N, H, W, features)."""

    ndim = 3

    def forward(self, x: Tensor) -> Tensor:
        self.check(x)
        if math.prod(x.shape[1:-1]) < 2:
            raise ValueError(f"{self!r} needs more than one value for each channel of an image, "
                             f"got x of shape {x.shape}; one value is always normalised to 0")
        return ops.instance_norm(x, self.weight, self.bias, self.eps)


class GroupNorm(Normalisation):
    """(x − mean) / √(var + eps) · weight + bias, mean and variance of each example's each group of
    features / groups channels (Wu & He 2018), in training and in evaluation. x is (N, …, features).
    """

    ndim = 2

    @checked
    def __init__(self, groups: Positive, features: Positive, eps: NotNegative = 1e-5):
        check_groups(groups, {"features": features})
        super().__init__(features, eps)
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        self.check(x)
        if math.prod(x.shape[1:]) < 2 * self.groups:
            raise ValueError(f"{self!r} needs more than one value in each group, got x of shape "
                             f"{x.shape}; one value is always normalised to 0")
        return ops.group_norm(x, self.weight, self.bias, self.groups, self.eps)

    def describe(self) -> str:
        return f"{self.groups}, {self.weight.shape[0]}"


class SpectralNorm(Module):
    """A layer that computes with W / σ(W) in place of its weight W, σ(W) the largest singular
    value of W as a matrix (Miyato et al. 2018, equation 8 and algorithm 1).

    layer               one with a weight of two or more axes: Dense, or a convolution
    n_power_iterations  for each pass in training; in evaluation there is none
    eps                 the least length that a vector is divided by
    rng                 draws the vectors' start; None: a new, unseeded one

    The matrix M is weight.reshape(-1, last axis): (in, out) for Dense, (KH·KW·in, out) for Conv2d.
    A ConvTranspose2d holds the weight of the convolution that it is the adjoint of, and M is this
    convolution's. Of M, `u` (rows,) and `v` (columns,) estimate the singular vectors, and
    σ = uᵀ M v. They are state, saved but not trained; to the gradient they are constants, and
    that of σ by W, u vᵀ, is exact where they have converged.

    The layer keeps its parameter: optimisers, state_dict and `frozen` see W. A pass goes through
    a shallow copy of the layer, whose weight is W / σ.
    """

    @checked
    def __init__(self, layer: Module, n_power_iterations: Positive = 1, eps: NotNegative = 1e-12,
                 rng: np.random.Generator | None = None):
        weight = getattr(layer, "weight", None)
        if not isinstance(weight, Parameter) or weight.ndim < 2:
            raise TypeError("SpectralNorm wraps one layer that has a weight of two or more axes "
                            f"(Dense, Conv2d, ConvTranspose2d), not {layer!r}")
        self.layer, self.n_power_iterations, self.eps = layer, n_power_iterations, eps
        rng = rng or np.random.default_rng()
        start = rng.standard_normal(weight.shape[-1]).astype(weight.dtype)
        self.u = Tensor(self._matrix().data[:, 0].copy())
        self.v = Tensor(backend.to_device(start, backend.of(weight.data).name))
        self._iterate(15)  # PyTorch's number: evaluation before any training sees a σ, too

    def forward(self, *inputs: Any) -> Tensor:
        if self.training:
            self._iterate(self.n_power_iterations)
        return self.normalised()(*inputs)

    def normalised(self) -> Module:
        """The layer as it computes: a shallow copy with the weight W / σ."""
        # copies, since the backward of this pass comes after the next one has moved the state
        u, v = (Tensor(t.data.copy()) for t in (self.u, self.v))
        if not self.training:  # they may be averages, and one of unit vectors is shorter than 1
            u, v = self._unit(u), self._unit(v)
        sigma = u @ (self._matrix() @ v)
        layer = copy.copy(self.layer)
        layer.weight = self.layer.weight / sigma
        return layer

    def _matrix(self) -> Tensor:
        weight = self.layer.weight
        return weight.reshape(math.prod(weight.shape[:-1]), weight.shape[-1])

    def _iterate(self, times: int) -> None:
        """Each product with M turns a vector towards the direction that M stretches most."""
        with no_grad():
            matrix, v = self._matrix(), self.v
            for _ in range(times):
                u = self._unit(matrix @ v)
                v = self._unit(u @ matrix)
        for state, new in ((self.u, u), (self.v, v)):
            state.data[...] = new.data
            state.mark_changed()

    def _unit(self, x: Tensor) -> Tensor:
        return x / ops.maximum(ops.sqrt((x * x).sum()), self.eps)


@checked
def spectrally_normalised(network: Module, rng: np.random.Generator | None = None) -> Module:
    """The network, changed in place: each Dense and each convolution in it, but for those that are
    wrapped already, is wrapped in SpectralNorm. A shared layer stays shared."""
    wrapped: dict[int, Module] = {}

    def limited(value: Any) -> Any:
        if isinstance(value, (Dense, Convolution)) and id(value) not in wrapped:
            wrapped[id(value)] = SpectralNorm(value, rng=rng)
        return wrapped.get(id(value), value)

    for module in list(network.modules()):
        if not isinstance(module, SpectralNorm):
            for name, value in vars(module).items():
                setattr(module, name, replaced(limited, value))
    return limited(network)
