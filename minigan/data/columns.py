"""The columns of a table as numbers that a network can make, and back (Xu et al. 2019, CTGAN)."""
from __future__ import annotations

import json
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple, Sequence

import numpy as np

from ..checked import checked
from ..errors import BRIEF
from ..settings import FLAG, NUMBER, POSITIVE_NUMBER, Positive, whole
from .idx import DataError
from .table import Table, counted, number

FEW = 10     # different numbers of a column that is taken for one of categories,
EACH = 5     # where there are so many rows for each of them at least
MOST = 200   # texts that a column may have
NAMES = 0.9  # of its cells different, and more than FEW: it names the rows, and tells nothing
DIGITS = 15  # of a whole number, which float64 has for sure
OFF = 0.01   # of its size, by which a number may come back wrong,
LOST = 0.1   # and the share of a column's cells that may be more wrong
MARKS = str.maketrans("", "", ",%$€£' \u00a0")  # in what is meant for a number, and is none
MODES = 5    # normal distributions that the numbers of a column are taken to be of, at most,
FITTED = 10_000  # and how many of the numbers that is found by
MISSING = {"", "na", "n/a", "nan", "null"}  # what stands for no number, in capitals or not


class Category(NamedTuple):
    """A column of a few texts, "" among them where cells are empty: a unit vector, or nothing at
    all where the text is always the same."""

    name: str
    texts: tuple[str, ...]

    scalars = 0

    @property
    def units(self) -> int:
        return len(self.texts) if len(self.texts) > 1 else 0

    def encode(self, cells: Sequence[str]) -> list[np.ndarray]:
        place = {text: i for i, text in enumerate(self.texts)}
        for cell in set(cells) - place.keys():
            raise DataError(f"column {self.name!r} has a text that it had not, {BRIEF.repr(cell)}")
        return [_units([place[cell] for cell in cells], self.units)]

    def decode(self, scalar: np.ndarray, units: np.ndarray) -> list[str]:
        chosen = units.argmax(axis=1) if self.units else [0] * len(units)
        return [self.texts[i] for i in chosen]


class Number(NamedTuple):
    """A column of numbers, each of one of a few modes: how far from the mode's mean it is, in units
    of its reach, so that it is within ±1, and a unit vector that says which mode; "missing" is one
    more. Numbers come back within the range that they had and with as many decimals at most,
    from float32: right to seven digits or so."""

    name: str
    modes: tuple[tuple[float, float], ...]  # mean and reach of each
    range: tuple[float, float]
    decimals: int
    missing: bool  # whether some are

    scalars = 1

    @property
    def units(self) -> int:
        n = len(self.modes) + self.missing
        return n if n > 1 else 0

    def encode(self, cells: Sequence[str]) -> list[np.ndarray]:
        values = np.array([self._value(cell) for cell in cells], float)
        means, reaches = np.array(self.modes).T
        gone, away = np.isnan(values), (values[:, None] - means) / reaches
        mode = np.abs(np.where(gone[:, None], 0, away)).argmin(axis=1)
        scalar = np.where(gone, 0, away[np.arange(len(away)), mode])
        return [scalar[:, None].astype(np.float32),
                _units(np.where(gone, len(means), mode), self.units)]

    def decode(self, scalar: np.ndarray, units: np.ndarray) -> list[str]:
        mode = units.argmax(axis=1) if self.units else np.zeros(len(scalar), int)
        means, reaches = np.array([*self.modes, (0, 0)]).T
        values = means[mode] + reaches[mode] * scalar[:, 0].astype(float)
        values = values.clip(*self.range).round(self.decimals) + 0.0  # which makes 0 of -0
        texts = [repr(float(v)) if self.decimals else str(int(v)) for v in values]
        return ["" if m == len(self.modes) else text for m, text in zip(mode, texts)]

    def _value(self, cell: str) -> float:
        value = number(cell)
        if value is None and not (self.missing and cell.lower() in MISSING):
            raise DataError(f"column {self.name!r} is of numbers, and has {BRIEF.repr(cell)}"
                            + " now, where none was missing" * (cell.lower() in MISSING))
        return np.nan if value is None else value


class Columns:
    """What the columns of a table are, Category or Number, and how a row of cells is a row of
    numbers: the scalars come first, then the unit vectors, the shorter before the longer.

    width    of a row of numbers
    scalars  how many of them are no part of a unit vector
    groups   of the unit vectors: (their length, how many have it)
    """

    @checked
    def __init__(self, columns: Sequence[Category | Number]):
        self.columns = tuple(columns)
        self.names = tuple([column.name for column in columns])
        self.order = sorted([i for i, column in enumerate(columns) if column.units],
                            key=lambda i: columns[i].units)
        self.groups = [(length, len(list(same))) for length, same in groupby(
            columns[i].units for i in self.order)]
        self.scalars = sum(column.scalars for column in columns)
        self.width = self.scalars + sum(length * n for length, n in self.groups)

    @classmethod
    @checked
    def of(cls, table: Table) -> Columns:
        """Those of a table: numbers, if all cells are numbers or missing and not very few different
        ones, else categories. Raises DataError for what cannot be learned from: names, of which
        nearly all are different, numbers among which there are others, and those that float64 or
        float32 have not."""
        if len(set(table.rows)) < 2:
            raise DataError(f"a table of {counted(len(table.rows), 'row')} is nothing to learn "
                            "from: it takes two that differ at least")
        return cls([_column(name, table.column(name)) for name in table.names])

    @checked
    def encode(self, table: Table) -> np.ndarray:
        """A table's cells as float32 (N, width), within ±1. Raises DataError for other columns, and
        for texts that they did not have."""
        if table.names != self.names:
            raise DataError(f"the columns are {', '.join(table.names)}, and were "
                            f"{', '.join(self.names)}")
        parts = [column.encode(table.column(column.name)) for column in self.columns]
        return np.concatenate([*[part[0] for part in parts if len(part) == 2],
                               *[parts[i][-1] for i in self.order]], axis=1)

    @checked
    def decode(self, numbers: np.ndarray) -> Table:
        """The table of (N, width), such as `encode` or a generator made: of a unit vector the
        largest element counts. Raises DataError for another width, and for numbers that are not
        finite."""
        if numbers.ndim != 2 or numbers.shape[1] != self.width:
            raise DataError(f"rows of these columns are (N, {self.width}), not {numbers.shape}")
        if not np.isfinite(numbers).all():
            raise DataError("the rows hold numbers that are not finite, as those of a run that "
                            "diverged do: take an earlier step (--step)")
        sizes = [column.scalars for column in self.columns]
        sizes += [self.columns[i].units for i in self.order]
        parts = np.split(numbers, np.cumsum(sizes)[:-1], axis=1)
        units = dict(zip(self.order, parts[len(self.columns):]))
        cells = [column.decode(parts[i], units.get(i, numbers[:, :0]))
                 for i, column in enumerate(self.columns)]
        return Table(self.names, list(zip(*cells)))

    def as_json(self) -> list[dict[str, Any]]:
        """What `from_json` reads."""
        return json.loads(json.dumps([column._asdict() for column in self.columns]))

    @classmethod
    def from_json(cls, fields: Any) -> Columns:
        """Raises DataError for what `as_json` cannot have given."""
        try:
            columns = cls([_read(column) for column in fields])
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"that is no description of columns: {error}") from None
        if not columns.width or len(set(columns.names)) < len(columns.names):
            raise DataError("that is no description of columns: they are none, or have one name")
        return columns


def _read(fields: dict[str, Any]) -> Category | Number:
    """A column from its fields. Raises ValueError, KeyError or TypeError for others."""
    def pair(values: Any, *kinds: Any) -> tuple[float, float]:
        for kind, value in zip(kinds, values, strict=True):
            kind.check("a field of a column", value)
        return tuple(map(float, values))

    if not isinstance(fields["name"], str):
        raise TypeError("a column's name is no text")
    if fields.keys() == {*Category._fields}:
        texts = tuple(fields["texts"])
        if not 1 <= len(texts) <= MOST or not all(isinstance(text, str) for text in texts):
            raise TypeError("the texts of a column are none, too many or no texts")
        return Category(fields["name"], texts)
    whole(0, 15).check("decimals", fields["decimals"])
    FLAG.check("missing", fields["missing"])
    column = Number(**{**fields, "range": pair(fields["range"], NUMBER, NUMBER), "modes": tuple(
        [pair(mode, NUMBER, POSITIVE_NUMBER) for mode in fields["modes"]])})
    whole(1, MODES).check("the number of modes", len(column.modes))
    return column


def _column(name: str, cells: Sequence[str]) -> Category | Number:
    texts, told = set(cells), [cell for cell in cells if cell.lower() not in MISSING]
    values = [number(cell) for cell in told]
    few = len(texts) == 1 or len(texts) <= min(FEW, len(cells) / EACH)
    if told and None not in values and not few:
        return _number(name, told, np.array(values), len(told) < len(cells))
    if not few:
        _check_texts(name, told, values)
    return Category(name, tuple(sorted(texts)))


def _check_texts(name: str, cells: Sequence[str], values: Sequence[float | None]) -> None:
    """Raise DataError for texts that are no categories, though they would be learned by heart."""
    odd = [cell for cell, value in zip(cells, values) if value is None and not cell.isdecimal()]
    meant = sum(number(cell.translate(MARKS)) is not None for cell in cells)
    if odd and meant > len(cells) / 2:  # 007 is not odd: it is a code beside 4097
        raise DataError(f"column {name!r}: most are numbers, but not {BRIEF.repr(odd[0])}: write "
                        "numbers as in 1234.5, and leave a cell empty where one is missing; if "
                        "they are names, as zip codes are, put a letter before each")
    many = len(set(cells))
    if many > max(FEW, NAMES * len(cells)):
        raise DataError(f"column {name!r}: {'all' if many == len(cells) else 'nearly all'} "
                        f"{len(cells):,} cells are different: an id or a name? leave the column "
                        "out")
    if many > MOST:
        raise DataError(f"column {name!r} has {many:,} different texts, and {MOST} at most can be "
                        "learned: leave the column out, or group them")


def _number(name: str, cells: Sequence[str], values: np.ndarray, missing: bool) -> Number:
    exact = {cell: Decimal(cell).normalize() for cell in dict.fromkeys(cells)}
    for cell, value in exact.items():
        long = value.adjusted() >= DIGITS and len(value.as_tuple().digits) > DIGITS
        if long and "e" not in cell.lower():  # else it was rounded already
            raise DataError(f"column {name!r} has {cell}, and no more than {DIGITS} digits of a "
                            "whole number can be kept: if it is an id, leave the column out, else "
                            "give it in a larger unit")
    values[np.abs(values) < 1e-290] = 0  # by which dividing would give what float64 has not
    means, stds = normal_modes(np.sort(values)[::len(values) // FITTED + 1])
    away = np.abs(values[:, None] - means)
    own = (away / stds).argmin(axis=1)
    # 4 standard deviations, as in CTGAN; but within ±1 of the mode that it is nearest to by them
    reaches = [max(4 * std, away[own == k, k].max(initial=0)) for k, std in enumerate(stds)]
    decimals = max(-value.as_tuple().exponent for value in exact.values())
    column = Number(name, tuple(zip(means.tolist(), map(float, reaches))),
                    (float(values.min()), float(values.max())), min(max(decimals, 0), 15), missing)
    _check_numbers(column, cells[::len(values) // FITTED + 1])
    return column


def _check_numbers(column: Number, cells: Sequence[str]) -> None:
    """Raise DataError where too many of the cells would not come back."""
    scalar, units = column.encode(cells)
    values = np.array([number(cell) for cell in cells])
    away = np.array([float(cell) for cell in column.decode(scalar, units)]) - values
    sizes = np.abs(values)
    share = ((np.abs(away) > OFF * sizes) & (sizes > 0)).mean()
    if share > LOST:
        sizes = sizes[sizes > 0]
        raise DataError(f"column {column.name!r} has numbers of sizes from {sizes.min():.0e} to "
                        f"{sizes.max():.0e}, of which {share:.0%} would come back wrong by more "
                        f"than {OFF:.0%}: give their logarithms instead, or, where all are very "
                        "small, another unit")


def _units(places: Any, length: int) -> np.ndarray:
    return (np.eye(length, dtype=np.float32)[np.asarray(places, int)] if length
            else np.zeros((len(places), 0), np.float32))


@checked
def normal_modes(values: np.ndarray, most: Positive = MODES ) -> tuple[np.ndarray, np.ndarray]:
    """The means and the standard deviations of the normal distributions whose mixture the values
    (N,) are taken to be of: as many, up to `most`, as make the Bayesian information criterion
    (Schwarz 1978) least. They are found by expectation and maximisation (Dempster et al. 1977) from
    quantiles on, without anything random."""
    least = 1e-3 * float(np.ptp(values) or 1)  # a mode of equal numbers has a width, too
    fits = [_fitted(values, k, least) for k in range(1, min(most, len(values)) + 1)]
    return min(fits, key=lambda fit: fit[0])[1:]


def _fitted(values: np.ndarray, k: int, least: float ) -> tuple[float, np.ndarray, np.ndarray]:
    """The criterion, the means and the standard deviations of k of them."""
    means, shares = np.quantile(values, (np.arange(k) + 0.5) / k), np.full(k, 1 / k)
    stds, before = np.full(k, max(values.std() / k, least)), -np.inf
    for _ in range(200):
        logs = (np.log(shares / stds) - np.log(2 * np.pi) / 2
                - ((values[:, None] - means) / stds) ** 2 / 2)
        top = logs.max(axis=1, keepdims=True)  # without which exp would be 0 of all of them
        of = np.exp(logs - top)
        each = np.log(of.sum(axis=1)) + top[:, 0]
        if each.mean() < before + 1e-5:
            break
        before, of = each.mean(), of / of.sum(axis=1, keepdims=True)
        count = of.sum(axis=0) + 1e-9
        means, shares = of.T @ values / count, count / count.sum()
        stds = np.sqrt((of * (values[:, None] - means) ** 2).sum(axis=0) / count).clip(least)
    return (3 * k - 1) * np.log(len(values)) - 2 * each.sum(), means, stds
