"""What docs/gpu.md says in numbers is what the tests say."""
from __future__ import annotations

import re
from pathlib import Path

from tests.test_device_steps import LAUNCHES

PAGE = Path(__file__).parents[2] / "docs" / "gpu.md"
MICROSECONDS = 15


def test_the_page_lists_the_launches_of_every_system():
    rows = {name: f"{n:,} | {n * MICROSECONDS / 1000:.1f}" for name, n in LAUNCHES.items()}
    found = re.findall(r"^\| `([\w-]+)` \| \d* \| ([\d,]+ \| [\d.]+) \|",
                       PAGE.read_text(encoding="utf-8"), re.M)
    assert dict(found) == rows, f"write into docs/gpu.md: {rows}"
