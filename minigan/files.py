"""Writing files so that a reader never sees half of one; arrays in files."""
from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy

from .errors import UserError, brief


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """`with replacing(path) as temporary:` write to temporary, which then becomes path at once.

    If the block raises, path stays as it was. The temporary file has the suffix of path, from
    which writers tell the format, and lies beside it, because only within a file system is a
    replacement one step. Missing folders are made.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)  # gone already, unless the block raised


def write_arrays(path: Path, arrays: dict[str, numpy.ndarray], text: str = "") -> None:
    """A safetensors file of the arrays, with a text in its header. Raises UserError if it cannot
    be written; what was there before stays."""
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    # the format is written wrongly, without a word, unless the arrays are contiguous; and
    # ascontiguousarray would make (1,) of the shape ()
    contiguous = {k: numpy.asarray(v, order="C") for k, v in arrays.items()}
    try:
        with replacing(path) as temporary:
            save_file(contiguous, temporary, {"text": text})
    except SafetensorError as error:  # a full disk, too, is reported as one
        raise UserError(f"{path} could not be written: {error}; what was there before is "
                        "whole") from None


def read_arrays(path: Path) -> tuple[dict[str, numpy.ndarray], str]:
    """The arrays and the text of such a file, or of any safetensors file; "" if it has none. Raises
    UserError if it is missing or damaged, or holds numbers that NumPy has no type for."""
    from safetensors import SafetensorError, safe_open

    try:
        open(path, "rb").close()  # its errors name the file and the reason
        with safe_open(path, "numpy") as file:
            arrays = {k: file.get_tensor(k) for k in file.keys()}
            return arrays, (file.metadata() or {}).get("text", "")
    except FileNotFoundError:
        raise UserError(f"{path} is missing") from None
    except SafetensorError as error:
        raise UserError(f"{path} is damaged: {brief(error)}") from None
    except (TypeError, KeyError, AttributeError) as error:  # bfloat16, for one
        raise UserError(f"{path} holds numbers that NumPy has no type for: {error}") from None
