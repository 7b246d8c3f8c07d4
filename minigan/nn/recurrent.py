"""A cell that reads a sequence one element at a time. It is differentiated through time by being
called in a loop: the graph grows with the sequence, and backward walks it back."""
from __future__ import annotations

import numpy as np

from .. import backend, ops
from ..autodiff import Tensor
from ..checked import checked
from ..settings import Positive
from . import init
from .module import Module, Parameter


class GRUCell(Module):
    """One step of a gated recurrent unit (Cho et al. 2014), x (N, inputs) and the state h
    (N, features) → the next state (N, features); without h it begins at zeros:

        r = σ(x W_xr + h W_hr + b_r)                what of the state is looked at
        z = σ(x W_xz + h W_hz + b_z)                what of it stays
        n = tanh(x W_xn + b_xn + r · (h W_hn + b_hn))
        h' = (1 − z) · n + z · h

    PyTorch's variant: r multiplies after the product with W_hn, and that has a bias of its own. The
    gates r, z, n lie side by side, in this order: weight_x is (inputs, 3 · features), weight_h
    (features, 3 · features), and so PyTorch's weight_ih and weight_hh transposed; of its two biases
    bias_x and bias_h, (3 · features,), the parts of r and z are added up.

    weight_init, of `nn.init`, draws each gate's matrix by itself; biases start at 0; rng is a
    numpy.random.Generator (None: a new, unseeded one). Raises ValueError for other shapes.
    """

    @checked
    def __init__(self, inputs: Positive, features: Positive,
                 weight_init: init.Initializer = init.glorot_uniform,
                 rng: np.random.Generator | None = None):
        rng = rng or np.random.default_rng()

        def gates(fan_in: int) -> Parameter:
            return Parameter(backend.asarray(np.concatenate(
                [weight_init((fan_in, features), rng) for _ in range(3)], axis=1)))

        self.weight_x, self.weight_h = gates(inputs), gates(features)
        self.bias_x, self.bias_h = (Parameter(backend.asarray(init.zeros((3 * features,), rng)))
                                    for _ in range(2))

    def forward(self, x: Tensor, h: Tensor | None = None) -> Tensor:
        inputs, features = len(self.weight_x), len(self.weight_h)
        if x.shape[1:] != (inputs,) or h is not None and h.shape != (len(x), features):
            given = "no state" if h is None else f"a state of shape {h.shape}"
            raise ValueError(f"{self!r} needs x (N, {inputs}), one element of a sequence, and a "
                             f"state (N, {features}) or none, got x of shape {x.shape} and {given}")
        if h is None:
            h = Tensor(backend.array_module(x.data).zeros((len(x), features), x.dtype))
        of_x = ops.affine(x, self.weight_x, self.bias_x)
        of_h = ops.affine(h, self.weight_h, self.bias_h)
        gates = ops.sigmoid(of_x[:, :2 * features] + of_h[:, :2 * features])
        r, z = gates[:, :features], gates[:, features:]
        n = ops.tanh(of_x[:, 2 * features:] + r * of_h[:, 2 * features:])
        return n + z * (h - n)

    def describe(self) -> str:
        return f"{len(self.weight_x)}, {len(self.weight_h)}"
