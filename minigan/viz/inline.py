"""What a page of HTML holds within itself: curves as SVG, pictures as data."""
from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from html import escape
from pathlib import Path

import numpy

from .curves import stretches

_WIDTH, _HEIGHT, _LEFT, _POINTS = 300, 120, 46, 220
_COLOURS = ("#1f77b4", "#e8590c", "#2f9e44", "#9c36b5")
_SIDE = 560    # pixels that a picture has at most, unless it is one image that has more
_SMALL = 40_000  # bytes up to which a picture is a PNG; a larger one is a JPEG
_SCALE = 4     # `save_grid` makes such squares of pixels


def svg_figures(rows: Iterable[Mapping[str, float]], captions: Mapping[str, tuple]) -> str:
    """Curves over the steps of the rows, a figure for each caption, which has the rows' fields with
    the names of their curves, and what else `svg_curves` takes. What no row has is left out."""
    rows, drawn = list(rows), []
    for caption, (fields, *axes) in captions.items():
        curves = {name: [row.get(field, numpy.nan) for row in rows]
                  for field, name in fields.items() if any(field in row for row in rows)}
        svg = svg_curves([int(row["step"]) for row in rows], curves, *axes) if curves else ""
        if svg:
            drawn.append(f"<figure><figcaption>{escape(caption)}</figcaption>{svg}</figure>")
    return "".join(drawn)


def svg_curves(steps: Sequence[int], curves: Mapping[str, Sequence[float]],
               limits: tuple[float, float] | None = None, last: int = 0) -> str:
    """Curves over the steps, drawn as an SVG element: their means in up to 220 stretches, and pale
    what they are between. NaN leaves gaps. Without limits, the lowest and highest numbers shown,
    these are those of the means, but for the outermost 1 %. There is room for steps up to `last`.
    """
    drawn = {name: stretches(numpy.where(numpy.isfinite(values), values, numpy.nan), _POINTS)
             for name, values in ((n, numpy.asarray(v, numpy.float64)) for n, v in curves.items())}
    means = numpy.concatenate([numpy.zeros(0), *[means for _, means, _, _ in drawn.values()]])
    means = means[numpy.isfinite(means)]
    if not len(means):
        return ""
    low, high = limits or numpy.percentile(means, [0.5, 99.5]).tolist()
    room = 0.06 * (high - low or abs(high) or 1)
    low, high = low - room, high + room
    first, last = steps[0], max(last, steps[-1])

    def path(at: numpy.ndarray, values: numpy.ndarray) -> str:
        x = _LEFT + (at - first) / max(last - first, 1) * _WIDTH
        y = numpy.clip((high - values) / (high - low), -1, 2) * _HEIGHT
        gap, words = True, []
        for a, b in zip(x.tolist(), y.tolist()):
            if b == b:
                words.append(f"{'M' if gap else 'L'}{a:.1f} {b:.1f}")
            gap = b != b
        return "".join(words)

    lines, legend = [], []
    for (name, (starts, means, least, most)), colour in zip(drawn.items(), _COLOURS):
        at = numpy.asarray(steps)[starts]
        between = numpy.stack([least, most], axis=1).ravel()
        lines.append(f'<path d="{path(at.repeat(2), between)}" stroke="{colour}" opacity=".25"/>'
                     f'<path d="{path(at, means)}" stroke="{colour}" stroke-width="1.8"/>')
        legend.append(f'<tspan fill="{colour}" dx="10">{escape(name)}</tspan>')
    marks = "".join(f'<text x="{_LEFT - 5}" y="{18 + (high - v) / (high - low) * _HEIGHT:.1f}" '
                    f'text-anchor="end">{v:.3g}</text>' for v in (low + room, high - room))
    return (f'<svg viewBox="0 0 {_LEFT + _WIDTH + 8} {_HEIGHT + 34}" role="img">'
            f'<text x="{_LEFT - 10}" y="10">{"".join(legend)}</text>'
            f'<svg y="14" height="{_HEIGHT}"><rect x="{_LEFT}" width="{_WIDTH}" '
            f'height="{_HEIGHT}" class="plot" fill="#8881"/><g fill="none">{"".join(lines)}</g>'
            f"</svg>{marks}"
            f'<text x="{_LEFT}" y="{_HEIGHT + 30}">step {first:,}</text><text x="{_LEFT + _WIDTH}" '
            f'y="{_HEIGHT + 30}" text-anchor="end">{last:,}</text></svg>')


def grid_uri(path: Path, height: int, width: int) -> tuple[str, int, int]:
    """The `picture_uri` of what `save_grid` wrote of images of that size. Raises ValueError for a
    damaged file, and OSError for none."""
    stat = path.stat()
    return _grid_uri(path, height, width, (stat.st_mtime_ns, stat.st_size))


@lru_cache(maxsize=256)  # a page is written again and again, and the pictures in it stay
def _grid_uri(path: Path, height: int, width: int, stamp: object) -> tuple[str, int, int]:
    from PIL import Image

    try:
        with Image.open(path) as image:
            return picture_uri(numpy.asarray(image)[::_SCALE, ::_SCALE], height, width)
    except Exception as error:  # a damaged file can make a decoder raise anything
        raise ValueError(f"{path} cannot be read: {error}") from None


def picture_uri(pixels: numpy.ndarray, height: int, width: int) -> tuple[str, int, int]:
    """An `image_grid`, in bytes, of images of that size, as a data URI, with a pixel for each pixel
    of theirs; and how many rows and columns of images are in it: of large images, only so many as
    have room."""
    from PIL import Image

    rows, columns = (min((side - 1) // (own + 1), max(1, _SIDE // (own + 1)))
                     for side, own in zip(pixels.shape, (height, width)))
    picture = Image.fromarray(pixels[:rows * (height + 1) + 1, :columns * (width + 1) + 1])
    kind, data = "png", io.BytesIO()
    picture.save(data, "PNG")
    if data.tell() > _SMALL:
        kind, data = "jpeg", io.BytesIO()
        picture.convert("L" if picture.mode == "L" else "RGB").save(
            data, "JPEG", quality=85, subsampling=0)
    return f"data:image/{kind};base64,{base64.b64encode(data.getvalue()).decode()}", rows, columns
