"""A command as one of the ranks that mpiexec started."""
from __future__ import annotations

import io
import os
import signal
import stat
import sys
import time
import traceback
from array import array
from contextlib import redirect_stderr, redirect_stdout, suppress
from typing import Callable, TextIO

from ..errors import UserError
from ..ranks import end, started, world

try:
    import fcntl
    import termios
except ImportError:  # Windows
    fcntl = None

PATIENCE = 0.5  # seconds that a rank leaves to rank 0 to say what all of them would
SECONDS = 10  # that mpiexec gets at most to read what a rank has said
STOPPED = {128 + signal.SIGINT, 128 + signal.SIGTERM, 129}  # all together, and saved


def on_a_rank(command: Callable[[], int]) -> int:
    """The exit status of a command. What goes wrong on one rank ends all of them, and is said once;
    else rank 0 alone is heard."""
    rank, heard = started(), sys.stderr
    silent = io.StringIO()
    with open(os.devnull, "w") as nowhere:
        with redirect_stdout(nowhere if rank else sys.stdout), \
                redirect_stderr(silent if rank else heard):
            status = _status(command)
    if status and status not in STOPPED:
        if rank and heard is not None:
            with suppress(UserError):
                world()  # which waits for rank 0
            time.sleep(PATIENCE)
            heard.write(silent.getvalue())
        if heard is not None:
            heard.flush()
            until_read(heard)
        end(status)
    with suppress(UserError):
        world().meet()  # MPI's own waiting at the end takes a core, which rank 0 may need
    return status


def until_read(file: TextIO) -> None:
    """Wait until the other end of a pipe has read what was written: who starts ranks passes on what
    it has read before it hears that all is over. Of what is no pipe nothing is known: a moment."""
    try:
        piped = fcntl is not None and stat.S_ISFIFO(os.fstat(file.fileno()).st_mode)
    except (OSError, ValueError):  # it is no file
        piped = False
    if not piped:
        return time.sleep(PATIENCE)
    waiting, until = array("i", [1]), time.monotonic() + SECONDS
    while waiting[0] and time.monotonic() < until:
        time.sleep(0.005)
        fcntl.ioctl(file.fileno(), termios.FIONREAD, waiting)


def _status(command: Callable[[], int]) -> int:
    try:
        return command()
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 1
    except BaseException:
        traceback.print_exc()
        return 1
