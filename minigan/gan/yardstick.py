"""What a run's samples are measured by: which real images stand beside them, and the judge."""
from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..data import IMAGE_SETS, Scaled
from ..data.stacked import STACKED
from ..errors import UserError
from ..metrics import Judge
from ..metrics.comparison import Comparison, Seen, Shown, blurred, noisy
from ..metrics.judge import SHAPES
from ..metrics.table import METRICS, Figure, scored
from ..nn import Module
from .config import Config, Data
from .game import GAN, sample

MOST = 10_000     # images of each kind, unless another number is asked for,
VALUES = 2 ** 25  # and values in them: each kind takes 8 bytes of memory for each
CHOOSING = 1_000  # by which training keeps its best step,
CHOOSING_SEED = 10 ** 9  # and, beyond the run's own seed, its noise: nobody evaluates by that one
REAL = ("real", "noise", "blur")


@dataclass(frozen=True)
class Yardstick:
    """n real images to compare samples with (`reference`), as many `other` ones that the run was
    trained on, and all of those but the others (`shown`), by which copies are known.

    Which images these are does not depend on the seed, which fixes noise and what measures draw.
    Where the data set comes with a test set, the reference is of that; else the run was trained
    on it. What steps are chosen by is among the other images, so that the figures of a chosen step
    are not flattered by the choice.
    """

    config: Config
    seed: int
    reference: Seen
    other: Seen
    shown: Shown
    said: str  # what the reference is
    judge: Judge | None
    why: str | None  # there is no judge

    @classmethod
    def of(cls, config: Config, data: Data, n: int | None = None, seed: int = 0) -> Yardstick:
        """Of a run with these settings and data; n is as many as the data allow, up to 10,000
        (2,730 of 64 x 64 pixels in colour), unless it is given. Raises UserError for more than the
        data allow, and DataError where the test set is missing."""
        config.check_images("the measures are")
        kept, beside = None, f"the {len(data[0])} of {config.data}"
        if config.data in SHAPES and config.data != "digits":
            kept = IMAGE_SETS[config.data](data_dir=config.data_dir, split="test")
            beside += f" and the {len(kept[0])} of its test set"
        most = min(len(data[0]) // 2, len((kept or data)[0]))
        n = min(MOST, most, max(2, VALUES // data[0][0].size)) if n is None else n
        if not 2 <= n <= most:
            raise UserError(f"--n {n} is not from 2 to {most}: beside the samples stand as many "
                            f"images, and as many others, of {beside}")
        if kept:
            said = f"{n:,} of the test set of {config.data}, which the run was not trained on"
            return cls._of(config, seed, data, (kept, _order(kept)[:n]), _order(data)[:n], said)
        said = (f"{n:,} of the {len(data[0]):,} images of {config.data or 'its loader'} that the "
                "run was trained on, for none are held out")
        return cls._of(config, seed, data, (data, _order(data)[-n:]), _order(data)[:n], said)

    @classmethod
    def choosing(cls, config: Config, data: Data) -> Yardstick:
        """By which a run chooses its best step: of 1,000 images, or half of them if they are fewer.
        """
        config.check_images("the measures are")
        n = min(CHOOSING, len(data[0]) // 2)
        order = _order(data)
        return cls._of(config, config.seed + CHOOSING_SEED, data, (data, order[:n]), order[n:2 * n],
                       f"{n:,} images of the run, to choose by")

    @classmethod
    def _of(cls, config: Config, seed: int, data: Data, reference: tuple[Data, np.ndarray],
            other: np.ndarray, said: str) -> Yardstick:
        judge, why = _judge(config.data)

        def seen(images: Data, rows: np.ndarray) -> Seen:
            return Seen(Scaled(images[0])[rows], judge,
                        None if images[1] is None else images[1][rows])

        rest = _order(data)
        rest = rest[~np.isin(rest, other)]
        return cls(config, seed, seen(*reference), seen(data, other),
                   Shown(Scaled(data[0]), rest), said, judge, why)

    @property
    def n(self) -> int:
        return len(self.reference.images)

    @property
    def has(self) -> set[str]:
        """Which of what measures need is there of the run's samples."""
        stacked = self.config.data in STACKED
        have = {"judge": self.judge and not stacked, "stacked": self.judge and stacked,
                "told": self.config.conditional, "labels": self.config.classes}
        return {name for name, there in have.items() if there}

    @property
    def key(self) -> dict[str, object]:
        """What figures have in common that may be compared."""
        return {"n": self.n, "seed": self.seed, "data": self.config.fingerprint,
                "reference": self.said, "judge": self.judge.name if self.judge else None}

    def samples(self, game: GAN, generator: Module) -> Comparison:
        """n samples of a generator, in [0, 1], with the classes that they were told. Raises
        UserError for values that are not finite."""
        latent = self.config.latent(game, self.n, self.seed)
        images = self.config.unscaled(sample(generator, latent))
        told = latent[1].numpy().argmax(axis=1) if "told" in self.has else None
        return self.beside(Seen(images.clip(0, 1), self.judge, told))

    def beside(self, fake: Seen) -> Comparison:
        """Images and the reference."""
        return Comparison(fake, self.reference, self.shown, self.seed)

    @cached_property
    def _real(self) -> dict[str, Comparison]:
        made = {"noise": noisy(self.other.images, self.seed), "blur": blurred(self.other.images)}
        return {"real": self.beside(self.other),
                **{name: self.beside(Seen(images, self.judge, self.other.labels))
                   for name, images in made.items()}}

    def real(self, column: str, name: str) -> Figure | str:
        """A figure of the others, of noise or of blur in them. What looks at images alone is, of
        real ones, taken of the reference, of which the judge may have learned less."""
        if column == "real" and METRICS[name].alone:
            return scored(name, self.beside(self.reference))
        return scored(name, self._real[column])


def _order(data: Data) -> np.ndarray:
    return np.random.default_rng(0).permutation(len(data[0]))


def _judge(data: str) -> tuple[Judge | None, str | None]:
    judged = STACKED.get(data, data)  # it looks at each channel
    if judged not in SHAPES:
        why = f"data {data}" if data else "a program's data"
        return None, f"{why} have no judge, so the measures are those of pixels"
    try:
        return Judge.load(judged), None
    except UserError as error:
        return None, str(error)
