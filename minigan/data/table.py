"""A table in a CSV file."""
from __future__ import annotations

import csv
from os import PathLike
from typing import Any, NamedTuple, Sequence

from ..checked import checked
from ..errors import BRIEF
from .idx import DataError


class Table(NamedTuple):
    """The names of columns, and rows of as many cells, which are texts; "" where one is missing."""

    names: tuple[str, ...]
    rows: list[tuple[str, ...]]

    def column(self, name: str) -> list[str]:
        """The cells of a column. Raises DataError for a name that is none."""
        if name not in self.names:
            raise DataError(f"there is no column {name!r}: there are {', '.join(self.names)}")
        i = self.names.index(name)
        return [row[i] for row in self.rows]


@checked
def read_table(path: str | PathLike) -> Table:
    """The table in a CSV file: commas, UTF-8, the columns' names in the first row. Spaces around a
    cell are left out, and so are empty lines. Raises DataError, which names the row, for another
    file."""
    lines, last = [], 0
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:  # some begin with a mark
            reader = csv.reader(file, skipinitialspace=True, strict=True)
            for row in reader:
                last = reader.line_num
                if row:
                    lines.append((last, tuple([cell.strip() for cell in row])))
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no text in UTF-8, from byte {error.start:,} on: save it as "
                        "such, in a spreadsheet as CSV UTF-8") from None
    except csv.Error as error:
        raise DataError(f"{path}, row {last + 1}: {error}: a cell that begins with a quotation "
                        "mark ends with one, and a mark within it is written twice") from None
    if not lines:
        raise DataError(f"{path} is empty")
    (_, names), *lines = lines
    _check_names(path, names)
    for line, row in lines:
        if len(row) != len(names):
            raise DataError(f"{path}, row {line}: {counted(len(row), 'cell')}, and the first row "
                            f"names {counted(len(names), 'column')}")
    return Table(names, [row for _, row in lines])


@checked
def write_table(path: str | PathLike, table: Table) -> None:
    """Write a CSV file that `read_table` reads."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        usual, all_quoted = (csv.writer(file, lineterminator="\n", quoting=quoting)
                             for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL))
        for row in (table.names, *table.rows):  # before Python 3.13 \r alone is no reason to quote
            (all_quoted if "\r" in "".join(row) else usual).writerow(row)


def number(text: str) -> float | None:
    """The number that a cell holds, if any: 007 is a name of something, which 7 is not."""
    digits = text.lstrip("+-")
    try:
        value = float(text)
    except ValueError:
        return None
    if "_" in text or digits[:1] == "0" and digits[1:2].isdigit():
        return None
    return value if abs(value) < 1e30 else None  # NaN, too


def counted(n: int, word: str) -> str:
    """1 row, 2 rows."""
    return f"{n:,} {word}" + "s" * (n != 1)


def _check_names(path: Any, names: Sequence[str]) -> None:
    if names[0].lower().startswith("sep="):
        raise DataError(f"{path}: the first row is to be the columns' names, and is Excel's note "
                        f"{BRIEF.repr(names[0])}: delete that row")
    for mark, said in ((";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")):
        if len(names) == 1 and mark in names[0]:
            raise DataError(f"{path}: its cells seem to be separated by {said}: save it with "
                            "commas")
    if all(number(name) is not None for name in names):
        raise DataError(f"{path}: the first row is to be the columns' names, and is of numbers: "
                        f"{BRIEF.repr(','.join(names))}")
    for i, name in enumerate(names):
        if not name:
            raise DataError(f"{path}: column {i + 1} has no name in the first row")
        if names.index(name) < i:
            raise DataError(f"{path}: columns {names.index(name) + 1} and {i + 1} are both named "
                            f"{name!r}")
