"""What a reader reads in an evening stays short."""
from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]

SPINE = ["minigan/autodiff.py", "minigan/ops/elementwise.py", "minigan/ops/reduce.py",
         "minigan/ops/linalg.py", "minigan/losses.py", "minigan/optim/optimizers.py",
         "minigan/optim/flat.py", "examples/01_backprop_by_hand.py", "examples/04_gan_loop.py"]


def test_the_spine_is_under_1400_lines():
    lines = {path: len((ROOT / path).read_text().splitlines()) for path in SPINE}
    assert sum(lines.values()) < 1400, (
        f"{sum(lines.values())} lines: {lines}. What is not needed to understand backpropagation, "
        "an optimiser and a GAN has a file of its own elsewhere")


def test_the_readme_names_the_whole_spine():
    table = (ROOT / "README.md").read_text().partition("## Where to read on")[2]
    missing = [path for path in SPINE if f"({path})" not in table]
    assert not missing, f"README.md's table leaves out {', '.join(missing)}"
