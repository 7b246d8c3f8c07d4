"""Where something was asked for, as a message says it."""
from __future__ import annotations

import os
from types import FrameType
from typing import Iterable

LIBRARY = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def led_by(frames: Iterable[tuple[FrameType, int]], *left_out: str) -> str:
    """The lines of minigan that led somewhere, and the line outside that called them, of frames
    with their lines, innermost first. Packages and modules that are left out say nothing."""
    lines: list[str] = []
    for frame, line in frames:
        module = f"{frame.f_globals.get('__name__', '')}."
        if not module.startswith(tuple([f"{name}." for name in left_out])):
            path = frame.f_code.co_filename.replace(LIBRARY, "minigan", 1)
            lines.append(f"{path}:{line}")
            if not module.startswith("minigan."):
                break
    return " < ".join(lines if len(lines) < 5 else [*lines[:3], "…", lines[-1]])
