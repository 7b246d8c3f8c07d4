"""Errors as people make them, by hand: the library's own backward passes rewritten wrongly.

Some were found in published libraries: batch normalisation with a saved deviation, every tied
maximum in full, a cross-entropy clipped so that its gradient vanishes, `reshape` in place of a
transposition. `readable` ones replace `backward`, and are met where a graph is made; an operation
that has a fused gradient too is wrong only at second order then.
"""
from __future__ import annotations

from typing import Any, Callable

import numpy as np

from minigan import autodiff, losses, ops
from minigan.autodiff import Function, Tensor
from minigan.backend import cpu
from minigan.ops import (accumulate, activation, choice, conv, elementwise, linalg, logic, norm,
                         reduce, shape)
from minigan.ops.powers import Power

from . import rewritten as wrong
from .kinds import Kind, listed, saturated


def _backward(cls: type[Function], f: Callable[[Any, Tensor], Any], *names: str,
              name: str, about: str, **more: Any) -> Kind:
    """`cls.backward` replaced."""
    return Kind(name, about, ops=frozenset(names), patches=[(cls, "backward", f)], **more)


def _instead(name: str, about: str, op: str, f: Callable) -> Kind:
    """The whole operation replaced by another that has the same values."""
    return Kind(name, about, lambda lib, original, i: f, ops=frozenset([op]))


def _both(cls: type[Function], f: Callable[[Any, Tensor], Any]) -> list[tuple]:
    """The readable and the fused gradient of an operation replaced alike."""
    def fused(self, grad):
        return [g if g is None else g.data for g in listed(f(self, Tensor(grad)))]
    return [(cls, "backward", f), (cls, "fused_backward", fused)]


_BROADCASTING = ("add", "subtract", "multiply", "divide", "remainder", "power to a tensor",
                 "maximum", "minimum", "where", "broadcast_to", "matmul", "layer_norm",
                 "instance_norm", "group_norm", "softmax", "log_softmax", "var",
                 "conv_transpose2d")

REAL = [
    Kind("sum_to takes the first row", "undoes every broadcast with one slice",
         ops=frozenset(_BROADCASTING),
         patches=[(module, "sum_to", wrong.first_row) for module in wrong.USERS]),
    Kind("sum_to takes the mean", "undoes every broadcast with the mean",
         ops=frozenset(_BROADCASTING),
         patches=[(module, "sum_to", wrong.mean_to) for module in wrong.USERS]),
    Kind("gradients overwritten", "of a tensor used twice, the walk keeps the last gradient",
         ops=frozenset({"var", "std", "softmax", "log_softmax", "logsumexp", "layer_norm",
                        "instance_norm", "group_norm", "max_pool2d", "avg_pool2d"}),
         probe="no graph", patches=[(autodiff, "_added", lambda so_far, new: new)]),
    Kind("repeats overwritten", "elements that an index repeats are assigned, not added",
         ops=frozenset({"getitem by integers", "embedding", "losses.cross_entropy"}),
         patches=[(cpu, "add_at", wrong.assigned)]),

    _backward(reduce.Max, wrong.max_in_full, "max", "min", name="every tied maximum",
              about="each gets the gradient in full"),
    _backward(reduce.Max, wrong.max_to_none, "max", "min", name="no tied maximum",
              about="none of them gets a gradient"),
    Kind("every tied pixel", "each gets the gradient in full", ops=frozenset({"max_pool2d"}),
         patches=[(cpu, "max_pool_gradient", wrong.pool_in_full)]),
    _backward(choice.Maximum, wrong.maximum_in_full, "maximum", "minimum",
              name="both at a tie", about="each gets the gradient in full"),
    _backward(choice.Maximum, wrong.maximum_to_none, "maximum", "minimum",
              name="neither at a tie", about="no gradient"),
    _backward(reduce.Sum, lambda self, g: self.expand(g).broadcast_to(self.inputs[0].shape)
              * (g.size / max(self.inputs[0].size, 1)), "sum", "mean", "var", "losses.mse",
              name="mean for sum", about="sum's gradient divided by the count"),
    _backward(shape.Transpose, lambda self, g: g.transpose(self.axes), "transpose", "pixel_shuffle",
              name="axes not inverted", about="the gradient transposed as the input was"),
    _backward(shape.Pad, lambda self, g: g[tuple(slice(0, n) for n in self.inputs[0].shape)],
              "pad", name="margin kept", about="the gradient's corner in place of its inside"),
    _backward(shape.Concatenate, wrong.concatenate_from_the_end, "concatenate", "stack",
              name="parts exchanged", about="taken from the other end"),
    _backward(shape.Flip, lambda self, g: g * 1, "flip", name="not flipped back",
              about="the gradient left in the order in which it came"),

    _backward(linalg.MatMul, wrong.matmul_reshaped, "matmul", "einsum of two",
              name="reshape for transpose", about="both have the shape that is needed"),
    _backward(linalg.MatMul, wrong.matmul_first_of_batch, "matmul",
              name="first of the batch", about="in place of the sum over the batch"),
    Kind("bias by the mean", "over the batch, in place of the sum", ops=frozenset(["affine"]),
         patches=_both(linalg.Affine, wrong.affine(lambda g: g.sum(axis=0) / max(len(g), 1)))),
    Kind("readable bias gradient doubled", "the fused one is right", ops=frozenset(["affine"]),
         patches=[(linalg.Affine, "backward", wrong.affine(lambda g: 2 * g.sum(axis=0)))]),

    _backward(conv.Conv2d, wrong.conv2d(by_x=lambda s, g, w: wrong.input_gradient(
        s, g, w, lambda window: window._replace(stride=window.stride[::-1]))), "conv2d",
              name="strides exchanged", about="height's for width's in the input gradient"),
    _backward(conv.Conv2d, wrong.conv2d(by_x=lambda s, g, w: wrong.input_gradient(
        s, g, w, lambda window: window._replace(padding=tuple(p[::-1] for p in window.padding)))),
              "conv2d", name="padding at the wrong end", about="in the input gradient"),
    _backward(conv.Conv2d, wrong.conv2d(by_x=lambda s, g, w: wrong.input_gradient(
        s, g, ops.flip(w, (0, 1)))), "conv2d", name="kernel flipped",
              about="in the input gradient"),
    _backward(conv.Conv2d, wrong.conv2d(by_w=wrong.kernel_transposed), "conv2d",
              name="kernel's gradient transposed", about="height for width"),
    _backward(conv.Conv2d, wrong.conv2d(by_b=wrong.mean_of_pixels), "conv2d",
              name="convolution's bias by the mean", about="over images and places"),
    _backward(conv.Conv2dInputGradient, wrong.transposed_conv_unflipped, "conv_transpose2d",
              name="transposed convolution's kernel flipped", about="in its input gradient"),

    _backward(norm.BatchNorm, wrong.batch_norm(lambda t: t.detach()), "batch_norm",
              name="saved inv_std", about="a constant to the second derivative"),
    _backward(norm.BatchNorm, wrong.batch_norm(by_mean=0), "batch_norm",
              name="readable: mean's part forgotten", about="the fused gradient is right"),
    Kind("variance's part forgotten", "the deviation taken for a constant",
         ops=frozenset(["batch_norm"]),
         patches=_both(norm.BatchNorm, wrong.batch_norm(by_variance=0))),
    Kind("mean's part forgotten", "the mean taken for a constant", ops=frozenset(["batch_norm"]),
         patches=_both(norm.BatchNorm, wrong.batch_norm(by_mean=0))),
    _instead("deviation detached", "taken for a constant", "layer_norm", wrong.layer_norm),
    _instead("mean detached, ddof ignored", "divided by n", "var", wrong.var),

    Kind("slope at the wrong side", "where the input is positive", ops=frozenset(["leaky_relu"]),
         patches=_both(activation.LeakyReLU, wrong.leaky)),
    _backward(activation.ELU, lambda self, g: choice.where(
        self.inputs[0].data > 0, g, g * ops.exp(choice.where(
            self.inputs[0].data > 0, 0, self.inputs[0]))), "elu",
              name="alpha forgotten", about="for negative inputs"),
    _backward(activation.Sigmoid, lambda self, g: g * (self.output * (1 - self.output)).detach(),
              "sigmoid", name="sigmoid's output saved",
              about="a constant to the second derivative"),
    Kind("1 − tanh", "in place of 1 − tanh²", ops=frozenset(["tanh"]),
         patches=_both(activation.Tanh, lambda self, g: g * (1 - self.output))),
    Kind("σ(−x) for σ(x)", "in softplus's gradient", ops=frozenset(["softplus"]),
         patches=_both(activation.Softplus, lambda self, g: g * (1 - ops.sigmoid(self.inputs[0])))),
    _instead("softmax's sum dropped", "the denominator taken for a constant", "softmax",
             wrong.softmax),
    _instead("normaliser detached", "taken for a constant", "log_softmax", wrong.log_softmax),
    _instead("the largest alone", "gets logsumexp's gradient", "logsumexp", wrong.logsumexp),

    _backward(elementwise.Divide, lambda self, g: (g / self.inputs[1], -g * self.output), "divide",
              name="divisor not squared", about="−g · x / y"),
    _backward(Power, lambda self, g: g * (self.p * self.inputs[0] ** self.p),
              "power", name="exponent not lowered", about="p · xᵖ"),
    _backward(logic.Remainder, lambda self, g: (g, -g * (self.inputs[0] / self.inputs[1])),
              "remainder", name="quotient not whole", about="x / y for ⌊x / y⌋"),
    _backward(accumulate.CumSum, lambda self, g: ops.cumsum(g, self.axis), "cumsum",
              name="from the start again", about="the gradient's running sums from the wrong end"),
    _backward(elementwise.Log, lambda self, g: g / (1 + self.inputs[0]), "log",
              name="log for log1p", about="grad / (1 + x)"),
    _backward(elementwise.Sqrt, lambda self, g: g / self.output, "sqrt",
              name="½ forgotten", about="in the root's gradient"),
    _backward(elementwise.Cos, lambda self, g: g * ops.sin(self.inputs[0]), "cos", "sin",
              name="cosine's sign", about="wrong for sin at second order only"),
    _backward(choice.Abs, lambda self, g: g * Tensor(np.where(
        self.inputs[0].data < 0, -1, 1 + (self.inputs[0].data == 0)).astype(g.dtype)), "abs",
              name="beyond the kink's slopes", about="2 at x = 0, where −1 … 1 is right"),
    _backward(choice.Clip, lambda self, g: g, "clip",
              name="straight through", about="the gradient passes outside the limits"),
    _backward(choice.Where, lambda self, g: (g, g), "where",
              name="both branches", about="get the gradient everywhere"),
    _backward(elementwise.Subtract, lambda self, g: (g, g), "subtract",
              name="minus forgotten", about="for the second input"),

    _backward(losses.BCEWithLogits, lambda self, g: (
        g * (ops.sigmoid(self.inputs[0]) - self.inputs[1]), g * self.inputs[0]),
              "losses.bce_with_logits", name="targets' sign", about="wrong"),
    _backward(losses.BCE, wrong.clipped_bce, "losses.bce", name="cross-entropy clipped",
              about="no gradient at p = 0.9995", call=saturated(0.9995)),
    _instead("sum for mean", "cross-entropy's gradient not divided by the batch",
             "losses.cross_entropy", wrong.cross_entropy),
    _instead("w for 2w", "l2's gradient", "losses.l2",
             lambda *ws: losses.l2(ws) * 0.5 + (losses.l2(ws) * 0.5).detach()),
    _instead("one-sided", "l1's gradient is that of relu", "losses.l1",
             lambda *ws: sum(ops.relu(w).sum() for w in ws)
             + sum(ops.relu(-w).sum() for w in ws).detach()),
]
