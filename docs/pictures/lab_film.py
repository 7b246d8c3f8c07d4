"""Mode collapse and a remedy, as a film of few colours: the game of eight heaps, plain and with the
method r1r2 beside.

    python docs/pictures/lab_film.py
"""
from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image, ImageSequence
from style import IMAGES

from minigan.lab import Task, train
from minigan.lab.animation import Film

FRAMES, COLOURS, PLANE = 24, 32, (0, 0, 396, 372)  # the plane's part of a frame


def frames(method: str) -> list[Image.Image]:
    """A game, from its first step to the last, which stays for a second."""
    task = Task("ring", method)
    film = Film(task, FRAMES)
    train(task, [film])
    with TemporaryDirectory() as folder:
        film.save(Path(folder) / "film")
        with Image.open(Path(folder) / "film.gif") as gif:
            return [frame.convert("RGB") for frame in ImageSequence.Iterator(gif)]


def beside(left: Image.Image, right: Image.Image) -> Image.Image:
    """The planes of two frames in one picture."""
    both = Image.new("RGB", (2 * PLANE[2], PLANE[3]), "white")
    both.paste(left.crop(PLANE), (0, 0))
    both.paste(right.crop(PLANE), (PLANE[2], 0))
    return both


pictures = [beside(*pair) for pair in zip(frames("plain"), frames("r1r2"))]
some = pictures[FRAMES // 2].quantize(COLOURS, method=Image.Quantize.FASTOCTREE)
first, *others = [p.quantize(palette=some, dither=Image.Dither.NONE) for p in pictures]
first.save(IMAGES / "lab_film.gif", save_all=True, append_images=others, loop=0,
           duration=[250] * (len(pictures) - 1) + [2250])
