"""Code of the user's own: a file that is executed, and where in it an error arose."""
from __future__ import annotations

import os
import sys
import sysconfig
import textwrap
import traceback
import zlib
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Any

from .errors import UserError, brief, did_you_mean


def text_of(file: Path) -> str:
    """What is in a file of Python. Raises UserError for one that cannot be read."""
    try:
        return file.read_text("utf-8-sig")  # some editors begin with a mark
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file} cannot be read: {brief(error)}") from None


def executed(text: str, file: Path, source: Path) -> ModuleType:
    """The module that the text of a file is, as if it were that of the source, beside which are the
    modules that it imports. It is executed once in a process, as an imported one is, and those
    modules are its own. Raises UserError for errors in it."""
    mark = zlib.crc32(f"{file} {text}".encode("utf-8", "replace"))
    name = f"minigan_user_{mark:08x}"
    if name in sys.modules:
        return sys.modules[name]
    spec = spec_from_loader(name, None, origin=str(file))
    module = module_from_spec(spec)
    module.__file__ = str(source)
    path, before = sys.path[:], set(sys.modules)
    sys.modules[name] = module  # pickles and dataclasses look it up there
    sys.path.insert(0, str(source.parent))
    try:
        exec(compile(text, str(file), "exec"), vars(module))
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise UserError(f"{file} cannot be executed: {said(error)}{place_of(error)}") from error
    finally:
        sys.path[:] = path
        for other in set(sys.modules) - before - {name}:  # another file may mean another helper.py
            if Path(getattr(sys.modules[other], "__file__", None) or "/").parent == source.parent:
                del sys.modules[other]
    return module


def member(module: ModuleType, name: str) -> Any:
    """What has that name in it. Raises UserError if nothing has."""
    found = {key: value for key, value in vars(module).items() if not key.startswith("__")}
    if name not in found:
        raise UserError(f"{module.__file__} has no {name!r}{did_you_mean(name, found)}")
    return found[name]


def said(error: BaseException) -> str:
    """The error's type and text, cut to a readable line."""
    line = f"{type(error).__name__}: {error}".rstrip(": ")
    return textwrap.shorten(line, 300, placeholder=" ...")


def place_of(error: BaseException) -> str:
    """Where in the user's code an error arose, as " (ops.py:12)"; "" if in none of it."""
    stdlib, *installed = [Path(sysconfig.get_path(name))
                          for name in ("stdlib", "purelib", "platlib")]
    engine = Path(__file__).resolve().parent

    def within(file: Path, *folders: Path) -> bool:
        return any(file.is_relative_to(folder) for folder in folders)

    frames = [(Path(frame.filename), frame.lineno)
              for frame in traceback.extract_tb(error.__traceback__)]
    own = [(file, line) for file, line in frames if file.is_file()
           and not within(file, engine, stdlib, *installed)]
    if not own:
        return ""
    file, line = own[-1]
    return f" ({os.path.relpath(file) if within(file, Path.cwd()) else file}:{line})"
