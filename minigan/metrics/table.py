"""The measures of a run, by name: what `minigan evaluate` asks, and what each needs.

Each takes a Comparison and gives a value and its standard error, or None. A row more is a measure
more.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Container, NamedTuple, Sequence

import numpy as np

from .. import losses, nn, optim
from ..autodiff import Tensor, no_grad
from ..data import Loader
from ..errors import UserError
from .classes import Train, class_shares, gan_train, inception_score, total_variation
from .comparison import KS, LOOKED_AT, Comparison
from .frechet import frechet, frechet_infinity
from .kernel import PARTS, kernel_jackknife, kernel_sums
from .neighbours import nearer
from .modes import stacked_modes
from .similarity import pairwise_ms_ssim, vendi_score
from .transport import sliced_wasserstein
from .two_sample import classifier_two_sample, nearer_own

Scored = tuple[float, "float | None"]
SURE = 0.9
RESAMPLED = 200
PAIRS = 100
# How a standard error is found, and how many of them 95 % lie within: by Student's t with nine
# degrees of freedom for what is known from ten parts, else by the normal distribution
WIDTHS = {"parts": 2.262,      # of the values of ten parts, about their mean
          "jackknife": 2.262,  # of the values without each of ten parts
          "bootstrap": 1.96,   # of the values of shares drawn anew
          "binomial": 1.96,    # of a share
          "deviation": 1.96}   # of a mean, by the deviation of what it is of


@dataclass(frozen=True)
class Metric:
    """A measure: what it is of, how its interval is found (a key of WIDTHS), which way is better,
    what it cannot do without, and whether it looks at the images alone."""

    score: Callable[[Comparison], Scored]
    better: str  # "higher", "lower", "0.5", or "as real", where neither way is
    of: str
    interval: str | None = None
    needs: tuple[str, ...] = ()
    alone: bool = False

    @property
    def how(self) -> str:
        """What it is of, and how the interval is found."""
        return self.of + f"; {self.interval}" * bool(self.interval)

    def aim(self, value: float) -> float:
        """How good a value is: the larger the better."""
        return {"higher": value, "lower": -value, "0.5": -abs(value - 0.5)}[self.better]


class Figure(NamedTuple):
    """A value, and what to add and to take off for an interval of 95 %, if it is known."""

    value: float
    interval: float | None


NEEDS = {"judge": "a judge of such images",
         "told": "samples that were told their classes, as those of conditional runs are",
         "labels": "real images with labels",
         "stacked": "stacked digits, and a judge of digits"}


def lacking(name: str, have: Container[str]) -> str | None:
    """What a measure of METRICS needs and there is not, in words."""
    missing = [what for need, what in NEEDS.items()
               if need in METRICS[name].needs and need not in have]
    return f"needs {missing[0]}" if missing else None


def scored(name: str, c: Comparison) -> Figure | str:
    """The figure of a measure of METRICS, of which nothing is lacking; or why there is none."""
    metric = METRICS[name]
    try:
        value, error = metric.score(c)
    except UserError as reason:  # too few images, mostly
        return str(reason)
    if not np.isfinite(value):
        return "not finite"
    return Figure(float(value), None if error is None else WIDTHS[metric.interval] * float(error))


def _share(hits: Any, n: int | None = None) -> Scored:
    """The share of what is so, of n independent ones; the error is that of two more of either kind,
    since a share of 0 is not known exactly (Agresti and Coull 1998)."""
    p, n = float(np.mean(hits)), n or len(hits)
    q = (p * n + 2) / (n + 4)
    return p, (q * (1 - q) / (n + 4)) ** 0.5


def _jackknife(of: Callable[..., float], *sets: np.ndarray) -> Scored:
    """The value, and its error by those that are left when each tenth is left out; of fewer than
    ten points, which have no tenths, it is not known."""
    value, tenth = of(*sets), np.arange(len(sets[0])) % PARTS
    if len(tenth) < PARTS:
        return value, None
    without = [of(*[x[tenth != i] for x in sets]) for i in range(PARTS)]
    return value, float(np.std(without)) * (PARTS - 1) ** 0.5


def _mean(values: Sequence[float]) -> Scored:
    return float(np.mean(values)), float(np.std(values, ddof=1)) / len(values) ** 0.5


def _kernel(c: Comparison) -> Scored:
    between = kernel_sums(c.real.features, c.fake.features)
    return kernel_jackknife(c.real.kernel_sums, c.fake.kernel_sums, between,
                            len(c.real.features), len(c.fake.features))


def _inception(c: Comparison) -> Scored:
    mean, deviation = inception_score(c.fake.probabilities, PARTS)
    return mean, deviation / (PARTS - 1) ** 0.5


def _resampled(of: Callable[..., float], c: Comparison, *labels: np.ndarray) -> Scored:
    """The value of the shares of classes, and its deviation over shares drawn anew from them."""
    classes, rng = c.real.probabilities.shape[1], np.random.default_rng(c.seed)
    shares = [class_shares(x, classes) for x in labels]
    drawn = [rng.multinomial(len(x), p, RESAMPLED) / len(x) for x, p in zip(labels, shares)]
    return of(*shares), float(np.std([of(*row) for row in zip(*drawn)]))


def _rarest(c: Comparison) -> Scored:
    value, error = _resampled(lambda shares: float(shares.min()), c, c.fake.classes)
    # of a class that none of them shows, none is drawn: it is known no better than any share of 0
    return value, max(error, _share(np.zeros(len(c.fake.classes)))[1])


def _classifier(c: Comparison) -> Scored:
    both, *_ = classifier_two_sample(dense(c.seed, 600), c.real.pixels, c.fake.pixels, c.seed)
    return _share(both, len(c.real.pixels))  # half of each kind is asked about


def _gan_train(c: Comparison) -> Scored:
    right = gan_train(dense(c.seed, 1500), c.fake.pixels, c.fake.labels, c.real.pixels,
                      c.real.labels)
    return _share(right, len(c.real.pixels))


def _memorisation(c: Comparison) -> Scored:
    held_out, of_fake = c.shown.held_out, c.shown.nearest(c.fake.pixels[:LOOKED_AT])[1]
    n, m = len(held_out), len(of_fake)
    return nearer(held_out, of_fake)[0], ((n + m + 1) / (12 * n * m)) ** 0.5


def dense(seed: int, steps: int, width: int = 128) -> Train:
    """Fits a network with one hidden layer to points and labels, by Adam: so many steps, or twenty
    passes over the points if those are fewer."""
    def train(points: np.ndarray, labels: np.ndarray) -> Callable[[Any], np.ndarray]:
        rng = np.random.default_rng(seed)
        points, labels = points.astype("float32"), np.asarray(labels)
        network = nn.Sequential(nn.Dense(points.shape[1], width, rng=rng), nn.ReLU(),
                                nn.Dense(width, int(labels.max()) + 1, rng=rng))
        adam = optim.Adam(network.parameters(), lr=1e-3, betas=(0.9, 0.999))
        loader = Loader(points, labels, batch_size=min(64, len(points)), seed=seed)
        for _, (x, y) in zip(range(min(steps, 20 * len(loader))), loader.forever()):
            adam.zero_grad()
            losses.cross_entropy(network(Tensor(x)), y).backward()
            adam.step()

        def classify(points: np.ndarray) -> np.ndarray:
            with no_grad():
                return network(Tensor(points.astype("float32"))).numpy().argmax(axis=1)
        return classify
    return train


METRICS: dict[str, Metric] = {
    # by the judge's features
    "frechet": Metric(lambda c: _jackknife(frechet, c.real.features, c.fake.features),
                      "lower", "features", "jackknife", ("judge",)),
    "frechet-infinity": Metric(
        lambda c: (frechet_infinity(c.real.features, c.fake.features, c.seed), None),
        "lower", "features", None, ("judge",)),
    "kernel": Metric(_kernel, "lower", "features", "jackknife", ("judge",)),
    "vendi": Metric(lambda c: _jackknife(vendi_score, c.fake.features),
                    "as real", "features", "jackknife", ("judge",), alone=True),
    # by its answers
    "inception": Metric(_inception, "higher", "answers", "parts", ("judge",), alone=True),
    "sure": Metric(lambda c: _share(c.fake.probabilities.max(axis=1) >= SURE),
                   "higher", f"answers, {SURE} or more", "binomial", ("judge",), alone=True),
    "classes": Metric(
        lambda c: _resampled(total_variation, c, c.fake.classes, c.real.classes),
        "lower", "answers", "bootstrap", ("judge",)),
    "rarest": Metric(_rarest, "higher", "answers", "bootstrap", ("judge",), alone=True),
    "gan-test": Metric(lambda c: _share(c.fake.classes == c.fake.labels),
                       "higher", "answers", "binomial", ("judge", "told"), alone=True),
    "modes": Metric(lambda c: (stacked_modes(c.fake.by_channel)[0], None),
                    "higher", "answers", None, ("stacked",), alone=True),
    "reverse-kl": Metric(lambda c: (stacked_modes(c.fake.by_channel)[1], None),
                         "lower", "answers", None, ("stacked",), alone=True),
    # by pixels
    "gan-train": Metric(_gan_train, "higher", "pixels", "binomial", ("told", "labels")),
    "precision": Metric(lambda c: _share(c.crossing.looks_real),
                        "higher", f"pixels, k = {KS[1]}", "binomial"),
    "recall": Metric(lambda c: _share(c.crossing.recalled),
                     "higher", f"pixels, k = {KS[1]}", "binomial"),
    "density": Metric(lambda c: _mean(c.crossing.inside / KS[2]),
                      "higher", f"pixels, k = {KS[2]}", "deviation"),
    "coverage": Metric(lambda c: _share(c.crossing.to_fake <= c.real.radii[:, 2]),
                       "higher", f"pixels, k = {KS[2]}", "binomial"),
    "nearest-real": Metric(lambda c: _share(nearer_own(c.real.radii[:, 0], c.crossing.to_fake)),
                           "0.5", "pixels", "binomial"),
    "nearest-fake": Metric(lambda c: _share(nearer_own(c.fake.radii[:, 0], c.crossing.to_real)),
                           "0.5", "pixels", "binomial"),
    "classifier": Metric(_classifier, "0.5", "pixels", "binomial"),
    "memorisation": Metric(_memorisation, "0.5", "pixels", "deviation"),
    "parzen": Metric(lambda c: _mean(c.crossing.log_density[c.chosen_by:]),
                     "as real", "pixels", "deviation"),
    "sliced": Metric(lambda c: _jackknife(sliced_wasserstein, c.real.pixels, c.fake.pixels),
                     "lower", "pixels", "jackknife"),
    "ms-ssim": Metric(lambda c: _mean([pairwise_ms_ssim(part, PAIRS, c.seed) for part
                                       in np.array_split(c.fake.images, PARTS)]),
                      "as real", "pixels", "parts", alone=True),
}
