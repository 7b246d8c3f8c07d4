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
from pathlib import Path

import numpy

from ..checked import checked
from ..errors import UserError


class DataError(UserError):
    """A data set is missing or damaged; the message names the file and says what is wrong."""


@checked
def read_idx(path: str | os.PathLike) -> numpy.ndarray:
    """The array in an IDX file of unsigned bytes, gzipped if its name ends in .gz.

    Returns a read-only uint8 array with the shape that the file states. Raises DataError, in
    one line that names the file, for a file that cannot be read, is no gzip or no IDX file, or
    holds fewer or more bytes than it states.
    """
    data = _read_bytes(Path(path))
    if not data:
        raise DataError(f"{path} is empty")
    if data[:3] != b"\0\0\x08" or len(data) < 4 or data[3] == 0:
        raise DataError(f"{path} is no IDX file of bytes: it starts with {data[:4].hex(' ')}, "
                        "not 00 00 08 and the number of axes")
    axes = data[3]
    start = 4 + 4 * axes
    if len(data) < start:
        raise DataError(f"{path} is truncated: it ends inside its header of {start} bytes")
    shape = struct.unpack(f">{axes}I", data[4:start])
    stated, held = math.prod(shape), len(data) - start
    if held != stated:
        fault = "is truncated" if held < stated else "has trailing bytes"
        raise DataError(f"{path} {fault}: its header states {' x '.join(map(str, shape))} "
                        f"= {stated} bytes of data, it holds {held}")
    return numpy.frombuffer(data, numpy.uint8, offset=start).reshape(shape)


def _read_bytes(path: Path) -> bytes:
    """A file's content, unpacked if its name ends in .gz."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    if path.suffix != ".gz":
        return data
    try:
        return gzip.decompress(data)
    except EOFError as error:
        raise DataError(f"{path} is truncated: its gzip data end too early") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is not a sound gzip file: {error}") from error
