"""Two sets of images beside each other: what the measures ask for more than once is made once."""
from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .. import backend, ops
from ..autodiff import Tensor, no_grad
from ..data import Scaled
from ..errors import UserError
from .crossing import Crossing, crossing
from .judge import BLOCK, Judge
from .kernel import kernel_sums
from .parzen import likeliest
from .points import rows, squared_distances, to_neighbours

KS = (1, 3, 5)   # neighbours: of the two-sample test, of precision and recall, of coverage
TENTH = 10       # of the reference, but at most MOST_TENTH, by which Parzen's σ is chosen
MOST_TENTH = 250  # images; the others are what it is read from
LOOKED_AT = 1000  # samples whose nearest training image is looked for
NOISE = 0.15     # standard deviation of what makes real images bad


@dataclass
class Seen:
    """Images (N, H, W, C) in [0, 1], and what a judge and their neighbours make of them. labels are
    what they show or were to show, if anybody knows. Raises UserError for values that are not
    finite."""

    images: np.ndarray
    judge: Judge | None = None
    labels: np.ndarray | None = None

    def __post_init__(self) -> None:
        if not math.isfinite(float(self.images.sum(dtype=np.float64))):
            raise UserError("the images hold values that are not finite, as those of a run that "
                            "diverged do: take an earlier step (--step)")

    @cached_property
    def pixels(self) -> np.ndarray:
        """float64 (N, H · W · C)."""
        return rows(self.images, "images")

    @cached_property
    def features(self) -> np.ndarray:
        """float32 (N, features)."""
        return self.judge.features(self.images)

    @cached_property
    def probabilities(self) -> np.ndarray:
        """float32 (N, classes)."""
        with no_grad():
            return ops.softmax(self.judge.head(Tensor(backend.asarray(self.features)))).numpy()

    @cached_property
    def classes(self) -> np.ndarray:
        """int64 (N,), the likeliest."""
        return self.probabilities.argmax(axis=1)

    @cached_property
    def by_channel(self) -> np.ndarray:
        """int64 (N, C): of stacked images, the likeliest class of each channel."""
        return self.judge.labels_by_channel(self.images)

    @cached_property
    def kernel_sums(self) -> np.ndarray:
        """Of the features."""
        return kernel_sums(self.features, self.features)

    @cached_property
    def radii(self) -> np.ndarray:
        """Squared distances (N, 3) of the pixels to their KS-th nearest other."""
        return to_neighbours(self.pixels, KS, "the images")


@dataclass
class Shown:
    """Training images, by which copies are known: those rows of images, which give (K, H, W, C) in
    [0, 1] for K of them."""

    images: Scaled
    rows: np.ndarray

    @cached_property
    def held_out(self) -> np.ndarray:
        """The squared distances of some of them to the nearest of the others: what an image has
        that was drawn like them and is not among them."""
        own = np.arange(min(LOOKED_AT, len(self.rows)))
        return self.nearest(self.images[self.rows[own]], own)[1]

    def nearest(self, points: np.ndarray, own: np.ndarray | None = None
                ) -> tuple[np.ndarray, np.ndarray]:
        """The place in rows (M,) of the image nearest to each of M points, and the squared
        distance (M,) of the pixels; own is the place (M,) of each point's own image, which does not
        count."""
        points = rows(points, "the samples")
        which, best = np.zeros(len(points), np.int64), np.full(len(points), np.inf)
        for start in range(0, len(self.rows), BLOCK):
            block = rows(self.images[self.rows[start:start + BLOCK]], "the training images")
            for part, distance in squared_distances(points, block):
                if own is not None:
                    distance[own[part, None] == start + np.arange(len(block))] = np.inf
                found = distance.argmin(axis=1)
                least = distance[np.arange(len(found)), found]
                which[part] = np.where(least < best[part], start + found, which[part])
                best[part] = np.minimum(least, best[part])
        return which, best


@dataclass
class Comparison:
    """Images beside real ones of the same number, and beside the training images, if any."""

    fake: Seen
    real: Seen
    shown: Shown
    seed: int = 0

    @property
    def chosen_by(self) -> int:
        """How many of the first real images Parzen's σ is chosen by."""
        return max(1, min(len(self.real.images) // TENTH, MOST_TENTH))

    @cached_property
    def crossing(self) -> Crossing:
        """Of the pixels."""
        real, fake = self.real.pixels, self.fake.pixels
        sigma = likeliest(fake, real[:self.chosen_by])
        return crossing(real, fake, (self.real.radii[:, 1], self.fake.radii[:, 1]),
                        self.real.radii[:, 2], sigma)


def noisy(images: np.ndarray, seed: int) -> np.ndarray:
    """Images with normal noise, cut to [0, 1]."""
    draws = np.random.default_rng(seed).standard_normal(images.shape, np.float32)
    return np.clip(images + np.float32(NOISE) * draws, 0, 1)


def blurred(images: np.ndarray) -> np.ndarray:
    """The means of 3 x 3 pixels, around black."""
    h, w = images.shape[1:3]
    wide = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return sum(wide[:, i:i + h, j:j + w] for i in range(3) for j in range(3)) / np.float32(9)
