"""The state of any module in a file, which every reader of safetensors takes."""
from __future__ import annotations

import os
from pathlib import Path

from .checked import checked
from .errors import UserError, brief
from .files import read_arrays, write_arrays
from .nn import Module

SUFFIX = ".safetensors"


@checked
def save(module: Module, path: str | os.PathLike) -> None:
    """Write the module's state, parameters and running statistics, into a safetensors file; one
    that is there is replaced at once, or stays. What the module is made of is not written: `load`
    is given one like it. Raises UserError for another suffix, and if it cannot be written."""
    write_arrays(_named(path, "save writes"), module.state_dict())


@checked
def load(module: Module, path: str | os.PathLike) -> Module:
    """Take over the state that `save` wrote of a module like this one, all of it or, with an error,
    nothing; returns the module. Raises UserError for a file that is missing or damaged, and for
    the state of another module."""
    arrays, _ = read_arrays(_named(path, "load reads"))
    try:
        module.load_state_dict(arrays)
    except (KeyError, ValueError) as error:
        raise UserError(f"{path}: {brief(error)}") from None
    return module


def _named(path: str | os.PathLike, does: str) -> Path:
    path = Path(path)
    if path.suffix != SUFFIX:
        raise UserError(f"{does} safetensors files, whose names end in {SUFFIX}, such as "
                        f"{path.stem or 'weights'}{SUFFIX}, not {path.name!r}")
    return path
