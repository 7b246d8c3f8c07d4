"""A folder of image files as data."""
from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy

from ..checked import checked
from .idx import DataError

_GREY = ("1", "L", "LA", "La", "I;16", "I;16L", "I;16B", "I;16N")  # Pillow's modes without colour
_LISTED = 5  # skipped files that are named; the others are counted


@checked
def image_folder(data_dir: str | os.PathLike | None, size: tuple[int, int] = (28, 28),
                 channels: int | None = None) -> tuple[numpy.ndarray, None]:
    """The images in a folder and in its subfolders, all of one size.

    An image is turned as its EXIF data say, scaled until it covers `size`, and cut to it around
    its centre; what is transparent becomes white. Files are read in the order of their paths, so
    that the same folder always gives the same data. Files and folders whose names start with a
    dot are left out. Files that are no images, or damaged ones, are left out too and listed on
    stderr, where also a bar tells how far a long reading is.

    Parameters
    ----------
    data_dir : the folder
    size : (height, width) in pixels
    channels : 1 for grey, 3 for red, green and blue; None for 3 if any image has colour, else 1

    Returns
    -------
    images : uint8 (N, height, width, channels), 0 being black. All of them stay in memory, which
        bounds the size of a folder: 100,000 images of 64 x 64 x 3 are 1.2 GB, and twice that for
        a moment at the end of reading. Give them to a Loader as `Scaled(images)`, which moves
        the bytes of one batch at a time to the device and makes floats of them there.
    labels : None

    Raises DataError, in one line, if there is no such folder or no readable image in it.
    """
    from tqdm import tqdm  # here, because only reading files needs it

    if data_dir is None:
        raise DataError("a folder of images has no default: name it with --data-dir")
    folder = Path(data_dir).expanduser()
    if not folder.is_dir():
        raise DataError(f"{folder} is {'no folder' if folder.exists() else 'not there'}")
    paths = _files(folder)
    images, skipped = [], []
    for path in tqdm(paths, f"reading {folder}", unit=" files", delay=1, disable=None):
        try:
            images.append(_read(path, size, channels))
        except Exception as error:  # a damaged file can make a decoder raise anything
            skipped.append(f"{path.relative_to(folder)}: {_reason(error)}")
    if not images:
        raise DataError(f"there is no readable image in {folder}"
                        + (f": {_listing(skipped, '; ')}" if skipped else ""))
    if skipped:
        print(f"skipped {len(skipped)} of {len(paths)} files in {folder}:\n  "
              + _listing(skipped, "\n  "), file=sys.stderr)
    depth = max(image.shape[2] for image in images)
    pixels = numpy.empty((len(images), *size, depth), numpy.uint8)
    for row, image in zip(pixels, images):
        row[...] = image  # grey among coloured images: the one channel becomes three
    return pixels, None


def _files(folder: Path) -> list[Path]:
    """The files below the folder, in the order of their names from the folder on."""
    found, closed = [], []  # a folder that cannot be opened is listed like a file
    for parent, folders, files in os.walk(folder, onerror=closed.append):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(parent, name) for name in files if not name.startswith(".")]
    found = [path for path in found if not os.access(path, os.R_OK) or path.is_file()]
    return sorted([*found, *[Path(error.filename) for error in closed]],
                  key=lambda path: path.relative_to(folder).parts)


def _read(path: Path, size: tuple[int, int], channels: int | None) -> numpy.ndarray:
    """One image, uint8 (height, width, 1 or 3)."""
    from PIL import Image, ImageOps

    height, width = size
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd metadata: the pixels are what counts
        with Image.open(path) as image:
            image.verify()  # a PNG's checksums, which load() does not look at
        with Image.open(path) as image:
            # A JPEG file is decoded at a fraction of its size where that is still large enough:
            # nine times faster for a photograph.
            image.draft(None, (2 * max(size), 2 * max(size)))
            grey = image.mode in _GREY if channels is None else channels == 1
            image = _eight_bits(ImageOps.exif_transpose(image)).convert("L" if grey else "RGB")
            image = ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)
    return numpy.asarray(image).reshape(height, width, -1)


def _eight_bits(image: Any) -> Any:
    """A Pillow image of eight bits a channel and without transparency."""
    from PIL import Image

    if image.mode in ("I", "F"):
        raise ValueError("pixels of 32 bits have no known white")
    if image.mode.startswith("I;16"):  # Pillow's own conversion makes everything from 255 up white
        return Image.fromarray((numpy.asarray(image) >> 8).astype(numpy.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image


def _reason(error: Exception) -> str:
    """Why a file was skipped, in a few words."""
    from PIL import UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return "no image"
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split()) or type(error).__name__


def _listing(lines: list[str], separator: str) -> str:
    """The first lines, and how many more there are."""
    more = len(lines) - _LISTED
    return separator.join(lines[:_LISTED] + ([f"and {more} more"] if more > 0 else []))
