"""In a notebook a training is seen while it runs: a bar, a picture of the same noise, curves."""
from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from html import escape
from itertools import islice
from typing import TYPE_CHECKING, Any, Callable, Iterable, Iterator, Mapping

import numpy as np

from .. import backend
from ..autodiff import Tensor
from ..errors import brief
from ..viz.grid import as_bytes, image_grid
from ..viz.inline import picture_uri, svg_figures
from .diagnostics import CURVES
from .game import sample
from .penalties import Sample
from .update import StepResult

if TYPE_CHECKING:
    from .trainer import Trainer

GRID = 64      # images in a grid of samples
EVERY = 10     # steps between two readings
ROWS = 2000    # of them are kept; of more every other one
SECONDS = 2    # between two looks, or as many as make them take no more than
SHARE = 0.08   # of the time
SHOWN = dict(islice(CURVES.items(), 2))
STYLE = (".minigan figure { margin: 0 } .minigan figure > svg { width: 100%; height: auto } "
         ".minigan img { width: 26em; max-width: 100%; image-rendering: pixelated }")


def in_notebook() -> bool:
    """Whether this is a notebook, where IPython's shell has a kernel."""
    return hasattr(shell(), "kernel")


def shell() -> Any:
    """IPython's, or None; it is looked for without importing IPython."""
    return getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()


class Display:
    """What is shown of a trainer, which has one for all its runs.

    latent       what the picture is made from; None: noise, drawn at the first look
    value_range  what is black and white in it; None: −1 and 1 where anything is negative,
                 else 0 and 1
    rows         readings of before
    """

    def __init__(self, latent: Sample | None = None,
                 value_range: tuple[float, float] | None = None,
                 rows: Iterable[Mapping[str, float]] = ()):
        self.latent, self.value_range, self.rows = latent, value_range, list(rows)
        self.cell: int | None = None  # the number of the last one that showed a training

    def read(self, trainer: Trainer, result: StepResult) -> None:
        """Keep the numbers of every tenth step."""
        if trainer.step % EVERY == 0 or trainer.step == 1:
            self.rows.append({"step": trainer.step, **trainer.reading(result)})
        if len(self.rows) > ROWS:
            del self.rows[1::2]

    def once(self, trainer: Trainer) -> str:
        """`html`, unless this cell shows it already: run.train() at its end shows one picture."""
        return "" if self.cell == getattr(shell(), "execution_count", 0) else self.html(trainer)

    def html(self, trainer: Trainer) -> str:
        """The picture and the curves, as they are now."""
        try:
            picture, said = self.picture(trainer)
        except Exception as error:  # a picture that cannot be made ends no training
            picture, said = "", f", no samples: {brief(error)}"
        steps = max(trainer.step, trainer.steps)
        return panel(f"step {trainer.step:,} of {steps:,}{said}", picture, self.rows)

    def picture(self, trainer: Trainer) -> tuple[str, str]:
        """Samples, as a data URI, and what they are; of a game that makes no images, nothing."""
        if self.latent is None:
            self.latent = fixed_latent(trainer)
        images = sample(trainer.average.module, self.latent)
        if images.ndim != 4 or images.shape[3] not in (1, 3):
            return "", ""
        limits = self.value_range or (-1 if (images < 0).any() else 0, 1)
        uri, *shape = picture_uri(as_bytes(image_grid(images, limits), 1), *images.shape[1:3])
        return uri, ": {} x {} images of the same noise, by the average generator".format(*shape)


def fixed_latent(trainer: Trainer) -> Sample:
    """Noise from a seed of its own, with the conditions of the loader's first examples."""
    known = [array[:GRID] for array in getattr(trainer.loader, "arrays", ())[1:]]
    n = min([GRID, *map(len, known)])
    return trainer.game.latent(n, np.random.default_rng(0),
                               tuple([Tensor(backend.asarray(array)) for array in known]))


def panel(said: str, picture: str, rows: Iterable[Mapping[str, float]]) -> str:
    """A picture, a data URI, beside the curves of readings: HTML that needs nothing else."""
    image = f'<img src="{picture}" alt="samples">' if picture else ""
    return (f'<div class="minigan"><style>{STYLE}</style>{escape(said)}<div style="display: flex; '
            f'flex-wrap: wrap; gap: 1.5em; margin-top: .4em">{image}<div style="width: 24em; '
            f'font-size: 12px">{svg_figures(rows, SHOWN)}</div></div></div>')


@contextmanager
def live(trainer: Trainer, steps: int) -> Iterator[list[Callable[[Any, StepResult], None]]]:
    """Within it a notebook shows what the trainer does; yields whom to call after each step."""
    look = trainer.display
    if look is None or not in_notebook():
        yield []
        return
    from IPython.display import HTML, display
    from tqdm.auto import tqdm  # a widget, if ipywidgets are installed

    look.cell = shell().execution_count
    bar = tqdm(total=steps, initial=trainer.step, unit="step", dynamic_ncols=True, mininterval=0.5)
    look.rows = [row for row in look.rows if row["step"] <= trainer.step]  # it may have gone back
    shown = display(HTML(look.html(trainer)), display_id=True)
    due = time.perf_counter() + SECONDS / 2

    def watch(trainer: Trainer, result: StepResult) -> None:
        nonlocal due
        bar.update()
        look.read(trainer, result)
        if (began := time.perf_counter()) >= due:
            shown.update(HTML(look.html(trainer)))
            due = time.perf_counter()
            due += max(SECONDS, (due - began) / SHARE)

    try:
        yield [watch]
    finally:
        bar.close()
        shown.update(HTML(look.html(trainer)))
