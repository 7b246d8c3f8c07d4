"""IDX, the file format of MNIST: a magic number, the sizes of the axes, then the bytes.

    offset      content
    0           00 00 08 D      08: the elements are unsigned bytes; D: how many axes
    4           D sizes         32-bit unsigned integers, most significant byte first
    4 + 4 D     the elements    the last axis varies fastest

So labels are files with D = 1 and grey images files with D = 3. Source: LeCun, Cortes and
Burges, The MNIST database of handwritten digits, 1998.
"""
from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from typing import BinaryIO

import numpy as np

from ..checked import checked
from ..errors import UserError

_BLOCK = 1 << 20  # bytes that are read at a time: a header may state more than there are

class DataError(UserError):
    """A data set is missing or damaged; the message names the file and says what is wrong."""


@checked
def read_idx(path: str | os.PathLike) -> np.ndarray:
    """The array in an IDX file of unsigned bytes, gzipped or not, whatever it is called.

    Returns a read-only uint8 array with the shape that the file states. Raises DataError, in
    one line that names the file, for a file that cannot be read, is no IDX file, is damaged, or
    holds fewer or more bytes than it states. No more than it holds is ever allocated.
    """
    try:
        with open(path, "rb") as file:
            gzipped = file.peek(2).startswith(b"\x1f\x8b")
            return _array(path, gzip.GzipFile(fileobj=file) if gzipped else file)
    except EOFError as error:
        raise DataError(f"{path} is truncated: its gzip data end too early") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is not a sound gzip file: {error}") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error


def _array(path: str | os.PathLike, file: BinaryIO) -> np.ndarray:
    """The array in an opened file."""
    magic = file.read(4)
    if not magic:
        raise DataError(f"{path} is empty")
    if magic[:3] != b"\0\0\x08" or len(magic) < 4 or magic[3] == 0:
        raise DataError(f"{path} is no IDX file of bytes: it starts with {magic.hex(' ')}, "
                        "not 00 00 08 and the number of axes")
    axes = magic[3]
    sizes = file.read(4 * axes)
    if len(sizes) < 4 * axes:
        raise DataError(f"{path} is truncated: it ends inside its header of {4 + 4 * axes} bytes")
    shape = struct.unpack(f">{axes}I", sizes)
    stated, data = math.prod(shape), bytearray()
    while len(data) <= stated and (block := file.read(_BLOCK)):
        data += block
    if len(data) != stated:
        short = len(data) < stated
        raise DataError(f"{path} {'is truncated' if short else 'has trailing bytes'}: its header "
                        f"states {' x '.join(map(str, shape))} = {stated} bytes of data, it holds "
                        f"{len(data) if short else 'more'}")
    try:
        return np.frombuffer(memoryview(data).toreadonly(), np.uint8).reshape(shape)
    except ValueError:  # 100 axes, or 0 times sizes whose product overflows
        raise DataError(f"{path} states {axes} axes of sizes that no array has") from None
