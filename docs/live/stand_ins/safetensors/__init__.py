"""safetensors in the browser, where the real one, a Rust extension, is not to be had: what minigan
uses of it, in NumPy, with the same bytes, readings and errors.

Format: https://huggingface.co/docs/safetensors. A file is the length of its header (8 bytes, little
end first), the header, which is JSON, and the arrays one behind the other.
"""
from __future__ import annotations

import json
import os
from math import prod
from pathlib import Path

from numpy import frombuffer, ndarray  # `numpy` here will be the module of that name

TYPES = {name: (numpy_name, bits // 8) for name, numpy_name, bits in [  # in the format's order
    ("BOOL", "bool", 8), ("U8", "uint8", 8), ("I8", "int8", 8), ("I16", "int16", 16),
    ("U16", "uint16", 16), ("F16", "float16", 16), ("BF16", "bfloat16", 16), ("I32", "int32", 32),
    ("U32", "uint32", 32), ("F32", "float32", 32), ("C64", "complex64", 64),
    ("F64", "float64", 64), ("I64", "int64", 64), ("U64", "uint64", 64)]}
LONGEST = 100_000_000  # bytes of a header


class SafetensorError(Exception):
    """The file is damaged, or cannot be written."""


class safe_open:  # noqa: N801 (its name there)
    """`with safe_open(path, "numpy") as file:` its keys, in their order, and arrays by their keys.
    Raises FileNotFoundError, and SafetensorError for what is no such file."""

    def __init__(self, path: str | os.PathLike, framework: str):
        file = Path(path).read_bytes()
        try:
            self.header, self.data = parse(file)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise SafetensorError(f"Error while deserializing header: {error}") from None
        self.text = self.header.pop("__metadata__", None)

    def __enter__(self) -> safe_open:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def keys(self) -> list[str]:
        return sorted(self.header)

    def metadata(self) -> dict[str, str] | None:
        return self.text

    def get_tensor(self, name: str) -> ndarray:
        """An array of its own. Raises TypeError for a type that NumPy lacks."""
        if name not in self.header:
            raise SafetensorError(f"File does not contain tensor {name}")
        entry = self.header[name]
        data = self.data[slice(*entry["data_offsets"])]
        return frombuffer(bytearray(data), TYPES[entry["dtype"]][0]).reshape(entry["shape"])


def parse(file: bytes) -> tuple[dict, bytes]:
    """The header and the arrays' bytes, which it must cover without a gap."""
    length = int.from_bytes(file[:8], "little")
    if len(file) < 8 or length > LONGEST:
        raise ValueError("header too small" if len(file) < 8 else "header too large")
    if len(file) < 8 + length:
        raise ValueError("invalid header length")
    header, data = json.loads(file[8:8 + length].decode()), file[8 + length:]
    texts = header.get("__metadata__")
    if texts is not None and not all(type(text) is str for text in texts.values()):
        raise ValueError("metadata that is no text")
    entries = [(*entry["data_offsets"], name, entry) for name, entry in header.items()
               if name != "__metadata__"]
    end = 0
    for first, last, name, entry in sorted(entries, key=lambda e: e[:3]):
        shape = entry["shape"]
        if not all(type(n) is int and n >= 0 for n in [first, last, *shape]):
            raise ValueError(f"no size: {name}")
        if first != end or last - first != prod(shape) * TYPES[entry["dtype"]][1]:
            raise ValueError(f"invalid shape, data type, or offset for tensor {name}")
        end = last
    if end != len(data):
        raise ValueError("incomplete metadata, file not fully covered")
    return header, data
