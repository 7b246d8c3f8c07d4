"""Losses: the mean over all elements, or as `reduction` says their "sum", or each ("none")."""
from __future__ import annotations

import math
from typing import Any, Iterable, Literal

from .autodiff import Tensor, as_tensor
from .backend import array_module, is_host, kernels
from .checked import checked
from .habits import missing
from .ops import abs, clip, log_softmax, mean, sigmoid
from .ops.choice import choose, keep, label_masks
from .ops.elementwise import Elementwise, as_floats, operands
from .settings import PositiveNumber, Probability

Reduction = Literal["mean", "sum", "none"]


class BCEWithLogits(Elementwise):
    """−t ln σ(x) − (1 − t) ln(1 − σ(x)), element by element.

    Gradients: grad · (σ(x) − t), −grad · x."""

    def forward(self, x, t):
        return kernels(x).bce_with_logits(x, t)

    def backward(self, grad):
        x, t = self.inputs
        return (grad * (sigmoid(x) - t) if self.needs[0] else None,
                -grad * x if self.needs[1] else None)


@checked
def bce_with_logits(logits: Any, targets: Any, reduction: Reduction = "mean") -> Tensor:
    """Binary cross-entropy of σ(logits) against targets in [0, 1], without overflow.

    Takes the numbers before the sigmoid. Given probabilities by mistake, it cannot fall below
    0.313 + 0.693 for a discriminator's two batches.
    """
    x, t = _same_shape("bce_with_logits", logits, targets)
    return _reduced(BCEWithLogits()(x, t), reduction)


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
def bce(probabilities: Any, targets: Any, reduction: Reduction = "mean") -> Tensor:
    """Binary cross-entropy of probabilities in [0, 1] against targets in [0, 1].

    For logits use `bce_with_logits`: a sigmoid followed by this loses precision at both ends.
    Raises ValueError for what is no probability, where it can be seen without waiting for a GPU.
    """
    p, t = _same_shape("bce", probabilities, targets)
    if p.size and is_host(p.data) and (p.data.min() < 0 or p.data.max() > 1):
        raise ValueError(f"bce needs probabilities, and got numbers from {p.data.min():g} to "
                         f"{p.data.max():g}: bce_with_logits takes what comes before a sigmoid")
    return _reduced(BCE()(p, t), reduction)


@checked
def mse(x: Any, y: Any, reduction: Reduction = "mean") -> Tensor:
    """The mean squared difference."""
    x, y = _same_shape("mse", x, y)
    return _reduced((x - y) ** 2, reduction)


@checked
def mae(x: Any, y: Any, reduction: Reduction = "mean") -> Tensor:
    """The mean absolute difference, PyTorch's l1_loss; its gradient where they are equal is 0."""
    x, y = _same_shape("mae", x, y)
    return _reduced(abs(x - y), reduction)


@checked
def huber(x: Any, y: Any, delta: PositiveNumber = 1, reduction: Reduction = "mean") -> Tensor:
    """½ d² of differences d of up to ±delta, beyond which it goes on in straight lines (Huber
    1964): outliers pull no harder than delta."""
    x, y = _same_shape("huber", x, y)
    d = x - y
    slope = clip(d, -delta, delta)
    return _reduced(slope * (d - 0.5 * slope), reduction)


@checked
def cross_entropy(logits: Any, labels: Any, weight: Any = None, ignore_index: int | None = None,
                  label_smoothing: Probability = 0, reduction: Reduction = "mean") -> Tensor:
    """−ln softmax(logits)[label]: logits (…, classes), labels (…) of integers; or of floats
    (…, classes), the probabilities q of the classes: −Σ q ln softmax(logits).

    weight           (classes,): what each class counts for; the mean over labels is weighted, too,
                     but that over probabilities is not, as in PyTorch
    ignore_index     a label of examples that do not count
    label_smoothing  the share of each example that is given to all classes alike

    Raises ValueError for labels that are no class; on a GPU, where Python would have to wait to
    see them, the loss is NaN, and everywhere if no example counts.
    """
    logits, labels = as_tensor(logits), as_tensor(labels)
    soft = labels.dtype.kind == "f" and labels.shape == logits.shape and ignore_index is None
    if not soft and (labels.dtype.kind not in "iu" or logits.shape[:-1] != labels.shape):
        raise ValueError("cross_entropy needs logits (…, classes) and integer labels (…) or, where "
                         "none is ignored, probabilities (…, classes), got shapes "
                         f"{logits.shape} and {labels.shape} of {labels.dtype}")
    log_p, counts = log_softmax(logits), None
    if weight is not None:
        weight = as_tensor(weight).astype(log_p.dtype)
        if weight.shape != logits.shape[-1:]:
            raise ValueError(f"cross_entropy's weight has shape {weight.shape}, not one number for "
                             f"each of {logits.shape[-1]} classes")
        log_p = log_p * weight
    if soft:
        log_q = (log_p * labels).sum(axis=-1)
    else:
        chosen, known, counted = label_masks(labels.data, logits.shape[-1], ignore_index)
        # no lookup by index: on a GPU its gradient is made of atomic additions
        log_q = choose(known, choose(chosen, log_p, 0).sum(axis=-1), math.nan)
        counts = counted if weight is None else choose(chosen, weight, 0).sum(axis=-1)
    if label_smoothing:
        log_q = (1 - label_smoothing) * log_q + label_smoothing * log_p.mean(axis=-1)
    if ignore_index is not None:
        log_q = keep(log_q, counted.data)
    return _reduced(-log_q, reduction, counts)


@checked
def l1(params: Iterable[Tensor]) -> Tensor:
    """Σ |w| over all parameters: add a small multiple to a loss for L1 regularisation."""
    return _total([abs(p).sum() for p in params])


@checked
def l2(params: Iterable[Tensor]) -> Tensor:
    """Σ w² over all parameters: add a small multiple to a loss for L2 regularisation."""
    return _total([(p * p).sum() for p in params])


def _reduced(losses: Tensor, reduction: str, weights: Tensor | None = None) -> Tensor:
    """As the reduction says. A mean is over the sum of the weights, which the losses have in."""
    if reduction == "mean" and weights is not None:
        return mean(losses) / mean(weights.astype(losses.dtype))
    if reduction == "mean":
        return mean(losses)
    return losses.sum() if reduction == "sum" else losses


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
