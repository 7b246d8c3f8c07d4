"""What is done to all that D sees, real and generated alike, so that it cannot learn the data by
heart. G's gradient flows back through it.

An augmentation is a function of examples (N, …) and a generator of random numbers, NumPy's or a
captured step's Draws.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import ops
from ..autodiff import Tensor
from ..settings import FLAG, POSITIVE_NUMBER, SHARE
from . import noise
from .noise import Rng
from .option import Option


@dataclass
class InstanceNoise:
    """x + std · N(0, 1): makes real and generated data overlap, where two thin distributions never
    would, and so gives G a slope everywhere (Sønderby et al. 2017; Arjovsky & Bottou 2017). With
    `until` it falls in a straight line, and is gone when this share of the steps is done."""

    std: float = 0.1
    until: float | None = None

    def __post_init__(self):
        self.left = 1.0  # of std

    def anneal(self, done: float) -> None:
        """Let the noise be what it is when this share of the steps is done."""
        if self.until is not None:
            self.left = max(0.0, 1 - done / self.until)

    def __call__(self, x: Tensor, rng: Rng) -> Tensor:
        shape, dtype = x.shape, x.dtype  # a captured step keeps `draw`: x must not go with it

        def draw(rng: np.random.Generator) -> np.ndarray:
            width = float(self.std * self.left)
            return rng.standard_normal(shape, np.float32).astype(dtype) * width

        return x + noise.drawn(draw, rng)


@dataclass(frozen=True)
class DiffAugment:
    """For images (N, H, W, C): brightness, contrast, a shift by up to an eighth with 0 moving
    in, and a square of 0 of half the size, each another one for every image (Zhao et al. 2020, with
    their strengths, but without saturation, which grey images have not). 0 is black where pixels
    are from 0 to 1, and grey where they are from −1 to 1, as theirs."""

    colour: bool = True
    translation: bool = True
    cutout: bool = True

    def __call__(self, x: Tensor, rng: Rng) -> Tensor:
        if self.colour:
            x = x + (noise.fractions((len(x), 1, 1, 1), rng).astype(x.dtype) - 0.5)
            mean = x.mean(axis=(1, 2, 3), keepdims=True)
            x = (x - mean) * (noise.fractions((len(x), 1, 1, 1), rng).astype(x.dtype) + 0.5) + mean
        if self.translation:
            x = translated(x, rng)
        if self.cutout:
            x = cut_out(x, rng)
        return x


def translated(x: Tensor, rng: Rng) -> Tensor:
    """Each image moved by up to an eighth of its size; 0 moves in."""
    n, height, width, _ = x.shape
    down, right = (noise.drawn(lambda rng, most=int(size / 8 + 0.5):
                               rng.integers(-most, most + 1, n), rng) for size in (height, width))
    return ops.translate(x, down, right)


def cut_out(x: Tensor, rng: Rng) -> Tensor:
    """In each image a rectangle of half its height and width is 0, partly outside perhaps."""
    n, height, width, _ = x.shape
    dtype = x.dtype

    def draw(rng: np.random.Generator) -> np.ndarray:
        lines, columns = _half(height, n, rng), _half(width, n, rng)
        hole = lines[:, :, None, None] & columns[:, None, :, None]
        return (~hole).astype(dtype)

    return x * noise.drawn(draw, rng)


def _half(size: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """(n, size) booleans: half of the places in a row, centred anywhere, both ends alike."""
    half, places = size // 2, np.arange(size)
    start = rng.integers(0, size + 1 - half % 2, (n, 1)) - half // 2
    return (places >= start) & (places < start + half)


OPTIONS = (
    Option("instance_noise", 0, POSITIVE_NUMBER, "its standard deviation, added to all that D sees",
           "STD", without=("diff_augment",), because="both are done to what D sees",
           part=lambda parts, std: parts.update(augment=InstanceNoise(std))),
    Option("noise_until", None, SHARE,
           "the noise falls, and is gone after this share of the steps", "X",
           needs="instance_noise",
           part=lambda parts, until: setattr(parts["augment"], "until", until)),
    Option("diff_augment", False, FLAG,
           "all that D sees is shifted, cut and recoloured (DiffAugment)", None, images=True,
           part=lambda parts, _: parts.update(augment=DiffAugment())),
)
