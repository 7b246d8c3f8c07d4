"""A run's samples beside the training images that are nearest to them: is it memorising?"""
from __future__ import annotations

import math
import os
from dataclasses import dataclass

import numpy as np

from ..checked import checked
from ..data import Scaled
from ..metrics.comparison import LOOKED_AT, Shown
from ..metrics.neighbours import nearer
from ..settings import Seed
from ..viz.pairs import save_pairs
from .run import Run, RunError

LEAST = 8    # training images without which nothing can be said
TAIL = 0.05  # of the real distances, which are looked at by themselves


@dataclass(frozen=True)
class Neighbours:
    """1,000 samples of a run, or so, and their nearest training images. All images are of [0, 1].

    samples, nearest   (N, H, W, C), pairs
    distances          (N,), Euclidean, of their pixels
    real, real_nearest, real_distances   the same of training images and the nearest *other* one
    share, z           `metrics.memorisation_test` by these distances, of which the real ones tell
                       how far a real image is from those that it is not among
    near, near_z       the share of samples nearer than the nearest 5 % of real images are, and how
                       many standard deviations it is above them: it sees that a few are copied
    """

    run: str
    step: int
    training: int  # how many images there are
    samples: np.ndarray
    nearest: np.ndarray
    distances: np.ndarray
    real: np.ndarray
    real_nearest: np.ndarray
    real_distances: np.ndarray

    @property
    def share(self) -> float:
        return nearer(self.real_distances, self.distances)[0]

    @property
    def z(self) -> float:
        return nearer(self.real_distances, self.distances)[1]

    @property
    def near(self) -> float:
        return float((self.distances < np.quantile(self.real_distances, TAIL)).mean())

    @property
    def near_z(self) -> float:
        error = TAIL * (1 - TAIL) * (1 / len(self.distances) + 1 / len(self.real_distances))
        return (self.near - TAIL) / math.sqrt(error)

    @property
    def verdict(self) -> str:
        """What the numbers say, in a sentence or two."""
        if self.z > 3:
            return ("It may be memorising: its samples lie nearer to training images than these "
                    "lie to each other. Copies do, and so do averages, which are near to "
                    "everything: look at the nearest pairs.")
        if self.near_z > 5:  # of few images 3 is no rare thing: the quantile, too, is an estimate
            return ("Some of the samples may be copies: too many are very near to a training "
                    "image. Look at the nearest pairs.")
        if self.z < -3:
            return ("It is not memorising: its samples lie farther from the training images than "
                    "these from each other, and so are no copies, but not quite like them either.")
        return ("No sign of memorising: its samples lie as far from the training images as these "
                "from each other.")

    def __str__(self) -> str:
        parts = (("nearest", 0), ("5%", 0.05), ("median", 0.5), ("95%", 0.95))
        lines = [f"{self.run}, step {self.step}: {len(self.samples):,} samples beside the nearest "
                 f"of {self.training:,} training images", "",
                 f"{'distance of pixels':<28}" + "".join(f"{name:>9}" for name, _ in parts)]
        for name, values in (("samples", self.distances),
                             ("training images, to others", self.real_distances)):
            lines.append(f"{name:<28}" + "".join(f"{np.quantile(values, q):9.3f}"
                                                 for _, q in parts))
        return "\n".join([*lines, "", f"{self.verdict} In {self.share:.1%} of all pairs of a "
                          "sample and a training image it is the sample that has the nearer "
                          f"neighbour, z = {self.z:.1f}; new images would have 50% and 0, and "
                          f"above 3 is no chance. {self.near:.1%} of the samples are nearer to "
                          f"theirs than the nearest {TAIL:.0%} of training images are."])

    def save(self, path: str | os.PathLike, n: int = 8) -> None:
        """A picture of n pairs of each kind, and of the distances."""
        made = self.samples, self.nearest, self.distances
        real = self.real, self.real_nearest, self.real_distances

        def nearest(pairs: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
            return tuple([part[np.argsort(pairs[2], kind="stable")[:n]] for part in pairs])

        save_pairs(path, {
            "samples as they were drawn": tuple([part[:n] for part in made]),
            f"the nearest of {len(self.samples):,} samples": nearest(made),
            f"the nearest of {len(self.real):,} training images to others": nearest(real)},
            {"samples": self.distances, "training images, to others": self.real_distances})


@checked
def neighbours(run: Run, step: int | str | None = None, seed: Seed = 0) -> Neighbours:
    """1,000 samples of a run's average generator at a saved step (see `Run.saved_step`), each with
    the training image whose pixels are nearest, and as many training images, if there are so many,
    with the nearest other one. Raises RunError for too few training images, and what `Run.game` and
    `Config.load` raise.

    Two training images can be each other's nearest, so that their distances are not independent, as
    the test takes them to be. It does little: of new points in 2 to 40 dimensions, with 40 to 1,000
    to learn from, 1 in 100 had |z| > 3, with 100 points in the plane 1 in 30.
    """
    run.config.check_images("neighbours are")
    game, step = run.game(step)
    images = Scaled(run.data[0])
    if len(images) < LEAST:
        raise RunError(f"{len(images)} training images are too few to tell memory by: it takes "
                       f"{LEAST} at least")
    made = run.painted(game, run.config.latent(game, LOOKED_AT, seed))
    some = np.random.default_rng(seed).permutation(len(images))[:LOOKED_AT]
    shown = Shown(images, np.arange(len(images)))
    which, squared = shown.nearest(made)
    real_which, real_squared = shown.nearest(images[some], some)
    return Neighbours(str(run.folder), step, len(images), made, images[which], np.sqrt(squared),
                      images[some], images[real_which], np.sqrt(real_squared))
