"""Pictures one after another as a film: a GIF by Pillow, an MP4 by ffmpeg."""
from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import numpy as np

from ..checked import checked
from ..errors import UserError, brief
from ..files import replacing
from ..settings import Positive

_BAR = 20    # pixels: the height of a caption
_FASTEST = 50  # a second, of a GIF: it counts hundredths, and viewers show less than two as ten
_GREYS = 32  # of a GIF without colours: with all 256 it is twice as large, and looks alike


@checked
def save_film(path: str | os.PathLike, pictures: Iterable, per_second: Positive = 20) -> None:
    """Write pictures of one size, uint8 (H, W) or (H, W, 3), as a film: GIF or MP4 by the path's
    suffix. A GIF begins again at its end, and shows 50 pictures a second at most. A file that was
    there is replaced in one step.

    An MP4 is written by ffmpeg, an installed one or that of the package imageio-ffmpeg. Raises
    UserError for another suffix, for a GIF of more pictures a second and where there is no ffmpeg,
    which is told before the first picture is asked for, and for pictures that differ in size or are
    none.
    """
    path = Path(path)
    write = _writer(path, per_second)
    pictures = list(pictures)
    shapes = {np.shape(picture)[:2] for picture in pictures}
    if len(shapes) != 1:
        raise UserError("a film is made of pictures of one size, not of "
                        f"{' and '.join(map(str, sorted(shapes))) or 'none'}")
    with replacing(path) as temporary:
        write(temporary, pictures, per_second)


def encoder() -> str | None:
    """The ffmpeg that writes MP4, if there is one."""
    found = shutil.which("ffmpeg")
    if found is None:
        with suppress(ImportError, RuntimeError):  # it raises this where it brings none
            from imageio_ffmpeg import get_ffmpeg_exe

            found = get_ffmpeg_exe()
    return found


def captioned(picture: np.ndarray, text: str) -> np.ndarray:
    """A picture, uint8 (H, W) or (H, W, 3), with a line of text below it."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.fromarray(np.pad(picture, ((0, _BAR), *[(0, 0)] * (picture.ndim - 1))))
    ImageDraw.Draw(image).text((4, len(picture) + 1), text, "white", ImageFont.load_default(14))
    return np.asarray(image)


def _writer(path: Path, per_second: int) -> Callable[[Path, list[np.ndarray], int], None]:
    if path.suffix.lower() not in (".gif", ".mp4"):
        raise UserError(f"a film is a .gif or an .mp4, and {path.name!r} ends in neither")
    if path.suffix.lower() == ".mp4" and encoder() is None:
        raise UserError("an MP4 needs ffmpeg: install it, or pip install imageio-ffmpeg; a .gif "
                        "needs neither")
    if path.suffix.lower() == ".gif" and per_second > _FASTEST:
        raise UserError(f"a GIF shows {_FASTEST} pictures a second at most, not {per_second}: "
                        "write an .mp4, or leave some out")
    return _gif if path.suffix.lower() == ".gif" else _mp4


def _gif(path: Path, pictures: list[np.ndarray], per_second: int) -> None:
    from PIL import Image

    if all(picture.ndim == 2 for picture in pictures):
        step = 255 / (_GREYS - 1)
        pictures = [np.rint(np.rint(p / step) * step).astype(np.uint8) for p in pictures]
    first, *others = map(Image.fromarray, pictures)
    first.save(path, save_all=True, append_images=others, duration=round(1000 / per_second), loop=0)


def _mp4(path: Path, pictures: list[np.ndarray], per_second: int) -> None:
    from matplotlib import rc_context
    from matplotlib.animation import FFMpegWriter
    from matplotlib.figure import Figure

    height, width = pictures[0].shape[:2]
    figure = Figure((width / 100, height / 100), dpi=100)
    with rc_context({"animation.ffmpeg_path": encoder()}):
        writer = FFMpegWriter(per_second)
        try:
            with writer.saving(figure, str(path), 100):
                for picture in pictures:
                    figure.images.clear()
                    figure.figimage(picture, cmap="gray", vmin=0, vmax=255)
                    writer.grab_frame()
        except subprocess.CalledProcessError as error:
            raise UserError(f"ffmpeg could not write the film: {brief(error)}") from None
