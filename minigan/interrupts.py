"""Ctrl-C while the command starts or ends: it ends the process without a word, where Python would
print which import it was in. The command hears of it in between (`cli.heard`).

So this is the first module that minigan loads. Where minigan is a library, it changes nothing.
"""
from __future__ import annotations

import _signal as signal  # signal itself takes a while to load
import os
import sys


def _is_command() -> bool:
    """Whether this is `minigan`, or `python -m minigan`, which is "-m" until it is found."""
    name = os.path.basename(sys.argv[0]) if getattr(sys, "argv", None) else ""
    return os.path.splitext(name)[0] == "minigan" or name == "-m" and "minigan" in sys.orig_argv


if _is_command() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
