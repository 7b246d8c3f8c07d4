"""What a page of HTML holds within itself: curves as SVG, pictures as data."""
from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from html import escape
from pathlib import Path

import numpy as np

from .curves import svg_curves
from .png import data_uri, png

_SIDE = 560    # pixels that a picture has at most, unless it is one image that has more
_SMALL = 40_000  # bytes up to which a picture is a PNG; a larger one is a JPEG
_SCALE = 4     # `save_grid` makes such squares of pixels


def svg_figures(rows: Iterable[Mapping[str, float]], captions: Mapping[str, tuple]) -> str:
    """Curves over the steps of the rows, a figure for each caption, which has the rows' fields with
    the names of their curves, and what else `svg_curves` takes. What no row has is left out."""
    rows, drawn = list(rows), []
    for caption, (fields, *axes) in captions.items():
        curves = {name: [row.get(field, np.nan) for row in rows]
                  for field, name in fields.items() if any(field in row for row in rows)}
        if np.isfinite([*curves.values()]).any():
            svg = svg_curves([int(row["step"]) for row in rows], curves, "", *axes)
            drawn.append(f"<figure><figcaption>{escape(caption)}</figcaption>{svg}</figure>")
    return "".join(drawn)


def grid_uri(path: Path, height: int, width: int) -> tuple[str, int, int]:
    """The `picture_uri` of what `save_grid` wrote of images of that size. Raises ValueError for a
    damaged file, and OSError for none."""
    stat = path.stat()
    return _grid_uri(path, height, width, (stat.st_mtime_ns, stat.st_size))


@lru_cache(maxsize=256)  # a page is written again and again, and the pictures in it stay
def _grid_uri(path: Path, height: int, width: int, stamp: object) -> tuple[str, int, int]:
    try:
        from PIL import Image
    except ImportError:  # then it is taken as it is, some times as large
        data = path.read_bytes()
        sides = (int.from_bytes(data[i:i + 4], "big") // _SCALE for i in (20, 16))
        return data_uri("png", data), *((side - 1) // (own + 1)
                                        for side, own in zip(sides, (height, width)))
    try:
        with Image.open(path) as image:
            return picture_uri(np.asarray(image)[::_SCALE, ::_SCALE], height, width)
    except Exception as error:  # a damaged file can make a decoder raise anything
        raise ValueError(f"{path} cannot be read: {error}") from None


def picture_uri(pixels: np.ndarray, height: int, width: int) -> tuple[str, int, int]:
    """An `image_grid`, in bytes, of images of that size, as a data URI, with a pixel for each pixel
    of theirs; and how many rows and columns of images are in it: of large images, only so many as
    have room."""
    rows, columns = (min((side - 1) // (own + 1), max(1, _SIDE // (own + 1)))
                     for side, own in zip(pixels.shape, (height, width)))
    pixels = pixels[:rows * (height + 1) + 1, :columns * (width + 1) + 1]
    kind, data = "png", png(pixels)
    if len(data) > _SMALL:
        with suppress(ImportError):
            from PIL import Image

            kind, file = "jpeg", io.BytesIO()
            Image.fromarray(pixels).save(file, "JPEG", quality=85, subsampling=0)
            data = file.getvalue()
    return data_uri(kind, data), rows, columns
