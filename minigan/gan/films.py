"""Films of a run: what its generator makes between noise vectors, and how it came to that."""
from __future__ import annotations

import math
from pathlib import Path
from statistics import NormalDist
from typing import Callable, Sequence

import numpy as np

from .. import backend
from ..autodiff import Tensor
from ..checked import checked
from ..errors import brief
from ..settings import Natural, Positive, Seed, TwoOrMore
from ..viz import image_grid, save_film
from ..viz.film import captioned
from ..viz.grid import as_bytes
from . import noise
from .game import GameError
from .penalties import Sample
from .run import Run, RunError

FRAMES, STOPS, GRID = 120, 6, (4, 4)
PER_SECOND = 20
SECONDS = 6   # that a film of a training lasts, roughly: it has as many frames as were saved
SIDE = 480    # pixels that a picture of a film has at most, unless its images have more


@checked
def walk(run: Run, path: str | Path | None = None, *, frames: TwoOrMore = FRAMES,
         stops: TwoOrMore | None = None, step: int | str | None = None, seed: Seed = 0,
         labels: Sequence[Natural] | None = None, grid: tuple[Positive, Positive] = GRID) -> Path:
    """A film, GIF or MP4, of what the average generator of a saved step (see `Run.saved_step`)
    makes on a way from noise vector to noise vector and back to the first; returns where it is, by
    default in the run's folder.

    stops   how many vectors there are, drawn by the seed (default: 6)
    labels  of a conditional game: one class for all images, or classes between which the images
            go while the noise stays (default: all classes)
    grid    rows and columns of images

    Raises UserError for settings that do not go together, and what `Run.game` raises.
    """
    run.config.check_images("a walk is")
    game, step = run.game(step)
    rows, columns = grid
    named = "-".join(map(str, () if labels is None else labels))  # each film has a place
    if labels is None:
        labels = range(run.config.classes) if run.config.conditional else ()
    if len(labels) > 1 and stops is not None:
        raise GameError(f"the stops of a walk between classes are the {len(labels)} classes: name "
                        "one class, or leave the number of stops out")
    if len(labels) > 1:
        latents = [run.config.latent(game, rows * columns, seed, label) for label in labels]
    else:
        n, count = rows * columns, STOPS if stops is None else stops
        latent = run.config.latent(game, n * count, seed, *labels)
        latents = [tuple([part[k * n:(k + 1) * n] for part in latent]) for k in range(count)]
    if not 2 <= len(latents) <= frames:
        raise GameError(f"a walk has at least 2 stops, and a frame for each: {len(latents)} stops "
                        f"in {frames} frames are none")
    if path is None:
        name = f"walk-step-{step:06d}-seed-{seed}" + f"-label-{named}" * bool(named)
        path = run.folder / f"{name}.gif"
    height, width, _ = run.config.shape
    scale = max(1, min(8, SIDE // max(rows * (height + 1), columns * (width + 1))))
    save_film(path, (as_bytes(image_grid(run.painted(game, latent), columns=columns), scale)
                     for latent in between(latents, frames, game.noise)), PER_SECOND)
    return Path(path)


@checked
def training_film(run: Run, path: str | Path | None = None, *, frames: Positive = FRAMES) -> Path:
    """A film, GIF or MP4, of the pictures in the run's `samples/`, so many of them at most, which
    all are of the same noise; returns where it is, by default in the run's folder. Raises RunError
    if there are none, or damaged ones."""
    run.config.check_images("a film is")
    files = list(run.pictures().items())
    if not files:
        raise RunError(f"{run.folder} has no pictures in samples yet, of which the film would be")
    files = [files[i] for i in np.linspace(0, len(files) - 1, min(frames, len(files))).astype(int)]
    pictures = []
    for step, file in files:
        shown = pixels(file)
        # they show a pixel as 4 x 4
        smaller = next((k for k in (1, 2) if max(shown.shape) <= k * SIDE), 4)
        pictures.append(captioned(shown[::smaller, ::smaller], f"step {step}"))
    per_second = min(PER_SECOND, max(2, round(len(files) / SECONDS)))
    pictures += [pictures[-1]] * 2 * per_second  # the end stays for two seconds
    path = run.folder / "training.gif" if path is None else path
    save_film(path, pictures, per_second)
    return Path(path)


def pixels(file: Path) -> np.ndarray:
    """A picture file's, uint8 (H, W) or (H, W, 3). Raises RunError for a damaged one."""
    from PIL import Image  # here, so that training needs no pictures

    try:
        with Image.open(file) as image:
            return np.asarray(image.convert("L" if image.mode == "L" else "RGB"))
    except Exception as error:  # a damaged file can make a decoder raise anything
        raise RunError(f"{file} cannot be read: {brief(error)}") from None


def between(stops: Sequence[Sample], frames: int, kind: Callable[..., Tensor]) -> list[Sample]:
    """The latents of so many frames of a way from stop to stop and back to the first.

    Noise that is the same at all stops stays. Other noise goes on arcs that keep the distribution:
    of independent a and b of N(0, I), cos θ a + sin θ b is of N(0, I), too, for every θ, where on
    the straight line the middle has half the variance. (White 2016, arXiv 1609.04468, has the angle
    between a and b for the right angle here; with many numbers they are nearly the same.) Uniform
    numbers go the same way as the normal ones of the same quantiles. Conditions, such as a class,
    go in straight lines. Raises GameError for noise of another kind.
    """
    if kind not in KINDS:
        raise GameError(f"no way is known between noise vectors of {kind!r}: there are "
                        "noise.normal and noise.uniform")
    to_normal, back = KINDS[kind]
    z = [to_normal(stop[0].numpy()) for stop in stops]
    stays = all((other == z[0]).all() for other in z)
    made = []
    for i in range(frames):
        place = i * len(stops) / frames
        k, t = int(place), place % 1
        a, b = k, (k + 1) % len(stops)
        now = z[a] if stays else math.cos(t * math.pi / 2) * z[a] + math.sin(t * math.pi / 2) * z[b]
        made.append((Tensor(backend.asarray(back(now).astype(np.float32))),
                     *[p * (1 - t) + q * t for p, q in zip(stops[a][1:], stops[b][1:])]))
    return made


# Numbers of U(−1, 1) as those of N(0, 1) at the same place of the distribution, and back
_quantile = np.vectorize(lambda u: NormalDist().inv_cdf(min(max((u + 1) / 2, 1e-8), 1 - 1e-8)),
                         otypes=[np.float64])
_place = np.vectorize(lambda x: math.erf(x / math.sqrt(2)), otypes=[np.float64])
KINDS = {noise.normal: (np.asarray, np.asarray), noise.uniform: (_quantile, _place)}
