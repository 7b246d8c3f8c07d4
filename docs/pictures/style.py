"""How the pictures of the book look: one palette, one kind of axes, one way to save."""
from __future__ import annotations

from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

INK, GREY, PALE = "#1f2933", "#8a94a0", "#e4e8ec"
BLUE, ORANGE, GREEN = "#2a6fbb", "#d9730d", "#2e8b57"

IMAGES = Path(__file__).resolve().parents[1] / "images"

matplotlib.rcParams.update({
    "font.size": 11, "axes.labelcolor": INK, "text.color": INK, "axes.edgecolor": GREY,
    "xtick.color": GREY, "ytick.color": GREY, "axes.spines.top": False,
    "axes.spines.right": False, "axes.grid": True, "grid.color": PALE, "axes.axisbelow": True,
    "legend.frameon": False, "lines.linewidth": 2, "svg.hashsalt": "minigan",
})


def new_figure(width: float = 7.0, height: float = 4.0) -> Figure:
    """A figure of that many inches, made without any window."""
    return Figure(figsize=(width, height), layout="constrained")


def blank(axes) -> None:
    """Axes for a drawing: nothing around it, and circles are round."""
    axes.set_axis_off()
    axes.set_aspect("equal")


def save(figure: Figure, name: str) -> None:
    """Write docs/images/<name>.svg, in which letters are drawn: it needs no fonts."""
    path = IMAGES / f"{name}.svg"
    figure.savefig(path, facecolor="white", dpi=200, metadata={"Date": None})
    print(f"wrote {path.relative_to(IMAGES.parents[1])} ({path.stat().st_size / 1024:.0f} KB)")
