"""Writing files so that nobody reads half of one, not after a power failure either; arrays in
files."""
from __future__ import annotations

import errno
import os
import platform
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy

from .errors import UserError, brief

_DAY = 24 * 3600.0  # seconds after which a file that another machine was writing is given up
_TEMPORARY = re.compile(r"\.(\d+)@([^@]*)@.+", re.DOTALL)  # process, machine, name
_under_way: set[Path] = set()  # what this process is writing


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """`with replacing(path) as temporary:` write to temporary, which then becomes path at once.

    If the block raises, path stays as it was. The temporary file has the suffix of path, from
    which writers tell the format, and lies beside it, because only within a file system is a
    replacement one step. It is on the disk before it takes the name. A link stays, and what it
    leads to is replaced. Missing folders are made, and what killed writers left in the folder is
    removed.
    """
    path = Path(path)
    if path.is_symlink():
        path = Path(os.path.realpath(path))
    if path.is_dir():  # said of this name, and not of the temporary one
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if path.exists() and not path.is_file():  # whoever may do all would lose /dev/null
        raise OSError(errno.EINVAL, "No file, but a device or a pipe", str(path))
    make_folder(path.parent)
    for left in leftovers(path.parent):
        with suppress(OSError):  # it is another user's, or gone already
            left.unlink()
    temporary = path.with_name(f".{os.getpid()}@{platform.node()}@{path.name}")
    _under_way.add(temporary)
    try:
        temporary.touch()
        mode = temporary.stat().st_mode  # what the umask gives; some writers give others
        temporary.unlink()
        yield temporary
        os.chmod(temporary, mode)
        flush(temporary)
        os.replace(temporary, path)
        _flush_folder(path.parent)
    except OSError as error:
        # a name that nobody has given, or none, as where a disk is full
        if error.errno and error.filename in (None, str(temporary)):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    finally:
        with suppress(OSError):  # what was raised before is what is told
            temporary.unlink()  # gone already, unless the block raised
        _under_way.discard(temporary)


def write_text(path: str | os.PathLike, text: str) -> None:
    """A file of this text, in UTF-8, whole or not at all. A byte in the name of a folder that is
    none of UTF-8, which Python takes for a character such as \\udce4, is written as that."""
    with replacing(path) as temporary:
        temporary.write_text(text, "utf-8", "backslashreplace")


@contextmanager
def where_allowed() -> Iterator[None]:
    """What is written in the block is left unwritten where nobody may: in a folder of another user,
    or on a file system that is read-only."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise


def leftovers(folder: Path) -> list[Path]:
    """The temporary files in a folder whose writers were killed: they are of no process that runs,
    or another machine's and a day old."""
    found = [(path, _TEMPORARY.fullmatch(path.name)) for path in folder.glob(".*@*@*")]
    return [path for path, name in found if name and path not in _under_way and (
        not _runs(int(name[1])) if name[2] == platform.node() else _age(path) > _DAY)]


def _runs(process: int) -> bool:
    """Whether another process of that number runs."""
    if os.name == "nt" or process == os.getpid():  # Windows keeps open files from being removed
        return False
    try:
        os.kill(process, 0)
    except PermissionError:  # somebody else's
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def make_folder(path: Path) -> None:
    """The folder and those above it, on the disk by their names."""
    if not path.is_dir():
        make_folder(path.parent)
        path.mkdir(exist_ok=True)
        _flush_folder(path.parent)


def flush(path: Path) -> None:
    """Return when a file's content is on the disk."""
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def _flush_folder(path: Path) -> None:
    """Return when the names in a folder are on the disk, where the system can tell."""
    if os.name == "nt":
        return
    with suppress(OSError):  # a file system without it
        folder = os.open(path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def write_arrays(path: Path, arrays: dict[str, numpy.ndarray], text: str = "") -> None:
    """A safetensors file of the arrays, with a text in its header. Raises UserError if it cannot
    be written; what was there before stays."""
    from safetensors import SafetensorError
    from safetensors.numpy import save

    # the format is written wrongly, without a word, unless the arrays are contiguous; and
    # ascontiguousarray would make (1,) of the shape ()
    contiguous = {k: numpy.asarray(v, order="C") for k, v in arrays.items()}
    with replacing(path) as temporary:
        try:
            # not by save_file, which, killed, leaves a file that nobody knows from other programs'
            temporary.write_bytes(save(contiguous, {"text": text}))
        except (SafetensorError, OSError) as error:  # a type that the format lacks; a full disk
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
