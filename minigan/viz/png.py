"""Pixels as a PNG, by the standard library (W3C, Portable Network Graphics, 3rd edition)."""
from __future__ import annotations

import base64
import struct
import zlib

import numpy as np

_COLOURS = {1: 0, 3: 2, 4: 6}  # what PNG calls grey, red-green-blue, and that with opacity


def png(pixels: np.ndarray) -> bytes:
    """The file of uint8 pixels, (H, W) of grey, (H, W, 3) of colours or (H, W, 4) with opacity."""
    height, width = pixels.shape[:2]
    above = np.pad(pixels.reshape(height, -1), ((1, 0), (0, 0)))
    rows = np.full((height, above.shape[1] + 1), 2, np.uint8)  # 2: each row is a difference
    rows[:, 1:] = above[1:] - above[:-1]                             # from the one above, mod 256
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOURS[pixels[0, 0].size], 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")))


def data_uri(kind: str, data: bytes) -> str:
    """A picture as an address that holds it."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
