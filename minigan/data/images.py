"""A folder of image files as data."""
from __future__ import annotations

import math
import os
import sys
import warnings
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from ..checked import checked
from ..settings import Kind, whole
from .idx import DataError

Size = tuple[int, int]  # height, width
SIDE = whole(1, 4096)  # of the images, in pixels: larger ones would not fit into the memory
Side = Annotated[int, SIDE]
CHANNELS = Kind("1 for grey or 3 for colours", lambda channels: channels in (1, 3))

_GREY = ("1", "L", "LA", "La", "I;16", "I;16L", "I;16B", "I;16N")  # Pillow's modes without colour
_DENSE = ("AVIF", "JPEG", "MPO", "WEBP")  # formats without checksums that never end in many zeros
_PACKED = 4000  # pixels in a byte, of a GIF of one colour: more are a damaged header's
_LISTED = 5  # files, sizes or classes that are named; the others are counted
_LARGEST = 128  # pixels of a side that are drawn unasked
_SMALL = (28, 28)  # what larger images are scaled to


@checked
def image_folder(data_dir: str | os.PathLike | None, size: tuple[Side, Side] | None = None,
                 channels: Annotated[int, CHANNELS] | None = None
                 ) -> tuple[np.ndarray, np.ndarray | None]:
    """The images in a folder and in its subfolders, all of one size, and their classes.

    An image is turned as its EXIF data say; one of another size is scaled until it covers `size`,
    and cut to it around its centre; what is transparent becomes white. Files are read in the order
    of their paths, so that the same folder always gives the same data. Files and folders whose
    names start with a dot are left out. Files that are no images, or damaged ones, are left out too
    and listed on stderr, where also a sentence says what was scaled and cut, another which classes
    there are, and a bar how far a long reading is.

    size      (height, width) in pixels; None for the one that most of the images have, or (28, 28)
              if there is no such size or it has a side of more than 128
    channels  1 for grey, 3 for red, green and blue; None for 3 if any image has colour, else 1

    Returns images, uint8 (N, height, width, channels), 0 being black, and labels, int64 (N,): which
    of the folder's subfolders, in the order of their names, an image lies in or below, as in
    torchvision's ImageFolder; None unless there are two of them at least, and all images are in
    them. All images stay in memory, which bounds the size of a folder: 100,000 of 64 x 64 x 3 are
    1.2 GB, and twice that for a moment at the end of reading. Give them to a Loader as
    `Scaled(images)`, which moves the bytes of one batch at a time to the device and makes floats of
    them there.

    Raises DataError, in one line, if there is no such folder or no readable image in it.
    """
    given, folder = size, _folder(data_dir)
    if size is None:
        common = common_size(folder)
        size = common if common and max(common) <= _LARGEST else _SMALL
    size = tuple(size)  # a list, from JSON perhaps
    paths, skipped = _files(folder), []
    images, sizes, classes = [], [], []
    for path in _bar(paths, f"reading {folder}"):
        name = path.relative_to(folder)
        try:
            image, own = _read(path, size, channels)
        except Exception as error:  # a damaged file can make a decoder raise anything
            skipped.append(f"{name}: {_reason(error)}")
            continue
        images.append(image)
        sizes.append(own)
        classes.append(name.parts[0] if len(name.parts) > 1 else "")
    if not images:
        raise DataError(f"there is no readable image in {folder}"
                        + (f": {_listing(skipped, '; ')}" if skipped else ""))
    if skipped:
        print(f"skipped {len(skipped)} of {len(paths)} files in {folder}:\n  "
              + _listing(skipped, "\n  "), file=sys.stderr)
    if set(sizes) != {size}:
        print(_changes(sizes, size) + " (--image-size: to another)" * (given is None),
              file=sys.stderr)
    depth = max(image.shape[2] for image in images)
    pixels = np.empty((len(images), *size, depth), np.uint8)
    for row, image in zip(pixels, images):
        row[...] = image  # grey among coloured images: the one channel becomes three
    names, labels = np.unique(classes, return_inverse=True)
    if len(names) < 2 or "" in names:
        return pixels, None
    print("classes: " + _listing([f"{i} {name}" for i, name in enumerate(names)], ", "),
          file=sys.stderr)
    return pixels, labels.astype(np.int64)


def common_size(data_dir: str | os.PathLike | None) -> Size | None:
    """(height, width) of more than half of the images in a folder and in its subfolders; None if
    there is no such size. Raises DataError if there is no such folder."""
    folder, sizes = _folder(data_dir), Counter()
    for path in _bar(_files(folder), f"looking through {folder}"):
        with suppress(Exception):  # image_folder says which file it could not read, and why
            sizes[_size(path)] += 1
    (size, n), = sizes.most_common(1) or [(None, 0)]
    return size if 2 * n > sizes.total() else None


def _changes(sizes: list[Size], size: Size) -> str:
    """What was done to images that were not of the size, in a sentence."""
    others = Counter(own for own in sizes if own != size)
    cut = sum(n for (h, w), n in others.items() if h * size[1] != w * size[0])
    were = ", ".join(shown(own) for own, _ in others.most_common(_LISTED))
    more = len(others) - _LISTED
    return (f"scaled {others.total()} of {len(sizes)} images to {shown(size)}"
            + f", cutting {cut} of them to its proportions" * bool(cut)
            + f": they were {were}" + f" and of {more} other sizes" * (more > 0))


def shown(size: Size) -> str:
    """As the command line has it, width first."""
    return f"{size[1]}x{size[0]}"


def _folder(data_dir: str | os.PathLike | None) -> Path:
    if data_dir is None:
        raise DataError("a folder of images has no default: name it with --data-dir")
    folder = Path(data_dir).expanduser()
    if not folder.is_dir():
        raise DataError(f"{folder} is {'no folder' if folder.exists() else 'not there'}")
    return folder


def _bar(paths: list[Path], text: str) -> Any:
    from tqdm import tqdm  # here, because only reading files needs it

    return tqdm(paths, text, unit=" files", delay=1, disable=None)


def _files(folder: Path) -> list[Path]:
    """The files below the folder, in the order of their names from the folder on."""
    found, closed = [], []  # a folder that cannot be opened is listed like a file
    for parent, folders, files in os.walk(folder, onerror=closed.append, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")
                      and not _lies_in_itself(Path(parent, name))]
        found += [Path(parent, name) for name in files if not name.startswith(".")]
    found = [path for path in found if not os.access(path, os.R_OK) or path.is_file()]
    return sorted([*found, *[Path(error.filename) for error in closed]],
                  key=lambda path: path.relative_to(folder).parts)


def _lies_in_itself(folder: Path) -> bool:
    """Whether a folder is a link to one that it lies in."""
    return folder.is_symlink() and folder.resolve() in [p.resolve() for p in folder.parents]


def _size(path: Path) -> Size:
    """(height, width) of an image as it is to be seen."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(path) as image:
            lies = image.getexif().get(0x0112, 1) > 4  # the orientations of a picture on its side
            # the size of a TIFF is given as if it stood
            return image.size if lies and image.format != "TIFF" else image.size[::-1]


def _read(path: Path, size: Size, channels: int | None) -> tuple[np.ndarray, Size]:
    """One image, uint8 (height, width, 1 or 3), and the size that it had."""
    from PIL import Image, ImageOps

    height, width = size
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd metadata: the pixels are what counts
        with Image.open(path) as image:
            if math.prod(image.size) > _PACKED * path.stat().st_size + 2 ** 20:
                raise ValueError(f"{image.size[0]} x {image.size[1]} pixels in "
                                 f"{path.stat().st_size} bytes")
            image.verify()  # a PNG's checksums, which load() does not look at
            if image.format in _DENSE:
                _check_end(path.read_bytes())
        with Image.open(path) as image:
            whole = image.size
            # A JPEG file is decoded at a fraction of its size where that is still large enough:
            # nine times faster for a photograph.
            image.draft(None, (2 * max(size), 2 * max(size)))
            decoded = image.size
            grey = image.mode in _GREY if channels is None else channels == 1
            image = ImageOps.exif_transpose(image)
            own = whole if image.size != decoded else whole[::-1]  # turned on its side, or not
            image = _eight_bits(image).convert("L" if grey else "RGB")
            image = ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)
    return np.asarray(image).reshape(height, width, -1), own


def _check_end(data: bytes) -> None:
    """Raise ValueError for a file whose last part was never written: a decoder may see black in the
    zeros there. After a JPEG's mark of its end they do no harm."""
    written = data.rstrip(b"\0")
    if len(written) < 0.75 * len(data) and not written.endswith(b"\xff\xd9"):
        raise ValueError(f"only zeros after byte {len(written)} of {len(data)}")


def _eight_bits(image: Any) -> Any:
    """A Pillow image of eight bits a channel and without transparency."""
    from PIL import Image

    if image.mode in ("I", "F"):
        raise ValueError("pixels that Pillow reads as 32 bits have no known white")
    if image.mode.startswith("I;16"):  # Pillow's own conversion makes everything from 255 up white
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
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
