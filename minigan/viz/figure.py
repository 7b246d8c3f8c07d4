"""Figures of matplotlib, and writing them."""
from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..files import replacing


def new_figure(width: float, height: float, otherwise: str = "") -> Any:
    """A figure of that many inches. Raises UserError, which says what to do otherwise, where there
    is no matplotlib."""
    try:  # here, so that training needs no pictures; without pyplot: no window, nothing global
        from matplotlib.figure import Figure
    except ImportError:
        raise UserError("this picture is drawn by matplotlib, which is not there: pip install "
                        f"matplotlib{otherwise and f', or {otherwise}'}") from None
    return Figure(figsize=(width, height), dpi=120, layout="constrained")


def as_written(text: str) -> str:
    """A text with a file's name in it, for matplotlib: dollars begin no formula, and bytes that are
    none of UTF-8 stand there as \\udce4."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("$", r"\$")


def save_figure(path: str | os.PathLike, figure: Any, **options: Any) -> None:
    """Write the figure in the format of the path's suffix, PNG without one, in one step. Raises
    ValueError for a format that matplotlib does not know."""
    with replacing(path) as temporary:  # named, for matplotlib adds a suffix where there is none
        figure.savefig(temporary, format=Path(path).suffix[1:] or "png", **options)
