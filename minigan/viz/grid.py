"""Many small images as one: the picture by which a GAN's progress is usually judged."""
from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np

from ..checked import checked
from ..errors import UserError
from ..files import replacing
from ..settings import Natural, Positive
from .png import png

_PAPER = 0.25  # between the tiles: a grey that shows where black ones end, and white ones


@checked
def image_grid(images: np.ndarray, value_range: tuple[float, float] | None = None,
               columns: Positive | None = None, padding: Natural = 1) -> np.ndarray:
    """Images side by side, row after row, on dark grey.

    images       (N, H, W, C) with 1 channel (grey) or 3 (red, green, blue)
    value_range  the values that mean black and white; what lies outside is clipped, and NaN is
                 drawn black. None: 0 and 1, of unsigned integers 0 and the largest that there is
    columns      images in a row; by default as many as make the grid about square
    padding      pixels between the images and around them

    Returns float32 in [0, 1], (rows, columns) of pixels for grey images, (rows, columns, 3) for
    coloured ones. Raises ValueError for other shapes, and for signed integers without a range.
    """
    images = np.asarray(images)
    if value_range is None:
        if images.dtype.kind == "i":
            raise ValueError(f"which of {images.dtype} numbers mean black and white? Say it by "
                             "value_range, such as (0, 255)")
        value_range = (0, np.iinfo(images.dtype).max if images.dtype.kind == "u" else 1)
    images = images.astype(np.float32)
    if images.ndim != 4 or images.shape[3] not in (1, 3) or images.size == 0:
        raise ValueError("expected images of shape (N, H, W, 1) or (N, H, W, 3), got "
                         f"{images.shape}")
    black, white = value_range
    images = np.nan_to_num(np.clip((images - black) / (white - black), 0, 1), nan=0)

    n, height, width, channels = images.shape
    columns = columns or math.ceil(math.sqrt(n))
    rows = math.ceil(n / columns)
    height, width = height + padding, width + padding  # a tile has its padding below and right
    grid = np.full((rows * height + padding, columns * width + padding, channels), _PAPER,
                   np.float32)
    for i, image in enumerate(images):
        top, left = i // columns * height + padding, i % columns * width + padding
        grid[top:top + len(image), left:left + image.shape[1]] = image
    return grid[:, :, 0] if channels == 1 else grid


@checked
def save_grid(path: str | os.PathLike, images: np.ndarray,
              value_range: tuple[float, float] | None = None, columns: Positive | None = None,
              scale: Positive = 4, padding: Natural = 1) -> None:
    """Write `image_grid` of the images as a picture file: PNG, or what Pillow can write, by the
    path's suffix.

    A pixel becomes a square of scale x scale, so that small images stay crisp in viewers, which
    would blur them. A file that was there is replaced in one step. Raises UserError where there is
    no Pillow, unless the path ends in .png.
    """
    picture = as_bytes(image_grid(images, value_range, columns, padding), scale)
    with replacing(path) as temporary:
        if temporary.suffix.lower() == ".png":
            temporary.write_bytes(png(picture))
        else:
            _by_pillow(temporary, picture)


def _by_pillow(path: Path, picture: np.ndarray) -> None:
    try:  # here, so that training needs no pictures
        from PIL import Image
    except ImportError:
        raise UserError(f"a {path.suffix or 'picture without a suffix'} is written by Pillow, "
                        "which is not there: pip install pillow, or write a .png") from None
    Image.fromarray(picture).save(path)


def as_bytes(picture: np.ndarray, scale: int) -> np.ndarray:
    """A picture in [0, 1] as uint8, each pixel a square of scale x scale."""
    pixels = np.rint(255 * picture).astype(np.uint8)
    return pixels.repeat(scale, axis=0).repeat(scale, axis=1)
