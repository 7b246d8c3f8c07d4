"""Judging samples by the classes that a classifier sees in them, its judge."""
from __future__ import annotations

from typing import Any, Callable

import numpy as np

from ..checked import checked
from ..errors import UserError
from ..settings import Positive
from .points import array, host

# Fits a classifier to points (N, ...) and labels (N,): points (M, ...) ↦ predicted labels (M,)
Train = Callable[[Any, Any], Callable[[Any], Any]]


@checked
def class_shares(labels: np.ndarray, classes: Positive = 10) -> np.ndarray:
    """The share of each class 0, ..., classes - 1 among the labels: float64 (classes,), sum 1.

    Blind to all but the class: ten samples, one of each class, have perfect shares. Raises
    ValueError for no labels, and for labels that are not whole or outside the classes.
    """
    labels = host(labels)
    if labels.ndim != 1 or labels.size and labels.dtype.kind not in "iub":
        raise UserError(f"expected labels (N,), whole numbers, got {labels.dtype} {labels.shape}")
    if not labels.size or labels.min() < 0 or labels.max() >= classes:
        raise UserError(f"expected at least one label, and all of them in 0..{classes - 1}")
    counts = np.bincount(labels.astype(np.intp), minlength=classes)  # 32 bits wide in a browser
    return counts / len(labels)


@checked
def total_variation(p: np.ndarray, q: np.ndarray) -> float:
    """How far apart two distributions over the same classes are: Σ |p − q| / 2, in [0, 1].

    It is the share of samples that would have to change class to turn one into the other.
    Raises ValueError for different shapes, and for shares below 0 or without the sum 1.
    """
    p, q = host(p).astype(float), host(q).astype(float)
    if p.shape != q.shape:
        raise ValueError(f"expected distributions over the same classes, got {p.shape} and "
                         f"{q.shape}")
    for shares in (p, q):
        if not (shares >= 0).all() or not np.isclose(shares.sum(), 1, atol=1e-3):
            raise UserError("expected shares of at least 0 with the sum 1: divide counts by their "
                            "sum")
    return float(np.abs(p - q).sum() / 2)


@checked
def inception_score(probabilities: np.ndarray, splits: Positive = 10) -> tuple[float, float]:
    """exp(mean_x KL(p(y|x) ‖ p(y))): high where the judge is sure of each sample, and the samples
    are of many classes. Of K classes it is K at best and 1 at worst.

    probabilities are the judge's p(y|x), (N, K), of the samples. p(y) is their mean, over each of
    `splits` parts, one after the other. Returns the mean and the standard deviation (ddof 0) of the
    parts' scores, as they are published.

    Blind to much: it never sees real data, so one sample a class, repeated or copied from the
    training set, scores K; and a judge is sure of things far from any data. Samples that are sorted
    by class score 1 a part: shuffle them first. Scores by different judges are different measures.

    Raises ValueError for more parts than samples and for what are no probabilities.

    Source: Salimans et al. 2016, Improved Techniques for Training GANs, arXiv 1606.03498, section
    4. An analysis: Barratt and Sharma 2018, arXiv 1801.01973.
    """
    p = host(probabilities).astype(float)
    if p.ndim != 2 or not (p >= 0).all() or not np.allclose(p.sum(axis=1), 1, atol=1e-3):
        raise UserError(f"expected probabilities (N, K), each row with the sum 1, got {p.shape}: "
                        "of logits take mg.ops.softmax first")
    if len(p) < splits:
        raise UserError(f"{len(p)} samples make no {splits} parts: give more, or splits=1")
    scores = []
    for part in np.array_split(p, splits):
        logs = np.log(np.where(part > 0, part, 1))  # 0 ln 0 = 0
        mean = part.mean(axis=0)
        marginal = np.log(np.where(mean > 0, mean, 1))
        scores.append(np.exp((part * (logs - marginal)).sum(axis=1).mean()))
    return float(np.mean(scores)), float(np.std(scores))


@checked
def gan_train(train: Train, fake: np.ndarray, fake_labels: np.ndarray, real: np.ndarray,
              real_labels: np.ndarray) -> float:
    """The accuracy on real data of a classifier that was fitted to samples: what they teach.

    train(points, labels) fits a classifier and returns it, a function from points to labels. fake
    and real are points (N, ...) and (M, ...), with labels (N,) and (M,); the real ones should be
    held-out data. Compare with gan_train of as many real points. It falls with poor samples, with
    missing ones and with wrong labels alike; the generator's training set scores like real data.

    Raises ValueError for labels that do not fit the points, and for no points.

    Source: Shmelkov, Schmid and Alahari 2018, How good is my GAN?, arXiv 1807.09499; the same is
    the classification accuracy score of Ravuri and Vinyals 2019, arXiv 1905.10887.
    """
    return _accuracy(train, ("fake", fake, fake_labels), ("real", real, real_labels))


@checked
def gan_test(train: Train, fake: np.ndarray, fake_labels: np.ndarray, real: np.ndarray,
             real_labels: np.ndarray) -> float:
    """The accuracy on samples of a classifier that was fitted to real data: do they show what their
    labels say. Arguments, errors and source are those of gan_train.

    Blind to variety: one sample a class scores 1. Above the accuracy on held-out data, samples are
    easier than real ones, or are training data.
    """
    return _accuracy(train, ("real", real, real_labels), ("fake", fake, fake_labels))


def _accuracy(train: Train, *sets: tuple[str, Any, Any]) -> float:
    for name, points, labels in sets:
        if host(labels).shape != array(points).shape[:1]:
            raise UserError(f"{name} has points of shape {array(points).shape} and labels of shape "
                            f"{host(labels).shape}: expected (N, ...) and (N,)")
        if not host(labels).size:
            raise UserError(f"{name} holds no points")
    (_, points, labels), (_, others, truth) = sets
    predicted = host(train(points, labels)(others))
    if predicted.shape != host(truth).shape:
        raise UserError(f"the classifier made labels of shape {predicted.shape} for "
                        f"{len(host(truth))} points: it should return one for each")
    return float((predicted == host(truth)).mean())
