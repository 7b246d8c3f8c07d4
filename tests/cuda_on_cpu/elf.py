"""The functions that a shared object of Linux defines or wants, from its tables of symbols."""
from __future__ import annotations

import mmap
import re
import struct
from pathlib import Path

import numpy as np

TABLES = {"symtab": 2, "dynsym": 11}  # all symbols of the file, and those that the loader sees
SYMBOL = np.dtype([("name", "<u4"), ("info", "u1"), ("other", "u1"), ("section", "<u2"),
                   ("value", "<u8"), ("size", "<u8")])


def symbols(path: Path, table: str, pattern: str) -> dict[str, int]:
    """Names that match a pattern as a whole, and the functions' offsets in the file; 0 is the
    offset of a function that is wanted from another file."""
    with open(path, "rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    if data[:5] != b"\x7fELF\x02":
        raise ValueError(f"{path} is no shared object of 64 bits")
    offset, = struct.unpack_from("<Q", data, 40)
    size, count = struct.unpack_from("<HH", data, 58)
    # of each section: its type, its place, its length, the section of its strings
    sections = [struct.unpack_from("<4xI16xQQI", data, offset + k * size) for k in range(count)]
    found = {}
    for kind, start, length, link in sections:
        if kind == TABLES[table]:
            _, first, extent, _ = sections[link]
            # of a million symbols some hundreds are wanted: their names are looked for first
            names = {match.start(1): match[1].decode() for match in re.finditer(
                b"(?<=\0)(%s)(?=\0)" % pattern.encode(), data[first:first + extent])}
            rows = np.frombuffer(data[start:start + length], SYMBOL)
            rows = rows[np.isin(rows["name"], list(names))]
            found |= {names[name]: value for name, value in rows[["name", "value"]].tolist()}
    return found
