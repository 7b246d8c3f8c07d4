"""Writing a matplotlib figure."""
from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..files import replacing


def save_figure(path: str | os.PathLike, figure: Any, **options: Any) -> None:
    """Write the figure in the format of the path's suffix, PNG without one, in one step. Raises
    ValueError for a format that matplotlib does not know."""
    with replacing(path) as temporary:  # named, for matplotlib adds a suffix where there is none
        figure.savefig(temporary, format=Path(path).suffix[1:] or "png", **options)
