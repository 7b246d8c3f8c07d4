"""MNIST and the two data sets made to replace it file by file: Fashion-MNIST and KMNIST.

Each is four IDX files: images and labels, for training and for testing. They come from a
folder that the user names, or else from the network into a cache folder.
"""
from __future__ import annotations

import hashlib
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from ..checked import checked
from .idx import DataError, read_idx

Arrays = tuple[np.ndarray, np.ndarray]
PathLike = str | os.PathLike
Split = Literal["train", "test"]

_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte",
          "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


@dataclass(frozen=True)
class _Source:
    """Where a data set is published, and the MD5 of each of _FILES with .gz, in that order; where
    they are known, also those of the unpacked files."""

    name: str
    folder: str  # torchvision's
    url: str
    md5: tuple[str, str, str, str]
    unpacked: tuple[str, ...] = ()


# Addresses and checksums as in torchvision 0.21, without yann.lecun.com, which serves MNIST no
# longer and had asked that programs leave it alone.
_MNIST = _Source("mnist", "MNIST", "https://ossci-datasets.s3.amazonaws.com/mnist/", (
    "f68b3c2dcbeaaa9fbdd348bbdeb94873", "d53e105ee54ea40749a09fcbcd1e9432",
    "9fb629c4189551a2d022fa330f9573f3", "ec29112dd5afa0611ce80d1b7f02629c"), (
    "6bbc9ace898e44ae57da46a324031adb", "a25bea736e30d166cdddb491f175f624",
    "2646ac647ad5339dbf082846283269ea", "27ae3e4e09519cfbb04c329615203637"))
_FASHION_MNIST = _Source(
    "fashion-mnist", "FashionMNIST",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/", (
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d", "25c81989df183df01b3e8a0aad5dffbe",
        "bef4ecab320f06d8554ea6380940ec79", "bb300cfdad3c16e7a12a480ee83cd310"), (
        "f4a8712d7a061bf5bd6d2ca38dc4d50a", "9018921c3c673c538a1fc5bad174d6f9",
        "8181f5470baa50b63fa0f6fddb340f0a", "15d484375f8d13e6eb1aabb0c3f46965"))
_KMNIST = _Source("kmnist", "KMNIST", "http://codh.rois.ac.jp/kmnist/dataset/kmnist/", (
    "bdb82020997e1d708af4cf47b453dcf7", "e144d726b3acfaa3e44228e80efcd344",
    "5c965bf0a639b31b8f53240b1b52f4d7", "7320c461ea6c1c855c0b718fb2a4b134"))
_NAMES = {md5: source.name for source in (_MNIST, _FASHION_MNIST, _KMNIST)
          for md5 in source.md5 + source.unpacked}


@checked
def mnist(data_dir: PathLike | None = None, split: Split = "train") -> Arrays:
    """Handwritten digits: 60,000 to train on and 10,000 to test with.

    data_dir is the folder that holds the IDX files, gzipped or not: in itself, in a folder `mnist`
    in it, where torchvision puts them (`MNIST/raw`), or each in a folder of its name, as Kaggle's
    are unpacked. Without it the environment variable MINIGAN_DATA names the folder, and without
    that the files are downloaded, once, and their checksums verified. Files in a named folder are
    checked for their structure, and for being those of another set, so that other copies of the
    data set, and other data in its format, are welcome.

    Returns images, float32 (N, 28, 28, 1) in [0, 1], and labels, int64 (N,) from 0 to 9. Raises
    DataError, in one line that says what to do, for missing or damaged files.

    Source: LeCun, Cortes and Burges, The MNIST database of handwritten digits, 1998.
    """
    return _load(_MNIST, data_dir, split)


@checked
def fashion_mnist(data_dir: PathLike | None = None, split: Split = "train") -> Arrays:
    """Ten kinds of clothing; parameters, results and errors are those of `mnist`.

    Source: Xiao, Rasul and Vollgraf, Fashion-MNIST, 2017, arXiv 1708.07747.
    """
    return _load(_FASHION_MNIST, data_dir, split)


@checked
def kmnist(data_dir: PathLike | None = None, split: Split = "train") -> Arrays:
    """Ten cursive Japanese characters; parameters, results and errors are those of `mnist`.

    Source: Clanuwat et al., Deep Learning for Classical Japanese Literature, 2018,
    arXiv 1812.01718.
    """
    return _load(_KMNIST, data_dir, split)


def _load(source: _Source, data_dir: PathLike | None, split: str) -> Arrays:
    files = _FILES[:2] if split == "train" else _FILES[2:]
    folder = data_dir or os.environ.get("MINIGAN_DATA")
    if folder:
        paths = [_find(Path(folder).expanduser(), source, file) for file in files]
    else:
        paths = [_download(source, file) for file in files]
    images, labels = _read_images(paths[0]), _read_labels(paths[1])
    for path, array in zip(paths, (images, labels)):
        name = _recognised(path, array)
        if name not in (source.name, None):
            raise DataError(f"{path} is of {name}, not of {source.name}: ask for the data set that "
                            f"is there (--data {name}), or name the folder of the other")
    if len(images) != len(labels):
        raise DataError(f"{paths[0]} holds {len(images)} images, but {paths[1]} "
                        f"{len(labels)} labels")
    return images[..., None] / np.float32(255), labels.astype(np.int64)


def _read_images(path: Path) -> np.ndarray:
    images = read_idx(path)
    if images.ndim == 1:
        raise DataError(f"{path} holds labels, where images were expected")
    if images.shape[1:] != (28, 28):
        raise DataError(f"{path} has the shape {images.shape}, where images of 28 x 28, "
                        "so (N, 28, 28), were expected")
    return images


def _read_labels(path: Path) -> np.ndarray:
    labels = read_idx(path)
    if labels.ndim != 1:
        raise DataError(f"{path} holds images, where labels were expected: its shape is "
                        f"{labels.shape}")
    if (labels > 9).any():
        raise DataError(f"{path} holds the label {labels.max()}; labels go from 0 to 9")
    return labels


def _recognised(path: Path, array: np.ndarray) -> str | None:
    """The name of the data set that a file is known to be of, by itself or unpacked."""
    header = struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    unpacked = hashlib.md5(header, usedforsecurity=False)
    unpacked.update(array)
    packed = hashlib.md5(path.read_bytes(), usedforsecurity=False)
    return _NAMES.get(unpacked.hexdigest()) or _NAMES.get(packed.hexdigest())


def _find(root: Path, source: _Source, file: str) -> Path:
    """A file in the folder that the user named, or in the first of the usual folders in it."""
    usual = (root / source.folder / "raw", root / source.name, root / "raw")
    folder = next((place for place in usual if place.is_dir()), root)
    dotted = file.replace("-idx", ".idx")  # how it is spelled in some copies
    for place in (folder, folder / file, folder / dotted):
        for spelling in (f"{file}.gz", file, f"{dotted}.gz", dotted):
            if (place / spelling).is_file():
                return place / spelling
    # No fallback to the network: whoever names a folder means the data in it.
    raise DataError(f"there is no {file}.gz (or {file}) in {folder}; a GAN of a "
                    "folder of pictures is trained by minigan train --data images")


def _download(source: _Source, file: str) -> Path:
    """The cached copy of a published file, fetched if it is not there; its checksum holds."""
    url = f"{source.url}{file}.gz"
    md5 = source.md5[_FILES.index(file)]
    try:
        import pooch  # here, because only a download needs it

        folder = pooch.os_cache("minigan") / source.name
        return Path(pooch.retrieve(url, f"md5:{md5}", f"{file}.gz", folder, progressbar=True))
    # OSError: network and disk; ValueError: checksum, or no tqdm; ImportError: no pooch.
    except (OSError, ValueError, ImportError) as error:
        reason = " ".join(str(error).split())
        raise DataError(
            f"{url} could not be downloaded ({reason}). To bring the data by hand, put "
            f"{', '.join(_FILES)}, each with .gz or unpacked, into a folder and name it with "
            "--data-dir or in the environment variable MINIGAN_DATA") from error
