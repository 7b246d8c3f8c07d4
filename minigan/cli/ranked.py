"""A command as one of the ranks that mpiexec started."""
from __future__ import annotations

import io
import os
import signal
import sys
import time
import traceback
from contextlib import redirect_stderr, redirect_stdout, suppress
from typing import Callable

from ..errors import UserError
from ..ranks import end, started, world

PATIENCE = 0.5  # seconds that a rank leaves to rank 0 to say what all of them would
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
            heard.flush()
            time.sleep(PATIENCE)  # mpiexec passes it on before it hears that all is over
        end(status)
    return status


def _status(command: Callable[[], int]) -> int:
    try:
        return command()
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 1
    except BaseException:
        traceback.print_exc()
        return 1
