"""Files of every kind that minigan reads, damaged: each is read, or refused in a sentence, within
bounds of memory and time. `python -m tests.fuzz` does it with many of them."""
from __future__ import annotations

import io
import os
import re
import signal
import tempfile
import traceback
import warnings
from contextlib import contextmanager, redirect_stderr, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Iterator
from unittest.mock import patch

from minigan.errors import UserError
from minigan.gan import SYSTEMS

from .kinds import KINDS, TINY, Kind

SECONDS = 10           # that reading a file may take
SPARE = 64 * 2 ** 20   # bytes of memory that it may take, and
TIMES = 10             # beside them so many times the file's size
LONGEST = 1000         # characters of a sentence
MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None  # where files are written fast


@dataclass
class Found:
    """How many files were read and refused, and by their seeds what was wrong with the answer."""

    read: int = 0
    refused: int = 0
    broken: dict[int, str] = field(default_factory=dict)


def fuzz(name: str, count: int, seed: int = 0) -> Found:
    """Damage files of a kind with the seeds seed, seed + 1, …, and read each."""
    kind, found = KINDS[name], Found()
    with _folder() as folder:
        kind.make(folder)
        whole = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        kind.read(folder)
        for case in range(seed, seed + count):
            for path, data in whole.items():  # reading writes, too
                path.write_bytes(data)
            data = kind.mutated(whole[folder / kind.path], Random(f"{name} {case}"))
            (folder / kind.path).write_bytes(data)
            before = _peak(anew=True)
            fault = _fault(kind, folder, found)
            took = _peak() - before
            if took > SPARE + TIMES * len(data):
                fault = f"took {took / 2 ** 20:.0f} MiB for {len(data)} bytes"
            if fault:
                found.broken[case] = fault
    return found


def _fault(kind: Kind, folder: Path, found: Found) -> str:
    """Read what is there, and count it. Returns what was wrong with the answer, or ""."""
    signal.alarm(SECONDS)
    try:
        with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
            warnings.simplefilter("error")
            kind.read(folder)
        found.read += 1
    except (UserError, OSError) as error:  # what the command tells in a line
        found.refused += 1
        said = " ".join(str(error).split())
        return "" if 0 < len(said) < LONGEST else f"says {said[:200]!r}"
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a panic of Rust is no Exception
        return _told(error)
    finally:
        signal.alarm(0)
    return ""


@contextmanager
def _folder() -> Iterator[Path]:
    """An empty folder's name, in a current folder without anything that settings could name."""
    def late(*_: Any) -> None:
        raise RuntimeError(f"not read within {SECONDS} s")

    here, before = Path.cwd(), signal.signal(signal.SIGALRM, late)
    with tempfile.TemporaryDirectory(dir=MEMORY) as above:
        os.chdir(above)
        try:
            with patch.dict(os.environ, MINIGAN_DATA=f"{above}/none", TQDM_DISABLE="1"), \
                    patch.dict(SYSTEMS, TINY):
                yield Path(above) / "files"
        finally:
            os.chdir(here)
            signal.signal(signal.SIGALRM, before)


def _told(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    return f"{type(error).__name__}: {str(error)[:200]} (" + " < ".join(
        f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames)) + ")"


def _peak(anew: bool = False) -> int:
    """The most memory that the process has had; anew: from now on, where the system allows it."""
    if anew:
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")
    return 1024 * int(re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())[1])
