"""`python -m tests.arguments`: write docs/argument_table.md, how every wrong call ends."""
from __future__ import annotations

import os
import sys
from collections import Counter, defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory

from minigan import backend
from tests.strict import STRICT

from .calls import ROWS
from .wrong import WRONG, ends

PAGE = Path(__file__).resolve().parents[2] / "docs" / "argument_table.md"
SIGNS = {"sentence": "s", "value": "v", "inside": "**inside**"}
HEAD = """\
# The table of wrong arguments

Every public function and class is called with one wrong argument at a time; right calls of them
are listed in `tests/arguments/calls.py`. The columns are kinds of wrong arguments. **s**: every
argument of that kind is refused by minigan in a sentence. **v**: there is a value, as of a list of
numbers in the place of a tensor. **s v**: some arguments are refused, for others there is a value.
A dot: no argument can be wrong in this way. `python -m tests.arguments` writes the page, and a test
holds that no call ends in an error from inside.

"""


def table() -> tuple[list[str], Counter]:
    """The lines of the page's table, and how many calls ended how."""
    cells: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    counts: Counter = Counter()
    for row in ROWS:
        for end in ends(row):
            cells[end.name][end.kind].add(SIGNS[end.how])
            counts[end.how] += 1
    lines = ["| call | " + " | ".join(WRONG) + " |", "|---" * (len(WRONG) + 1) + "|"]
    for name, by_kind in cells.items():
        marks = [" ".join(sorted(by_kind[kind])) or "·" for kind in WRONG]
        lines.append(f"| `{name}` | " + " | ".join(marks) + " |")
    return lines, counts


def main() -> int:
    backend.register(STRICT)
    with TemporaryDirectory() as folder:  # a string is a path, too, and some calls write there
        os.chdir(folder)
        lines, counts = table()
        os.chdir(PAGE.parent)
    told = (f"{sum(counts.values())} calls: {counts['sentence']} sentences, {counts['value']} "
            f"values, {counts['inside']} errors from inside.")
    PAGE.write_text(HEAD + told + "\n\n" + "\n".join(lines) + "\n")
    print(told)
    return int(counts["inside"] > 0)


if __name__ == "__main__":
    sys.exit(main())
