"""A folder into which one process at a time writes.

The system holds the lock on a file in the folder, and lets it go when the process ends, however it
ends. What stands in the file tells others whose it is. Among threads and objects of one process it
is one lock.
"""
from __future__ import annotations

import os
import platform
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from .errors import UserError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None
try:
    import msvcrt
except ImportError:  # all others
    msvcrt = None

NAME = ".lock"
TRIES = 3000  # of a turn, 0.01 s after one another


class Taken(UserError):
    """Another process writes into the folder; the message says which."""


class Lock:
    """The lock of a folder, until it is released or gone. Raises Taken if another process has it,
    and OSError for a folder that cannot be written into."""

    def __init__(self, folder: Path, name: str = NAME):
        self.path, self.process = folder / name, os.getpid()
        while True:
            self.file = open(self.path, "a+", encoding="utf-8")
            if not _locked(self.file):
                self.file.seek(0)
                owner = self.file.read().strip()
                self.file.close()
                raise Taken(owner or "another process")
            if self.holds():
                break
            self.file.close()  # that of a process which has just removed it
        self.file.truncate(0)
        self.file.write(f"process {os.getpid()} on {platform.node()} (since "
                        f"{time.strftime('%Y-%m-%d %H:%M')})\n")
        self.file.flush()
        self.release = weakref.finalize(self, _release, self.path, self.file, self.process)

    def holds(self) -> bool:
        """Whether it is this process's, and that of the folder which is there now."""
        return self.process == os.getpid() and _is_file_at(self.file, self.path)


_held: weakref.WeakValueDictionary[str, Lock] = weakref.WeakValueDictionary()


def lock(folder: Path) -> Lock:
    """The process's lock of a folder, for as long as somebody keeps it. Raises as Lock does."""
    name = os.path.realpath(folder)
    held = _held.get(name)
    if held is None or not held.holds():
        held = _held[name] = Lock(Path(name))
    return held


@contextmanager
def turn(folder: Path, name: str) -> Iterator[None]:
    """The block is run by one process and one thread at a time, for a file that is read and written
    again in a moment; the others wait, but not for long, because whoever keeps it hangs. It is
    beside the lock of the folder. Raises OSError as Lock does."""
    held = None
    for _ in range(TRIES):
        try:
            held = Lock(folder, name)
            break
        except Taken:
            time.sleep(0.01)
    try:
        yield
    finally:
        if held:
            held.release()


def taken(folder: Path) -> bool:
    """Whether another process has the lock of a folder."""
    held = _held.get(os.path.realpath(folder))
    if held is not None and held.holds():
        return False
    try:
        Lock(Path(folder)).release()
    except Taken:
        return True
    except OSError:  # nobody writes where nobody may
        pass
    return False


def _locked(file: IO[str]) -> bool:
    """Lock it, unless another process has. A file system without locks gives it to everybody."""
    try:
        if fcntl:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        elif msvcrt:
            file.seek(2 ** 30)  # nobody reads there, and what is locked cannot be read
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        pass
    return True


def _is_file_at(file: IO[str], path: Path) -> bool:
    try:
        return not file.closed and os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _release(path: Path, file: IO[str], process: int) -> None:
    """Remove the file, and with it the lock; a process that was forked since leaves both."""
    mine = process == os.getpid() and _is_file_at(file, path)
    if fcntl is None:  # Windows, which removes no open file
        file.close()
    with suppress(OSError):
        if mine:
            path.unlink()
    file.close()
