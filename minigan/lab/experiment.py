"""One run of the laboratory: a method on a distribution from a seed, trained and measured."""
from __future__ import annotations

import hashlib
import json
import math
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Callable, Iterable, Iterator

import numpy as np

from ..autodiff import Tensor, no_grad
from ..backend import asarray
from ..checked import checked
from ..data import DISTRIBUTIONS, Distribution, from_points, read_points
from ..errors import UserError, brief, no_such
from ..files import replacing, write_text
from ..gan import Options, System
from ..gan.update import StepResult
from ..metrics import mode_figures, sliced_wasserstein, wasserstein1
from ..ranks import Alone
from ..settings import (FLAG, NATURAL, NUMBER, POSITIVE, SEED, TABLE, Kind, Positive, Seed,
                        check_fields, one_of, optional, parsed)
from .field import heights
from .methods import METHODS
from .plane import PLANE

SAMPLES = 2500   # that a run is judged by; the protocol's number
TRANSPORTED = 1000  # of them that the exact distance is taken of: time grows as their cube
WATCHED = 400    # and on the way
MEASURES = 20    # times that a run is measured at even distances, and thrice before the first


# what the file of a record holds
RECORD = {"settings": TABLE, "final": TABLE, "rows": Kind(
    "a list of figures", lambda rows: isinstance(rows, list) and all(map(TABLE.fits, rows)))}
SETTINGS = {"method": Kind("a name", lambda name: isinstance(name, str)), "seed": SEED,
            "recipe": TABLE}
FINAL = {"diverged": FLAG, "modes": optional(NATURAL), "seconds": NUMBER, "spread": NUMBER}
OF_MODES = "captured", "high_quality", "reverse_kl"


class LabError(UserError):
    """A user's mistake, in a line."""


def _no_data(text: str) -> str:
    return (f"there is no file {text}" if text.endswith(".csv")
            else no_such("data set or file", text, DISTRIBUTIONS))


DATA = Kind("a data set or a file",
            lambda text: isinstance(text, str) and (text in DISTRIBUTIONS or Path(text).is_file()),
            wrong=_no_data)


@checked
@dataclass(frozen=True)
class Task:
    """What to run. data is a name in data.DISTRIBUTIONS or a CSV file, method a name in METHODS or
    options of your own, steps how many there are in all."""

    data: Annotated[str, DATA]
    method: Annotated[str, one_of(METHODS, "method")] | Options
    seed: Seed = 0
    steps: Positive = PLANE.steps
    system: System = PLANE

    @property
    def options(self) -> Options:
        """How it is played."""
        return METHODS[self.method].options if isinstance(self.method, str) else self.method

    @property
    def data_name(self) -> str:
        return self.data if self.data in DISTRIBUTIONS else Path(self.data).stem

    @property
    def method_name(self) -> str:
        return self.method if isinstance(self.method, str) else self.method.name

    def __str__(self) -> str:
        return f"{self.data_name} {self.method_name} seed {self.seed}"

    def settings(self) -> dict[str, Any]:
        """All that the result depends on and the command can change, as JSON has it."""
        system, digest = self.system, None
        recipe = {"steps": self.steps, "batch": system.batch_size, "latent": system.latent,
                  "lr": system.lr, "betas": list(system.betas)}
        if self.data not in DISTRIBUTIONS:
            digest = hashlib.sha256(Path(self.data).read_bytes()).hexdigest()[:16]
        return {"data": self.data_name, "file": digest, "method": self.method_name,
                "options": as_json(self.options), "seed": self.seed, "recipe": recipe}


def as_json(options: Options) -> dict[str, Any]:
    """What was given, as it comes back from a file."""
    return json.loads(json.dumps(options.given()))


class Plane:
    """A distribution as networks like it: moved to mean 0, and scaled, both axes alike, to
    variance 1. Figures are taken in its own units."""

    def __init__(self, distribution: Distribution):
        self.distribution = distribution
        points = self.draw(10_000, np.random.default_rng(0))
        self.mean = points.mean(axis=0)
        self.scale = np.float32(np.sqrt(points.var(axis=0).mean()))
        self.spread = float(np.linalg.norm(points - self.mean, axis=1).mean())

    def draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """n points (n, 2) in its own units."""
        return self.distribution.draw(n, rng)

    def inward(self, points: np.ndarray) -> np.ndarray:
        """Points as the networks see them, float32."""
        return ((points - self.mean) / self.scale).astype(np.float32)

    def outward(self, points: np.ndarray) -> np.ndarray:
        """Points of the networks in the distribution's units."""
        return points * self.scale + self.mean


class Points:
    """A Trainer's loader: batches of fresh points, as the networks see them."""

    def __init__(self, plane: Plane, batch_size: int, rng: np.random.Generator):
        self.plane, self.batch_size, self.rng = plane, batch_size, rng

    def forever(self) -> Iterator[Any]:
        """The batches."""
        while True:
            yield asarray(self.plane.inward(self.plane.draw(self.batch_size, self.rng)))


def load(data: str) -> Distribution:
    """The distribution of that name, or of the points in that CSV file."""
    return DISTRIBUTIONS.get(data) or from_points(read_points(data))


@checked
class Experiment:
    """A run under way: its trainer, and looks at what that has come to."""

    def __init__(self, task: Task):
        options, system, rng = task.options, task.system, np.random.default_rng([task.seed, 0])
        options.check_batch(system.batch_size)
        self.plane = Plane(load(task.data))
        self.game = options.build(system, (2,), 0, rng)
        self.trainer = options.trainer(self.game, system,
                                       Points(self.plane, system.batch_size, rng), seed=rng)
        self.trainer.display = None  # the laboratory shows its own
        self.trainer.ranks = Alone()  # a run is one process's
        rng = np.random.default_rng([task.seed, 1])  # looking changes nothing of the training
        self.latent = self.game.latent(SAMPLES, rng)
        self.real = self.plane.draw(SAMPLES, rng)

    def shown(self, points: np.ndarray) -> tuple[Tensor]:
        """Real points as a sample of the game."""
        return (Tensor(asarray(self.plane.inward(points))),)

    def samples(self, averaged: bool = True) -> np.ndarray:
        """SAMPLES points of G's average, or of G as it stands, always from the same noise."""
        with no_grad():
            generator = self.trainer.average.module if averaged else self.game.generator
            return self.plane.outward(generator(*self.latent).numpy())

    def figures(self, samples: np.ndarray) -> dict[str, float]:
        """How good the samples are; empty where they have diverged."""
        if not np.isfinite(samples).all():
            return {}
        found = {"sliced_w1": sliced_wasserstein(samples, self.real)}
        if self.plane.distribution.centers is not None:
            modes = mode_figures(samples, self.plane.distribution.centers,
                                 self.plane.distribution.std)
            found.update(modes._asdict())
        return found

    def look(self) -> dict[str, float]:
        """All figures of the moment; empty where the samples have diverged."""
        samples = self.samples()
        found = self.figures(samples)
        return {**found, **self.critic(), **exact("w1", samples, self.real)} if found else {}

    def critic(self) -> dict[str, float]:
        """How far apart D thinks that real and generated points are, and how far they are. For a
        critic of slope 1 the first estimates the second."""
        made = self.samples(averaged=False)
        if not np.isfinite(made).all():
            return {}
        inward = self.plane.inward
        apart = (heights(self.game, inward(self.real), inward(self.real)).mean()
                 - heights(self.game, inward(made), inward(self.real)).mean())
        return {"critic": float(apart * self.plane.scale), **exact("critic_w1", made, self.real)}


def exact(name: str, a: np.ndarray, b: np.ndarray, points: int = WATCHED) -> dict[str, float]:
    """The exact distance of the first points of both under that name; nothing without SciPy."""
    return {name: wasserstein1(a[:points], b[:points])} if find_spec("scipy") else {}


@dataclass
class Record:
    """What a run left."""

    settings: dict[str, Any]    # of its Task
    rows: list[dict[str, Any]]  # over time: step, d_loss and g_loss (means since the one before), …
    # the figures of the last row, w1 of TRANSPORTED points, with seconds (of training), diverged,
    # spread (the mean distance of real points from their mean) and modes (how many there are)
    final: dict[str, Any]
    samples: np.ndarray         # (N, 2)

    def save(self, path: Path) -> None:
        """Write path (JSON) and, before it, the samples beside it (NPZ): where the first is, the
        run is whole."""
        with replacing(path.with_suffix(".npz")) as temporary:
            np.savez_compressed(temporary, samples=self.samples)
        text = json.dumps({"settings": self.settings, "final": self.final, "rows": self.rows},
                          indent=1, default=float)
        write_text(path, text + "\n")

    @classmethod
    def load(cls, path: Path) -> Record:
        """What save() wrote. Raises LabError for another file."""
        try:
            content = parsed(path.read_text(encoding="utf-8"), RECORD)
            check_fields(content["settings"], SETTINGS)
            check_fields(content["settings"]["recipe"], {"steps": POSITIVE})
            final = check_fields(content["final"], FINAL)
            if not final["diverged"]:
                figures = ["sliced_w1", *OF_MODES * bool(final["modes"]), *{"w1"} & final.keys()]
                check_fields(final, dict.fromkeys(figures, NUMBER))
            with np.load(path.with_suffix(".npz")) as arrays:
                return cls(samples=arrays["samples"], **content)
        except PermissionError:
            raise
        except Exception as error:  # NumPy raises all sorts of them for a damaged file
            raise LabError(f"{path} is no run of the laboratory ({brief(error)}): remove "
                           "it") from None


@checked
def train(task: Task, watchers: Iterable[Callable[[Experiment, StepResult], None]] = ()) -> Record:
    """Train and measure; the same task gives the same figures, but for the seconds. Watchers are
    called after each step. A run whose samples are no longer finite ends early."""
    experiment, looks = Experiment(task), places(task.steps)
    trainer, rows, losses, seconds = experiment.trainer, [], [], 0.0
    figures: dict[str, Any] = {}
    start = time.perf_counter()

    def watch(_: Any, result: StepResult) -> None:
        nonlocal seconds, start
        seconds += time.perf_counter() - start
        losses.append((result.d_loss.item(), result.g_loss.item()))
        for watcher in watchers:
            watcher(experiment, result)
        if trainer.step in looks:
            figures.clear()
            figures.update(experiment.look())
            d_loss, g_loss = np.mean(losses, axis=0)
            rows.append({"step": trainer.step, "d_loss": _known(d_loss), "g_loss": _known(g_loss),
                         **figures})
            losses.clear()
            trainer.stop = not figures
        start = time.perf_counter()

    trainer.callbacks = [watch]
    with np.errstate(all="ignore"):  # diverging is a result, too
        trainer.run(task.steps)
    samples = experiment.samples()
    if figures:
        figures.update(exact("w1", samples, experiment.real, TRANSPORTED))
    centers = experiment.plane.distribution.centers
    final = {**figures, "step": trainer.step, "diverged": not figures,
             "spread": experiment.plane.spread, "modes": None if centers is None else len(centers),
             "seconds": round(seconds, 2)}
    return Record(task.settings(), rows, final, samples)


def places(steps: int) -> set[int]:
    """After which of the steps a run is measured. The first of the even places is halved thrice,
    since most of the way is gone before it."""
    every = max(1, steps // MEASURES)
    return {*range(every, steps, every), steps, *(every // k for k in (2, 4, 8) if k <= every)}


def _known(x: float) -> float | None:
    """x, or None, since JSON has no NaN."""
    return float(x) if math.isfinite(x) else None
