"""Stacked digits: pictures of 1,000 kinds, known and equally likely, to count modes with."""
from __future__ import annotations

import os

import numpy as np

from ..checked import checked
from ..settings import Positive, Seed
from .idx import DataError
from .mnist import mnist

STACKED = {"stacked-digits": "digits", "stacked-mnist": "mnist"}  # what is in their channels


@checked
def stacked(images: np.ndarray, labels: np.ndarray, n: Positive = 128_000, seed: Seed = 0
            ) -> tuple[np.ndarray, np.ndarray]:
    """Three images drawn at random, with replacement, as the channels of one.

    images, labels   (N, H, W, 1), and their classes, 0 to 9
    n, seed          how many are made, and what the draws follow

    Returns images (n, H, W, 3) of the same dtype, and int64 labels 0 to 999, whose decimals are the
    classes of the channels. Raises DataError for other shapes or labels.

    Source: Metz et al. 2017, Unrolled GANs, arXiv 1611.02163; n as in PacGAN's code.
    """
    if images.ndim != 4 or images.shape[3] != 1 or labels.shape != images.shape[:1]:
        raise DataError("to stack are images (N, H, W, 1) and their labels (N,), not "
                        f"{images.shape} and {labels.shape}")
    if not len(labels) or labels.min() < 0 or labels.max() > 9:
        raise DataError("to stack are images of the classes 0 to 9")
    rows = np.random.default_rng(seed).integers(len(images), size=(n, 3))
    made = np.empty((n, *images.shape[1:3], 3), images.dtype)
    for channel, chosen in enumerate(rows.T):  # one after another: a third of the memory
        made[..., channel] = images[chosen, ..., 0]
    return made, labels[rows] @ np.array([100, 10, 1])


@checked
def stacked_mnist(data_dir: str | os.PathLike | None = None, n: Positive = 128_000, seed: Seed = 0
                  ) -> tuple[np.ndarray, np.ndarray]:
    """Stacks of all 70,000 images of MNIST: uint8 (n, 28, 28, 3), 301 MB of them, and labels 0 to
    999. data_dir and errors are those of `mnist`, n and seed those of `stacked`."""
    images, labels = (np.concatenate(parts) for parts in
                      zip(mnist(data_dir, "train"), mnist(data_dir, "test")))
    return stacked(np.rint(images * 255).astype(np.uint8), labels, n, seed)
