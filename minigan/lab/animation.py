"""A run as a film: D's surface, the samples on it, where they are pulled, losses and figures."""
from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..gan.update import StepResult
from ..viz.figure import as_written, save_figure
from ..viz.film import encoder, save_film
from .field import heights, pull
from .experiment import Experiment, LabError, Task

FRAMES = 60     # of a film
PER_SECOND = 8
SIDE = 72       # of the square raster on which D's surface is computed
POINTS = 1000   # of each kind that are drawn, and
ARROWS = 50     # how many of the generated ones have an arrow
REAL, MADE = "#4dabf7", "#d9480f"


class Frame(NamedTuple):
    """What is to be seen of a moment; lengths in the distribution's units."""

    step: int
    surface: np.ndarray            # (SIDE, SIDE), D's logits, the first row the lowest
    samples: np.ndarray            # of G as it stands, (POINTS, 2)
    places: np.ndarray             # (ARROWS, 2)
    arrows: np.ndarray             # minus the slope of G's loss there
    losses: tuple[float, float]    # D's and G's, means since the frame before
    figures: dict[str, float]      # of the samples of G's average


class Film:
    """A watcher of a run that keeps frames, more of them early, where more happens."""

    def __init__(self, task: Task, frames: int = FRAMES):
        self.task, self.frames, self._losses = task, [], []
        steps = task.steps
        self.moments = {max(1, round(steps * (i / frames) ** 1.5)) for i in range(1, frames + 1)}

    def __call__(self, experiment: Experiment, result: StepResult) -> None:
        if experiment.trainer.step == 1:
            self._prepare(experiment)
        self._losses.append((result.d_loss.item(), result.g_loss.item()))
        if experiment.trainer.step in self.moments:
            self.frames.append(self._frame(experiment))
            self._losses.clear()

    def _prepare(self, experiment: Experiment) -> None:
        self.real = experiment.real[:POINTS]
        self.centers = experiment.plane.distribution.centers
        low, high = np.percentile(self.real, [0.5, 99.5], axis=0)
        middle, half = (low + high) / 2, 0.68 * (high - low).max()
        self.extent = (middle[0] - half, middle[0] + half, middle[1] - half, middle[1] + half)
        self.rng = np.random.default_rng(0)  # looking changes nothing of the training
        x, y = (np.linspace(a, b, SIDE) for a, b in (self.extent[:2], self.extent[2:]))
        self.raster = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2).astype(np.float32)

    def _frame(self, experiment: Experiment) -> Frame:
        plane, game = experiment.plane, experiment.game
        surface = heights(game, plane.inward(self.raster), plane.inward(self.real))
        batch = self.task.system.batch_size
        real = experiment.shown(plane.draw(batch, self.rng))
        places, arrows = pull(game, real, game.latent(batch, self.rng), self.rng)
        some = np.linspace(0, batch - 1, min(ARROWS, batch)).astype(int)
        made = experiment.samples(averaged=False)
        return Frame(experiment.trainer.step, surface.reshape(SIDE, SIDE),
                     made[np.linspace(0, len(made) - 1, POINTS).astype(int)],
                     plane.outward(places[some]), arrows[some],
                     tuple(np.mean(self._losses, axis=0)), experiment.figures(experiment.samples()))

    def save(self, path: Path) -> None:
        """Beside path, with other suffixes: the last frame (PNG), the film (MP4, where ffmpeg is
        installed) and, since it says that all is there, at last the film as GIF."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(8.4, 4.6), dpi=90)
        canvas, drawing, pictures = FigureCanvasAgg(figure), Drawing(figure, self), []
        for i in range(len(self.frames)):
            drawing.draw(i)
            canvas.draw()
            pictures.append(np.array(canvas.buffer_rgba())[:, :, :3])
        save_figure(path.with_suffix(".png"), figure, dpi=140)
        pictures += [pictures[-1]] * PER_SECOND  # the end stays for a second
        for suffix in (".mp4", ".gif") if encoder() else (".gif",):
            save_film(path.with_suffix(suffix), pictures, PER_SECOND)


class Drawing:
    """Draws a film's frames into a matplotlib figure."""

    def __init__(self, figure: Any, film: Film):
        self.film = film
        grid = figure.add_gridspec(2, 2, width_ratios=[1.12, 1], left=0.06, right=0.93, top=0.9,
                                   bottom=0.11, wspace=0.24, hspace=0.42)
        self.plane = figure.add_subplot(grid[:, 0])
        self.losses, self.figures = (figure.add_subplot(grid[i, 1]) for i in (0, 1))
        self.shares = self.figures.twinx()

    def draw(self, i: int) -> None:
        """The i-th frame."""
        frames = self.film.frames[:i + 1]
        for axes in (self.plane, self.losses, self.figures, self.shares):
            axes.clear()
        self._plane(frames[-1])
        self._losses(frames)
        self._figures(frames)
        for axes in (self.losses, self.figures):
            axes.set_xlim(0, self.film.task.steps)
            axes.spines[["top", "right"]].set_visible(False)
            axes.grid(color="0.92", linewidth=0.8)
            axes.tick_params(labelsize=8)
        self.figures.set_xlabel("step (figures: of G's moving average)", fontsize=8)

    def _plane(self, frame: Frame) -> None:
        axes, film = self.plane, self.film
        if np.isfinite(frame.surface).all():
            low, high = np.percentile(frame.surface, [2, 98])
            high = max(high, low + 1e-6)
            # flat areas, which a GIF packs well; greys from a middle one on, so that points are
            # seen everywhere; light is what D takes for real
            axes.contourf(np.clip(frame.surface, low, high), np.linspace(low, high, 14),
                          extent=film.extent, cmap="Greys_r", vmin=2 * low - high, vmax=high)
        axes.plot(*film.real.T, "o", markersize=4, color=REAL, markeredgewidth=0, label="real")
        axes.plot(*frame.samples.T, ".", markersize=2.5, color=MADE, label="generated", alpha=0.8)
        arrows = self._arrows(frame)
        axes.quiver(*frame.places.T, *arrows.T, angles="xy", scale_units="xy", scale=1,
                    color="0.1", width=0.004, headwidth=4, zorder=3)
        axes.set_xlim(film.extent[:2])
        axes.set_ylim(film.extent[2:])
        axes.set_aspect("equal")
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_title(as_written(f"{film.task}, step {frame.step}"), fontsize=10)
        axes.legend(loc="upper left", fontsize=8, markerscale=2, framealpha=0.85,
                    handletextpad=0.2, borderpad=0.3)

    def _arrows(self, frame: Frame) -> np.ndarray:
        """Arrows to draw: all frames on one scale, so that a slope that vanishes is seen to, and
        none longer than an eighth of the plane."""
        side = self.film.extent[1] - self.film.extent[0]
        typical = np.median([np.percentile(np.linalg.norm(f.arrows, axis=1), 75)
                             for f in self.film.frames])
        arrows = frame.arrows * (0.06 * side / max(typical, 1e-30))
        length = np.linalg.norm(arrows, axis=1, keepdims=True)
        return arrows * np.minimum(1, 0.12 * side / np.maximum(length, 1e-30))

    def _losses(self, frames: list[Frame]) -> None:
        axes, steps = self.losses, [f.step for f in frames]
        values = np.array([f.losses for f in self.film.frames])
        for k, (name, color) in enumerate([("D", REAL), ("G", MADE)]):
            axes.plot(steps, values[:len(frames), k], color=color, linewidth=1.5, label=name)
        if np.isfinite(values).any():
            low, high = np.nanpercentile(np.where(np.isfinite(values), values, np.nan), [1, 99])
            margin = 0.08 * max(high - low, 1e-6)
            axes.set_ylim(low - margin, high + margin)
        axes.set_title("losses", fontsize=9, loc="left")
        axes.legend(loc="lower right", bbox_to_anchor=(1, 0.98), ncols=2, fontsize=8, frameon=False,
                    borderaxespad=0)

    def _figures(self, frames: list[Frame]) -> None:
        axes, shares, steps = self.figures, self.shares, [f.step for f in frames]

        def values(name: str) -> list[float]:
            return [f.figures.get(name, np.nan) for f in frames]

        shares.spines[["top", "left", "right"]].set_visible(False)
        if self.film.centers is None:
            axes.plot(steps, values("sliced_w1"), color="0.2", linewidth=1.5)
            axes.set_ylim(0, max([f.figures.get("sliced_w1", 0) for f in self.film.frames]) * 1.05
                          or 1)
            axes.set_title("sliced Wasserstein distance", fontsize=9, loc="left")
            shares.set_yticks([])
            return
        modes = len(self.film.centers)
        axes.plot(steps, values("captured"), color="0.2", linewidth=1.5, drawstyle="steps-post",
                  clip_on=False)
        axes.set_ylim(0, modes)
        axes.set_title(f"modes captured of {modes}", fontsize=9, loc="left", color="0.2")
        shares.plot(steps, values("high_quality"), color="tab:green", linewidth=1.5, clip_on=False)
        shares.set_ylim(0, 1)
        shares.yaxis.set_major_formatter(lambda x, _: f"{x:.0%}")
        shares.yaxis.tick_right()
        shares.tick_params(labelsize=8, colors="tab:green")
        shares.set_title("high quality", fontsize=9, loc="right", color="tab:green")


class Show(Film):
    """A film shown while it is made, in a window. Raises LabError where none can be opened, and
    KeyboardInterrupt, as Ctrl-C does, when it is closed before the end."""

    def __init__(self, task: Task):
        super().__init__(task, 2 * FRAMES)
        refusal = "no display to open a window on: leave out --show; --animate writes a film"
        if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY")
                                                     or os.environ.get("WAYLAND_DISPLAY")):
            raise LabError(refusal)
        from matplotlib import pyplot

        pyplot.ion()
        self.pyplot, self.figure = pyplot, pyplot.figure(figsize=(8.4, 4.6))
        if getattr(self.figure.canvas, "required_interactive_framework", None) is None:
            raise LabError(refusal)  # matplotlib has found nothing that could draw one
        self.drawing = Drawing(self.figure, self)

    def __call__(self, experiment: Experiment, result: StepResult) -> None:
        if not self.pyplot.fignum_exists(self.figure.number):
            raise KeyboardInterrupt
        before = len(self.frames)
        super().__call__(experiment, result)
        if len(self.frames) > before:
            self.drawing.draw(before)
            self.pyplot.pause(0.001)

    def keep(self) -> None:
        """Leave the window open until it is closed."""
        self.pyplot.ioff()
        self.pyplot.show()
