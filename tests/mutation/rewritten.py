"""Backward passes and operations of the library, rewritten as people get them wrong."""
from __future__ import annotations

import math

import numpy as np

from minigan import losses, ops
from minigan.autodiff import Tensor
from minigan.backend import reference
from minigan.ops import activation, conv, elementwise, linalg, shape


def first_row(x, to):
    if x.shape == to or not x.size:
        return sum_to(x, to)
    added = x.ndim - len(to)
    return x[tuple(slice(0, 1) if i < added or (to[i - added] == 1) else slice(None)
                   for i in range(x.ndim))].reshape(to)


def mean_to(x, to):
    return sum_to(x, to) * (math.prod(to) / x.size if x.size else 1)


sum_to = elementwise.sum_to  # the right one
USERS = [elementwise, linalg, shape]


def max_in_full(self, grad):
    largest = self.expand(self.output.detach()).data
    return self.expand(grad) * Tensor((self.inputs[0].data == largest).astype(grad.dtype))


def pool_in_full(grad, x, y, window):
    shares = reference.max_pool_gradient(np.ones_like(y), x, y, window)
    most = (1 / shares[shares > 0]).max(initial=1)  # pixels that one window's gradient is shared by
    return reference.max_pool_gradient(most * grad, x, y, window)


def max_to_none(self, grad):
    x, axes = self.inputs[0].data, self.axes
    count = (x == self.expand(self.output.detach()).data).sum(axis=axes, keepdims=True)
    return max_in_full(self, grad) * Tensor((count == 1).astype(grad.dtype))


def maximum_in_full(self, grad):
    x, y = (t.data for t in self.inputs)
    return grad * Tensor((x >= y).astype(grad.dtype)), grad * Tensor((y >= x).astype(grad.dtype))


def maximum_to_none(self, grad):
    x, y = (t.data for t in self.inputs)
    return grad * Tensor((x > y).astype(grad.dtype)), grad * Tensor((y > x).astype(grad.dtype))


def assigned(shape, index, x):
    """add_at where elements that repeat overwrite each other."""
    y = np.zeros(shape, x.dtype)
    y[index] = x
    return y


right_concatenate = shape.Concatenate.backward


def concatenate_from_the_end(self, grad):
    return right_concatenate(self, ops.flip(grad, self.axis))


# Products and convolutions

def matmul_reshaped(self, grad):
    x, w = self.inputs

    def turned(a):
        return a.reshape(*a.shape[:-2], a.shape[-1], a.shape[-2])
    return sum_to(grad @ turned(w), x.shape), sum_to(turned(x) @ grad, w.shape)


def matmul_first_of_batch(self, grad):
    x, w = self.inputs
    return (first_row(grad @ w.swapaxes(-1, -2), x.shape),
            first_row(x.swapaxes(-1, -2) @ grad, w.shape))


def affine(bias):
    def backward(self, grad):
        x, w, _ = self.inputs
        return grad @ w.T, x.T @ grad, bias(grad)
    return backward


def conv2d(by_x=None, by_w=None, by_b=None):
    right = conv.Conv2d.backward

    def backward(self, grad):
        x, w = self.inputs[:2]
        gx, gw, gb = right(self, grad)
        if by_x and self.needs[0]:
            gx = by_x(self, grad, w)
        if by_w and self.needs[1]:
            gw = by_w(gw)
        if by_b and gb is not None:
            gb = by_b(grad)
        return gx, gw, gb
    return backward


def kernel_transposed(by_w):
    return by_w.swapaxes(0, 1) if by_w.shape[0] == by_w.shape[1] else by_w


def mean_of_pixels(grad):
    return grad.mean((0, 1, 2)) if grad.size else grad.sum((0, 1, 2))


def input_gradient(self, grad, w, change=lambda window: window):
    window, *rest = self.form
    return conv.Conv2dInputGradient(change(window), *rest)(grad, w)


def transposed_conv_unflipped(self, grad):
    g, w = self.inputs[:2]
    by_g, by_w, by_b = right_transposed(self, grad)
    return conv.Conv2d(*self.form)(grad, ops.flip(w, (0, 1))), by_w, by_b


right_transposed = conv.Conv2dInputGradient.backward


# Normalisation

def batch_norm(deviation=lambda t: t, by_mean=1, by_variance=1):
    def backward(self, grad):
        x, weight, _ = self.inputs
        axes, count = tuple(range(x.ndim - 1)), x.size // max(x.shape[-1], 1)
        centred = x - x.mean(axes)
        inv_std = deviation(1 / ops.sqrt((centred * centred).mean(axes) + self.eps))
        normal = centred * inv_std
        by_weight, by_bias = (grad * normal).sum(axes), grad.sum(axes)
        along = by_bias * (by_mean / count) + normal * (by_weight * (by_variance / count))
        return (grad - along) * (weight * inv_std), by_weight, by_bias
    return backward


# Non-linearities

def leaky(self, grad):
    positive = self.inputs[0].data > 0
    return activation.LeakyReLUGradient(~positive, self.slope)(grad)


def softmax(x, axis=-1):
    e = ops.exp(x - Tensor(x.data.max(axis=axis, keepdims=True, initial=-99.0)))
    return e / ops.sum(e, axis, keepdims=True).detach()


def log_softmax(x, axis=-1):
    shifted = x - Tensor(x.data.max(axis=axis, keepdims=True, initial=-99.0))
    return shifted - ops.log(ops.sum(ops.exp(shifted), axis, keepdims=True)).detach()


def logsumexp(x, axis=-1, keepdims=False):
    value = ops.logsumexp(x, axis, keepdims)
    return ops.max(x, axis, keepdims) + (value - ops.max(x, axis, keepdims)).detach()


def var(x, axis=None, keepdims=False, ddof=0):
    mean = ops.mean(x, axis, keepdims=True).detach()
    value = ops.var(x, axis, keepdims, ddof)
    wrong = ((x - mean) ** 2).mean(axis, keepdims)  # divided by n, whatever ddof is
    return wrong + (value - wrong).detach()


def layer_norm(x, weight, bias, eps=1e-5):
    centred = x - x.mean(-1, keepdims=True)
    std = ops.sqrt((centred * centred).mean(-1, keepdims=True) + eps)
    return centred / std.detach() * weight + bias


def cross_entropy(logits, labels):
    value = losses.cross_entropy(logits, labels)
    summed = value * (labels.size or 1)  # the sum over the batch in place of its mean
    return summed + (value - summed).detach()


def clipped_bce(self, grad):
    p, t = self.inputs
    inside = Tensor(((p.data > 1e-3) & (p.data < 1 - 1e-3)).astype(grad.dtype))
    return grad * inside * ((1 - t) / (1 - p) - t / p), grad * ((1 - p).log() - p.log())
