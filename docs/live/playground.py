"""The playground of the book: a game from a loop's text, played move by move, and looks at it.

The page calls begin(), play(), move() and draw(), and shows what they return: a dictionary of
numbers and arrays, or of an error and its line. Nothing here knows of a browser.
"""
from __future__ import annotations

import contextlib
import functools
import io
import time
import traceback
from typing import Any, Callable, Iterator

import numpy as np
from loop import text as loop_of

from minigan import Tensor
from minigan.data import (DISTRIBUTIONS, Distribution, from_points, grid, grid_centers, ring,
                          ring_centers)
from minigan.errors import UserError
from minigan.lab.experiment import Plane
from minigan.lab.field import heights, pull
from minigan.metrics import mode_figures
from minigan.user_code import said

NAME = "the loop"  # its file, in errors
NEEDED = "generator", "discriminator", "noise", "d_loss", "g_loss", "game"
SHOWN = 200        # generated points, each with its arrow
REAL = 400         # real points
SIDE = 40          # of the raster on which D's surface is computed
REACH = 2.5        # the plane is shown from -REACH to REACH, in the networks' units
MOST = 100         # moves within which a step is to end
BLUR = 0.05        # of each point that is drawn by hand

# with wider heaps than the laboratory's, which can be seen
PICTURES = {**DISTRIBUTIONS,
            "ring": Distribution(lambda n, rng: ring(n, rng, std=0.05), ring_centers(), 0.05),
            "grid": Distribution(lambda n, rng: grid(n, rng, std=0.1), grid_centers(), 0.1)}
RASTER = np.stack(np.meshgrid(*[np.linspace(-REACH, REACH, SIDE, dtype=np.float32)] * 2),
                  axis=-1).reshape(-1, 2)


def plane_of(name: str, points: Any = ()) -> Plane:
    """The picture of that name; "drawn" is of the points (N, 2), which are as the networks see
    them. Raises UserError where there are none."""
    if name != "drawn":
        return Plane(PICTURES[name])
    drawn = np.array(points, np.float32).reshape(-1, 2)
    if not len(drawn) or not np.isfinite(drawn).all():
        raise UserError("there is nothing to learn yet: draw some points")
    some = from_points(drawn).draw
    plane = Plane(Distribution(lambda n, rng: some(n, rng) + BLUR * rng.standard_normal((n, 2))))
    plane.mean, plane.scale = np.zeros(2, np.float32), np.float32(1)
    return plane


class Game:
    """What a loop's text has made, and how far it is. For minigan.lab.field it is a GAN."""

    pack = 1

    def __init__(self, text: str, plane: Plane):
        self.plane, self.names = plane, {"__name__": NAME, "data": self.data}
        exec(compile(text, NAME, "exec"), self.names)
        missing = [name for name in NEEDED if name not in self.names]
        if missing:
            raise UserError(f"the loop has no {missing[0]}, which the page draws or plays with")
        self.turns = self.names["game"]()
        self.moves, self.loss, self.losses = {"D": 0, "G": 0}, {}, []
        self.pulls: list[float] = []
        with self.unseen():
            self.latent = (self.names["noise"](SHOWN),)
        self.see(plane)

    def see(self, plane: Plane) -> None:
        """Have another picture for real."""
        self.plane = plane
        self.real = self.data(REAL, np.random.default_rng(1))

    def data(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """n real points (n, 2), moved and scaled to mean 0 and variance 1."""
        return self.plane.inward(self.plane.draw(n, rng))

    @property
    def discriminator(self) -> Any:
        return self.names["discriminator"]

    def generate(self, latent: tuple) -> tuple[Tensor]:
        return (self.names["generator"](*latent),)

    def g_loss(self, real: Any, fake: tuple[Tensor], rng: Any) -> Tensor:
        return self.names["g_loss"](*fake) * SHOWN  # of a mean: the slope at each of them

    @contextlib.contextmanager
    def unseen(self) -> Iterator[None]:
        """Looking changes nothing: what chance it takes is put back."""
        chance = [x.bit_generator for x in self.names.values()
                  if isinstance(x, np.random.Generator)]
        states = [one.state for one in chance]
        try:
            yield
        finally:
            for one, state in zip(chance, states):
                one.state = state

    def half(self) -> str:
        """One player's move; which it was. Raises UserError for a yield of something else."""
        got = next(self.turns, None)
        if got is None:
            raise UserError("the game has ended, since game() has: begin again")
        try:
            player, loss = got
            self.loss[player], self.moves[player] = float(loss.item()), self.moves[player] + 1
        except (AttributeError, KeyError, TypeError, ValueError):
            self.turns.throw(UserError(  # where it yields
                f'game() is to yield "D" or "G" and the loss of the move, not {got!r:.60}'))
        if player == "G":
            self.losses.append([self.moves["G"], self.loss.get("D", np.nan), self.loss["G"]])
        return player

    def step(self) -> None:
        """The moves up to G's next one."""
        for _ in range(MOST):
            if self.half() == "G":
                break

    def parameters(self) -> dict[str, Any]:
        """The numbers of both players, by their names."""
        return {f"{player}.{name}": p for player in ("discriminator", "generator")
                for name, p in self.names[player].named_parameters()}

    def compared(self) -> tuple[float, float]:
        """Both losses on the same points each time."""
        with self.unseen():
            fake, = self.generate(self.latent)
            losses = self.names["d_loss"](self.real[:SHOWN], fake.detach()), self.g_loss(
                None, (fake,), None) / SHOWN
            return tuple(float(loss.item()) for loss in losses)

    def look(self) -> dict[str, Any]:
        """What is to be seen now; `looked` is how many seconds that took."""
        start = time.perf_counter()
        with self.unseen():
            surface = heights(self, RASTER, self.real)
            samples, arrows = pull(self, None, self.latent, None)
        self.pulls.append(float(np.percentile(np.linalg.norm(arrows, axis=1), 75)))
        losses, self.losses = np.array(self.losses).reshape(-1, 3), []
        return {"moves": dict(self.moves), "loss": dict(self.loss), "losses": losses,
                "surface": surface, "samples": samples, "arrows": arrows, "pull": self.pulls[-1],
                "usual": float(np.median(self.pulls)), "figures": self.figures(samples),
                "looked": time.perf_counter() - start}

    def figures(self, samples: np.ndarray) -> dict[str, Any]:
        """How many heaps the samples are on, and what share of them is; nothing without heaps."""
        about = self.plane.distribution
        if about.centers is None or not np.isfinite(samples).all():
            return {}
        modes = mode_figures(self.plane.outward(samples), about.centers, about.std)
        return {"found": modes.captured, "of": len(about.centers), "good": modes.high_quality}


GAME: Game


def told(function: Callable) -> Callable:
    """Errors of the loop become {"error", "line"}, and what it prints is `printed`."""
    @functools.wraps(function)
    def wrapped(*args: Any) -> dict[str, Any]:
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed), np.errstate(all="ignore"):
                frame = function(*args)
            return {**frame, "printed": printed.getvalue()[-2000:]}
        except Exception as error:
            line = line_of(error)
            if line is None and not isinstance(error, UserError):
                raise  # this file's fault
            return {"error": said(error).removeprefix("UserError: "), "line": line,
                    "printed": printed.getvalue()[-2000:]}
    return wrapped


def line_of(error: Exception) -> int | None:
    """Where in the loop an error arose."""
    if isinstance(error, SyntaxError) and error.filename == NAME:
        return error.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__)
             if frame.filename == NAME]
    return lines[-1] if lines else None


@told
def begin(choices: dict[str, Any], text: str | None = None, points: Any = ()) -> dict[str, Any]:
    """A new game of the loop of these choices (see loop.py; and `data`), or of an own text. It is
    tried before: if it breaks, the old game stays."""
    global GAME
    choices = dict(choices)
    plane = plane_of(choices.pop("data", "ring"), points)
    text = text or loop_of(**choices)
    trial = Game(text, plane)
    trial.step()
    trial.look()
    game = Game(text, plane)
    frame = {**game.look(), "text": text, "real": game.real}
    GAME = game
    return frame


@told
def play(seconds: float) -> dict[str, Any]:
    """As many steps as fit, one at least."""
    end = time.perf_counter() + seconds
    GAME.step()
    while time.perf_counter() < end:
        GAME.step()
    return GAME.look()


@told
def move(half: bool) -> dict[str, Any]:
    """A step, or one player's move, and what it has changed."""
    game = GAME
    before = {name: p.numpy().astype(float) for name, p in game.parameters().items()}
    losses = game.compared()
    moved = game.half() if half else game.step()
    changes = [{"name": name, "shape": list(p.shape), "before": float(np.linalg.norm(before[name])),
                "after": float(np.linalg.norm(p.numpy().astype(float))),
                "largest": float(np.abs(p.numpy() - before[name]).max()),
                "slope": None if p.grad is None else float(np.linalg.norm(p.grad.numpy()))}
               for name, p in game.parameters().items()]
    return {**game.look(), "moved": moved, "changes": changes,
            "compared": [list(losses), list(game.compared())]}


@told
def draw(points: Any) -> dict[str, Any]:
    """Go on with these points for real."""
    GAME.see(plane_of("drawn", points))
    return {**GAME.look(), "real": GAME.real}
