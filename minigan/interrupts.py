"""Ctrl-C while the command starts or ends: it ends the process without a word, where Python would
print which import it was in.

So this is the first module that minigan loads. Where minigan is a library, it changes nothing.
"""
from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def _is_command() -> bool:
    """Whether this is `minigan`, or `python -m minigan`, which is "-m" until it is found."""
    name = os.path.basename(sys.argv[0]) if getattr(sys, "argv", None) else ""
    return os.path.splitext(name)[0] == "minigan" or name == "-m" and "minigan" in sys.orig_argv


@contextmanager
def heard() -> Iterator[None]:
    """Within it Ctrl-C raises KeyboardInterrupt, as everywhere but in the command."""
    quiet = signal.getsignal(signal.SIGINT) is signal.SIG_DFL
    try:
        if quiet:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        yield
    finally:
        if quiet:
            signal.signal(signal.SIGINT, signal.SIG_DFL)


if _is_command() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
