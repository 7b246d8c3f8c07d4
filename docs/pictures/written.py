"""The pictures that the code of a chapter writes: it is run as the reader runs it.

    python docs/pictures/written.py
"""
from __future__ import annotations

import doctest
import os
import re
import shutil
import tempfile
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1]
page = (DOCS / "first_gan.md").read_text(encoding="utf-8")

os.chdir(tempfile.mkdtemp())
game: dict[str, object] = {}
for block in re.findall(r"^```python\n(.*?)^```", page, re.M | re.S):
    exec(doctest.script_from_examples(block) if block.startswith(">>>") else block, game)
for path in sorted(Path().glob("*.svg")):
    shutil.copy(path, DOCS / "images")
    print(f"wrote docs/images/{path} ({path.stat().st_size / 1024:.0f} KB)")
