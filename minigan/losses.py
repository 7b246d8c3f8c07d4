"""Losses: each one number, the mean over all elements."""
from __future__ import annotations

import math
from typing import Any, Iterable

from .autodiff import Tensor, as_tensor
from .backend import array_module, is_host, kernels
from .checked import checked
from .habits import missing
from .ops import abs, log_softmax, mean, sigmoid
from .ops.choice import choose
from .ops.elementwise import Elementwise, as_floats, operands


class BCEWithLogits(Elementwise):
    """−t ln σ(x) − (1 − t) ln(1 − σ(x)), element by element.

    Gradients: grad · (σ(x) − t), −grad · x.
    """

    def forward(self, x, t):
        return kernels(x).bce_with_logits(x, t)

    def backward(self, grad):
        x, t = self.inputs
        return (grad * (sigmoid(x) - t) if self.needs[0] else None,
                -grad * x if self.needs[1] else None)


@checked
def bce_with_logits(logits: Any, targets: Any) -> Tensor:
    """Binary cross-entropy of σ(logits) against targets in [0, 1], without overflow.

    Takes the numbers before the sigmoid. Given probabilities by mistake, it cannot fall below
    0.313 + 0.693 for a discriminator's two batches.
    """
    return mean(BCEWithLogits()(*_same_shape("bce_with_logits", logits, targets)))


class BCE(Elementwise):
    """−t ln p − (1 − t) ln(1 − p), element by element.

    Gradient by p: grad · ((1 − t) / (1 − p) − t / p); by t: grad · (ln(1 − p) − ln p).
    ln 0 and 1/0 are avoided by a floor at the smallest normal number: at p = 0 the loss for t = 1
    is 87 in float32 and its gradient huge but finite; it is not clipped to zero anywhere.
    """

    def forward(self, p, t):
        xp, tiny = array_module(p), self.floor(p)
        return -(t * xp.log(xp.maximum(p, tiny)) + (1 - t) * xp.log(xp.maximum(1 - p, tiny)))

    def backward(self, grad):
        p, t = self.inputs
        yes, no = self.above_floor(p), self.above_floor(1 - p)
        return (grad * ((1 - t) / no - t / yes) if self.needs[0] else None,
                grad * (no.log() - yes.log()) if self.needs[1] else None)

    @staticmethod
    def floor(p):
        """The smallest normal number of p's type."""
        return float(array_module(p).finfo(p.dtype).tiny)

    def above_floor(self, p: Tensor) -> Tensor:
        """p, with the floor added where p is below it: the gradient still flows to p."""
        tiny = self.floor(p.data)
        return p + Tensor((p.data < tiny).astype(p.dtype) * tiny)


@checked
def bce(probabilities: Any, targets: Any) -> Tensor:
    """Binary cross-entropy of probabilities in [0, 1] against targets in [0, 1].

    For logits use `bce_with_logits`: a sigmoid followed by this loses precision at both ends.
    """
    p, t = _same_shape("bce", probabilities, targets)
    return mean(BCE()(p, t))


@checked
def mse(x: Any, y: Any) -> Tensor:
    """The mean squared difference."""
    x, y = _same_shape("mse", x, y)
    return mean((x - y) ** 2)


@checked
def cross_entropy(logits: Any, labels: Any) -> Tensor:
    """−ln softmax(logits)[label], averaged: logits (…, classes), labels (…) of integers.

    Raises ValueError for labels that are no class; on a GPU, where Python would have to wait to
    see them, the loss is NaN.
    """
    logits, labels = as_tensor(logits), as_tensor(labels)
    if labels.dtype.kind not in "iu" or logits.shape[:-1] != labels.shape:
        raise ValueError(f"cross_entropy needs logits (…, classes) and integer labels (…), got "
                         f"shapes {logits.shape} and {labels.shape} of {labels.dtype}")
    classes = logits.shape[-1]
    chosen = labels.data[..., None] == array_module(labels.data).arange(classes)
    known = chosen.any(axis=-1)
    if is_host(labels.data) and not known.all():
        raise ValueError(f"cross_entropy got {classes} logits for each example and labels from "
                         f"{labels.data.min()} to {labels.data.max()}")
    # no lookup by index: on a GPU its gradient is made of atomic additions
    log_p = choose(chosen, log_softmax(logits), 0).sum(axis=-1)
    return -mean(choose(known, log_p, math.nan))


@checked
def l1(params: Iterable[Tensor]) -> Tensor:
    """Σ |w| over all parameters: add a small multiple to a loss for L1 regularisation."""
    return _total([abs(p).sum() for p in params])


@checked
def l2(params: Iterable[Tensor]) -> Tensor:
    """Σ w² over all parameters: add a small multiple to a loss for L2 regularisation."""
    return _total([(p * p).sum() for p in params])


def _total(terms: list[Tensor]) -> Tensor:
    if not terms:
        raise ValueError("there are no parameters to penalise")
    return sum(terms[1:], start=terms[0])


def _same_shape(loss: str, x: Any, y: Any) -> tuple[Tensor, Tensor]:
    """Both as Tensors of floats and of one shape; a number stands for a constant of the other's
    shape. Beside floats, integers and booleans take their dtype; without floats they are float64.

    Without this (N, 1) logits against (N,) targets would broadcast to (N, N), silently.
    """
    x, y = operands(x, y)
    x = as_floats(x, y.dtype if y.dtype.kind == "f" else "float64")
    y = as_floats(y, x.dtype)
    if x.shape != y.shape and () not in (x.shape, y.shape):
        raise ValueError(f"{loss} needs two tensors of one shape, got {x.shape} and {y.shape}")
    return x, y


__getattr__ = missing(__name__)
