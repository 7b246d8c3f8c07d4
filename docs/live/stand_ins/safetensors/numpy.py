"""The writer of the browser's safetensors."""
from __future__ import annotations

import json

from numpy import ndarray

from . import TYPES, SafetensorError

NAMES = {numpy_name: name for name, (numpy_name, _) in TYPES.items()}
ORDER = list(TYPES)


def save(arrays: dict[str, ndarray], metadata: dict[str, str] | None = None) -> bytes:
    """The file of contiguous arrays, the widest types first and each by its name, which is the
    format's order. Raises SafetensorError for a type that it lacks."""
    for array in arrays.values():
        if array.dtype.name not in NAMES:
            raise SafetensorError(f'Unknown dtype "{array.dtype.name}"')
    kinds = {name: NAMES[array.dtype.name] for name, array in arrays.items()}
    header, end, data = {} if metadata is None else {"__metadata__": metadata}, 0, []
    for name in sorted(arrays, key=lambda name: (-ORDER.index(kinds[name]), name)):
        array = arrays[name].astype(arrays[name].dtype.newbyteorder("<"))
        header[name] = {"dtype": kinds[name], "shape": array.shape,
                        "data_offsets": [end, end + array.nbytes]}
        end += array.nbytes
        data.append(array.tobytes())
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([len(text).to_bytes(8, "little"), text, *data])
