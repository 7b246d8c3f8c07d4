"""The laboratory as a film of few colours: the game of eight heaps, until all are found.

    python docs/pictures/lab_film.py
"""
from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image, ImageSequence
from style import IMAGES

from minigan.lab import Task, train
from minigan.lab.animation import Film

FRAMES, COLOURS = 24, 32

task = Task("ring", "r1r2", steps=800)
film = Film(task, FRAMES)
train(task, [film])
with TemporaryDirectory() as folder:
    film.save(Path(folder) / "film")
    with Image.open(Path(folder) / "film.gif") as gif:
        shown = [(frame.convert("RGB"), frame.info["duration"])
                 for frame in ImageSequence.Iterator(gif)]
some = shown[FRAMES // 2][0].quantize(COLOURS, method=Image.Quantize.FASTOCTREE)
first, *others = [frame.quantize(palette=some, dither=Image.Dither.NONE) for frame, _ in shown]
first.save(IMAGES / "lab_film.gif", save_all=True, append_images=others, loop=0,
           duration=[2 * duration for _, duration in shown])
