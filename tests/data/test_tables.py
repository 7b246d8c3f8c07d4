"""A CSV file, its columns as rows of numbers, and back."""
from __future__ import annotations

import json

import numpy as np
import pytest

from minigan.data import Columns, DataError, Table, read_table, write_table
from minigan.data.columns import Category, Number, normal_modes

RNG = np.random.default_rng


def people(n=200, seed=0):
    """A table of all kinds of columns, and what is missing in them."""
    rng = RNG(seed)
    height = rng.normal(np.where(rng.random(n) < 0.5, 160, 185), 4).round(1)
    return Table(("age", "height", "debt", "city", "visits", "planet", "note"), [
        (str(a), str(h), d, c, str(v), "earth", "") for a, h, d, c, v in zip(
            rng.integers(18, 91, n), height,
            np.where(rng.random(n) < 0.1, "", (-rng.exponential(1e4, n)).round(2).astype(str)),
            np.array(["Rome", "Oslo, North", 'the "City"', ""])[rng.integers(0, 4, n)],
            rng.integers(0, 4, n))])


def test_a_table_becomes_rows_of_numbers_within_1_and_the_same_table_again():
    table = people()
    columns = Columns.of(table)
    rows = columns.encode(table)
    assert rows.dtype == np.float32 and rows.shape == (200, columns.width)
    assert np.abs(rows).max() <= 1 and columns.groups == sorted(columns.groups)
    units = np.split(rows[:, columns.scalars:], np.cumsum(
        [length for length, n in columns.groups for _ in range(n)])[:-1], axis=1)
    assert all((unit.sum(axis=1) == 1).all() and (unit.max(axis=1) == 1).all() for unit in units)
    assert [float(x) if x else x for x in columns.decode(rows).column("debt")] == [
        float(x) if x else x for x in table.column("debt")]
    for name in {*table.names} - {"debt"}:
        assert columns.decode(rows).column(name) == table.column(name), name


def test_a_column_is_of_numbers_unless_they_are_very_few_or_some_cell_is_none():
    kinds = {column.name: type(column) for column in Columns.of(people()).columns}
    assert kinds == {"age": Number, "height": Number, "debt": Number, "city": Category,
                     "visits": Category, "planet": Category, "note": Category}
    few = Table(("x",), [(str(i),) for i in (1, 2, 3, 1)])  # too few rows to call them categories
    assert isinstance(Columns.of(few).columns[0], Number)
    codes = Table(("x",), [(f"{i % 30:02}",) for i in range(60)])  # 07 would come back as 7
    assert isinstance(Columns.of(codes).columns[0], Category)
    odd = Table(("x",), [(i,) for i in [*"0123" * 20, "4+"]])
    assert isinstance(Columns.of(odd).columns[0], Category)


def test_whatever_a_network_makes_numbers_stay_whole_and_in_their_range():
    table = people()
    made = Columns.of(table).decode(RNG(1).normal(0, 3, (500, Columns.of(table).width)))
    for name in ("age", "height", "debt"):
        real = [float(x) for x in table.column(name) if x]
        values = [float(x) for x in made.column(name) if x]
        assert min(real) == min(values) and max(real) == max(values), name
    assert all(age.isdigit() for age in made.column("age"))
    assert all(len(height.partition(".")[2]) == 1 for height in made.column("height"))
    assert {*made.column("city")} == {*table.column("city")} and "" in made.column("debt")
    assert {*made.column("planet")} == {"earth"} and {*made.column("age")} - {*table.column("age")}


def test_what_is_no_row_of_the_columns_becomes_no_table():
    columns = Columns.of(people())
    numbers = columns.encode(people())
    for shape in (numbers[0], numbers[:, 1:], np.pad(numbers, ((0, 0), (0, 1)))):
        with pytest.raises(DataError, match=rf"are \(N, {columns.width}\), not \("):
            columns.decode(shape)
    for value in (np.nan, np.inf):
        with pytest.raises(DataError, match="not finite, .* take an earlier step"):
            columns.decode(np.where(np.arange(len(numbers))[:, None] == 3, value, numbers))


def test_empty_cells_of_a_column_of_numbers_are_a_mode_and_others_for_missing_are_too():
    table = Table(("x",), [(str(i / 7),) for i in range(40)] + [("",), ("NA",), ("nan",)])
    column, = Columns.of(table).columns
    assert column.missing
    assert Columns((column,)).decode(Columns((column,)).encode(table)).column("x")[-3:] == [""] * 3


def test_columns_are_the_same_when_read_from_their_json():
    columns = Columns.of(people())
    again = Columns.from_json(json.loads(json.dumps(columns.as_json())))
    assert again.columns == columns.columns and again.groups == columns.groups


@pytest.mark.parametrize("change", [
    lambda c: c.clear(), lambda c: c.append(c[0]), lambda c: c[0].pop("name"),
    lambda c: c[0].update(more=1), lambda c: c[0].update(modes=[]), lambda c: c[0].update(name=1),
    lambda c: c[0].update(modes=[[0, 0]]), lambda c: c[0].update(modes=[[0, 1, 2]]),
    lambda c: c[0].update(range=["1", 2]), lambda c: c[0].update(decimals=10 ** 9),
    lambda c: c[0].update(missing=None), lambda c: c[3].update(texts=[]),
    lambda c: c[3].update(texts=[1, 2]), lambda c: c[3].update(texts=5), lambda c: c.append(None)])
def test_a_damaged_description_of_columns_is_refused(change):
    fields = json.loads(json.dumps(Columns.of(people()).as_json()))
    change(fields)
    with pytest.raises(DataError, match="no description of columns"):
        Columns.from_json(fields)


def test_cells_that_the_columns_did_not_have_are_refused_by_name():
    columns, table = Columns.of(people()), people(2)
    for name, text, says in [("city", "Bonn", "column 'city' has a text that it had not, 'Bonn'"),
                             ("age", "old", "column 'age' is of numbers, and has 'old'"),
                             ("age", "", "column 'age' .* where none was missing")]:
        i = table.names.index(name)
        row = (*table.rows[0][:i], text, *table.rows[0][i + 1:])
        with pytest.raises(DataError, match=says):
            columns.encode(Table(table.names, [row]))
    with pytest.raises(DataError, match="the columns are x, and were age, "):
        columns.encode(Table(("x",), [("1",)]))
    with pytest.raises(DataError, match="no column 'ages': there are age, "):
        table.column("ages")


def test_modes_are_as_many_as_there_are_and_where_they_are():
    rng = RNG(0)
    one, two = rng.normal(5, 2, 1000), np.concatenate([rng.normal(-3, 0.5, 700),
                                                       rng.normal(9, 1, 300)])
    means, stds = normal_modes(one)
    np.testing.assert_allclose([means, stds], [[one.mean()], [one.std()]], rtol=1e-6)
    assert all(len(normal_modes(RNG(i).normal(size=200))[0]) == 1 for i in range(20))
    means, stds = normal_modes(rng.permutation(two))
    np.testing.assert_allclose(means, [-3, 9], atol=0.1)
    np.testing.assert_allclose(stds, [0.5, 1], atol=0.1)
    means, stds = normal_modes(np.array([1.0, 1, 1, 1, 2, 2, 2, 2]))
    assert np.isfinite([means, stds]).all() and (stds > 0).all()
    assert len(normal_modes(two, 1)[0]) == 1


@pytest.mark.parametrize("rows, says", [
    ([], "of 0 rows is nothing"), ([("1", "a")], "of 1 row is nothing"),
    ([("1", "a")] * 9, "of 9 rows is nothing to learn from"),
    ([(str(i), f"id-{i % 250}") for i in range(300)],
     "column 'b' has 250 different texts, and 200"),
    ([(str(i), f"id-{i}") for i in range(150)], "'b': all 150 cells are different: an id or a"),
    ([(str(i), f"id-{i}" if i < 20 else "") for i in range(300)], "'b': all 20 cells are differ"),
    ([(str(i), f"id-{max(i, 5)}") for i in range(150)], "'b': nearly all 150 cells are different"),
    ([(str(i), "?" if i == 7 else str(i)) for i in range(300)],
     r"'b': most are numbers, but not '\?': write .* and leave a cell empty .* zip codes"),
    ([(str(i), "5o.1" if i == 7 else f"{i / 8}") for i in range(150)], "but not '5o.1'"),
    ([(str(i), f"{i / 8}".replace(".", ",")) for i in range(150)], "but not '0,0'"),
    ([(str(i), f"{1000 * i:,}") for i in range(150)], "but not '1,000'"),
    ([(str(i), f"{i % 90}%") for i in range(150)], "but not '0%'"),
    ([(str(i), str(10 ** 18 + 7 * i)) for i in range(150)], "has 1000000000000000007, and no more "
     "than 15 digits of a whole number"),
    ([(str(i), repr(10 ** (i % 141 / 10 - 12))) for i in range(282)],
     "sizes from 1e-12 to 1e[+]02, of which 30% .* by more than 1%: give their logarithms"),
    ([(str(i), repr(1.6e-19 * (i + 9))) for i in range(150)], "of which 100% .* another unit"),
    ([(str(i), f"{i + 1}e-320") for i in range(150)], "of which 100% .* another unit"),
    ([(str(i), "inf" if i == 7 else str(i)) for i in range(300)], "but not 'inf'"),
    ([(str(i), "1_0" if i == 7 else str(i)) for i in range(300)], "but not '1_0'")])
def test_a_table_that_cannot_be_learned_from_is_refused(rows, says):
    with pytest.raises(DataError, match=says):
        Columns.of(Table(("a", "b"), rows))


def test_numbers_of_many_sizes_zeros_and_few_digits_are_learned_from():
    x = RNG(0).normal(size=(5, 400))
    for values in (np.exp(2 * x[0]), np.where(x[1] > 0, x[2], 0), 1e-6 * x[3], 1e20 * x[4].round(2),
                   1.7e12 + (1e9 * x[0]).round()):
        column, = Columns.of(Table(("x",), [(repr(float(v)),) for v in values])).columns
        assert isinstance(column, Number)


def test_whatever_is_in_a_cell_is_read_as_it_was_written(tmp_path):
    for cell in ('a"b', '"', ",", "a\nb", "a\rb", "a\r\nb", "東", "", ";", "'"):
        for table in (Table(("n", f"m{cell}"), [("1", cell), (cell, "2")]),
                      Table(("n",), [(cell,)])):
            write_table(tmp_path / "t.csv", table)
            assert read_table(tmp_path / "t.csv") == table


def test_a_written_table_is_read_as_it_was(tmp_path):
    table = people(20)
    write_table(tmp_path / "t.csv", table)
    assert read_table(tmp_path / "t.csv") == table
    (tmp_path / "t.csv").write_bytes(b'\xef\xbb\xbfname, x\r\n\r\n "a,b", 1 \r\n')
    assert read_table(str(tmp_path / "t.csv")) == (("name", "x"), [("a,b", "1")])


@pytest.mark.parametrize("content, says", [
    (b"", "is empty"), (b"a,b\n1,2\n3\n", "row 3: 1 cell, and the first row names 2 columns"),
    (b"a,b,a\n1,2,3\n", "columns 1 and 3 are both named 'a'"),
    (b"a,,b\n1,2,3\n", "column 2 has no name"), (b"1.5,2\n3,4\n", "to be the columns' names"),
    (b"a;b\n1,5;2\n", "separated by semicolons"), (b"a\tb\n1\t2\n", "separated by tabs"),
    ("größe\n1\n".encode("latin-1"), "no text in UTF-8, from byte 2 on: save it as such"),
    ("a,b\n1,2\n".encode("utf-16"), "no text in UTF-8"), (b'a,b\n1,2\n3,"4\n5,6\n7,8',
                                                  "row 3: unexpected end .* a cell that begins wi"),
    (b'a,b\n"1"2,3\n', "row 2: ',' expected after"), (b"a\n1,2\n", "2 cells, .* names 1 column$"),
    (b"sep=,\na,b\n1,2\n", "Excel's note 'sep=': delete that row"),
    (b"sep=;\na;b\n1;2\n", "Excel's note 'sep=;'"),
    (b"a|b\n1|2\n", "separated by vertical bars")])
def test_a_file_that_is_no_table_is_refused_with_the_reason(tmp_path, content, says):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(DataError, match=says):
        read_table(tmp_path / "t.csv")
