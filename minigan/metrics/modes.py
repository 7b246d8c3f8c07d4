"""How many modes of a mixture or of a set of classes are there, and how evenly.

The protocol in the plane is that of Srivastava et al. 2017 (VEEGAN, arXiv 1705.07761) and Lin et
al. 2018 (PacGAN, arXiv 1712.04086): 2,500 samples of a mixture of equally likely normal
distributions.
"""
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..checked import checked
from ..errors import UserError
from ..settings import PositiveNumber, TwoOrMore
from .points import host


class Modes(NamedTuple):
    """What `mode_figures` finds."""

    captured: int        # modes that at least one sample of high quality is nearest to
    high_quality: float  # the share of samples that are of high quality, in [0, 1]
    reverse_kl: float    # in nats: 0 is even, ln(modes) a single mode


@checked
def mode_figures(samples: np.ndarray, centers: np.ndarray, std: PositiveNumber) -> Modes:
    """What samples (N, D) show of a mixture of normal distributions around centers (K, D), all
    with the standard deviation std along each axis.

    A sample is of high quality if its nearest centre is closer than 3 · std; of real points in the
    plane 1 − exp(−9/2) = 98.89 % are. With p the shares of the modes among the samples of high
    quality, the reverse KL divergence is Σ p ln(p · K), from the uniform distribution over the
    modes. As in PacGAN's published code, the other samples have no part in it: their nearest modes
    would make a cloud around all modes look even. Where no sample is of high quality, none of the
    modes is captured and the divergence is ln K, its largest value.

    Raises ValueError for shapes that do not fit, for no samples or centers and for values that are
    not finite.
    """
    samples, centers = host(samples).astype(float), host(centers).astype(float)
    if samples.ndim != 2 or centers.ndim != 2 or samples.shape[1] != centers.shape[1]:
        raise ValueError(f"expected samples (N, D) and centers (K, D), got {samples.shape} and "
                         f"{centers.shape}")
    for name, x in (("samples", samples), ("centers", centers)):
        if len(x) == 0 or not np.isfinite(x).all():
            raise ValueError(f"the {name} must be at least one, and all finite")
    squares = ((samples[:, None] - centers) ** 2).sum(axis=2)
    good = squares.min(axis=1) < (3 * std) ** 2
    counts = np.bincount(squares.argmin(axis=1)[good], minlength=len(centers))
    return Modes(int((counts > 0).sum()), float(good.mean()), _from_uniform(counts))


@checked
def stacked_modes(labels: np.ndarray, classes: TwoOrMore = 10) -> tuple[int, float]:
    """Of stacked digits: how many of the classes**C modes are there, and the KL divergence of their
    shares from the uniform distribution, Σ p ln(p · classes**C), in nats.

    labels (N, C) are the classes that a judge sees in each channel. The published protocol takes
    26,000 samples of three digits of MNIST, of 1,000 modes. Even real data are not at 0: N even
    draws of K modes come to about (K − 1) / 2N, here 0.0192. One sample captures a mode, and a
    judge sees one in anything: noise captures all that its errors reach. KL sees that, modes not.

    Raises ValueError for no labels, and for labels that are not whole or outside the classes.

    Source: Metz et al. 2017, Unrolled GANs, arXiv 1611.02163; Srivastava et al. 2017 (VEEGAN).
    """
    labels = host(labels)
    if labels.ndim != 2 or labels.size == 0 or labels.dtype.kind not in "iu":
        raise UserError(f"expected labels (N, C), whole numbers, one of each channel, got "
                        f"{labels.dtype} {labels.shape}")
    if labels.min() < 0 or labels.max() >= classes:
        raise UserError(f"expected labels in 0..{classes - 1}, got {labels.min()}..{labels.max()}")
    modes = np.ravel_multi_index(tuple(labels.T), (classes,) * labels.shape[1])
    counts = np.bincount(modes, minlength=classes ** labels.shape[1])
    return int((counts > 0).sum()), _from_uniform(counts)


def _from_uniform(counts: np.ndarray) -> float:
    """KL(counts / their sum ‖ uniform); a class that is not there adds nothing."""
    if not counts.any():
        return float(np.log(len(counts)))
    p = counts[counts > 0] / counts.sum()
    return max(0.0, float((p * np.log(p * len(counts))).sum()))  # rounding may fall below 0
